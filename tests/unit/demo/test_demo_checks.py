"""The checks of the demo read the state of a cluster, and only our objects."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from teleport_okta.demo import checks
from teleport_okta.model import labels
from teleport_okta.sandbox.teleport.administrator import Administrator
from teleport_okta.sandbox.teleport.cluster import Cluster

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OURS = {labels.OWNER: "00oEXAMPLE"}


@pytest.fixture
def cluster():
    return Cluster(now=NOW.timestamp)


@pytest.fixture
def administrator(cluster):
    return Administrator(cluster, None)


def test_only_our_objects_are_seen(cluster, administrator):
    for name, carried in (("ours", OURS), ("theirs", {})):
        administrator.create_user(name, labels=carried)
        administrator.lists.create(name, labels=carried)
        administrator.resources.create_user_group(name, labels=carried)
    assert checks.users_in(cluster).keys() == checks.lists_in(cluster).keys() == checks.user_groups_in(cluster).keys()
    assert checks.lists_in(cluster).keys() == {"ours"}


def test_members_whom_people_added_are_distinguished_from_imported_ones(cluster, administrator):
    administrator.lists.create("ours", labels=OURS)
    administrator.lists.add_member("ours", "ada", labels={labels.GRANT: labels.GRANT_IMPORTED})
    administrator.lists.add_member("ours", "grace", reason="holidays", expires=NOW.timestamp() + 60)
    found = checks.lists_in(cluster)["ours"]
    assert (found.imported, found.added) == ({"ada"}, {"grace"})
    assert found.members["ada"].ends is None
    assert (found.members["grace"].ends.timestamp() - NOW.timestamp(), found.members["grace"].reason) == (
        60,
        "holidays",
    )


def test_an_app_server_is_seen_by_its_app(cluster, administrator):
    carried = OURS | {labels.APP_ID: "0oaEXAMPLE"}
    end = NOW.timestamp() + 3600
    administrator.resources.create_app_server("wiki", host_id="host", uri="https://x", labels=carried, expires=end)
    assert checks.apps_in(cluster)["0oaEXAMPLE"].timestamp() == end
