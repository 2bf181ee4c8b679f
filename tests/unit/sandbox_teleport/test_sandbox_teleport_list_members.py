"""Members of access lists one at a time, as `docs/reference/teleport.md` 4.8 and 4.9 have them."""

import pytest
from teleport.accesslist.v1.accesslist_pb2 import INELIGIBLE_STATUS_EXPIRED, MEMBERSHIP_KIND_UNSPECIFIED
from teleport.accesslist.v1.accesslist_service_pb2 import (
    CountAccessListMembersRequest,
    DeleteAccessListMemberRequest,
    DeleteAllAccessListMembersForAccessListRequest,
    GetAccessListMemberRequest,
    GetAccessListRequest,
    ListAccessListMembersRequest,
    ListAllAccessListMembersRequest,
    UpdateAccessListMemberRequest,
    UpsertAccessListMemberRequest,
    UpsertAccessListRequest,
)
from teleport_okta.sandbox.teleport import ListingLag
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE

GRANT = "teleport-okta/grant"
ORIGIN = "teleport.dev/origin"


@pytest.fixture(autouse=True)
def lists(sandbox):
    for name in ("g1", "g2"):
        sandbox.administrator.lists.create(name)


async def upsert(client, message):
    return await client.access_lists.UpsertAccessListMember(UpsertAccessListMemberRequest(member=message))


async def update(client, message):
    return await client.access_lists.UpdateAccessListMember(UpdateAccessListMemberRequest(member=message))


async def get(client, list_name, name):
    request = GetAccessListMemberRequest(access_list=list_name, member_name=name)
    return await client.access_lists.GetAccessListMember(request)


async def delete(client, list_name, name):
    request = DeleteAccessListMemberRequest(access_list=list_name, member_name=name)
    await client.access_lists.DeleteAccessListMember(request)


async def listed(client, list_name, **page):
    return await client.access_lists.ListAccessListMembers(ListAccessListMembersRequest(access_list=list_name, **page))


def names(members):
    return [found.header.metadata.name for found in members]


async def test_a_member_without_expiry_expired_in_1970(bot, member):
    message = member("g1", "ada")
    message.spec.ClearField("expires")
    stored = await upsert(bot, message)
    assert (stored.spec.HasField("expires"), stored.spec.expires.seconds) == (True, 0)


async def test_no_expiry_is_stored_and_read_as_the_year_one(bot, member):
    await upsert(bot, member("g1", "ada"))
    assert (await get(bot, "g1", "ada")).spec.expires.seconds == YEAR_ONE


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("access_list", "access list is missing"),
        ("name", "member name is missing"),
        ("joined", "member ada: joined field empty or missing"),
        ("added_by", "member ada: added_by field is empty"),
    ],
)
async def test_the_required_parts_of_a_member(bot, member, refusal, field, text):
    message = member("g1", "ada")
    message.spec.ClearField(field)
    assert await refusal(upsert(bot, message)) == ("INVALID_ARGUMENT", text)


@pytest.mark.parametrize("seconds", [0, YEAR_ONE])
async def test_joined_in_1970_or_the_year_one_is_not_joined(bot, member, refusal, seconds):
    message = member("g1", "ada")
    message.spec.joined.seconds = seconds
    assert (await refusal(upsert(bot, message)))[1] == "member ada: joined field empty or missing"


async def test_a_member_without_metadata_crashes_the_server(bot, sandbox, member, refusal):
    message = member("g1", "ada")
    message.header.ClearField("metadata")
    assert (await refusal(upsert(bot, message)))[0] == "UNAVAILABLE"
    assert sandbox.crashes == ["nil pointer dereference: the access_list_member has no metadata"]


async def test_no_member_at_all_is_refused(bot, refusal):
    call = bot.access_lists.UpsertAccessListMember(UpsertAccessListMemberRequest())
    assert await refusal(call) == ("INVALID_ARGUMENT", "access list member message is nil")


async def test_a_members_name_becomes_part_of_a_key(bot, member, refusal):
    code, text = await refusal(upsert(bot, member("g1", "o'neil")))
    assert (code, text.endswith('"/access_list_member/g1/o\'neil"')) == ("INVALID_ARGUMENT", True)


