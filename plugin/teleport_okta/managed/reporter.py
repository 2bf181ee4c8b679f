"""Writes the whole status of the plugin resource after a change, and not more often than necessary."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.plugin_status import PluginStatus
    from teleport_okta.teleport.plugins import Plugins

CHANGED_AFTER: Final = timedelta(seconds=10)
"""The least time between two reports. An administrator's edit fails if a report comes while it is open."""

TIMES_AFTER: Final = timedelta(minutes=5)
"""The least time between two reports that differ only in their times."""

_log = logging.getLogger(__name__)


class Reporter:
    """Writes the status of one plugin."""

    def __init__(self, plugins: Plugins, clock: Clock) -> None:
        self._plugins = plugins
        self._clock = clock
        self._name = ""
        self._reported: PluginStatus | None = None
        self._tried_at: datetime | None = None
        self.problem = ""
        """Why the last report failed; empty if it did not."""

    async def report(self, name: str, status: PluginStatus) -> bool:
        """Write a status if it is due, and return whether it was written. A failed report is tried again."""
        if name != self._name:
            self._name, self._reported, self._tried_at = name, None, None
        if not self._is_due(status):
            return False
        self._tried_at = self._clock.now()
        try:
            await self._plugins.report(name, status)
        except TeleportError as error:
            if str(error) != self.problem:
                _log.warning("the status of plugin %r could not be written; this is tried again: %s", name, error)
            self.problem = str(error)
            return False
        self.problem, self._reported = "", status
        return True

    def forget(self) -> None:
        """Write the next status in any case: the resource was deleted, or is another one."""
        self._name = ""

    def _is_due(self, status: PluginStatus) -> bool:
        if status == self._reported:
            return False
        if self._tried_at is None:
            return True
        is_changed = self._reported is None or status.without_times != self._reported.without_times
        return self._clock.now() - self._tried_at >= (CHANGED_AFTER if is_changed else TIMES_AFTER)
