"""Users, as `docs/reference/teleport.md` 4.0 and 4.2 and `docs/reference/teleport-observed.md` 2 have them."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from teleport.legacy.types.types_pb2 import UserFilter
from teleport.users.v1.users_service_pb2 import (
    CreateUserRequest,
    DeleteUserRequest,
    GetUserRequest,
    ListUsersRequest,
    UpdateUserRequest,
    UpsertUserRequest,
)

SYSTEM_USER = "@teleport-access-approval-bot"
SYSTEM_LABELS = {"teleport.internal/resource-type": "system"}


async def created(client, user):
    return (await client.users.CreateUser(CreateUserRequest(user=user))).user


async def stored(client, name):
    return (await client.users.GetUser(GetUserRequest(name=name))).user


async def names(client, **request):
    return [user.Metadata.Name for user in (await client.users.ListUsers(ListUsersRequest(**request))).users]


async def test_a_created_user_is_stored_with_a_revision_and_its_creator(bot, person, clock):
    user = await created(bot, person("ada@x.io", roles=["access"], traits={"okta/login": ["ada"]}))
    assert user.Metadata.Revision
    assert user.Spec.CreatedBy.User.Name == "bot-teleport-okta"
    assert user.Spec.CreatedBy.Time.seconds == int(clock())
    assert await stored(bot, "ada@x.io") == user


async def test_times_that_are_not_set_come_back_as_the_year_one(bot, person):
    user = await created(bot, person("ada@x.io"))
    for moment in (user.Spec.Expires, user.Spec.Status.LockedTime, user.Spec.Status.LockExpires):
        assert moment.seconds == -62_135_596_800


async def test_the_same_name_twice_is_already_registered(bot, person, refusal):
    await created(bot, person("ada@x.io"))
    assert await refusal(created(bot, person("ada@x.io"))) == ("ALREADY_EXISTS", 'user "ada@x.io" already registered')


@pytest.mark.parametrize(("edition", "system_users"), [("ent", [SYSTEM_USER]), ("oss", [])])
async def test_enterprise_has_a_user_of_its_own(start, connect, edition, system_users):
    async with start(edition=edition) as sandbox:
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        assert await names(client) == [*system_users, "bot-teleport-okta"]
        for name in system_users:
            assert (await stored(client, name)).Metadata.Labels == SYSTEM_LABELS


async def test_names_that_differ_in_case_are_two_users(bot, person):
    await created(bot, person("Ada@x.io"))
    await created(bot, person("ada@x.io"))
    assert await names(bot) == [SYSTEM_USER, "Ada@x.io", "ada@x.io", "bot-teleport-okta"]


@pytest.mark.parametrize("name", ["o'neil@x.io", "a b", "a/b", "ünal@x.io", "..", "50%"])
async def test_a_name_with_special_characters_is_refused_with_the_backend_key(bot, person, refusal, name):
    code, text = await refusal(created(bot, person(name)))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("special characters are not allowed in resource names, please use name composed only from")
    assert text.endswith(f'"/web/users/{name}/params"')


@pytest.mark.parametrize("name", ["a" * 1001, "ADA+1@x.io", "a:b_c-d.e"])
async def test_long_and_unusual_names_are_accepted(bot, person, name):
    assert (await created(bot, person(name))).Metadata.Name == name


async def test_a_bad_label_key_and_an_unknown_origin_are_refused(bot, person, refusal):
    user = person("ada@x.io")
    user.Metadata.Labels["no spaces"] = "x"
    assert await refusal(created(bot, user)) == ("INVALID_ARGUMENT", 'invalid label key: "no spaces"')
    code, text = await refusal(created(bot, person("ada@x.io", origin="ldap")))
    assert (code, text[:46]) == ("INVALID_ARGUMENT", 'invalid origin value "ldap", must be one of [d')


async def test_a_role_that_does_not_exist_is_not_found_even_on_create_and_upsert(bot, person, refusal):
    user = person("ada@x.io", roles=["ghost"])
    expected = ("NOT_FOUND", "role ghost is not found")
    assert await refusal(created(bot, user)) == expected
    assert await refusal(bot.users.UpsertUser(UpsertUserRequest(user=user))) == expected


async def test_a_missing_user_is_not_found_by_name(bot, refusal):
    assert await refusal(stored(bot, "bob")) == ("NOT_FOUND", 'user "bob" not found')
    deletion = bot.users.DeleteUser(DeleteUserRequest(name="bob"))
    assert await refusal(deletion) == ("NOT_FOUND", 'user "bob" not found')


async def test_update_needs_the_revision_that_was_read(bot, person, refusal):
    user = await created(bot, person("ada@x.io"))
    stale = user.Metadata.Revision
    user = (await bot.users.UpdateUser(UpdateUserRequest(user=user))).user
    assert user.Metadata.Revision != stale
    user.Metadata.Revision = stale
    code, text = await refusal(bot.users.UpdateUser(UpdateUserRequest(user=user)))
    assert code == "FAILED_PRECONDITION"
    assert text.startswith("resource revision does not match, it may have been concurrently created|modified|deleted;")


@pytest.mark.parametrize("revision", ["", "b2b4f4a0-0000-4000-8000-000000000000"])
async def test_update_of_a_missing_user_fails_its_precondition(bot, person, refusal, revision):
    user = person("bob")
    user.Metadata.Revision = revision
    assert (await refusal(bot.users.UpdateUser(UpdateUserRequest(user=user))))[0] == "FAILED_PRECONDITION"


async def test_update_with_an_empty_revision_never_matches(bot, person, refusal):
    user = await created(bot, person("ada@x.io"))
    user.Metadata.Revision = ""
    assert (await refusal(bot.users.UpdateUser(UpdateUserRequest(user=user))))[0] == "FAILED_PRECONDITION"


async def test_upsert_ignores_the_revision(bot, person):
    await created(bot, person("ada@x.io"))
    user = person("ada@x.io", roles=["access"])
    user.Metadata.Revision = "of yesterday"
    await bot.users.UpsertUser(UpsertUserRequest(user=user))
    assert list((await stored(bot, "ada@x.io")).Spec.Roles) == ["access"]


async def test_a_connector_without_a_creators_name_is_dropped(bot, person):
    user = person("ada@x.io")
    user.Spec.CreatedBy.Connector.ID = "okta"
    assert not (await created(bot, user)).Spec.CreatedBy.HasField("Connector")


async def test_a_connector_with_a_creators_name_is_kept(bot, person):
    user = person("ada@x.io")
    user.Spec.CreatedBy.Connector.ID = "okta"
    user.Spec.CreatedBy.User.Name = "system"
    assert (await created(bot, user)).Spec.CreatedBy.Connector.ID == "okta"


async def test_update_keeps_the_stored_creator_and_upsert_does_not(bot, person):
    user = await created(bot, person("ada@x.io"))
    user.Spec.CreatedBy.User.Name = "somebody else"
    user = (await bot.users.UpdateUser(UpdateUserRequest(user=user))).user
    assert user.Spec.CreatedBy.User.Name == "bot-teleport-okta"
    user.Spec.CreatedBy.User.Name = "somebody else"
    user = (await bot.users.UpsertUser(UpsertUserRequest(user=user))).user
    assert user.Spec.CreatedBy.User.Name == "somebody else"


async def test_an_expiry_of_the_spec_shows_as_expiry_of_the_stored_record(bot, person, clock):
    user = person("ada@x.io")
    user.Spec.Expires.seconds = int(clock()) + 60
    assert not (await created(bot, user)).Metadata.HasField("Expires")
    assert (await stored(bot, "ada@x.io")).Metadata.Expires.seconds == int(clock()) + 60


@pytest.mark.parametrize("holder", ["Metadata", "Spec"])
async def test_a_user_is_gone_at_its_expiry(bot, person, clock, refusal, holder):
    user = person("ada@x.io")
    getattr(user, holder).Expires.CopyFrom(Timestamp(seconds=int(clock()) + 60))
    await created(bot, user)
    clock.advance(59)
    assert "ada@x.io" in await names(bot)
    clock.advance(2)
    assert "ada@x.io" not in await names(bot)
    assert (await refusal(stored(bot, "ada@x.io")))[0] == "NOT_FOUND"


async def test_pages_cover_every_user_once(bot, sandbox, person):
    sandbox.cluster.users.seed(person(f"user-{number:04}") for number in range(2500))
    seen, token = [], ""
    while True:
        page = await bot.users.ListUsers(ListUsersRequest(page_token=token, page_size=5000))
        assert len(page.users) <= 1000
        seen += [user.Metadata.Name for user in page.users]
        token = page.next_page_token
        if not token:
            break
    assert seen == [SYSTEM_USER, "bot-teleport-okta", *(f"user-{number:04}" for number in range(2500))]


async def test_pages_of_the_first_18_lose_a_user_between_them(start, connect, person):
    async with start(version="18.0.0") as sandbox:
        sandbox.cluster.users.seed(person(name) for name in ("a", "aa", "b", "c"))
        client = connect(sandbox, sandbox.identity_path.read_bytes())
        first = await client.users.ListUsers(ListUsersRequest(page_size=3))
        assert [user.Metadata.Name for user in first.users] == [SYSTEM_USER, "a", "aa"]
        assert first.next_page_token == "b0"
        assert (await names(client, page_token="b0", page_size=2)) == ["bot-teleport-okta", "c"]


async def test_a_listing_can_be_narrowed_by_keywords(bot, person):
    await created(bot, person("ada@x.io", origin="dynamic"))
    await created(bot, person("bob@x.io", roles=["auditor"]))
    assert await names(bot, filter=UserFilter(SearchKeywords=["ADA"])) == ["ada@x.io"]
    assert await names(bot, filter=UserFilter(SearchKeywords=["dynamic", "x.io"])) == ["ada@x.io"]
    assert await names(bot, filter=UserFilter(SearchKeywords=["auditor"])) == []


async def test_only_the_builtin_admin_gets_secrets(bot, refusal):
    expected = ("PERMISSION_DENIED", "this request can be only executed by an admin")
    assert await refusal(bot.users.GetUser(GetUserRequest(name="x", with_secrets=True))) == expected
    assert await refusal(bot.users.ListUsers(ListUsersRequest(with_secrets=True))) == expected


async def test_unknown_fields_of_a_user_survive(bot, person):
    user = person("ada@x.io")
    user.MergeFromString(b"\xa2\x06\x03new")
    await created(bot, user)
    assert b"\xa2\x06\x03new" in (await stored(bot, "ada@x.io")).SerializeToString()


async def test_a_deleted_user_takes_mfa_devices_along(bot, sandbox, person):
    await created(bot, person("ada@x.io"))
    sandbox.administrator.add_mfa_device("ada@x.io")
    await bot.users.DeleteUser(DeleteUserRequest(name="ada@x.io"))
    await created(bot, person("ada@x.io"))
    assert sandbox.administrator.mfa_devices("ada@x.io") == []
