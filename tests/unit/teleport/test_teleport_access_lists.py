"""What a sandbox cannot show of access lists: the order of our calls, and answers that no server should give."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from teleport.accesslist.v1 import accesslist_pb2
from teleport.accesslist.v1 import accesslist_service_pb2 as pb
from teleport_okta.model.access import ListOwner, TeleportAccessList
from teleport_okta.model.labels import OWNER
from teleport_okta.teleport.convert_lists import member_from_message, new_access_list, new_members
from teleport_okta.teleport.list_errors import (
    ListingJumpsError,
    ListIsNestedError,
    MembersNotStoredError,
    PageTokenError,
)
from unit.teleport.scripted_auth import ACCESS_LISTS, Refuse, ScriptedAuth
from unit.teleport.small_pki import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message
    from teleport_okta.teleport.cluster import Teleport

Code = grpc.StatusCode
MISSING = Refuse(Code.NOT_FOUND, "it doesn't exist")
BLUE = TeleportAccessList("00g1", "Blue", {OWNER: "00o1"}, owners=(ListOwner("boss"),))


def member(list_name: str = "00g1", name: str = "ada") -> accesslist_pb2.Member:
    [message] = new_members(list_name, [name], owner="00o1", joined=NOW)
    return message


def nameless(name: str) -> accesslist_pb2.Member:
    """A member whose header has another name."""
    message = member(name=name)
    message.header.metadata.name = "other"
    return message


async def test_list_writes_of_this_process_go_one_after_the_other(teleport: Teleport, auth: ScriptedAuth) -> None:
    calls: list[str] = []

    def answering(method: str, answer: Callable[[Any], Message | Refuse]) -> None:
        def answered(request: Any) -> Message | Refuse:
            calls.append(method)
            return answer(request)

        auth.answer(ACCESS_LISTS + method, answered)

    answering("GetAccessList", lambda _: MISSING)
    answering("UpsertAccessListWithMembers", lambda request: request)
    answering("GetAccessListMember", lambda _: MISSING)
    answering("UpsertAccessListMember", lambda request: request.member)
    async with asyncio.TaskGroup() as group:
        group.create_task(teleport.access_lists.create(BLUE, ["ada"], joined=NOW))
        for name in ("bob", "eve"):
            group.create_task(teleport.access_lists.add_member("00g2", name, owner="00o1", joined=NOW))

    one_addition = ["GetAccessListMember", "UpsertAccessListMember"]
    assert calls == ["GetAccessList", "UpsertAccessListWithMembers", *one_addition, *one_addition]


def test_a_new_list_asks_for_a_review_every_six_months_and_leaves_the_first_date_to_the_server() -> None:
    audit = new_access_list(BLUE).spec.audit

    assert audit.recurrence.frequency == accesslist_pb2.REVIEW_FREQUENCY_SIX_MONTHS
    assert audit.recurrence.day_of_month == accesslist_pb2.REVIEW_DAY_OF_MONTH_FIRST
    assert not audit.HasField("next_audit_date")


@pytest.mark.parametrize(
    "answered",
    [[], [member("00g2")], [nameless("ada")], [member(name="eve")], [member(), member(name="eve")]],
    ids=["nobody", "of another list", "of another name", "somebody else", "one more"],
)
async def test_a_list_whose_members_are_not_those_that_were_sent_is_reported(
    teleport: Teleport, auth: ScriptedAuth, answered: list[accesslist_pb2.Member]
) -> None:
    auth.answer(ACCESS_LISTS + "GetAccessList", MISSING)
    reply = pb.UpsertAccessListWithMembersResponse(access_list=new_access_list(BLUE), members=answered)
    auth.answer(ACCESS_LISTS + "UpsertAccessListWithMembers", reply)

    with pytest.raises(MembersNotStoredError):
        await teleport.access_lists.create(BLUE, ["ada"], joined=NOW)


async def test_a_member_that_is_stored_in_another_list_is_reported(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(ACCESS_LISTS + "GetAccessListMember", MISSING)
    auth.answer(ACCESS_LISTS + "UpsertAccessListMember", member("00g2"))

    with pytest.raises(MembersNotStoredError, match="00g2/ada"):
        await teleport.access_lists.add_member("00g1", "ada", owner="00o1", joined=NOW)


async def test_a_list_that_is_nested_where_the_server_does_not_say_is_reported_all_the_same(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(ACCESS_LISTS + "GetAccessList", new_access_list(BLUE))
    text = "Cannot delete 'Blue', as it is a member of one or more other Access Lists"
    auth.answer(ACCESS_LISTS + "DeleteAccessList", Refuse(Code.PERMISSION_DENIED, text))

    with pytest.raises(ListIsNestedError, match="another list") as caught:
        await teleport.access_lists.delete(BLUE)
    assert caught.value.parents == ()


async def test_a_list_that_went_while_it_was_deleted_is_gone_and_not_refused(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(ACCESS_LISTS + "GetAccessList", new_access_list(BLUE), MISSING)
    auth.answer(ACCESS_LISTS + "DeleteAccessList", Refuse(Code.PERMISSION_DENIED, "access denied"))

    assert not await teleport.access_lists.delete(BLUE)


async def test_a_reading_that_still_shows_the_list_we_deleted_does_not_keep_us_from_making_it_again(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(ACCESS_LISTS + "GetAccessList", new_access_list(BLUE))
    auth.answer(ACCESS_LISTS + "DeleteAccessList", Empty())
    auth.answer(ACCESS_LISTS + "UpsertAccessListWithMembers", lambda request: request)
    await teleport.access_lists.delete(BLUE)

    made = await teleport.access_lists.create(BLUE, ["ada"], joined=NOW)

    assert made.access_list == BLUE


@pytest.mark.parametrize(
    ("tokens", "pages"),
    [
        (["bob", "bob"], 1),
        (["00g1/", "00g1/"], 1),
        (["/bob", "/bob"], 1),
        (["00g1/ada", "00g1/ada"], 2),
    ],
    ids=["of a bare name", "without a member", "without a list", "that repeats"],
)
async def test_where_page_tokens_lead_nowhere_each_list_is_read_by_itself(
    teleport: Teleport, auth: ScriptedAuth, tokens: list[str], pages: int
) -> None:
    page = [pb.ListAllAccessListMembersResponse(members=[member()], next_page_token=token) for token in tokens]
    auth.answer(ACCESS_LISTS + "ListAllAccessListMembers", *page[:pages])
    auth.answer(ACCESS_LISTS + "GetAccessListMember", member())
    lists = pb.ListAccessListsResponse(access_lists=[new_access_list(BLUE)])
    auth.answer(ACCESS_LISTS + "ListAccessLists", lists)
    auth.answer(
        ACCESS_LISTS + "ListAccessListMembers",
        pb.ListAccessListMembersResponse(members=[member(), member("00g1-x", "eve")], next_page_token="bob"),
        pb.ListAccessListMembersResponse(members=[member(name="bob")]),
    )

    everybody = await teleport.access_lists.members("00o1")

    assert {name: found.imported for name, found in everybody.by_list.items()} == {"00g1": {"ada", "bob"}}
    assert everybody.oddities == ()


async def test_a_member_stored_with_another_list_than_it_says_counts_for_none_list_by_list_too(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(
        ACCESS_LISTS + "ListAllAccessListMembers",
        pb.ListAllAccessListMembersResponse(members=[member()], next_page_token="bob"),
    )
    lists = pb.ListAccessListsResponse(access_lists=[new_access_list(BLUE)])
    auth.answer(ACCESS_LISTS + "ListAccessLists", lists)
    auth.answer(
        ACCESS_LISTS + "ListAccessListMembers", pb.ListAccessListMembersResponse(members=[member("00g9", "eve")])
    )

    everybody = await teleport.access_lists.members("00o1")

    assert everybody.by_list == {}
    assert "'eve'" in everybody.oddities[0]


async def test_a_listing_of_one_list_that_never_ends_is_no_listing(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(
        ACCESS_LISTS + "ListAllAccessListMembers",
        pb.ListAllAccessListMembersResponse(members=[member()], next_page_token="bob"),
    )
    auth.answer(ACCESS_LISTS + "ListAccessLists", pb.ListAccessListsResponse(access_lists=[new_access_list(BLUE)]))
    page = pb.ListAccessListMembersResponse(members=[member()], next_page_token="bob")
    auth.answer(ACCESS_LISTS + "ListAccessListMembers", page, page)

    with pytest.raises(PageTokenError, match="came twice"):
        await teleport.access_lists.members("00o1")


async def test_a_token_that_names_the_end_of_its_page_is_believed(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(
        ACCESS_LISTS + "ListAllAccessListMembers",
        pb.ListAllAccessListMembersResponse(members=[member()], next_page_token="00g1/ada"),
        pb.ListAllAccessListMembersResponse(members=[member(name="bob")]),
    )
    auth.answer(ACCESS_LISTS + "GetAccessListMember", member())

    assert (await teleport.access_lists.members("00o1")).by_list["00g1"].imported == {"ada", "bob"}


async def test_a_listing_that_jumps_whatever_the_size_of_its_pages_is_no_listing(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    first = pb.ListAllAccessListMembersResponse(members=[member()], next_page_token="00g3/eve")
    second = pb.ListAllAccessListMembersResponse(members=[member("00g4")])
    auth.answer(ACCESS_LISTS + "ListAllAccessListMembers", first, second, first, second, first, second)
    auth.answer(ACCESS_LISTS + "GetAccessListMember", MISSING)

    with pytest.raises(ListingJumpsError, match="00g3/eve"):
        await teleport.access_lists.members("00o1")


def test_a_membership_without_an_end_said_aloud_has_ended_long_ago() -> None:
    message = member()
    assert member_from_message(message).expires is None

    message.spec.ClearField("expires")

    ended = member_from_message(message).expires
    assert ended is not None
    assert ended.year == 1970
