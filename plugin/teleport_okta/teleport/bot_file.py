"""The bot's identity file, which tbot rewrites in place every 20 minutes (`docs/reference/teleport.md` 2.6).

A reader may find it empty, or half. Its content is looked at, since a Kubernetes Secret changes by a swap of symlinks
and an mtime can stand still. What is not whole, not valid or of somebody else is not taken; the one before serves on.
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
    """Follows one identity file: whenever what is in it is not in use, it is tried."""

    def __init__(self, teleport: Teleport, path: Path, *, interval: timedelta, clock: Clock) -> None:
        self._teleport = teleport
        self._path = path
        self._interval = interval.total_seconds()
        self._clock = clock

    async def keep(self) -> None:
        """Look again and again, until cancelled. What cannot be used is logged once, and shown in `status`."""
        while True:
            used = await self.look()
            await self._clock.sleep(self._interval if used else min(self._interval, RETRY_AFTER))

    async def look(self) -> bool:
        """Take the file's identity if another one is in use; return whether it is in use now."""
        try:
            content = await asyncio.to_thread(read_identity_file, self._path)
            identity = parse_identity(content, source=str(self._path))
            if not self._teleport.is_bot_in_use(identity):
                identity.check(self._clock.now())
                await self._teleport.take_bot(identity)
                _log.info("the bot's identity was read anew, valid until %s", identity.not_after.isoformat())
        except TeleportError as error:
            self._note(str(error))
            return False
        self._note(_NOT_RENEWED if identity.expires_soon(self._clock.now()) else "")
        return True

    def _note(self, problem: str) -> None:
        if self._teleport.note_problem("bot", problem, source=str(self._path)):
            _log.warning("the bot's identity: %s", problem)
