"""The settings of the management from Teleport."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from teleport_okta.settings_parts import Duration, Section


class PluginSettings(Section):
    """Management from Teleport, by a `plugin` resource."""

    name: str | None = Field(
        default=None,
        pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]*$",
        max_length=200,
        description="Name of the plugin resource that sets app_id, source, connector, apps_and_groups and the section "
        "access_lists instead of this file (Teleport's tools expect okta). Unset: only this file counts.",
    )
    interval: Duration = Field(
        default=timedelta(seconds=15),
        ge=timedelta(seconds=1),
        le=timedelta(hours=1),
        description="Time between two reads of the plugin resource.",
    )
