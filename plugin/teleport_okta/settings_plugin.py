"""What can be set of the management from Teleport."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from teleport_okta.settings_parts import Duration, Section


class PluginSettings(Section):
    """Whether the integration is managed from Teleport, by a `plugin` resource there."""

    name: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]*$",
        max_length=200,
        description="Name of the plugin resource whose settings hold (Teleport's tools expect okta). Then app_id, "
        "source, connector, apps_and_groups and the section access_lists are not set here. Unset: this file holds.",
    )
    interval: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="Time between two looks at the plugin resource.",
    )
