"""Users of the SCIM door in the store: one record for each Okta id, also after its resource was deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.provisioned import ProvisionedUser
from teleport_okta.state.scim_users import UserCounts
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store
from worlds import NOW

HINT = Hint(HintKind.PERSON, "00uADA", cause="a SCIM request")
HOUR = timedelta(hours=1)

ADA = ProvisionedUser(
    id="a1",
    okta_id="00uADA",
    user_name="ada@x.io",
    external_id="00uADA",
    attributes={"title": "Gräfin", "emails": [{"value": "ada@x.io", "primary": True}]},
    created=NOW,
    modified=NOW + timedelta(seconds=1),
)


def somebody(number, **changes):
    found = replace(ADA, id=f"u{number}", okta_id=f"00u{number}", user_name=f"u{number}@x.io", external_id=None)
    return replace(found, **changes)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
def users(store):
    return store.scim_users


async def put(users, *records):
    for one in records:
        await users.put(one, at=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"external_id": None, "attributes": {}},
        {"denied_at": NOW + timedelta(microseconds=1), "is_answered": False, "incarnation": 3},
    ],
)
async def test_a_record_survives_a_restart_as_it_was(users, tmp_path, changes):
    record = replace(ADA, **changes)
    await put(users, record)
    again = await Store.open(tmp_path)
    assert await again.scim_users.get("a1") == record
    assert await again.scim_users.of_person("00uADA") == record
    await again.close()


async def test_a_name_is_found_without_case(users):
    await put(users, ADA)
    assert await users.named("ADA@X.IO") == ADA
    assert await users.named("eve@x.io") is None


async def test_of_one_name_there_is_one_user(users):
    await put(users, ADA)
    with pytest.raises(StateError):
        await put(users, somebody(1, user_name="Ada@x.io"))
    assert await users.get("u1") is None


async def test_a_record_replaces_that_of_the_same_person(users):
    await put(users, ADA)
    renamed = replace(ADA, id="a2", user_name="countess@x.io", incarnation=1)
    await put(users, renamed)
    assert await users.get("a1") is None
    assert await users.named("ada@x.io") is None
    assert await users.everybody() == {"00uADA": renamed}


async def test_a_deleted_user_is_not_shown_and_not_forgotten(users):
    gone = replace(ADA, denied_at=NOW, is_deleted=True)
    await put(users, gone)
    assert await users.get("a1") is None
    assert await users.named("ada@x.io") is None
    assert await users.with_external_id("00uADA") == []
    assert await users.with_ids(["a1"]) == {}
    assert (await users.page(skip=0, most=10)).total == 0
    assert await users.of_person("00uADA") == gone
    assert await users.everybody() == await users.some(["00uADA"]) == {"00uADA": gone}
    await put(users, somebody(1, user_name="ada@x.io"))
    assert (await users.named("ada@x.io")).id == "u1"


async def test_pages_are_in_the_order_of_creation(users):
    await put(users, *(somebody(number) for number in (3, 1, 2)))
    await put(users, somebody(3, user_name="renamed@x.io"))
    found = await users.page(skip=0, most=2)
    assert (found.total, [one.id for one in found.users]) == (3, ["u3", "u1"])
    found = await users.page(skip=2, most=2)
    assert (found.total, [one.id for one in found.users]) == (3, ["u2"])


@pytest.mark.parametrize("skip", [1, 2**70])
async def test_a_page_behind_the_end_is_empty(users, skip):
    await put(users, ADA)
    found = await users.page(skip=skip, most=100)
    assert (found.total, found.users) == (1, ())


async def test_an_external_id_may_stand_at_several_users(users):
    await put(users, somebody(2, external_id="x"), somebody(1, external_id="x"), somebody(3, external_id="X"))
    assert [one.id for one in await users.with_external_id("x")] == ["u2", "u1"]


async def test_many_are_read_at_once(users):
    await put(users, *(somebody(number) for number in range(600)))
    assert len(await users.some([f"00u{number}" for number in range(601)])) == 600
    assert len(await users.with_ids([f"u{number}" for number in range(601)])) == 600


async def test_counts_are_of_users_that_are_shown(users):
    denied = somebody(1, denied_at=NOW)
    await put(users, ADA, denied, somebody(2, denied_at=NOW, is_deleted=True))
    assert await users.counts() == UserCounts(active=1, denied=1)


async def test_a_record_without_an_okta_id_becomes_that_of_a_person(users):
    nameless = replace(ADA, okta_id="scim-user-1", external_id="17")
    await put(users, nameless)
    bound = await users.bind(nameless, "00uADA")
    assert bound == replace(nameless, okta_id="00uADA")
    assert await users.everybody() == {"00uADA": bound}
    assert await users.get("a1") == bound


async def test_a_forgotten_person_was_never_there(users):
    await put(users, ADA, somebody(1))
    await users.forget("00uADA")
    assert set(await users.everybody()) == {"00u1"}


async def test_many_users_are_written(users):
    await put(users, somebody(1))
    await users.put_all([ADA, somebody(2)])
    assert set(await users.everybody()) == {"00uADA", "00u1", "00u2"}


async def test_of_many_users_none_is_written_if_one_cannot_be(users):
    with pytest.raises(StateError):
        await users.put_all([ADA, somebody(2, user_name="ADA@x.io")])
    assert await users.everybody() == {}


async def test_the_hint_is_written_with_the_user(store, users):
    await users.put(ADA, hints=[HINT], at=NOW)
    assert [one.of for one in await store.hints.due(NOW, most=10, latest=HOUR)] == ["00uADA"]


async def test_without_the_user_there_is_no_hint(store, users):
    await put(users, somebody(1, user_name="ada@x.io"))
    with pytest.raises(StateError):
        await users.put(ADA, hints=[HINT], at=NOW)
    assert not await store.hints.due(NOW, most=10, latest=HOUR)


async def test_attributes_are_not_in_a_record_s_text():
    assert "Gräfin" not in repr(ADA)
