"""Counts failures of authentication by address, and blocks an address that tries out tokens."""

from __future__ import annotations

import ipaddress
import logging
import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.clock import Clock

_MOST_FAILURES: Final = 10
_WINDOW: Final = 60.0
"""Seconds; this many failures within them block an address."""

_BLOCKED: Final = 60.0
"""Seconds for which an address is blocked."""

_MOST_ADDRESSES: Final = 10_000
_SITE: Final = 64
"""Bits of an IPv6 address that identify a site: a client can use all addresses of its site."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Failures:
    """The number of failures since a time, and when a block ends; both by the monotonic clock."""

    since: float
    count: int = 0
    blocked_until: float = 0.0


class FailureGuard:
    """Blocks an address for a minute after 10 failures within a minute; it keeps the latest 10,000 addresses."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_site: OrderedDict[str, _Failures] = OrderedDict()

    def blocked_for(self, address: str) -> int:
        """Return for how many more seconds an address is blocked; 0 if it is not."""
        found = self._by_site.get(_site(address))
        return 0 if found is None else max(0, math.ceil(found.blocked_until - self._clock.monotonic()))

    def note_failure(self, address: str) -> None:
        """Count a failure."""
        now = self._clock.monotonic()
        site = _site(address)
        found = self._by_site.get(site)
        if found is None or now - found.since >= _WINDOW:
            found = self._by_site[site] = _Failures(now)
        self._by_site.move_to_end(site)
        found.count += 1
        if found.count >= _MOST_FAILURES and found.blocked_until <= now:
            found.blocked_until = now + _BLOCKED
            found.since, found.count = now, 0
            _log.warning(
                "SCIM: %d requests from %s had no valid token; requests without one are refused for %d s",
                _MOST_FAILURES,
                site,
                _BLOCKED,
            )
        while len(self._by_site) > _MOST_ADDRESSES:
            self._by_site.popitem(last=False)


def _site(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _SITE), strict=False))
