"""UpsertAccessListWithMembers: a full replace with its traps.

See `docs/reference/teleport.md` 4.9, `docs/reference/teleport-observed.md` 1.9.
"""

import pytest
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_UNSPECIFIED, Member
from teleport.accesslist.v1.accesslist_service_pb2 import (
    GetAccessListRequest,
    ListAccessListMembersRequest,
    ListAllAccessListMembersRequest,
    UpsertAccessListWithMembersRequest,
)
from teleport_okta.sandbox.teleport import Entitlement

GRANT = "teleport-okta/grant"


@pytest.fixture
def replace(bot, access_list):
    """Write list `g1` with exactly these members."""

    async def write(*members, name="g1"):
        request = UpsertAccessListWithMembersRequest(access_list=access_list(name), members=members)
        return await bot.access_lists.UpsertAccessListWithMembers(request)

    return write


@pytest.fixture
def stored(sandbox):
    """Return the members of `g1` as stored, by name."""
    return lambda: {found.header.metadata.name: found for found in sandbox.administrator.lists.members("g1")}


async def test_a_list_is_born_with_its_members(replace, member, stored):
    reply = await replace(member("g1", "ada"), member("g1", "bob"))
    assert [found.spec.name for found in reply.members] == ["ada", "bob"]
    assert set(stored()) == {"ada", "bob"}


async def test_members_that_are_not_sent_are_removed(replace, member, stored):
    await replace(member("g1", "ada"), member("g1", "bob"))
    await replace(member("g1", "bob"))
    assert set(stored()) == {"bob"}


async def test_stored_expiry_reason_and_adder_win(replace, sandbox, member, stored):
    await replace()
    sandbox.administrator.lists.add_member("g1", "ada", expires=1_800_000_000, reason="holiday", added_by="hugo")
    again = member("g1", "ada", expires=1_900_000_000)
    again.spec.reason = "Okta"
    spec = (await replace(again)).members[0].spec
    assert (spec.expires.seconds, spec.reason, spec.added_by) == (1_800_000_000, "holiday", "hugo")
    assert stored()["ada"].spec == spec


async def test_no_stored_expiry_or_reason_lets_the_request_win(replace, member):
    await replace(member("g1", "ada"))
    again = member("g1", "ada", expires=1_900_000_000)
    again.spec.reason = "Okta"
    spec = (await replace(again)).members[0].spec
    assert (spec.expires.seconds, spec.reason) == (1_900_000_000, "Okta")


async def test_a_stored_expiry_of_1970_wins_for_ever(replace, member):
    expired = member("g1", "ada")
    expired.spec.ClearField("expires")
    await replace(expired)
    assert (await replace(member("g1", "ada"))).members[0].spec.expires.seconds == 0


async def test_labels_are_replaced(replace, member, stored):
    await replace(member("g1", "ada", **{GRANT: "imported"}))
    await replace(member("g1", "ada"))
    assert not stored()["ada"].header.metadata.labels


async def test_a_member_sent_as_it_was_found_is_left_and_one_rebuilt_is_rewritten(replace, member, stored):
    await replace(member("g1", "ada"), member("g1", "bob"))
    before = stored()
    rebuilt = Member()
    rebuilt.CopyFrom(before["bob"])
    rebuilt.header.metadata.revision = ""
    await replace(before["ada"], rebuilt)
    after = stored()
    assert after["ada"].header.metadata.revision == before["ada"].header.metadata.revision
    assert after["bob"].header.metadata.revision != before["bob"].header.metadata.revision


async def test_every_member_is_checked_before_anything_is_stored(replace, member, sandbox, refusal):
    wrong = member("g1", "bob")
    wrong.spec.added_by = ""
    call = replace(member("g1", "ada"), wrong)
    assert await refusal(call) == ("INVALID_ARGUMENT", "member bob: added_by field is empty")
    assert sandbox.cluster.access_lists.stored("g1") is None


async def test_the_limit_counts_here_too(replace, sandbox, refusal):
    sandbox.cluster.license({"Identity": Entitlement(False), "AccessLists": Entitlement(True, 1)})
    await replace()
    assert (await refusal(replace(name="g2")))[0] == "PERMISSION_DENIED"


async def test_a_bad_name_among_many_ends_the_write_half_way(replace, member, stored, sandbox, refusal):
    call = replace(member("g1", "ada"), member("g1", "o'neil"), member("g1", "zoe"))
    assert (await refusal(call))[0] == "INVALID_ARGUMENT"
    assert (set(stored()), sandbox.cluster.access_lists.stored("g1")) == ({"ada"}, None)


async def test_a_member_of_another_list_is_taken_and_shown_in_this_one(replace, member, bot):
    assert (await replace(member("elsewhere", "ada"))).members[0].spec.access_list == "elsewhere"
    reply = await bot.access_lists.ListAccessListMembers(ListAccessListMembersRequest(access_list="g1"))
    assert [found.spec.access_list for found in reply.members] == ["elsewhere"]


async def test_such_a_member_leads_a_reader_of_all_members_astray(replace, member, bot):
    await replace(member("g1", "ada"), member("a-list-before", "bob"), member("g1", "zoe"))
    everything = bot.access_lists.ListAllAccessListMembers
    reply = await everything(ListAllAccessListMembersRequest(page_size=1))
    assert reply.next_page_token == "a-list-before/bob"


async def test_a_header_of_another_name_is_taken_and_is_the_key(replace, member, stored):
    message = member("g1", "ada")
    message.header.metadata.name = "somebody"
    await replace(message)
    assert {key: found.spec.name for key, found in stored().items()} == {"somebody": "ada"}


async def test_a_member_of_no_kind_is_taken(replace, member, stored):
    message = member("g1", "ada")
    message.spec.membership_kind = MEMBERSHIP_KIND_UNSPECIFIED
    await replace(message)
    assert stored()["ada"].spec.membership_kind == MEMBERSHIP_KIND_UNSPECIFIED


async def test_nested_members_are_noted_on_the_child_and_unnoted(replace, sandbox, member, bot):
    sandbox.administrator.lists.create("g2")
    await replace(member("g1", "g2", is_list=True))
    child = await bot.access_lists.GetAccessList(GetAccessListRequest(name="g2"))
    assert list(child.status.member_of) == ["g1"]
    await replace()
    child = await bot.access_lists.GetAccessList(GetAccessListRequest(name="g2"))
    assert not child.status.member_of


async def test_a_request_above_four_mebibytes_is_refused(replace, member, refusal):
    message = member("g1", "ada")
    message.spec.reason = "x" * (4 * 1024 * 1024)
    code, text = await refusal(replace(message))
    assert (code, "received message larger than max" in text) == ("RESOURCE_EXHAUSTED", True)


@pytest.mark.parametrize(("shown", "names"), [("echoed", ["ada"]), ("absent", [])])
async def test_a_write_can_answer_ok_and_store_no_members(replace, sandbox, member, stored, shown, names):
    sandbox.faults.drop_members_of_next_write(shown)
    reply = await replace(member("g1", "ada"))
    assert [found.spec.name for found in reply.members] == names
    assert (stored(), sandbox.cluster.access_lists.stored("g1") is not None) == ({}, True)
    await replace(member("g1", "ada"))
    assert set(stored()) == {"ada"}


def test_members_are_lost_in_one_of_two_ways(sandbox):
    with pytest.raises(ValueError, match="echoed or absent"):
        sandbox.faults.drop_members_of_next_write("quietly")
