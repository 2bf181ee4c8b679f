from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.labels import GRANT, GRANT_IMPORTED, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.teleport.list_errors import ListIsNestedError, NotImportedError
from teleport_okta.teleport.teleport_errors import NotFoundError, RevisionConflictError, UnknownFailureError

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import VirtualClock
    from teleport_okta.model.access import ListMembers
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.sandbox.teleport.list_administrator import ListAdministrator
    from teleport_okta.teleport.access_lists import AccessLists
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.list_members import AllMembers

pytestmark = pytest.mark.parametrize("sandbox", ["ent"], indirect=True)

LAGGING = pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
OURS = "00o1"
IMPORTED = {OWNER: OURS, GRANT: GRANT_IMPORTED}
LABELS = {OWNER: OURS, ORIGIN: ORIGIN_OKTA}


@pytest.fixture
def lists(teleport: Teleport) -> AccessLists:
    return teleport.access_lists


@pytest.fixture
def people(sandbox: TeleportSandbox) -> ListAdministrator:
    """Those who edit lists by hand."""
    return sandbox.administrator.lists


@pytest.fixture
def now(clock: VirtualClock) -> datetime:
    return clock.now()


@pytest.fixture
async def blue(lists: AccessLists, now: datetime) -> str:
    """The name of a list of ours with Ada in it."""
    blue = TeleportAccessList("00g1", "Blue", LABELS, owners=(ListOwner("boss"),))
    await lists.create(blue, ["ada"], joined=now)
    return blue.name


async def read(lists: AccessLists) -> AllMembers:
    return await lists.members(OURS)


async def in_blue(lists: AccessLists) -> ListMembers:
    return (await read(lists)).by_list["00g1"]


def misplace(sandbox: TeleportSandbox, stored_in: str, key: str, **claims: str) -> None:
    """Store an imported member in a list and let it claim something else, as the server lets anybody do."""
    member = sandbox.administrator.lists.add_member(stored_in, key, labels=IMPORTED)
    for field, claim in claims.items():
        setattr(member.spec, field, claim)
    sandbox.cluster.list_members.of(stored_in).upsert(member)


