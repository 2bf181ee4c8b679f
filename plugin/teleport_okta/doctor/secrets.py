"""Every secret of the configuration and the environment, so that no finding repeats one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from yarl import URL

from teleport_okta.config import read_secret
from teleport_okta.errors import ConfigError
from teleport_okta.teleport.pod_token import PodTokenError, read_pod_token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.settings import Settings

_SHORTEST: Final = 6
"""Characters. Redacting shorter ones would hide ordinary words."""

_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")


def secrets_of(settings: Settings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets that can be read, the longest first: one may be a part of another."""
    found = {secret for secret in _all(settings, environment) if len(secret) >= _SHORTEST}
    return tuple(sorted(found, key=len, reverse=True))


def _all(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    given = {"okta.api_token": settings.okta.api_token, "scim.token_hash": settings.scim.token_hash}
    if settings.teleport.join_method == "token":
        given["teleport.join_token"] = settings.teleport.join_token
    for key, value in given.items():
        if value is not None:
            with suppress(ConfigError):
                yield read_secret(value, key=key)
    if settings.teleport.join_method == "kubernetes":
        with suppress(PodTokenError):
            yield read_pod_token(environment)
    for variable in _PROXY_VARIABLES:
        yield from _password(environment.get(variable, ""))


def _password(url: str) -> Iterator[str]:
    """Yield the password of a proxy's URL, percent-encoded as it is written, and decoded."""
    written = url.rpartition("@")[0].rpartition(":")[2].removeprefix("//")
    if written:
        yield written
        with suppress(ValueError):
            yield URL(url if "://" in url else f"http://{url}").password or ""
