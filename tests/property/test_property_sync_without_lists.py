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

from cluster_world import WITH_DIRECTORY
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from property.directory_deeds import IN_OKTA, OBJECTS
from property.test_property_sync import PEOPLE, READINGS, Moment, filters, play

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


SETTINGS = {**WITH_DIRECTORY, "sync": {**WITH_DIRECTORY["sync"], "local_users": True}}


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "6")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@example([Moment([("assign", 2, 0)], None, False, "fine"), Moment([("unassign", 2, 0)], None, False, "fine")])
@given(days)
def test_every_day_ends_with_the_right_users_and_member_roles(history):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(history, Path(directory), settings=SETTINGS, has_lists=False))
