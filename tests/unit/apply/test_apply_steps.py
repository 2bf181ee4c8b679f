"""One step: what is deleted must still be ours, and an approval is used up when all of a harm is done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from teleport_okta.apply.steps import Steps
from teleport_okta.clock import VirtualClock
from teleport_okta.model.harm import Harmed, held_digest
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.store import Store
from worlds import NOW, held_findings, listing, owned_user, planned


@dataclass
class Cluster:
    """Users and locks of a cluster, which does as it is told."""

    users: dict = field(default_factory=dict)
    deleted: list = field(default_factory=list)

    async def get(self, name):
        return self.users[name]

    async def delete(self, user):
        self.deleted.append(user.name)
        return True

    async def upsert(self, lock):
        pass


@dataclass
class Teleport:
    users: Cluster
    locks: Cluster


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def steps(cluster, store):
    return Steps(teleport=Teleport(cluster, cluster), journal=store.journal, clock=VirtualClock(NOW), trigger="test")


ADA = owned_user("00uADA", "ada@x.io")


async def test_a_user_who_is_not_ours_any_more_is_not_deleted(cluster, steps):
    *_, delete = planned(listing(), [ADA]).changes
    cluster.users["ada@x.io"] = replace(ADA, labels={})
    assert (await steps.take(delete, first=False, last=True)).result is Result.CONFLICT
    assert cluster.deleted == []


async def test_an_approval_is_not_used_up_before_the_last_step(cluster, steps, store):
    harmed = Harmed("user", "ada@x.io", "00uADA")
    await store.settle_findings(held_findings(harmed), at=NOW)
    approval = await store.approvals.approve(held_digest([harmed]), at=NOW)
    lock, delete = (
        replace(one, harm=replace(one.harm, approval=approval.digest)) for one in planned(listing(), [ADA]).changes
    )
    cluster.users["ada@x.io"] = ADA
    await steps.take(lock, first=True, last=False)
    assert await store.approvals.in_force(NOW) == (approval,)
    await steps.take(delete, first=False, last=True)
    assert await store.approvals.in_force(NOW) == ()