async def test_the_user_need_not_exist_and_eligibility_is_ignored(bot, member):
    message = member("g1", "nobody")
    message.spec.ineligible_status = INELIGIBLE_STATUS_EXPIRED
    assert (await upsert(bot, message)).spec.ineligible_status == 0


async def test_a_write_without_the_labels_found_clears_them(bot, member):
    labelled = await upsert(bot, member("g1", "ada", **{GRANT: "imported"}))
    assert labelled.header.metadata.labels[GRANT] == "imported"
    assert not (await upsert(bot, member("g1", "ada"))).header.metadata.labels


async def test_update_needs_the_revision_of_an_existing_member(bot, member, refusal):
    assert (await refusal(update(bot, member("g1", "ada"))))[0] == "FAILED_PRECONDITION"
    first = await upsert(bot, member("g1", "ada"))
    await update(bot, first)
    assert (await refusal(update(bot, first)))[0] == "FAILED_PRECONDITION"


async def test_a_missing_list_or_member_is_not_found(bot, member, refusal):
    no_list = ("NOT_FOUND", 'access_list "nowhere" doesn\'t exist')
    for call in (
        get(bot, "nowhere", "ada"),
        listed(bot, "nowhere"),
        delete(bot, "nowhere", "ada"),
        upsert(bot, member("nowhere", "ada")),
    ):
        assert await refusal(call) == no_list
    for call in (get(bot, "g1", "ada"), delete(bot, "g1", "ada")):
        assert await refusal(call) == ("NOT_FOUND", 'access_list_member "ada" doesn\'t exist')


async def test_members_are_counted_by_kind_and_those_of_a_missing_list_are_none(bot, member):
    await upsert(bot, member("g1", "ada"))
    await upsert(bot, member("g1", "g2", is_list=True))
    count = bot.access_lists.CountAccessListMembers
    found = await count(CountAccessListMembersRequest(access_list_name="g1"))
    assert (found.count, found.list_count) == (1, 1)
    assert (await count(CountAccessListMembersRequest(access_list_name="nowhere"))).count == 0
    status = (await bot.access_lists.GetAccessList(GetAccessListRequest(name="g1"))).status
    assert not status.HasField("member_count")
    assert not status.HasField("member_list_count")
    await delete(bot, "g1", "ada")
    assert (await count(CountAccessListMembersRequest(access_list_name="g1"))).count == 0


async def test_members_come_in_pages_of_two_hundred_at_most(bot, sandbox, member):
    sandbox.cluster.list_members.of("g1").seed(member("g1", f"u{number:03}") for number in range(201))
    first = await listed(bot, "g1", page_size=1000)
    second = await listed(bot, "g1", page_token=first.next_page_token)
    assert (len(first.members), first.next_page_token) == (200, "u200")
    assert (names(second.members), second.next_page_token) == (["u200"], "")


async def test_a_listing_shows_only_the_members_of_its_list(bot, sandbox, member):
    sandbox.administrator.lists.create("g11")
    for list_name in ("g1", "g11", "g2"):
        await upsert(bot, member(list_name, f"of-{list_name}"))
    assert names((await listed(bot, "g1")).members) == ["of-g1"]


async def test_all_members_come_by_list_and_name_and_tokens_are_of_both(bot, member):
    for list_name, name in (("g2", "ada"), ("g1", "bob"), ("g1", "ada")):
        await upsert(bot, member(list_name, name))
    everything = bot.access_lists.ListAllAccessListMembers
    first = await everything(ListAllAccessListMembersRequest(page_size=1))
    second = await everything(ListAllAccessListMembersRequest(page_token=first.next_page_token))
    assert first.next_page_token == "g1/bob"
    found = [(one.spec.access_list, one.spec.name) for one in [*first.members, *second.members]]
    assert found == [("g1", "ada"), ("g1", "bob"), ("g2", "ada")]


