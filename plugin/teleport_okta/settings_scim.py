"""The settings of the SCIM endpoint."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from teleport_okta.settings_parts import HIGHEST_PORT, HOST_AND_PORT, Duration, FilePath, Secret, Section


class ScimSettings(Section):
    """The SCIM endpoint, where Okta or another SCIM client provisions users and pushes groups."""

    listen: str | None = Field(
        default=None,
        description="Address of the SCIM endpoint, host:port. Unset: no endpoint.",
        pattern=HOST_AND_PORT,
    )
    public_url: str | None = Field(
        default=None,
        description="The base URL that clients use. It must lead to /scim/v2 or /v1/webapi/scim/<plugin_name> at this "
        "endpoint, and is part of the addresses of resources. Okta refuses a URL with an underscore.",
    )
    certificate: FilePath | None = Field(
        default=None,
        description="PEM file of the certificate for HTTPS, followed by its chain. Read again when it changes.",
    )
    key: FilePath | None = Field(default=None, description="PEM file of its private key, not encrypted.")
    behind_proxy: bool = Field(
        default=False,
        description="Whether a proxy in front of this address terminates TLS. Without a certificate and this, the "
        "endpoint listens only at a loopback address.",
    )
    trusted_proxies: tuple[str, ...] = Field(
        default=(),
        description="Addresses or networks (CIDR) of proxies whose X-Forwarded-For header is trusted. Failed "
        "authentications are counted by the client's address.",
    )
    plugin_name: str = Field(
        default="okta",
        pattern=r"^[0-9A-Za-z.-]+$",
        description="Name of the plugin in /v1/webapi/scim/<plugin_name>, the path of Teleport's own endpoint.",
    )
    token_hash: Secret | None = Field(
        default=None,
        description="Bcrypt hash of a token that is accepted in addition to those of `teleport-okta scim-token`: the "
        "hash itself, or the absolute path of a file that contains it.",
    )
    max_body: int = Field(
        default=2 * 1024 * 1024,
        ge=64 * 1024,
        le=64 * 1024 * 1024,
        description="Maximum size of a request's body in bytes. A member of a group takes about 100.",
    )
    deadline: Duration = Field(
        default=timedelta(seconds=45),
        ge=timedelta(seconds=1),
        le=timedelta(seconds=55),
        description="Time after which a request is answered with 429, so that the client sends it again later. Okta "
        "itself gives up after 60 s.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies_are_addresses(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for number, proxy in enumerate(proxies, start=1):
            try:
                ipaddress.ip_network(proxy, strict=False)
            except ValueError:
                msg = f"number {number} is not an IP address, nor a network like 10.0.0.0/8"
                raise ValueError(msg) from None
        return proxies

    @field_validator("public_url")
    @classmethod
    def _public_url_can_be_used(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
            _ = parts.port
        except ValueError:
            msg = "this is not a URL like https://scim.example.com/scim/v2"
            raise ValueError(msg) from None
        if not host or parts.scheme not in {"https", "http"}:
            msg = "this is not a URL like https://scim.example.com/scim/v2"
            raise ValueError(msg)
        if parts.scheme == "http" and not _is_loopback(host):
            msg = "tokens must not be sent in clear text: begin the URL with https://"
            raise ValueError(msg)
        if "_" in url:
            msg = "Okta refuses a base URL with an underscore: choose a host and a path without one"
            raise ValueError(msg)
        if parts.query or parts.fragment or parts.username is not None:
            msg = "a base URL has no user name, no query and no fragment"
            raise ValueError(msg)
        return url.rstrip("/")

    @model_validator(mode="after")
    def _tokens_are_protected(self) -> ScimSettings:
        if (self.certificate is None) != (self.key is None):
            given, missing = ("certificate", "key") if self.key is None else ("key", "certificate")
            msg = f"{given} is set but {missing} is not: HTTPS needs both"
            raise ValueError(msg)
        if self.listen is None:
            return self
        host, _, port = self.listen.rpartition(":")
        if int(port) > HIGHEST_PORT:
            msg = f"listen: {self.listen!r} has no port up to {HIGHEST_PORT}"
            raise ValueError(msg)
        if self.certificate is None and not self.behind_proxy and not _is_loopback(host.strip("[]")):
            msg = (
                f"listen: tokens would be sent to {self.listen} in clear text: set certificate and key, "
                "or behind_proxy if a proxy in front of it terminates TLS"
            )
            raise ValueError(msg)
        if self.public_url is None:
            msg = "listen is set but public_url is not: give the base URL that clients use"
            raise ValueError(msg)
        return self


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
