from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.accesslist.v1 import accesslist_pb2
from teleport_okta.model.access import ListOwner, TeleportAccessList
from teleport_okta.model.labels import GRANT, GRANT_IMPORTED, GROUP_NAME, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import ABSENT, ECHOED
from teleport_okta.teleport.amend import NotOursAnyMoreError
from teleport_okta.teleport.convert_lists import LARGEST_REQUEST
from teleport_okta.teleport.list_errors import AccessListLimitError, ListIsNestedError, MembersNotStoredError
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    InvalidArgumentError,
    NotFoundError,
    RevisionConflictError,
)

if TYPE_CHECKING:
    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.sandbox.teleport.list_administrator import ListAdministrator
    from teleport_okta.teleport.access_lists import AccessLists
    from teleport_okta.teleport.cluster import Teleport

pytestmark = pytest.mark.parametrize("sandbox", ["ent"], indirect=True)

LAGGING = pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
UNKNOWN_FIELD = b"\xfa\x3e\x05later"
YEAR_ONE = -62_135_596_800
LABELS = {OWNER: "00o1", ORIGIN: ORIGIN_OKTA, GROUP_NAME: "Blue"}
BLUE = TeleportAccessList(
    "00g1",
    "Blue",
    LABELS,
    description="The blue ones",
    owners=(ListOwner("boss"),),
    grants=("access-okta-acl-role-00g1",),
    owner_grants=("reviewer-okta-acl-role-00g1",),
)


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


def content(access_list: TeleportAccessList | None) -> TeleportAccessList:
    assert access_list is not None
    return replace(access_list, revision="", raw=None)


async def test_the_life_of_a_list(lists: AccessLists, now: datetime) -> None:
    made = await lists.create(BLUE, ["ada", "bob"], joined=now)
    assert made.remaining == ()
    assert content(made.access_list) == content(await lists.get("00g1")) == BLUE
    assert await lists.list() == [made.access_list]
    assert (await lists.members("00o1")).by_list["00g1"].imported == {"ada", "bob"}

    amended = await lists.amend(replace(made.access_list, title="Navy"))
    assert content(amended) == replace(BLUE, title="Navy")
    assert await lists.list() == [amended]

    assert await lists.delete(amended)
    assert not await lists.delete(amended)
    assert await lists.list() == []
    assert await lists.get("00g1") is None
    assert (await lists.members("00o1")).by_list == {}


