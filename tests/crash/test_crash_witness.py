"""Each objection of the witnesses of the cut sweeps is provoked by hand here."""

from __future__ import annotations

import pytest
from crash.crash_scim_groups_story import GroupWitness, ListPromise
from crash.crash_scim_story import Promise, ScimWitness
from crash.crash_witness import Witness
from crash.crash_world import LIMIT, built_world
from model.harm import LOCK, USER
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed

ADA = ("ada@x.io", "00uADA")


@pytest.fixture
async def witness(tmp_path):
    """A cluster with ada, who is ours, and local, who is not; no process at work."""
    async with built_world(None, tmp_path) as world:
        witness = Witness(world)
        people = world.teleport.administrator
        people.create_user(ADA[0], labels={labels.OWNER: world.okta.id, labels.OKTA_ID: ADA[1]})
        people.create_user("local@x.io")
        people.add_mfa_device(ADA[0])
        witness.keep_foreign("local@x.io")
        witness.devices[ADA[0]] = ["phone"]
        witness.look("the beginning")
        yield witness


def lock(witness, name, okta_id, *, lock_name="lock", hours=30):
    """Lock a user as the product would, for ever with `hours=None`."""
    world = witness.world
    end = None if hours is None else world.clock.now().timestamp() + hours * 3600
    made = world.teleport.administrator.create_lock(lock_name, name, expires=end)
    made.Metadata.Labels.update({labels.OWNER: world.okta.id, labels.OKTA_ID: okta_id})
    world.teleport.cluster.locks.upsert(made)


def objections(witness):
    witness.look("a call")
    return " ".join(witness.violations)


async def test_nothing_is_wrong_with_a_leaver_who_is_locked_and_then_deleted(witness):
    witness.lawful[Harmed(USER, *ADA)] = Evidence.ABSENT
    del witness.devices[ADA[0]]
    lock(witness, *ADA)
    assert not objections(witness)
    witness.world.teleport.administrator.delete_user(ADA[0])
    assert not objections(witness)
    assert [deed.harmed for deed in witness.ledger.deeds] == [Harmed(USER, *ADA)]


async def test_a_deletion_without_a_lock(witness):
    witness.lawful[Harmed(USER, *ADA)] = Evidence.ABSENT
    witness.world.teleport.administrator.delete_user(ADA[0])
    assert "deleted without a leaver's lock" in objections(witness)


async def test_a_deletion_under_a_suspensions_lock(witness):
    lock(witness, *ADA, hours=None)
    witness.world.teleport.administrator.delete_user(ADA[0])
    assert "deleted without a leaver's lock" in objections(witness)


async def test_neither_user_of_a_renamed_person(witness):
    witness.pairs.append((ADA[0], "countess@x.io"))
    witness.world.teleport.administrator.delete_user(ADA[0])
    assert "neither ada@x.io nor countess@x.io" in objections(witness)


async def test_a_stranger_who_was_changed(witness):
    witness.world.teleport.administrator.edit_user("local@x.io", roles=["access"])
    assert "local@x.io, who is not ours, was changed" in objections(witness)


async def test_a_lost_mfa_device(witness):
    witness.world.teleport.cluster.mfa_devices.clear()
    assert "ada@x.io lost MFA devices" in objections(witness)


async def test_two_locks_about_one_person(witness):
    lock(witness, *ADA, lock_name="one")
    lock(witness, *ADA, lock_name="other")
    assert "has 2 locks" in objections(witness)


async def test_harm_without_a_reason(witness):
    lock(witness, *ADA, hours=None)
    assert "happened without a reason" in objections(witness)


@pytest.mark.parametrize(("minutes_between", "is_too_much"), [(29, True), (31, False)])
async def test_more_harm_than_an_hour_may_bring(witness, minutes_between, is_too_much):
    for number in range(LIMIT + 1):
        about = f"user{number}@x.io", f"00u{number}"
        witness.lawful[Harmed(LOCK, *about)] = Evidence.STATED
        lock(witness, *about, lock_name=f"lock{number}", hours=None)
        witness.look("a call")
        witness.world.clock.advance(minutes_between * 60)
    assert ("within an hour" in objections(witness)) is is_too_much


