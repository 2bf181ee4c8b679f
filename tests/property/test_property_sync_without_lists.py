"""Random days of an organisation whose cluster is of the Community edition, through the whole product.

Contract: that of `test_property_sync`; instead of lists, exactly the people of a group or an app have its member role,
and they keep it at every moment.

Space: that of `test_property_sync`, without what needs lists or SAML.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path

from cluster_world import WITH_DIRECTORY, built_world
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from property.directory_deeds import IN_OKTA, OBJECTS
from property.test_property_sync import PEOPLE, READINGS, Day, Moment, filters, one_pass

OF_PEOPLE = ["hire", "unassign", "assign", "deactivate", "department", "suspend", "unsuspend", "delete by hand"]
OF_TELEPORT = ["delete the user group", "delete the app server"]

deeds = st.tuples(
    st.sampled_from([*IN_OKTA, *IN_OKTA, *OF_PEOPLE, *OF_TELEPORT, "a day passes"]),
    st.integers(0, OBJECTS - 1),
    st.integers(0, PEOPLE - 1),
)
days = st.lists(
    st.builds(
        Moment,
        st.lists(deeds, max_size=6),
        filters,
        st.sampled_from([False] * 5 + [True]),
        st.sampled_from(READINGS),
    ),
    max_size=5,
)


async def play(history, directory):
    settings_ = {**WITH_DIRECTORY, "sync": {**WITH_DIRECTORY["sync"], "local_users": True}}
    async with built_world(directory, edition="oss", settings=settings_) as world:
        no_brake = world.settings.brake.model_copy(update={"absent_ratio": 99.0, "stated_ratio": 99.0})
        world.settings = world.settings.model_copy(update={"brake": no_brake})
        await world.restart()
        world.teleport.administrator.create_user("local@x.io", roles=["access"])
        day = Day(world, has_lists=False)
        for moment in history:
            await day.live(moment)
            await one_pass(world, day, moment.reading)


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "15")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example([Moment([("assign", 2, 0)], None, False, "fine"), Moment([("unassign", 2, 0)], None, False, "fine")])
@given(days)
def test_every_day_ends_with_the_right_users_and_member_roles(history):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(history, Path(directory)))
