"""Reads the settings again while the service runs, on SIGHUP or for a command, and reopens the log.

The sync is built again with the new settings. The parts of the process (the connection to the cluster, the data
directory, listeners, the name of a plugin) keep their settings until a restart.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.clock import SystemClock
from teleport_okta.config import differing, digests_of
from teleport_okta.errors import ConfigError
from teleport_okta.observe.systemd import ServiceManager
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RELOADED: Final = frozenset({"okta", "sync", "apps", "access_lists", "brake", "log"})
"""The sections that a running service takes over."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The keys that changed and apply now, and those that are `waiting` for a restart."""

    changed: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()


def merged(present: Settings, new: Settings) -> tuple[Settings, Reloaded]:
    """Return the settings that apply after `new` ones were read, and the changes. Raises ConfigError.

    Sections that need a restart stay as they are. If the mixture is not valid, that is an error.
    """
    kept = {name: getattr(present, name) for name in Settings.model_fields if name not in RELOADED}
    mixed = new.model_copy(update=kept)
    waiting = differing(digests_of(mixed), digests_of(new))
    if waiting:
        try:
            Settings.model_validate(mixed.model_dump(exclude_unset=True))
        except ValueError as error:
            what = f"the settings need a restart: {', '.join(waiting)} cannot be taken over while the service runs"
            raise ConfigError(what, remedy="restart the service") from error
    return mixed, Reloaded(differing(digests_of(present), digests_of(mixed)), waiting)


class Reloader:
    """Reads the settings of a running service again.

    `read` returns those of its file, `open_log` reopens the log, `systemd` is notified of each reload.
    """

    def __init__(
        self,
        present: Settings,
        read: Callable[[], Settings],
        open_log: Callable[[Settings], None],
        systemd: ServiceManager | None = None,
    ) -> None:
        self._present = present
        self._read = read
        self._open_log = open_log
        self._systemd = systemd or ServiceManager({})
        self._takers: tuple[Callable[[Settings], None], ...] = ()
        self._is_asked = False
        self._one_at_a_time = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def attach(self, *takers: Callable[[Settings], None]) -> None:
        """Pass new settings to `takers` from now on; a reload that was requested before is done now."""
        self._takers = takers
        if self._is_asked:
            self.hang_up()

    def returned_to(self, settings: Settings) -> None:
        """Note that earlier settings apply again, because the new ones did not work."""
        self._present = settings

    async def reload(self) -> Reloaded:
        """Read the settings again and reopen the log. Raises ConfigError, and then nothing has changed."""
        async with self._one_at_a_time:
            with self._systemd.reload():
                outcome = await self._take_over()
        _log.info("the settings were read again; changed: %s", ", ".join(outcome.changed) or "none")
        if outcome.waiting:
            _log.warning("these settings need a restart of the service: %s", ", ".join(outcome.waiting))
        return outcome

    async def _take_over(self) -> Reloaded:
        new = await asyncio.to_thread(self._read)
        mixed, outcome = merged(self._present, new)
        # Refuse a credential that cannot be read before anything stops.
        client_of(mixed.okta, clock=SystemClock(), rng=random.SystemRandom(), apps_and_groups=False)
        self._open_log(mixed)
        self._present = mixed
        if any(not key.startswith("log.") for key in outcome.changed):
            for take in self._takers:
                take(mixed)
        return outcome

    @contextmanager
    def on_hangup(self) -> Iterator[None]:
        """Reload on SIGHUP, until the block ends."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, self.hang_up)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            for task in self._tasks:
                task.cancel()

    def hang_up(self) -> None:
        """Reload in a task; until the service is connected, only reopen the log."""
        if not self._takers:
            self._is_asked = True
            self._reopen()
            return
        self._is_asked = False
        task = asyncio.ensure_future(self._reload())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload(self) -> None:
        try:
            await self.reload()
        except ConfigError as error:
            self._reopen()
            _log.error("the settings stay as they are: the file cannot be used: %s", error)
        except Exception:  # noqa: BLE001 - the root of a task: the sync must continue after any error of a reload
            _log.exception("reading the settings again failed with an unexpected error; they stay as they are")

    def _reopen(self) -> None:
        try:
            self._open_log(self._present)
        except ConfigError as error:
            _log.error("the log stays where it is: %s", error)
