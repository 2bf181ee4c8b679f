"""One key at a time, and the newest facts of each."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from teleport_okta.apply.keys import Keys
from teleport_okta.clock import VirtualClock
from teleport_okta.observe.waits import waits
from worlds import NOW

LATER = NOW + timedelta(seconds=1)


async def test_a_key_has_one_holder_at_a_time_in_the_order_of_asking():
    keys, order = Keys(VirtualClock(NOW)), []

    async def use(number):
        async with keys.hold("a"):
            order.append(f"{number} in")
            await asyncio.sleep(0)
            order.append(f"{number} out")

    await asyncio.gather(*map(use, range(3)))
    assert order == ["0 in", "0 out", "1 in", "1 out", "2 in", "2 out"]


async def test_another_key_waits_for_nobody():
    keys = Keys(VirtualClock(NOW))
    async with keys.hold("a"), keys.hold("b"):
        pass


async def test_a_key_that_nobody_holds_or_wants_is_forgotten():
    keys = Keys(VirtualClock(NOW))
    async with keys.hold("a"):
        waiting = asyncio.ensure_future(_hold(keys, "a"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
    assert not keys._turns


async def test_who_waits_for_a_key_says_so_and_has_it_afterwards():
    keys = Keys(VirtualClock(NOW))
    async with keys.hold("a"):
        assert waits() == ()
        waiting = asyncio.ensure_future(_hold(keys, "a"))
        await asyncio.sleep(0)
        assert waits() == ("other work on a",)
    await waiting
    assert waits() == ()


async def _hold(keys, key):
    async with keys.hold(key):
        pass


def test_the_newest_facts_of_a_key_are_its_own_or_those_of_all():
    keys = Keys(VirtualClock(NOW))
    keys.learned("a", LATER)
    keys.learned_all(NOW)
    assert (keys.newest("a"), keys.newest("b")) == (LATER, NOW)
    keys.learned("a", NOW)
    assert keys.newest("a") == LATER


def test_a_complete_reading_makes_older_notes_needless():
    keys = Keys(VirtualClock(NOW))
    keys.learned("a", NOW)
    keys.learned_all(LATER)
    assert keys.newest("a") == LATER
    assert not keys._newest
