"""The bot's identity file, which tbot rewrites in place every 20 minutes (`docs/reference/teleport.md` 2.6).

A reader may find the file empty or half written. The content is compared, not the mtime: a Kubernetes Secret changes by
a swap of symlinks, and the mtime may stay the same. A file that is incomplete, not valid or of another user is not
used; the previous identity stays in use.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from teleport_okta.teleport.identity import parse_identity, read_identity_file
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from teleport_okta.clock import Clock
    from teleport_okta.teleport.cluster import Teleport

RETRY_AFTER: Final = 2.0
"""Seconds after which a file that could not be used is read again."""

_NOT_RENEWED: Final = "it expires soon and has not been renewed; check that tbot runs and writes this file"

_log = logging.getLogger(__name__)


class BotRenewer:
    """Reads one identity file from time to time, and switches to its identity if another one is in use."""

    def __init__(self, teleport: Teleport, path: Path, *, interval: timedelta, clock: Clock) -> None:
        self._teleport = teleport
        self._path = path
        self._interval = interval.total_seconds()
        self._clock = clock

    async def keep(self) -> None:
        """Read the file until cancelled. A file that cannot be used is logged once, and shown in `status`."""
        while True:
            used = await self.look()
            await self._clock.sleep(self._interval if used else min(self._interval, RETRY_AFTER))

    async def look(self) -> bool:
        """Switch to the file's identity if another one is in use; return whether it is in use now."""
        try:
            content = await asyncio.to_thread(read_identity_file, self._path)
            identity = parse_identity(content, source=str(self._path))
            if not self._teleport.is_bot_in_use(identity):
                identity.check(self._clock.now())
                await self._teleport.take_bot(identity)
                _log.info("the bot's identity was renewed, valid until %s", identity.not_after.isoformat())
        except TeleportError as error:
            self._note(str(error))
            return False
        self._note(_NOT_RENEWED if identity.expires_soon(self._clock.now()) else "")
        return True

    def _note(self, problem: str) -> None:
        if self._teleport.note_problem("bot", problem, source=str(self._path)):
            _log.warning("the bot's identity: %s", problem)
