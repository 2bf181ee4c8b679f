"""The status of an Okta plugin in Teleport, as a value (`docs/reference/teleport.md` 4.14, PluginStatusV1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum

Moment = datetime | None


class StatusCode(IntEnum):
    """The plugin's state in Teleport's tools; the numbers are those of PluginStatusCode."""

    UNKNOWN = 0
    RUNNING = 1
    OTHER_ERROR = 2
    UNAUTHORIZED = 3
    CONFIG_ERROR = 20


class SyncCode(IntEnum):
    """The result of the last attempt of one part; the numbers are those of OktaPluginSyncStatusCode."""

    UNSPECIFIED = 0
    SUCCESS = 1
    ERROR = 2


@dataclass(frozen=True, slots=True)
class SsoStatus:
    """The SAML app, and the roles that its connector gives to the group Everyone."""

    enabled: bool = False
    app_id: str = ""
    app_name: str = ""
    everyone_roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One part of the sync. `code` is that of its last attempt; times are in UTC."""

    enabled: bool = False
    code: SyncCode = SyncCode.UNSPECIFIED
    last_successful: Moment = None
    last_failed: Moment = None
    error: str = ""

    @property
    def without_times(self) -> PartStatus:
        """The same without the moments, which change with every pass."""
        return replace(self, last_successful=None, last_failed=None)


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """The whole status: a report replaces the one before, so that nothing may be left out.

    Counts are of what is in Teleport now. `raw_error` is the error as the other system worded it.
    """

    code: StatusCode = StatusCode.UNKNOWN
    error: str = ""
    raw_error: str = ""
    last_sync: Moment = None
    sso: SsoStatus = field(default_factory=SsoStatus)
    users: PartStatus = field(default_factory=PartStatus)
    users_synced: int = 0
    apps_and_groups: PartStatus = field(default_factory=PartStatus)
    apps_synced: int = 0
    groups_synced: int = 0
    access_lists: PartStatus = field(default_factory=PartStatus)
    listed_apps: int = 0
    listed_groups: int = 0
    app_filters: tuple[str, ...] = ()
    group_filters: tuple[str, ...] = ()
    scim: bool = False
    log_export: PartStatus = field(default_factory=PartStatus)

    @property
    def without_times(self) -> PluginStatus:
        """The same without the moments: what is worth a report as soon as it changes."""
        return replace(
            self,
            last_sync=None,
            users=self.users.without_times,
            apps_and_groups=self.apps_and_groups.without_times,
            access_lists=self.access_lists.without_times,
            log_export=self.log_export.without_times,
        )
