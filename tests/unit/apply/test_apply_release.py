"""Releasing a name: which locks an operator takes off."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from teleport_okta.apply.keys import Keys
from teleport_okta.apply.release import NotReleasableError, release
from teleport_okta.clock import VirtualClock
from teleport_okta.model import labels
from teleport_okta.state.store import Store
from worlds import NOW, ORG, leaver_lock

OURS = leaver_lock("00uADA", "ada@x.io")
ENDED = replace(leaver_lock("00uOLD", "ada@x.io", ends_in=timedelta(0)), name="ended")
THEIRS = replace(OURS, name="theirs", labels={labels.OWNER: "00oOTHER", labels.OKTA_ID: "00uADA"})
BY_HAND = replace(OURS, name="by-hand", labels={})


@dataclass
class Locks:
    """The locks of a cluster, all on one user."""

    locks: list
    deleted: list = field(default_factory=list)

    async def on_user(self, name):
        return self.locks

    async def delete(self, lock):
        self.deleted.append(lock.name)
        return True


class Users:
    """Nobody has the name now."""

    async def get(self, name):
        return None


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def released(store, *locks):
    cluster = Locks(list(locks))
    teleport = SimpleNamespace(users=Users(), locks=cluster)
    state = {"journal": store.journal, "left": store.left}
    await release(
        "ada@x.io", owner=ORG, teleport=teleport, keys=Keys(VirtualClock(NOW)), clock=VirtualClock(NOW), **state
    )
    return cluster.deleted


async def test_only_the_owners_locks_that_are_in_force_are_taken_off(store):
    assert await released(store, THEIRS, BY_HAND, ENDED, OURS) == [OURS.name]


@pytest.mark.parametrize("lock", [THEIRS, BY_HAND, ENDED])
async def test_a_lock_of_others_or_one_that_has_ended_is_nothing_to_release(store, lock):
    with pytest.raises(NotReleasableError, match="no lock of ours is in force"):
        await released(store, lock)
