"""Access lists without their members (`docs/reference/teleport.md` 4.8 and 4.9)."""

from datetime import UTC, datetime

import pytest
from teleport.accesslist.v1.accesslist_pb2 import (
    INELIGIBLE_STATUS_EXPIRED,
    MEMBERSHIP_KIND_LIST,
    MEMBERSHIP_KIND_UNSPECIFIED,
    AccessList,
)
from teleport.accesslist.v1.accesslist_service_pb2 import (
    CountAccessListMembersRequest,
    DeleteAccessListRequest,
    GetAccessListOwnersRequest,
    GetAccessListRequest,
    ListAccessListMembersRequest,
    ListAccessListsRequest,
    UpdateAccessListRequest,
    UpsertAccessListMemberRequest,
    UpsertAccessListRequest,
    UpsertAccessListWithMembersRequest,
)
from teleport.legacy.client.proto.authservice_pb2 import CreateRoleRequest, DeleteRoleRequest, PingRequest
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta.sandbox.teleport import Entitlement, ListingLag
from teleport_okta.sandbox.teleport.lists.review_dates import next_review_date

ORIGIN = "teleport.dev/origin"


async def upsert(client, message):
    return await client.access_lists.UpsertAccessList(UpsertAccessListRequest(access_list=message))


async def update(client, message):
    return await client.access_lists.UpdateAccessList(UpdateAccessListRequest(access_list=message))


async def get(client, name):
    return await client.access_lists.GetAccessList(GetAccessListRequest(name=name))


async def delete(client, name):
    await client.access_lists.DeleteAccessList(DeleteAccessListRequest(name=name))


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ("audit", "audit is missing"),
        ("membership_requires", "membershipRequires is missing"),
        ("ownership_requires", "ownershipRequires is missing"),
        ("grants", "grants is missing"),
        ("title", "access list title required"),
        ("owners", "owners are missing"),
    ],
)
async def test_the_required_parts_of_a_list(bot, access_list, refusal, part, text):
    message = access_list("g1")
    message.spec.ClearField(part)
    assert await refusal(upsert(bot, message)) == ("INVALID_ARGUMENT", text)


async def test_a_list_without_spec_or_no_list_at_all_is_refused(bot, access_list, refusal):
    message = access_list("g1")
    message.ClearField("spec")
    assert await refusal(upsert(bot, message)) == ("INVALID_ARGUMENT", "spec is missing")
    call = bot.access_lists.UpsertAccessList(UpsertAccessListRequest())
    assert await refusal(call) == ("INVALID_ARGUMENT", "access list message is nil")


async def test_an_owner_needs_a_name(bot, access_list, refusal):
    call = upsert(bot, access_list("g1", owners=[("", False)]))
    assert await refusal(call) == ("INVALID_ARGUMENT", "owner name is missing")


@pytest.mark.parametrize("part", ["header", "metadata"])
async def test_a_list_without_header_or_metadata_crashes_the_server(bot, sandbox, access_list, refusal, part):
    message = access_list("g1")
    (message if part == "header" else message.header).ClearField(part)
    assert (await refusal(upsert(bot, message)))[0] == "UNAVAILABLE"
    assert sandbox.crashes == ["nil pointer dereference: the access_list has no metadata"]


async def test_names_become_keys_and_labels_are_checked(bot, access_list, refusal):
    code, text = await refusal(upsert(bot, access_list("a/b")))
    assert (code, text.endswith('".locks/access_list/a/b"')) == ("INVALID_ARGUMENT", True)
    assert await refusal(upsert(bot, access_list(""))) == ("INVALID_ARGUMENT", "missing parameter Name")
    wrong = access_list("g1", **{"no spaces": "x"})
    assert await refusal(upsert(bot, wrong)) == ("INVALID_ARGUMENT", 'invalid label key: "no spaces"')


async def test_the_audit_is_filled_with_half_a_year_and_two_weeks(bot, access_list):
    audit = (await upsert(bot, access_list("g1"))).spec.audit
    assert (audit.recurrence.frequency, audit.recurrence.day_of_month) == (6, 1)
    assert audit.notifications.start.ToTimedelta().days == 14
    assert audit.next_audit_date.ToDatetime(tzinfo=UTC) == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(("field", "value"), [("frequency", 2), ("day_of_month", 7)])
async def test_other_recurrences_are_refused(bot, access_list, refusal, field, value):
    message = access_list("g1")
    setattr(message.spec.audit.recurrence, field, value)
    text = f"recurrence {field.replace('_', ' ')} is an invalid value"
    assert await refusal(upsert(bot, message)) == ("INVALID_ARGUMENT", text)


