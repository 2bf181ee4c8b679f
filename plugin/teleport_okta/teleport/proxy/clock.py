"""The proxy's time of day, by the `Date` header of its answers, in whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta.teleport.proxy.web import DEADLINE, web_context, web_error, web_session

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.clock import Clock

_PATH: Final = "/webapi/find"
_HALF_A_SECOND: Final = 0.5


async def proxy_skew(address: str, extra_ca: Path | None, clock: Clock) -> float | None:
    """Return the proxy's time minus ours, in seconds, to about half a second; None if it sends no date.

    Raises a subclass of ProxyError.
    """
    async with web_session(web_context(address, extra_ca)) as session:
        began = clock.now()
        try:
            async with session.get(
                f"https://{address}{_PATH}", timeout=aiohttp.ClientTimeout(total=DEADLINE), allow_redirects=False
            ) as answer:
                date = _date(answer.headers.get("Date", ""))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise web_error(address, error, DEADLINE) from error
        middle = began + (clock.now() - began) / 2
    return None if date is None else (date - middle).total_seconds() + _HALF_A_SECOND


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
