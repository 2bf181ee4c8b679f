"""Failures of authentication, counted by the address that they come from, so that tokens cannot be tried out."""

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
"""Seconds in which so many failures block an address."""

_BLOCKED: Final = 60.0
"""Seconds for which it is blocked then."""

_MOST_ADDRESSES: Final = 10_000
_SITE: Final = 64
"""Bits of an IPv6 address that a site is given: whoever has one has all addresses behind it."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Failures:
    """How many failures there were since a moment, and until when the address is blocked; by the stopwatch."""

    since: float
    count: int = 0
    blocked_until: float = 0.0


class FailureGuard:
    """Blocks an address for a minute after 10 failures within a minute; the longest unused of 10 000 is forgotten."""

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
                "SCIM: %d requests from %s had no good token; others are refused for %d s",
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