async def test_an_explicit_epoch_is_a_review_date_and_not_none(bot, access_list):
    message = access_list("g1")
    message.spec.audit.next_audit_date.SetInParent()
    assert (await upsert(bot, message)).spec.audit.next_audit_date.seconds == 0


@pytest.mark.parametrize(
    ("base", "months", "day", "expected"),
    [
        ((2026, 1, 31), 1, 31, (2026, 2, 28)),
        ((2026, 8, 15), 6, 15, (2027, 2, 15)),
        ((2026, 11, 24), 1, 31, (2026, 12, 31)),
        ((2027, 2, 28), 12, 31, (2028, 2, 29)),
    ],
)
def test_the_next_review_is_so_many_months_on(base, months, day, expected):
    recurrence = AccessList().spec.audit.recurrence
    recurrence.frequency, recurrence.day_of_month = months, day
    assert next_review_date(datetime(*base, tzinfo=UTC), recurrence) == datetime(*expected, tzinfo=UTC)


async def test_of_two_owners_of_a_name_the_first_stays_of_either_kind(bot, access_list):
    stored = await upsert(bot, access_list("g1", owners=[("ada", False), ("ada", True), ("bob", False)]))
    assert [(owner.name, owner.membership_kind) for owner in stored.spec.owners] == [("ada", 1), ("bob", 1)]


async def test_a_client_s_counts_nesting_and_eligibility_are_ignored(bot, access_list):
    message = access_list("g1")
    message.spec.owners[0].ineligible_status = INELIGIBLE_STATUS_EXPIRED
    message.status.member_count = 7
    message.status.member_of.append("elsewhere")
    stored = await upsert(bot, message)
    assert stored.spec.owners[0].ineligible_status == 0
    assert not stored.status.HasField("member_count")
    assert list(stored.status.member_of) == []


async def test_an_owner_of_no_kind_is_stored_as_one(bot, access_list):
    message = access_list("g1")
    message.spec.owners[0].membership_kind = MEMBERSHIP_KIND_UNSPECIFIED
    assert (await upsert(bot, message)).spec.owners[0].membership_kind == MEMBERSHIP_KIND_UNSPECIFIED


async def test_empty_owner_grants_are_not_kept(bot, access_list):
    message = access_list("g1")
    message.spec.owner_grants.SetInParent()
    assert not (await upsert(bot, message)).spec.HasField("owner_grants")


async def test_update_needs_the_revision_and_upsert_does_not(bot, access_list, refusal):
    first = await upsert(bot, access_list("g1"))
    second = await update(bot, first)
    assert second.header.metadata.revision != first.header.metadata.revision
    assert (await refusal(update(bot, first)))[0] == "FAILED_PRECONDITION"
    await upsert(bot, first)


async def test_a_name_that_cannot_be_a_key_is_refused_by_reads_too_with_the_key_of_the_lists_lock(
    bot, access_list, member, refusal
):
    calls = bot.access_lists
    writes = UpsertAccessListWithMembersRequest(access_list=access_list("a b"), members=[member("a b", "ada")])
    for call in (
        upsert(bot, access_list("a b")),
        update(bot, access_list("a b")),
        calls.UpsertAccessListWithMembers(writes),
        get(bot, "a b"),
        delete(bot, "a b"),
        calls.UpsertAccessListMember(UpsertAccessListMemberRequest(member=member("a b", "ada"))),
        calls.ListAccessListMembers(ListAccessListMembersRequest(access_list="a b")),
        calls.CountAccessListMembers(CountAccessListMembersRequest(access_list_name="a b")),
    ):
        code, text = await refusal(call)
        assert (code, text.partition(": ")[2]) == ("INVALID_ARGUMENT", '".locks/access_list/a b"')


async def test_a_missing_list_is_not_found_by_any_call_not_even_update(bot, access_list, refusal):
    expected = ("NOT_FOUND", 'access_list "g1" doesn\'t exist')
    for call in (get(bot, "g1"), update(bot, access_list("g1")), delete(bot, "g1")):
        assert await refusal(call) == expected
    call = bot.access_lists.GetAccessListOwners(GetAccessListOwnersRequest(access_list="g1"))
    assert await refusal(call) == expected


