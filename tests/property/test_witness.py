"""The witness objects to each wrong write and each wrong state that is planted here, and to nothing that is right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from property.faulty_okta import ORG, UNASSIGNED, Person
from property.faulty_world import World
from property.witness import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.names import lock_name
from teleport_okta.model.teleport import TeleportLock
from worlds import owned_user

ADA, BOB, CY = "ada@x.io", "bob@x.io", "cy@x.io"
ADA_ID, BOB_ID, CY_ID = "00u1", "00u2", "00u3"


@pytest.fixture
async def world(tmp_path):
    """Five people who have users; the brake allows harm to one of them an hour."""
    world = World(tmp_path, brake=(2, 0.34, 0.25), lag=False, seen=Counter())
    await world.run()
    yield world
    world.end()


@pytest.fixture
def teleport(world):
    """What the product writes through."""
    return world.process.teleport


def lock_of(world, name, okta_id, *, ends=True):
    """A lock of ours about a person."""
    ours = {labels.OWNER: ORG, labels.OKTA_ID: okta_id, labels.ORIGIN: labels.ORIGIN_OKTA}
    expires = world.clock.now() + LEAVER_LOCK if ends else None
    return TeleportLock(lock_name(name, okta_id), name, ours, "left", expires)


async def deleted(world, teleport):
    await teleport.users.delete(await teleport.users.get(ADA))


async def locked(world, teleport):
    await teleport.locks.upsert(lock_of(world, ADA, ADA_ID))


async def locked_for_ever(world, teleport):
    await teleport.locks.upsert(lock_of(world, ADA, ADA_ID, ends=False))


async def locked_for_an_hour(world, teleport):
    lock = lock_of(world, ADA, ADA_ID)
    await teleport.locks.upsert(replace(lock, expires=lock.expires - LEAVER_LOCK / 2))


async def locked_about_another_person(world, teleport):
    await teleport.locks.upsert(lock_of(world, ADA, CY_ID))


async def unlocked(world, teleport):
    world.okta.people[BOB_ID].assignment = None
    await world.run()
    (lock,) = await teleport.locks.list()
    await teleport.locks.delete(lock)


async def stripped(world, teleport):
    await teleport.users.update(replace(await teleport.users.get(ADA), roles=()))


async def given_away(world, teleport):
    user = await teleport.users.get(ADA)
    await teleport.users.update(replace(user, labels={**user.labels, labels.OKTA_ID: BOB_ID}))


async def changed_beyond_our_part(world, teleport):
    user = await teleport.users.get(ADA)
    await teleport.users.update(replace(user, traits={**user.traits, "team": ("mine",)}))


async def created_for_nobody(world, teleport):
    user = await teleport.users.get(ADA)
    await teleport.users.create(owned_user("00u8", "gus@x.io", labels={**user.labels, labels.OKTA_ID: "00u8"}))


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (deleted, "was deleted without a leaver's lock in force"),
        (deleted, f"{ADA} ends, though Okta says of {ADA_ID}"),
        (locked, f"{ADA} ends, though Okta says of {ADA_ID}"),
        (locked_for_ever, "was locked without end, of whom Okta says"),
        (locked_for_an_hour, "was locked until"),
        (locked_about_another_person, "was locked, who has no user of ours"),
        (unlocked, "was taken off, of whom Okta says"),
        (stripped, f"{ADA} lost roles"),
        (given_away, f"{ADA} was given from {ADA_ID} to {BOB_ID}"),
        (changed_beyond_our_part, f"more of {ADA} was changed than is ours"),
        (created_for_nobody, "gus@x.io was created for 00u8"),
    ],
)
async def test_a_wrong_write(world, teleport, write, complaint):
    assert not world.witness.complaints
    await write(world, teleport)
    assert complaint in "\n".join(world.witness.complaints)


async def test_more_harm_within_an_hour_than_the_brake_allows(world, teleport):
    for name, okta_id in ((ADA, ADA_ID), (BOB, BOB_ID)):
        assert not world.witness.complaints
        world.okta.told[okta_id] = UNASSIGNED
        await teleport.locks.upsert(lock_of(world, name, okta_id))
    assert "2 of 5 were harmed within an hour" in "\n".join(world.witness.complaints)


def has_left(ada: Person):
    ada.assignment = None


def is_suspended(ada: Person):
    ada.status = "SUSPENDED"


def is_renamed(ada: Person):
    ada.name = "ada.l@x.io"


def has_moved(ada: Person):
    ada.department = "Looms"


@pytest.mark.parametrize(
    ("deed", "complaint"),
    [
        (has_left, f"{ADA} is still there, and {ADA_ID} has left"),
        (is_suspended, f"{ADA} ({ADA_ID}, SUSPENDED) has locks with these ends: []"),
        (is_renamed, "there is no user for"),
        (has_moved, "has the traits"),
    ],
)
async def test_a_state_that_is_not_what_okta_says(world, deed, complaint):
    world.witness.settled()
    assert not world.witness.complaints
    deed(world.okta.people[ADA_ID])
    world.witness.settled()
    assert complaint in "\n".join(world.witness.complaints)


async def test_a_leaver_who_is_not_locked_any_more(world):
    world.okta.people[ADA_ID].assignment = None
    await world.run()
    (lock,) = world.witness.our_locks()
    world.cluster.locks.delete(lock.Metadata.Name)
    world.witness.settled()
    assert "left, and is not locked any more" in "\n".join(world.witness.complaints)
