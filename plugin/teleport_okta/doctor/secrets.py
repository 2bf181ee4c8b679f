"""Every secret that the configuration and the environment hold, so that no finding repeats one."""

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
"""Characters; what is shorter would blot out ordinary words."""

_PROXY_VARIABLES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")


def secrets_of(settings: Settings, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return them, the longest first; what cannot be read is none."""
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
    """The password of a proxy's URL as it is written, and as it is meant."""
    written = url.rpartition("@")[0].rpartition(":")[2].removeprefix("//")
    if written:
        yield written
        with suppress(ValueError):
            yield URL(url if "://" in url else f"http://{url}").password or ""