async def test_members_are_added_and_removed_one_by_one(
    lists: AccessLists, blue: str, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.calls.reset()
    assert await lists.add_member(blue, "bob", owner=OURS, joined=now)
    assert sandbox.calls.total == 2
    assert (await in_blue(lists)).imported == {"ada", "bob"}

    assert await lists.remove_member(blue, "ada", owner=OURS)
    assert not await lists.remove_member(blue, "ada", owner=OURS)
    assert (await in_blue(lists)).imported == {"bob"}
    assert sandbox.calls.of("UpsertAccessListWithMembers") == 0


async def test_whom_people_added_is_told_apart_with_all_that_is_theirs(
    lists: AccessLists, blue: str, people: ListAdministrator, now: datetime
) -> None:
    end = now + timedelta(days=7)
    people.add_member(blue, "eve", expires=end.timestamp(), reason="on call", added_by="boss", labels={"theirs": "1"})
    people.create("team")
    people.nest(blue, "team")

    members = await in_blue(lists)

    assert members.imported == {"ada"}
    assert members.others == {
        "eve": TeleportMember("eve", labels={"theirs": "1"}, expires=end, reason="on call", added_by="boss"),
        "team": TeleportMember("team", is_list=True, added_by="administrator"),
    }


@pytest.mark.parametrize("labels", [{}, {GRANT: GRANT_IMPORTED}, {OWNER: "00o2", GRANT: GRANT_IMPORTED}])
async def test_imports_of_others_are_not_ours(
    lists: AccessLists, blue: str, people: ListAdministrator, labels: dict[str, str]
) -> None:
    people.add_member(blue, "eve", labels=labels)

    assert (await in_blue(lists)).others.keys() == {"eve"}
    with pytest.raises(NotImportedError):
        await lists.remove_member(blue, "eve", owner=OURS)


async def test_a_temporary_grant_turned_permanent_by_an_import(
    lists: AccessLists, blue: str, people: ListAdministrator, now: datetime
) -> None:
    end = now + timedelta(days=7)
    people.add_member(blue, "eve", expires=end.timestamp(), reason="on call")
    [before] = [member for member in people.members(blue) if member.spec.name == "eve"]

    assert not await lists.add_member(blue, "eve", owner=OURS, joined=now)

    assert before in people.members(blue)


async def test_an_imported_member_whom_people_gave_an_end_keeps_it(
    lists: AccessLists, blue: str, people: ListAdministrator, now: datetime
) -> None:
    end = now + timedelta(days=7)
    people.add_member(blue, "ada", expires=end.timestamp(), labels=IMPORTED)
    [before] = people.members(blue)

    assert (await in_blue(lists)).others["ada"].expires == end
    assert await lists.add_member(blue, "ada", owner=OURS, joined=now)
    assert people.members(blue) == [before]
    assert await lists.remove_member(blue, "ada", owner=OURS)


async def test_a_member_that_people_took_over_is_not_removed(
    lists: AccessLists, blue: str, people: ListAdministrator
) -> None:
    people.add_member(blue, "ada")

    with pytest.raises(NotImportedError):
        await lists.remove_member(blue, "ada")
    assert [member.spec.name for member in people.members(blue)] == ["ada"]


async def test_members_of_no_kind_are_not_taken_for_imported_ones(
    lists: AccessLists, blue: str, people: ListAdministrator, sandbox: TeleportSandbox
) -> None:
    [ada] = people.members(blue)
    ada.spec.ClearField("membership_kind")
    sandbox.cluster.list_members.of(blue).upsert(ada)

    assert (await in_blue(lists)).others.keys() == {"ada"}


async def test_nobody_is_added_to_a_list_that_is_gone(
    lists: AccessLists, blue: str, people: ListAdministrator, now: datetime
) -> None:
    people.delete(blue)

    with pytest.raises(NotFoundError):
        await lists.add_member(blue, "bob", owner=OURS, joined=now)
    assert not await lists.remove_member(blue, "ada")


async def test_a_listing_of_many_pages_is_whole(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    names = frozenset(f"person{number:03}" for number in range(401))
    for list_name in ("00g1", "00g2"):
        access_list = TeleportAccessList(list_name, list_name, LABELS, owners=(ListOwner("boss"),))
        await lists.create(access_list, names, joined=now)

    everybody = await read(lists)

    assert {name: members.imported for name, members in everybody.by_list.items()} == {"00g1": names, "00g2": names}
    assert everybody.oddities == ()
    assert sandbox.calls.of("ListAllAccessListMembers") == 5


async def test_members_listed_by_name_prefix_leak_between_lists(
    lists: AccessLists, blue: str, people: ListAdministrator
) -> None:
    people.create("00g1-more")
    people.create("00g12")
    people.add_member("00g1-more", "eve", labels=IMPORTED)
    people.add_member("00g12", "eve", labels=IMPORTED)

    by_list = (await read(lists)).by_list

    assert {name: members.imported for name, members in by_list.items()} == {
        "00g1": {"ada"},
        "00g1-more": {"eve"},
        "00g12": {"eve"},
    }


async def test_a_member_that_claims_to_be_of_another_list_counts_for_none_and_is_reported(
    lists: AccessLists, blue: str, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    people.create("00g2")
    for name in ("bob", "fay"):
        await lists.add_member(blue, name, owner=OURS, joined=now)
        people.add_member("00g2", name, labels=IMPORTED)
    misplace(sandbox, blue, "eve", access_list="00g2")

    everybody = await read(lists)

    assert everybody.by_list["00g1"].imported == {"ada", "bob", "fay"}
    assert everybody.by_list["00g2"].imported == {"bob", "fay"}
    [oddity] = everybody.oddities
    assert "'eve'" in oddity
    assert "'00g2'" in oddity


async def test_a_member_that_claims_another_name_counts_as_added_by_people_and_is_reported(
    lists: AccessLists, blue: str, sandbox: TeleportSandbox
) -> None:
    misplace(sandbox, blue, "eve", name="fay")

    everybody = await read(lists)

    assert everybody.by_list["00g1"].imported == {"ada"}
    assert everybody.by_list["00g1"].others["eve"].labels == {OWNER: OURS}
    assert "'fay'" in everybody.oddities[0]


async def test_a_member_that_sends_the_listing_astray_costs_nobody_their_place(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    names = [f"person{number:03}" for number in range(300)]
    for list_name in ("00g1", "00g2", "00g3"):
        access_list = TeleportAccessList(list_name, list_name, LABELS, owners=(ListOwner("boss"),))
        await lists.create(access_list, names, joined=now)
    misplace(sandbox, "00g1", names[199] + "+", access_list="00g3")
    # It is the first of the second page, so that the token of that page leads to the last list.

    everybody = await read(lists)

    assert {name: len(members) for name, members in everybody.by_list.items()} == {
        "00g1": 300,
        "00g2": 300,
        "00g3": 300,
    }
    assert len(everybody.oddities) == 1


async def test_a_failure_of_one_page_is_a_failure_of_the_whole(
    lists: AccessLists, blue: str, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.add(Fault("*/ListAllAccessListMembers", code=grpc.StatusCode.UNKNOWN))

    with pytest.raises(UnknownFailureError):
        await read(lists)


@pytest.mark.parametrize("version", ["18.0.0"])
async def test_a_dangling_nested_list_is_seen_and_taken_out(
    lists: AccessLists, blue: str, people: ListAdministrator
) -> None:
    people.create("team")
    people.nest(blue, "team")
    people.create("team", title="Forgets where it is nested")
    people.delete("team")

    assert (await in_blue(lists)).others["team"].is_list
    assert await lists.remove_nested(blue, "team")
    assert not await lists.remove_nested(blue, "team")
    assert (await in_blue(lists)).others == {}


async def test_a_nested_list_that_exists_by_now_is_not_taken_out_for_being_gone(
    lists: AccessLists, blue: str, people: ListAdministrator
) -> None:
    people.create("theirs")
    people.nest(blue, "theirs")

    with pytest.raises(RevisionConflictError, match="exists by now"):
        await lists.remove_nested(blue, "theirs", only_if_gone=True)

    assert await lists.has_member(blue, "theirs")


async def test_a_nested_list_of_ours_can_be_taken_out_and_then_deleted(
    lists: AccessLists, blue: str, people: ListAdministrator
) -> None:
    people.create("team", labels=LABELS)
    people.nest(blue, "team")
    team = TeleportAccessList("team", "team", LABELS)
    with pytest.raises(ListIsNestedError):
        await lists.delete(team)

    assert await lists.remove_nested(blue, "team")
    assert await lists.delete(team)


async def test_a_person_is_not_taken_for_a_nested_list(lists: AccessLists, blue: str) -> None:
    assert not await lists.remove_nested(blue, "ada")
    assert (await in_blue(lists)).imported == {"ada"}


async def test_a_lost_answer_to_an_addition_is_looked_into(
    lists: AccessLists, blue: str, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.add(Fault("*/UpsertAccessListMember", code=grpc.StatusCode.UNAVAILABLE, applied=True, count=1))

    assert await lists.add_member(blue, "bob", owner=OURS, joined=now)

    assert sandbox.calls.of("UpsertAccessListMember") == 1


@LAGGING
async def test_our_own_members_win_over_listings_that_lag_behind(
    lists: AccessLists, blue: str, now: datetime, clock: VirtualClock
) -> None:
    assert (await in_blue(lists)).imported == {"ada"}
    await lists.add_member(blue, "bob", owner=OURS, joined=now)
    clock.advance(2)
    assert (await in_blue(lists)).imported == {"ada", "bob"}

    await lists.remove_member(blue, "ada", owner=OURS)
    await lists.remove_member(blue, "bob", owner=OURS)
    await lists.add_member(blue, "bob", owner=OURS, joined=now)

    assert (await in_blue(lists)).imported == {"bob"}


@LAGGING
async def test_what_people_do_after_us_is_believed(
    lists: AccessLists, blue: str, people: ListAdministrator, clock: VirtualClock
) -> None:
    clock.advance(2)
    await read(lists)
    people.remove_member(blue, "ada")
    people.add_member(blue, "eve")
    clock.advance(2)

    assert (await in_blue(lists)).imported == frozenset()
    assert (await in_blue(lists)).others.keys() == {"eve"}
