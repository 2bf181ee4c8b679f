"""Two organisations of one cluster: two processes, kept apart by the owner label."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime

import pytest
from cluster_world import built_sandboxes
from teleport_okta import app
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.model import labels
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox


@pytest.fixture
async def two(tmp_path):
    """The cluster, and for each organisation: the organisation, its app, and the sections of its process."""
    clock = VirtualClock(datetime.now(UTC))
    settings = {"sync": {"apps_and_groups": True}, "access_lists": {"default_owners": ["teresa"]}}
    async with built_sandboxes(tmp_path, clock, edition="ent", version="18.1.3", settings=settings) as built:
        okta, okta_app, teleport, sections = built
        second = OktaOrganization(now=lambda: clock.now().timestamp(), rng=random.Random(8))
        second_app = second.create_app("Teleport")
        async with OktaSandbox(second) as server:
            others = copy.deepcopy(sections)
            others["okta"] = {
                "org_url": server.url,
                "api_token": second.tokens.create_ssws(second.admin, second.role),
                "app_id": second_app.id,
            }
            others["storage"] = {"data_dir": str(tmp_path / "second")}
            yield clock, teleport, ((okta, okta_app, sections), (second, second_app, others))


def hired(okta, okta_app, *logins):
    """People in the app, and in a group of the same name in both organisations; returns the first."""
    group, people = okta.create_group("Engineering"), []
    for login in logins:
        people.append(okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login}))
        okta.assign(okta_app.id, people[-1].id)
        okta.add_member(group.id, people[-1].id)
    return people[0]


async def passed(clock, sections):
    async with app.opened(parse(sections), clock=clock) as parts:
        report = await parts.full_pass.run(trigger="test")
        assert report.succeeded, report
        return report


METADATA = {
    "users": lambda one: one.Metadata,
    "roles": lambda one: one.Metadata,
    "user_groups": lambda one: one.Header.Metadata,
    "access_lists": lambda one: one.header.metadata,
}
"""Where each kind of object has its name and labels."""


def objects_of(teleport, okta):
    """What the cluster has with the label of an organisation, by name."""
    found = {}
    for kind, metadata_of in METADATA.items():
        for one in getattr(teleport.cluster, kind).all_stored():
            metadata = metadata_of(one)
            carried = metadata.labels if kind == "access_lists" else metadata.Labels
            if carried.get(labels.OWNER) == okta.id:
                found[metadata.name if kind == "access_lists" else metadata.Name] = str(one)
    return found


async def test_each_process_makes_changes_and_removes_its_own_and_nothing_of_the_other(two):
    clock, teleport, ((first, first_app, sections), (second, second_app, others)) = two
    ada = hired(first, first_app, "ada@x.io", "zoe@x.io", "kim@x.io")
    hired(second, second_app, "bob@y.io", "eve@y.io")
    await passed(clock, sections)
    of_first = objects_of(teleport, first)
    await passed(clock, others)
    of_second = objects_of(teleport, second)
    assert objects_of(teleport, first) == of_first
    assert ("ada@x.io" in of_first, "bob@y.io" in of_first) == (True, False)
    assert ("ada@x.io" in of_second, "bob@y.io" in of_second) == (False, True)
    assert not of_first.keys() & of_second.keys()

    first.deactivate(ada.id)
    await passed(clock, sections)
    assert "ada@x.io" not in objects_of(teleport, first)
    assert objects_of(teleport, second) == of_second
    await passed(clock, others)
    assert objects_of(teleport, second) == of_second
