"""Whose settings hold, as `status` shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Managed:
    """Whose settings hold: `source` is `configuration`, or `plugin` with the name of the resource.

    `reason` says why nothing runs, or why what holds is from before. `digest` is that of the plugin's settings.
    `warnings` say what the plugin asks for and nothing fulfils, `report` why its status could not be written.
    """

    source: str
    plugin: str = ""
    is_running: bool = True
    reason: str = ""
    digest: str = ""
    warnings: tuple[str, ...] = ()
    report: str = ""