def promised(witness, **changes):
    """A witness of a client who was told that ada is a user, or something else."""
    users = witness.world.teleport.cluster.users
    ada = users.stored(ADA[0])
    if ada is not None:
        ada.Metadata.Labels[labels.SCIM_ID] = "1"
        users.upsert(ada)
    told = Promise(ADA[1], ADA[0], is_active=True, scim_id="1")._replace(**changes)
    return ScimWitness(witness.world, lawful={Harmed(USER, *ADA): Evidence.STATED}, promises={"ada": told})


async def test_nothing_is_wrong_with_a_promise_that_is_kept(witness):
    assert not objections(promised(witness))
    lock(witness, *ADA)
    witness.world.teleport.administrator.delete_user(ADA[0])
    assert not objections(promised(witness, is_active=False, locked=frozenset({ADA[0]})))


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"name": "countess@x.io"}, "there are the users {'ada@x.io'}"),
        ({"is_active": False}, "there are the users {'ada@x.io'}"),
        ({"scim_id": "2"}, "its SCIM id is 1"),
        ({"title": "Countess"}, "the title is []"),
        ({"locked": frozenset({ADA[0]})}, "locked are set()"),
    ],
)
async def test_a_promise_that_is_not_kept(witness, changes, what):
    assert what in objections(promised(witness, **changes))


async def test_a_promised_user_who_is_locked(witness):
    lock(witness, *ADA)
    assert "locked are {'ada@x.io'}" in objections(promised(witness))


LOOMS = ListPromise("scim-1", True, frozenset({"Looms"}), frozenset({ADA[0]}), frozenset({ADA[0], "local@x.io"}))


def promised_list(witness, promise, *, members=(ADA[0],), title="Looms"):
    """A witness of a client who was told something of a list that has these members."""
    lists = witness.world.teleport.administrator.lists
    lists.create("scim-1", title=title)
    for name in members:
        lists.add_member("scim-1", name)
    return GroupWitness(witness.world, lists=[promise])


@pytest.mark.parametrize("is_there", [True, None])
async def test_nothing_is_wrong_with_a_list_as_it_was_promised(witness, is_there):
    assert not objections(promised_list(witness, LOOMS._replace(is_there=is_there)))


@pytest.mark.parametrize(
    ("promise", "found", "what"),
    [
        (LOOMS, {"members": ()}, "members are []"),
        (LOOMS, {"members": (ADA[0], "eve@x.io")}, "members are ['ada@x.io', 'eve@x.io']"),
        (LOOMS, {"title": "Mills"}, "the title is Mills"),
        (LOOMS._replace(is_there=False), {}, "there is a list"),
        (LOOMS._replace(list_name="scim-2"), {}, "there is no list"),
        (LOOMS._replace(list_name="scim-2", is_there=False), {}, "of which no client was told: ['scim-1']"),
    ],
)
async def test_a_list_that_is_not_as_promised(witness, promise, found, what):
    witness.world.teleport.administrator.create_user("eve@x.io")
    assert what in objections(promised_list(witness, promise, **found))


async def test_a_list_that_is_being_made_may_be_there_once(witness):
    seen = promised_list(witness, LOOMS._replace(list_name="scim-2", is_there=None))
    seen.unnamed = LOOMS._replace(list_name="", is_there=None, must=frozenset())
    assert not objections(seen)
    lists = witness.world.teleport.administrator.lists
    lists.edit("scim-1", title="Mills")
    assert "the title is Mills" in objections(seen)
    lists.create("scim-3", title="Looms")
    assert "of which no client was told: ['scim-1', 'scim-3']" in objections(seen)