async def test_all_members_of_a_list_can_be_removed(bot, member):
    for name in ("ada", "bob"):
        await upsert(bot, member("g1", name))
    request = DeleteAllAccessListMembersForAccessListRequest(access_list="g1")
    await bot.access_lists.DeleteAllAccessListMembersForAccessList(request)
    assert not (await listed(bot, "g1")).members


async def test_members_are_listed_late_and_read_at_once(start, connect, member, clock):
    async with start(lag=ListingLag.observed()) as sandbox:
        sandbox.administrator.lists.create("g1")
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upsert(bot, member("g1", "ada"))
        assert names([await get(bot, "g1", "ada")]) == ["ada"]
        assert not (await listed(bot, "g1")).members
        clock.advance(0.5)
        assert names((await listed(bot, "g1")).members) == ["ada"]


async def test_after_a_restart_listings_of_members_are_up_to_date(start, connect, member):
    async with start(lag=ListingLag.observed()) as sandbox:
        sandbox.administrator.lists.create("g1")
        sandbox.administrator.lists.add_member("g1", "ada")
        assert sandbox.cluster.list_members.count("g1").users == 0
        await sandbox.restart_auth(down_for=0.0)
        assert sandbox.cluster.list_members.count("g1").users == 1


async def test_while_the_cache_is_rebuilt_members_of_new_lists_too_are_listed_from_the_backend(start, connect):
    async with start(lag=ListingLag.observed()) as sandbox:
        sandbox.cluster.list_members.rebuild_cache(30)
        sandbox.administrator.lists.create("g1")
        sandbox.administrator.lists.add_member("g1", "ada")
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        assert names((await listed(bot, "g1")).members) == ["ada"]


async def test_before_17_a_list_as_member_is_a_user_of_that_name(start, connect, member):
    async with start(version="16.4.0") as sandbox:
        sandbox.administrator.lists.create("g1")
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        stored = await upsert(bot, member("g1", "nowhere", is_list=True))
        assert stored.spec.membership_kind == MEMBERSHIP_KIND_UNSPECIFIED


async def test_the_okta_service_changes_members_only_in_lists_of_its_origin(host, bot, access_list, member, refusal):
    request = UpsertAccessListRequest(access_list=access_list("ours", **{ORIGIN: "okta"}))
    await host.access_lists.UpsertAccessList(request)
    await upsert(host, member("ours", "ada"))
    assert (await refusal(upsert(host, member("g1", "ada"))))[0] == "PERMISSION_DENIED"
    await upsert(bot, member("g1", "ada"))
    assert names((await listed(host, "g1")).members) == ["ada"]
    assert (await refusal(delete(host, "g1", "ada")))[0] == "PERMISSION_DENIED"
    await delete(host, "ours", "ada")


@pytest.fixture
async def by_public_cache(start, connect):
    """The bot's client of a server that lists members as the public 18.0.0 does.

    See `docs/reference/teleport-observed.md` 5.2.
    """
    async with start(public_member_cache=True) as running:
        for name in ("g1", "g1-x", "g1.x", "g1+x", "g11", "g2"):
            running.administrator.lists.create(name)
            running.administrator.lists.add_member(name, f"of-{name}")
        yield connect(running, running.identity_path.read_bytes())


async def test_the_public_cache_ignores_the_token_and_lists_all_members_from_the_start(by_public_cache):
    everything = by_public_cache.access_lists.ListAllAccessListMembers
    first = await everything(ListAllAccessListMembersRequest(page_size=2))
    second = await everything(ListAllAccessListMembersRequest(page_size=2, page_token=first.next_page_token))
    assert first.next_page_token == "of-g1.x"
    assert second == first


async def test_the_public_cache_shows_members_of_similar_names_with_a_list_and_none_of_a_missing_one(by_public_cache):
    first = await listed(by_public_cache, "g1", page_size=3)
    second = await listed(by_public_cache, "g1", page_size=3, page_token=first.next_page_token)
    shown = names([*first.members, *second.members])
    assert shown == ["of-g1+x", "of-g1-x", "of-g1.x", "of-g1"]
    assert not (await listed(by_public_cache, "nowhere")).members