async def test_the_members_of_a_new_list_are_complete(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    await lists.create(BLUE, ["ada"], joined=now)

    [member] = people.members("00g1")
    assert (member.header.metadata.name, member.spec.name, member.spec.access_list) == ("ada", "ada", "00g1")
    assert dict(member.header.metadata.labels) == {OWNER: "00o1", GRANT: GRANT_IMPORTED}
    assert member.spec.membership_kind == accesslist_pb2.MEMBERSHIP_KIND_USER
    assert member.spec.added_by


async def test_the_first_review_is_six_months_ahead_and_not_in_1970(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    await lists.create(BLUE, joined=now)

    review = people.stored("00g1").spec.audit.next_audit_date.ToDatetime(UTC)
    assert review.day == 1
    assert 150 < (review - now).days < 190


async def test_members_stay_for_ever_and_have_not_ended_in_1970(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    made = await lists.create(BLUE, ["ada"], joined=now)
    await lists.add_member(made.access_list.name, "bob", owner="00o1", joined=now)

    assert [member.spec.expires.seconds for member in people.members("00g1")] == [YEAR_ONE, YEAR_ONE]
    assert [member.spec.joined.ToDatetime(UTC) for member in people.members("00g1")] == [now, now]


async def test_owners_may_be_lists(lists: AccessLists, people: ListAdministrator, now: datetime) -> None:
    people.create("bosses")
    made = await lists.create(replace(BLUE, owners=(ListOwner("bosses", is_list=True),)), joined=now)

    assert made.access_list.owners == (ListOwner("bosses", is_list=True),)
    bosses = await lists.get("bosses")
    assert bosses is not None
    assert bosses.parents == ("00g1",)


async def test_a_list_without_owners_is_refused(lists: AccessLists, now: datetime) -> None:
    with pytest.raises(InvalidArgumentError, match="owners are missing"):
        await lists.create(replace(BLUE, owners=()), joined=now)


async def test_a_list_of_this_name_is_never_replaced(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    people.create("00g1", title="By hand")
    people.add_member("00g1", "eve")

    with pytest.raises(AlreadyExistsError):
        await lists.create(BLUE, ["ada"], joined=now)

    assert [member.spec.name for member in people.members("00g1")] == ["eve"]
    assert sandbox.calls.of("UpsertAccessListWithMembers") == 0


async def test_a_large_list_is_made_in_a_small_request_and_the_rest_is_named(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    names = [f"person-{number:05}@example.com" for number in range(50_000)]
    made = await lists.create(BLUE, names, joined=now)

    first = people.members("00g1")
    assert [*(member.spec.name for member in first), *made.remaining] == names
    assert 0.9 * LARGEST_REQUEST < sum(member.ByteSize() for member in first) < 1.5 * LARGEST_REQUEST


async def test_a_group_write_that_answers_ok_but_stores_no_members(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.drop_members_of_next_write(ABSENT)

    with pytest.raises(MembersNotStoredError, match=r"of 2 members 2 are missing \(ada, bob\)") as caught:
        await lists.create(BLUE, ["ada", "bob"], joined=now)

    assert caught.value.missing == ("ada", "bob")
    assert content(await lists.get("00g1")) == BLUE
    assert (await lists.members("00o1")).by_list == {}


async def test_a_group_write_that_pretends_to_have_stored_members_is_found_out_by_a_later_listing(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    sandbox.faults.drop_members_of_next_write(ECHOED)
    await lists.create(BLUE, ["ada"], joined=now)

    clock.advance(31)

    assert (await lists.members("00o1")).by_list == {}


async def test_a_list_beyond_the_licence_is_refused_by_name(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.cluster.entitlements |= {"Identity": Entitlement(False), "AccessLists": Entitlement(True, 1)}
    await lists.create(BLUE, joined=now)

    with pytest.raises(AccessListLimitError):
        await lists.create(replace(BLUE, name="00g2"), joined=now)


async def test_a_lost_answer_to_a_creation_replaces_nothing(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.add(Fault("*/UpsertAccessListWithMembers", code=grpc.StatusCode.UNAVAILABLE, applied=True, count=1))

    made = await lists.create(BLUE, ["ada"], joined=now)

    assert sandbox.calls.of("UpsertAccessListWithMembers") == 1
    assert made.remaining == ("ada",)
    assert await lists.add_member("00g1", "ada", owner="00o1", joined=now)
    assert sandbox.calls.of("UpsertAccessListMember") == 0


async def test_a_creation_that_did_not_arrive_is_sent_again(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.faults.add(Fault("*/UpsertAccessListWithMembers", code=grpc.StatusCode.UNAVAILABLE, count=1))

    made = await lists.create(BLUE, ["ada"], joined=now)

    assert made.remaining == ()
    assert (await lists.members("00o1")).by_list["00g1"].imported == {"ada"}


async def test_what_people_edited_survives_our_change(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    read = (await lists.create(BLUE, ["ada"], joined=now)).access_list
    people.edit("00g1", owners=["eve"], description="Edited", labels={**LABELS, "theirs": "1"}, grants=["admin"])
    people.schedule_review("00g1", months=3, day=15)
    people.require_of_members("00g1", roles=["vetted"])

    amended = await lists.amend(replace(read, title="Navy", labels={**LABELS, GROUP_NAME: "Navy"}))

    assert (amended.title, amended.grants) == ("Navy", BLUE.grants)
    assert amended.labels == {**LABELS, GROUP_NAME: "Navy", "theirs": "1"}
    assert (amended.owners, amended.description, amended.has_requirements) == ((ListOwner("eve"),), "Edited", True)
    assert people.stored("00g1").spec.audit.recurrence.day_of_month == 15
    assert [member.spec.name for member in people.members("00g1")] == ["ada"]


async def test_a_title_that_people_gave_survives_a_change_of_ours_to_something_else(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    read = (await lists.create(BLUE, joined=now)).access_list
    people.edit("00g1", title="Navy")

    amended = await lists.amend(replace(read, description="Ours"))

    assert (amended.title, amended.description) == ("Navy", "Ours")


async def test_what_we_do_not_know_of_a_list_survives_our_change(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    made = await lists.create(BLUE, joined=now)
    message = people.stored("00g1")
    for part in (message, message.header.metadata, message.spec, message.spec.audit, message.spec.grants):
        part.MergeFromString(UNKNOWN_FIELD)
    sandbox.cluster.access_lists.upsert(message)

    await lists.amend(replace(made.access_list, title="Navy"))

    assert people.stored("00g1").SerializeToString().count(UNKNOWN_FIELD) == 5


async def test_a_change_that_others_overtake_is_made_again(
    lists: AccessLists, people: ListAdministrator, now: datetime, sandbox: TeleportSandbox
) -> None:
    made = await lists.create(BLUE, joined=now)
    sandbox.faults.add(Fault("*/UpdateAccessList", code=grpc.StatusCode.FAILED_PRECONDITION, count=2))

    assert (await lists.amend(replace(made.access_list, title="Navy"))).title == "Navy"


async def test_a_change_that_others_overtake_for_ever_is_given_up(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox
) -> None:
    made = await lists.create(BLUE, joined=now)
    sandbox.faults.add(Fault("*/UpdateAccessList", code=grpc.StatusCode.FAILED_PRECONDITION))

    with pytest.raises(RevisionConflictError):
        await lists.amend(replace(made.access_list, title="Navy"))
    assert sandbox.calls.of("UpdateAccessList") == 5


async def test_a_list_that_is_as_wanted_is_not_written(
    lists: AccessLists, now: datetime, sandbox: TeleportSandbox
) -> None:
    made = await lists.create(BLUE, joined=now)
    assert await lists.amend(made.access_list) == made.access_list
    assert sandbox.calls.of("UpdateAccessList") == 0


async def test_a_list_that_is_not_ours_any_more_is_left_alone(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    read = (await lists.create(BLUE, joined=now)).access_list
    people.edit("00g1", labels={ORIGIN: ORIGIN_OKTA, OWNER: "00o2"})

    for write in (lists.amend(replace(read, title="Navy")), lists.delete(read)):
        with pytest.raises(NotOursAnyMoreError):
            await write
    assert people.stored("00g1").spec.title == "Blue"


async def test_a_list_that_is_gone_cannot_be_changed(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    read = (await lists.create(BLUE, joined=now)).access_list
    people.delete("00g1")

    with pytest.raises(NotFoundError):
        await lists.amend(replace(read, title="Navy"))


@pytest.mark.parametrize("version", ["18.0.0"])
async def test_our_change_keeps_a_nested_list_nested_on_servers_that_forget(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    made = await lists.create(BLUE, joined=now)
    people.create("everybody")
    people.nest("everybody", "00g1")

    amended = await lists.amend(replace(made.access_list, title="Navy"))

    assert amended.parents == ("everybody",)


async def test_a_nested_list_cannot_be_deleted_and_the_error_says_where_it_is(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    made = await lists.create(BLUE, joined=now)
    people.create("everybody")
    people.nest("everybody", "00g1")

    with pytest.raises(ListIsNestedError, match="everybody") as caught:
        await lists.delete(made.access_list)

    assert caught.value.parents == ("everybody",)
    assert await lists.get("00g1") is not None


@LAGGING
async def test_our_own_lists_win_over_listings_that_lag_behind(lists: AccessLists, now: datetime) -> None:
    made = await lists.create(BLUE, ["ada"], joined=now)
    assert await lists.list() == [made.access_list]
    amended = await lists.amend(replace(made.access_list, title="Navy"))
    assert await lists.list() == [amended]

    await lists.delete(amended)

    assert await lists.list() == []
    assert (await lists.members("00o1")).by_list == {}


@LAGGING
async def test_a_list_that_is_to_go_only_if_empty_stays_for_whoever_was_added(
    lists: AccessLists, people: ListAdministrator, clock: VirtualClock, now: datetime
) -> None:
    made = await lists.create(BLUE, ["ada"], joined=now)
    people.add_member("00g1", "eve")
    await clock.sleep(2)
    await lists.remove_member("00g1", "ada")
    with pytest.raises(RevisionConflictError):
        await lists.delete(made.access_list, only_if_empty=True)
    people.remove_member("00g1", "eve")
    await clock.sleep(2)
    assert await lists.delete(made.access_list, only_if_empty=True)


async def test_a_list_that_we_deleted_a_moment_ago_can_be_made_again(lists: AccessLists, now: datetime) -> None:
    made = await lists.create(BLUE, ["ada"], joined=now)
    await lists.delete(made.access_list)

    again = await lists.create(BLUE, ["bob"], joined=now)

    assert await lists.list() == [again.access_list]
    assert (await lists.members("00o1")).by_list["00g1"].imported == {"bob"}


async def test_a_list_that_people_made_in_place_of_ours_is_not_replaced(
    lists: AccessLists, people: ListAdministrator, now: datetime
) -> None:
    made = await lists.create(BLUE, joined=now)
    await lists.delete(made.access_list)
    people.create("00g1", title="By hand")

    with pytest.raises(AlreadyExistsError):
        await lists.create(BLUE, joined=now)
    assert people.stored("00g1").spec.title == "By hand"
