"""Renewing our app servers: each expires after an hour, and is written again about 20 minutes after the last time.

So the apps of a sidecar that died disappear within the hour, and an outage of less than 40 minutes loses none. A
renewal changes nothing, so it is no change of a plan and has no record. It continues while a pass reads, which may take
longer than an hour.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.apply.calls import APP_SERVER_LIFE
from teleport_okta.model import labels
from teleport_okta.plan.changes import APP_SERVER, key_of
from teleport_okta.teleport.lease import StandbyError
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.model.access import TeleportAppServer
    from teleport_okta.sync.full_pass import FullPass
    from teleport_okta.teleport.cluster import Teleport

LEAST_LEFT: Final = timedelta(minutes=41)
"""An app server with less of its life left is renewed: an outage that begins now leaves it 40 minutes."""

JITTER: Final = timedelta(minutes=2)
"""Each renewal comes earlier by a random time up to this, so that not all come at once."""

_LONGEST_PAUSE: Final = timedelta(minutes=5)
_SHORTEST_PAUSE: Final = timedelta(seconds=30)
"""Pauses between two looks. Both are far below `LEAST_LEFT`, so a look that fails can be repeated in time."""

_log = logging.getLogger(__name__)


class AppServerRenewer:
    """Renews the app servers of our own host, while this process is the writer."""

    def __init__(self, full_pass: FullPass, teleport: Teleport, *, clock: Clock, rng: random.Random) -> None:
        self._pass = full_pass
        self._teleport = teleport
        self._clock = clock
        self._rng = rng

    async def keep(self) -> None:
        """Renew until cancelled. Of several failures in a row, the first and the end are logged."""
        is_failing = False
        while True:
            pause = _LONGEST_PAUSE
            try:
                pause = await self.look()
            except TeleportError as error:
                level = logging.DEBUG if is_failing else logging.WARNING
                _log.log(level, "the app servers could not be renewed; retrying: %s", error)
                is_failing, pause = True, _SHORTEST_PAUSE
            else:
                if is_failing:
                    _log.info("the app servers can be renewed again")
                is_failing = False
            await self._clock.sleep(pause.total_seconds())

    async def look(self) -> timedelta:
        """Renew the app servers that are due; return the time to wait before the next look. Raises TeleportError."""
        owner = self._pass.owner
        if not owner or not self._pass.imports_apps or not await self._is_writer(owner):
            return _SHORTEST_PAUSE
        # Two clocks: expiry is in time of day, and the order of facts in monotonic time.
        listed_at, asked_at = self._clock.now(), self._pass.keys.time()
        host_id = self._teleport.app_servers.host_id
        pause = _LONGEST_PAUSE
        for server in await self._teleport.app_servers.list():
            if server.host_id != host_id or labels.owner_of(server.labels) != owner or server.expires is None:
                continue
            left = server.expires - listed_at
            due = LEAST_LEFT + JITTER * self._rng.random()
            if left <= due:
                await self._renew(server, self._pass.keys, asked_at=asked_at)
            else:
                pause = min(pause, left - due)
        return max(pause, _SHORTEST_PAUSE)

    async def _is_writer(self, owner: str) -> bool:
        """Whether this process is the writer for an owner.

        A lease that expired in an outage is obtained again at once, because the next pass may be too far away. If
        another process had it meanwhile, only a pass obtains it again, because it must read what that process wrote.
        """
        if self._teleport.lease is None or self._teleport.lease.is_ousted:
            return self._teleport.is_writer
        try:
            await self._teleport.lease.obtain(owner)
        except StandbyError:
            return False
        return True

    async def _renew(self, server: TeleportAppServer, keys: Keys, *, asked_at: datetime) -> None:
        """Renew an app server as it was listed, unless it was written or deleted since."""
        key = key_of(APP_SERVER, server.name)
        async with keys.hold(key):
            # Otherwise the listed content is older than what was written, or the app server was deleted.
            if keys.newest(key) < asked_at:
                await self._teleport.app_servers.renew(server, self._clock.now() + APP_SERVER_LIFE)
