"""After a minute without a line the log shows the current waits; nothing is logged if there are none."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.observe.logs import LineCounter
from teleport_okta.observe.waits import SILENCE, SilenceKeeper, waiting_for, waits

ANY = logging.LogRecord("x", logging.INFO, "", 0, "x", None, None)


class Ticks(VirtualClock):
    """A clock that stops after some waits, and does something at each."""

    def __init__(self, ticks, at_each=lambda: None):
        super().__init__()
        self._left = ticks
        self._at_each = at_each

    async def sleep(self, seconds):
        if not self._left:
            raise asyncio.CancelledError
        self._left -= 1
        self._at_each()
        await super().sleep(seconds)


async def said(caplog, *, ticks=1, at_each=lambda: None, counter=None):
    with caplog.at_level(logging.INFO, logger="teleport_okta"), pytest.raises(asyncio.CancelledError):
        await SilenceKeeper(Ticks(ticks, at_each), counter or LineCounter()).keep()
    return [record.getMessage() for record in caplog.records]


async def test_a_silent_minute_names_the_longest_waits_once_each_and_counts_the_others(caplog):
    with ExitStack() as stack:
        for what in ("the rate limit of apps, for 42 s", "a", "a", "b", "c", "d"):
            stack.enter_context(waiting_for(what))
        assert await said(caplog) == [
            f"nothing was logged for {SILENCE:.0f} s; waiting for the rate limit of apps, for 42 s; a; b and 2 more"
        ]


async def test_nothing_is_logged_without_a_wait(caplog):
    assert await said(caplog, ticks=5) == []


async def test_nothing_is_logged_while_other_lines_are(caplog):
    counter = LineCounter()
    with waiting_for("a"):
        assert await said(caplog, ticks=3, at_each=lambda: counter.filter(ANY), counter=counter) == []


async def test_a_wait_ends_with_its_block_also_by_an_error():
    with pytest.raises(ValueError, match="x"), waiting_for("a"):
        raise ValueError("x")
    assert waits() == ()