async def test_lists_come_in_pages_of_a_hundred_at_most(bot, sandbox, access_list):
    sandbox.cluster.access_lists.seed(access_list(f"g{number:03}") for number in range(101))
    first = await bot.access_lists.ListAccessLists(ListAccessListsRequest(page_size=5000))
    second = await bot.access_lists.ListAccessLists(ListAccessListsRequest(next_token=first.next_token))
    assert (len(first.access_lists), first.next_token) == (100, "g100")
    assert ([found.header.metadata.name for found in second.access_lists], second.next_token) == (["g100"], "")


async def test_lists_are_listed_late_and_read_at_once(start, connect, access_list, clock):
    async with start(lag=ListingLag.observed()) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upsert(bot, access_list("g1"))
        assert (await get(bot, "g1")).spec.title == "The g1"
        assert not (await bot.access_lists.ListAccessLists(ListAccessListsRequest())).access_lists
        clock.advance(0.5)
        assert (await bot.access_lists.ListAccessLists(ListAccessListsRequest())).access_lists


async def test_the_okta_service_reads_all_lists_and_writes_only_those_of_its_origin(host, bot, access_list, refusal):
    denied = ("PERMISSION_DENIED", 'access denied to perform action "create" on "access_list"')
    assert await refusal(upsert(host, access_list("g1"))) == denied
    await upsert(host, access_list("g1", **{ORIGIN: "okta"}))
    await upsert(bot, access_list("other"))
    assert (await get(host, "other")).spec.title == "The other"
    assert (await refusal(delete(host, "other")))[0] == "PERMISSION_DENIED"
    await delete(host, "g1")


async def test_the_okta_service_may_not_take_a_list_out_of_its_origin_or_into_it(host, bot, access_list, refusal):
    await upsert(host, access_list("g1", **{ORIGIN: "okta"}))
    await upsert(bot, access_list("other"))
    assert (await refusal(upsert(host, access_list("g1"))))[0] == "PERMISSION_DENIED"
    assert (await refusal(upsert(host, access_list("other", **{ORIGIN: "okta"}))))[0] == "PERMISSION_DENIED"


async def test_a_caller_who_may_not_read_lists_cannot_find_out_which_exist(bot, sandbox, connect, access_list, refusal):
    await upsert(bot, access_list("g1"))
    sandbox.administrator.create_user("ada", roles=["access"])
    ada = connect(sandbox, sandbox.issue_identity("ada", ["access"]).text())
    for name in ("g1", "nowhere"):
        assert (await refusal(get(ada, name)))[0] == "PERMISSION_DENIED"


async def test_a_bot_may_write_lists_of_origin_okta(bot, access_list):
    stored = await upsert(bot, access_list("g1", **{ORIGIN: "okta"}))
    assert stored.header.metadata.labels[ORIGIN] == "okta"


async def test_without_the_identity_entitlement_lists_are_limited(bot, sandbox, access_list, refusal):
    sandbox.cluster.license({"Identity": Entitlement(False), "AccessLists": Entitlement(True, 2)})
    for name in ("first", "second", "first"):
        await upsert(bot, access_list(name))
    text = "cluster has reached its limit for creating access lists, please contact the cluster administrator"
    assert await refusal(upsert(bot, access_list("third"))) == ("PERMISSION_DENIED", text)
    features = (await bot.auth.Ping(PingRequest())).ServerFeatures
    assert (features.IdentityGovernance, features.AccessList.create_limit) == (False, 2)
    assert features.entitlements["AccessLists"].limit == 2


async def test_without_any_entitlement_one_list_is_allowed(start, connect, access_list, refusal):
    async with start(entitlements={"Identity": Entitlement(False), "AccessLists": Entitlement(False)}) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upsert(bot, access_list("first"))
        assert (await refusal(upsert(bot, access_list("second"))))[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize(
    ("part", "in_use"),
    [("grants", True), ("membership_requires", True), ("ownership_requires", True), ("owner_grants", False)],
)
async def test_a_role_that_a_list_grants_or_requires_cannot_be_deleted(bot, access_list, refusal, part, in_use):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "r"
    await bot.auth.CreateRole(CreateRoleRequest(Role=role))
    message = access_list("g1")
    getattr(message.spec, part).roles.append("r")
    await upsert(bot, message)
    call = bot.auth.DeleteRole(DeleteRoleRequest(Name="r"))
    if in_use:
        code, text = await refusal(call)
        assert (code, "in use by an access list" in text) == ("UNKNOWN", True)
    else:
        await call


async def test_before_17_a_list_as_owner_is_a_user_of_that_name(start, connect, access_list):
    async with start(version="16.4.0") as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        stored = await upsert(bot, access_list("g1", owners=[("nowhere", True)]))
        assert stored.spec.owners[0].membership_kind != MEMBERSHIP_KIND_LIST
