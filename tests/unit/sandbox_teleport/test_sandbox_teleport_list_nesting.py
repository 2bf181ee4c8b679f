"""Lists within lists: checks, the status of the child, and its loss (`docs/reference/teleport-observed.md` 1.8)."""

import pytest
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_UNSPECIFIED, AccessList
from teleport.accesslist.v1.accesslist_service_pb2 import (
    DeleteAccessListMemberRequest,
    DeleteAccessListRequest,
    GetAccessListOwnersRequest,
    GetAccessListRequest,
    UpdateAccessListRequest,
    UpsertAccessListMemberRequest,
    UpsertAccessListRequest,
    UpsertAccessListWithMembersRequest,
)


@pytest.fixture
def people(sandbox):
    """Lists `parent` and `child`, not nested yet."""
    for name in ("parent", "child"):
        sandbox.administrator.lists.create(name, title=name.title())
    return sandbox.administrator.lists


async def nest(client, message):
    return await client.access_lists.UpsertAccessListMember(UpsertAccessListMemberRequest(member=message))


async def get(client, name):
    return await client.access_lists.GetAccessList(GetAccessListRequest(name=name))


async def upsert(client, message):
    return await client.access_lists.UpsertAccessList(UpsertAccessListRequest(access_list=message))


async def delete(client, name):
    await client.access_lists.DeleteAccessList(DeleteAccessListRequest(name=name))


async def test_the_child_has_its_parents_in_its_status_and_gets_a_new_revision(bot, people, member):
    before = await get(bot, "child")
    await nest(bot, member("parent", "child", is_list=True))
    after = await get(bot, "child")
    assert list(after.status.member_of) == ["parent"]
    assert after.header.metadata.revision != before.header.metadata.revision


async def test_a_parent_is_removed_from_the_child_s_status(bot, people, member):
    await nest(bot, member("parent", "child", is_list=True))
    request = DeleteAccessListMemberRequest(access_list="parent", member_name="child")
    await bot.access_lists.DeleteAccessListMember(request)
    assert not (await get(bot, "child")).status.member_of


async def test_a_list_that_does_not_exist_cannot_be_nested(bot, people, member, access_list, refusal):
    expected = ("NOT_FOUND", 'access_list "nowhere" doesn\'t exist')
    assert await refusal(nest(bot, member("parent", "nowhere", is_list=True))) == expected
    assert await refusal(upsert(bot, access_list("parent", owners=[("nowhere", True)]))) == expected


async def test_a_member_of_no_kind_is_not_a_list(bot, people, member):
    message = member("parent", "nowhere", is_list=True)
    message.spec.membership_kind = MEMBERSHIP_KIND_UNSPECIFIED
    assert (await nest(bot, message)).spec.membership_kind == MEMBERSHIP_KIND_UNSPECIFIED


async def test_a_cycle_of_members_is_refused_in_titles(bot, people, member, refusal):
    people.nest("parent", "child")
    code, text = await refusal(nest(bot, member("child", "parent", is_list=True)))
    assert code == "INVALID_ARGUMENT"
    assert text == (
        "Access List 'Parent' can't be added as a Member of 'Child' because 'Child' is already included as a Member "
        "or Owner in 'Parent'"
    )


async def test_a_cycle_through_owners_is_refused_too(bot, people, access_list, refusal):
    people.edit("parent", owner_lists=["child"])
    code, text = await refusal(upsert(bot, access_list("child", owners=[("parent", True)])))
    assert (code, "can't be added as an Owner of" in text) == ("INVALID_ARGUMENT", True)


async def test_a_list_cannot_be_its_own_member(bot, people, member, refusal):
    assert (await refusal(nest(bot, member("child", "child", is_list=True))))[0] == "INVALID_ARGUMENT"


async def test_ten_levels_are_allowed_and_eleven_are_not(bot, sandbox, member, refusal):
    people = sandbox.administrator.lists
    for depth in range(12):
        people.create(f"level-{depth:02}")
    for depth in range(10):
        people.nest(f"level-{depth:02}", f"level-{depth + 1:02}")
    code, text = await refusal(nest(bot, member("level-10", "level-11", is_list=True)))
    assert (code, text.endswith("it would exceed the maximum nesting depth of 10")) == ("INVALID_ARGUMENT", True)


@pytest.mark.parametrize("role", ["a member of", "an owner of"])
async def test_a_nested_list_cannot_be_deleted(bot, people, refusal, role):
    if role == "a member of":
        people.nest("parent", "child")
    else:
        people.edit("parent", owner_lists=["child"])
    expected = f"Cannot delete 'Child', as it is {role} one or more other Access Lists"
    assert await refusal(delete(bot, "child")) == ("PERMISSION_DENIED", expected)
    await delete(bot, "parent")
    status = (await get(bot, "child")).status
    assert (list(status.member_of), list(status.owner_of)) == ([], [])
    await delete(bot, "child")


