"""Teleport's users, locks and roles, reduced to the fields that we read or own, and facts about the cluster.

A value that was read has its message in `raw`, which is opaque outside `teleport/`: an update changes a copy of that
message, so that fields of newer servers survive (`docs/design.md` 4.10). A value without `raw` is new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class ConnectorRef:
    """The SSO connector of a user: its type (`saml`), its name, and the user's identity there."""

    type: str
    id: str
    identity: str


@dataclass(frozen=True, slots=True)
class TeleportUser:
    """A user. `expires` is the earlier of the record's and the login's expiry; None: stays until deleted."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    traits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    expires: datetime | None = None
    connector: ConnectorRef | None = None
    revision: str = ""
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class TeleportLock:
    """A lock on a user (`user` is None for a lock on something else). `expires` None: in force until deleted."""

    name: str
    user: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    message: str = ""
    expires: datetime | None = None
    raw: bytes | None = field(default=None, repr=False, compare=False)

    def in_force(self, now: datetime) -> bool:
        """Whether the lock is in force at that moment."""
        return self.expires is None or now < self.expires


@dataclass(frozen=True, slots=True)
class RoleAllow:
    """The permissions of one of our roles; all other parts of a role stay in its `raw`.

    Labels map a key to the values that match; `review` are the roles whose requests may be reviewed.
    """

    app_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group_labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    review: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TeleportRole:
    """A role. `allow` is read and written only for our roles; None leaves it unchanged."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    allow: RoleAllow | None = None
    revision: str = ""
    raw: bytes | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of a cluster, or the reason why it is off.

    `denied`: the cluster has it, but we may not use it, so its objects are unknown. `gated`: it is off because calls
    would do damage on a server of this version. `unknown`: it is unknown whether the cluster has it, for this `reason`;
    then it is not `enabled`. `at_first_sight`: it is off, but was not seen off often enough to be sure
    (`teleport/feature_history.py`).
    """

    name: str
    enabled: bool
    reason: str = ""
    denied: bool = False
    gated: bool = False
    unknown: bool = False
    at_first_sight: bool = False


@dataclass(frozen=True, slots=True)
class IdentityState:
    """One of our two identities (`which`: host or bot), with its subject, its expiry, and its problem if there is one.

    `source` is its file; an identity that is missing has no `subject` and no `expires`.
    """

    which: str
    source: str
    subject: str = ""
    expires: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of the auth server, since the first call without an answer; `error` is that of the latest call."""

    since: datetime
    error: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """Facts about the cluster, and its features. `warnings` are about its version.

    `access_list_limit` is the number of access lists that its licence allows; None: any number. `proxy_address` is the
    public address of the proxy, host:port.
    """

    name: str
    version: str
    features: tuple[Feature, ...] = ()
    warnings: tuple[str, ...] = ()
    access_list_limit: int | None = None
    proxy_address: str = ""

    def feature(self, name: str) -> Feature:
        """Return a feature by name; a feature that was never probed is off."""
        for feature in self.features:
            if feature.name == name:
                return feature
        return Feature(name, enabled=False, reason="not probed")

    def has(self, name: str) -> bool:
        """Whether a feature is on."""
        return self.feature(name).enabled

    def may_have(self, name: str) -> bool:
        """Whether a feature is on, or unknown."""
        feature = self.feature(name)
        return feature.enabled or feature.unknown
