"""The settings on the Provisioning tab of an app."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path


class Style(StrEnum):
    """The style of an app's requests. It depends on the origin of the app, and cannot be changed."""

    CUSTOM = "custom"
    """A custom app: PUT for all changes of users and groups."""

    CATALOG = "catalog"
    """An app of Okta's catalogue: PUT for profiles, PATCH for statuses, passwords and groups."""


class Feature(StrEnum):
    """The features of provisioning, which are switched on one by one."""

    CREATE = "create"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    PUSH_GROUPS = "push_groups"


FEATURE_NAMES = {
    Feature.CREATE: "PUSH_NEW_USERS",
    Feature.UPDATE: "PUSH_PROFILE_UPDATES",
    Feature.DEACTIVATE: "PUSH_USER_DEACTIVATION",
    Feature.PUSH_GROUPS: "GROUP_PUSH",
}
"""The names of the features in ``features`` of an app (`docs/reference/okta.md` 3.3)."""


@dataclass(frozen=True, slots=True)
class ProvisioningSettings:
    """The provisioning of one app.

    Raises ``ValueError`` for a base URL that Okta refuses: one with an underscore, or without TLS. A loopback address
    may be plain HTTP here.
    """

    base_url: str
    """The URL of the SCIM server, without ``/Users``."""

    authorization: str = field(repr=False)
    """The value of the ``Authorization`` header, sent unchanged."""

    style: Style = Style.CUSTOM
    features: frozenset[Feature] = frozenset(Feature)
    password_sync: bool = False
    posts_again: bool = False
    """Whether a person who comes back from deactivation is created again, without a lookup, as Okta was seen to do."""

    ca_file: Path | None = None
    """The CA certificates (PEM) to trust instead of the machine's."""

    def __post_init__(self) -> None:
        url = urlsplit(self.base_url)
        if url.scheme not in {"http", "https"} or not url.hostname or url.query or url.fragment:
            raise ValueError(f"base_url must be an http(s) URL without query: {self.base_url}")
        if "_" in self.base_url:
            raise ValueError(f"base_url must not contain an underscore: {self.base_url}")
        if url.scheme == "http" and not _is_loopback(url.hostname):
            raise ValueError(f"base_url must be https, except on a loopback address: {self.base_url}")

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The features as an app lists them."""
        return tuple(name for feature, name in FEATURE_NAMES.items() if feature in self.features)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
