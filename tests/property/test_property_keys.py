"""Random histories of people, settled key by key.

Contract: settling everybody by reads by id, in any order, ends where a full pass ends: the next pass does only what a
listing alone shows, which is who is absent. Rows of the state about others stay (`World.settle`).

Space: that of `test_property_faults`, with fine readings, no strikes, and a brake that holds nothing; that test
shows what holds back single keys.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.faulty_okta import IDS
from property.faulty_world import World
from property.test_property_faults import LOGINS, MEMORY, MINUTE, PEOPLE_DO, H, names, people

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")
ROOMY = (10, 1.0, 1.0)
ROUNDS = 3
"""A person may wait for a name that another key gives up."""

ADMINS_DO = ["delete_by_hand", "strip_roles", "wrong_traits", "local_user", "leftover_user", "unlock_by_hand"]

deeds = st.lists(st.tuples(st.sampled_from(PEOPLE_DO * 2 + ADMINS_DO + LOGINS), people, names), max_size=4)
moments = st.tuples(deeds, st.sampled_from([20 * MINUTE, H, 31 * H]), st.permutations(IDS))


async def play(directory, history):
    world = World(directory, brake=ROOMY, lag=False, seen=Counter())
    try:
        await world.run()
        for deeds_before, gap, order in history:
            for deed in deeds_before:
                world.play(deed)
            world.wait(gap)
            for okta_id in order * ROUNDS:
                await world.settle(okta_id)
            report = await world.run()
            rest = [one.change for one in report.outcomes if not world.okta.people[one.change.okta_id].erased]
            assert not rest, rest
    finally:
        world.end()


@settings(max_examples=max(20, HISTORIES // 4), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(moments, min_size=1, max_size=4))
def test_settling_everybody_in_any_order_ends_where_a_full_pass_ends(history):
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        asyncio.run(play(Path(directory), history))
