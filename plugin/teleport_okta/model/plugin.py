"""The `plugin` resource, by which an Okta integration is managed from Teleport (`docs/reference/teleport.md` 4.14).

Its status is in `model/plugin_status.py`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTED: Final = "teleport.dev/hosted-plugin"
"""The label of a plugin that Teleport's own runner runs."""

SOURCE_APP: Final = "saml_app"
SOURCE_ORGANIZATION: Final = "org"
SOURCE_UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class OktaPluginSettings:
    """The settings in the resource, as positive values: the resource itself has some of them as `disable_…`.

    `source` is the source of people: `saml_app`, `org`, or `unknown` if it is not set. `write_back`: Teleport's
    decisions are to be written back to Okta. `log_export`: Okta's log is to be copied into Teleport's audit log.
    """

    org_url: str
    connector: str = ""
    sync_users: bool = False
    source: str = SOURCE_UNKNOWN
    app_id: str = ""
    app_name: str = ""
    sync_apps_and_groups: bool = True
    sync_access_lists: bool = False
    default_owners: tuple[str, ...] = ()
    group_filters: tuple[str, ...] = ()
    app_filters: tuple[str, ...] = ()
    write_back: bool = False
    log_export: bool = False
    assign_default_roles: bool = True

    @property
    def digest(self) -> str:
        """The SHA-256 of the settings, hexadecimal: it changes if an administrator changes a setting.

        The resource's own revision changes with every report of status (`docs/reference/teleport-observed.md` 1.5).
        """
        return hashlib.sha256(self.as_json().encode()).hexdigest()

    def as_json(self) -> str:
        """Return the settings as one line of JSON, the same for the same settings."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> OktaPluginSettings:
        """Read the output of `as_json`; unknown keys of a later version are ignored. Raises ValueError."""
        return _STORED.validate_json(text)


_STORED: Final = TypeAdapter(OktaPluginSettings)


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin resource. `okta` is None for a plugin of another type."""

    name: str
    okta: OktaPluginSettings | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_hosted(self) -> bool:
        """Whether Teleport's own runner runs it."""
        return self.labels.get(HOSTED) == "true"