async def test_a_status_about_a_deleted_parent_does_not_prevent_a_deletion(bot, sandbox, people):
    people.nest("parent", "child")
    sandbox.cluster.access_lists.delete("parent")
    await delete(bot, "child")


async def test_the_status_of_a_removed_owner_list_is_cleared(bot, people, access_list):
    people.edit("parent", owner_lists=["child"])
    assert list((await get(bot, "child")).status.owner_of) == ["parent"]
    people.edit("parent", owners=["grace"], owner_lists=[])
    assert not (await get(bot, "child")).status.owner_of


@pytest.mark.parametrize(("version", "repaired"), [("18.0.0", []), ("18.1.0", ["parent"])])
async def test_a_note_that_got_lost_is_repaired_by_an_update_of_the_parent_since_18_1(start, version, repaired):
    async with start(version=version) as sandbox:
        people = sandbox.administrator.lists
        people.create("child")
        people.create("parent", owner_lists=["child"])
        lost = AccessList()
        lost.CopyFrom(people.stored("child"))
        lost.ClearField("status")
        sandbox.cluster.access_lists.upsert(lost)
        people.edit("parent", description="touched")
        assert list(people.stored("child").status.owner_of) == repaired


async def test_deleting_a_list_takes_its_members_with_it(bot, sandbox, people):
    people.add_member("child", "ada")
    await delete(bot, "child")
    assert not len(sandbox.cluster.list_members)


@pytest.mark.parametrize(("version", "forgets"), [("18.0.0", True), ("18.0.9", True), ("18.1.0", False)])
async def test_upserting_a_nested_list_removed_its_parents_before_18_1(start, connect, access_list, version, forgets):
    async with start(version=version) as sandbox:
        people = sandbox.administrator.lists
        people.create("child")
        people.create("parent", owner_lists=["child"])
        people.nest("parent", "child")
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        status = (await upsert(bot, access_list("child"))).status
        kept = ([], []) if forgets else (["parent"], ["parent"])
        assert (list(status.member_of), list(status.owner_of)) == kept


async def test_the_other_writes_keep_a_nested_list_nested(start, connect, access_list):
    async with start(version="18.0.0") as sandbox:
        people = sandbox.administrator.lists
        people.create("child")
        people.create("parent")
        people.nest("parent", "child")
        lists = connect(sandbox, sandbox.identity_path.read_bytes()).access_lists
        updated = await lists.UpdateAccessList(UpdateAccessListRequest(access_list=people.stored("child")))
        assert list(updated.status.member_of) == ["parent"]
        request = UpsertAccessListWithMembersRequest(access_list=access_list("child"))
        assert list((await lists.UpsertAccessListWithMembers(request)).access_list.status.member_of) == ["parent"]


async def test_a_list_that_forgot_its_parent_can_be_deleted_and_dangles_and_blocks_the_parent(
    start, connect, access_list, refusal
):
    async with start(version="18.0.0") as sandbox:
        people = sandbox.administrator.lists
        people.create("g2")
        people.create("parent")
        people.nest("parent", "g2")
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upsert(bot, access_list("g2"))
        await delete(bot, "g2")
        dangling = people.members("parent")
        assert [found.spec.name for found in dangling] == ["g2"]
        request = UpsertAccessListWithMembersRequest(access_list=people.stored("parent"), members=dangling)
        call = bot.access_lists.UpsertAccessListWithMembers(request)
        assert await refusal(call) == ("NOT_FOUND", 'access_list "g2" doesn\'t exist')


async def test_a_dangling_member_blocks_updates_of_its_list_until_it_is_removed(bot, sandbox, people, refusal):
    people.nest("parent", "child")
    sandbox.cluster.access_lists.delete("child")
    update = UpdateAccessListRequest(access_list=people.stored("parent"))
    assert (await refusal(bot.access_lists.UpdateAccessList(update)))[0] == "NOT_FOUND"
    request = DeleteAccessListMemberRequest(access_list="parent", member_name="child")
    await bot.access_lists.DeleteAccessListMember(request)
    await bot.access_lists.UpdateAccessList(update)


async def test_owners_by_membership_of_a_list_are_spelt_out(bot, people):
    people.create("grandchild")
    people.add_member("child", "ada")
    people.nest("child", "grandchild")
    people.add_member("grandchild", "bob")
    people.edit("parent", owners=["grace"], owner_lists=["child"])
    reply = await bot.access_lists.GetAccessListOwners(GetAccessListOwnersRequest(access_list="parent"))
    assert [owner.name for owner in reply.owners] == ["ada", "bob", "grace"]
