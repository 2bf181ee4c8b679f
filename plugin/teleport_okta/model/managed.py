"""Which settings are in force, as `status` shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Managed:
    """The settings in force: `source` is `configuration`, or `plugin` with the name of the resource.

    `reason` is why nothing runs, or why earlier settings are still in force. `digest` is that of the plugin's settings.
    `warnings` are about settings of the plugin that we do not support; `report` is why its status could not be written.
    """

    source: str
    plugin: str = ""
    is_running: bool = True
    reason: str = ""
    digest: str = ""
    warnings: tuple[str, ...] = ()
    report: str = ""
