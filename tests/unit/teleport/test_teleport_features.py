from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.accesslist.v1 import accesslist_service_pb2
from teleport.legacy.client.proto import authservice_pb2
from teleport.okta.v1 import okta_service_pb2
from teleport.users.v1 import users_service_pb2
from teleport_clients import connect
from teleport_okta.teleport.identity import Identity, parse_identity
from teleport_okta.teleport.teleport_errors import UnavailableError
from unit.teleport.scripted_auth import ACCESS_LISTS, AUTH, OKTA, PLUGINS, USERS, Refuse, ScriptedAuth
from unit.teleport.small_pki import CLUSTER, SmallCA, identity_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.clock import VirtualClock
    from teleport_okta.teleport.cluster import Teleport

Code = grpc.StatusCode
NEED_THE_BOT = {"plugin", "access_requests", "adoption"}


def ping(*, version: str = "18.1.3", saml: bool = True) -> authservice_pb2.PingResponse:
    reply = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion=version)
    reply.ServerFeatures.AdvancedAccessWorkflows = True
    reply.ServerFeatures.entitlements["SAML"].enabled = saml
    return reply


@pytest.fixture
def enterprise(auth: ScriptedAuth) -> ScriptedAuth:
    """A cluster that offers everything."""
    auth.answer(AUTH + "Ping", ping())
    auth.answer(USERS + "ListUsers", users_service_pb2.ListUsersResponse())
    auth.answer(USERS + "GetUser", Refuse(Code.NOT_FOUND, 'user "x" not found'))
    auth.answer(AUTH + "GetLock", Refuse(Code.NOT_FOUND, 'lock "x" is not found'))
    auth.answer(AUTH + "ListRoles", authservice_pb2.ListRolesResponse())
    auth.answer(AUTH + "ListResources", authservice_pb2.ListResourcesResponse())
    auth.answer(AUTH + "ListUserGroups", authservice_pb2.ListUserGroupsResponse())
    auth.answer(AUTH + "ListAccessRequests", authservice_pb2.ListAccessRequestsResponse())
    auth.answer(ACCESS_LISTS + "ListAccessLists", accesslist_service_pb2.ListAccessListsResponse())
    auth.answer(OKTA + "ListOktaImportRules", okta_service_pb2.ListOktaImportRulesResponse())
    auth.answer(PLUGINS + "GetPlugin", Refuse(Code.NOT_FOUND, 'plugin "okta" doesn\'t exist'))
    return auth


@pytest.fixture
async def with_bot(
    enterprise: ScriptedAuth, ca: SmallCA, host: Identity, clock: VirtualClock
) -> AsyncIterator[Teleport]:
    """A client with both identities."""
    bot = parse_identity(identity_file(ca), source="bot")
    async with await connect(enterprise.address, host=host, bot=bot, clock=clock) as client:
        yield client


async def test_without_a_bot_what_needs_it_is_off_and_says_so(teleport: Teleport, enterprise: ScriptedAuth) -> None:
    cluster = await teleport.cluster()

    assert {feature.name for feature in cluster.features if not feature.enabled} == NEED_THE_BOT
    assert "teleport.identity" in cluster.feature("plugin").reason


async def test_what_the_edition_lacks_is_off(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    unknown = Refuse(Code.UNIMPLEMENTED, "unknown service teleport.accesslist.v1.AccessListService")
    enterprise.answer(ACCESS_LISTS + "ListAccessLists", unknown)
    enterprise.answer(AUTH + "Ping", ping(saml=False))

    cluster = await with_bot.cluster()

    assert not cluster.has("access_lists")
    assert "Community edition" in cluster.feature("access_lists").reason
    assert not cluster.has("saml")
    assert "entitlement" in cluster.feature("saml").reason


async def test_what_the_identity_may_not_do_is_off_and_names_the_identity(
    with_bot: Teleport, enterprise: ScriptedAuth
) -> None:
    enterprise.answer(PLUGINS + "GetPlugin", Refuse(Code.PERMISSION_DENIED, 'access denied to "read" on "plugin"'))

    plugin = (await with_bot.cluster()).feature("plugin")

    assert not plugin.enabled
    assert "the bot identity" in plugin.reason
    assert '"read" on "plugin"' in plugin.reason


async def test_a_gated_feature_is_not_even_probed(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    enterprise.answer(AUTH + "Ping", ping(version="18.1.2"))

    user_groups = (await with_bot.cluster()).feature("user_groups")

    assert not user_groups.enabled
    assert "upgrade the auth server to 18.1.3" in user_groups.reason
    assert not enterprise.requests[AUTH + "ListUserGroups"]


async def test_older_servers_say_saml_with_a_flag(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    old = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="17.0.0")
    old.ServerFeatures.SAML = True
    enterprise.answer(AUTH + "Ping", old)

    assert (await with_bot.cluster()).has("saml")


@pytest.mark.parametrize(("create_limit", "limit"), [(0, None), (3, 3)])
async def test_older_servers_say_with_a_number_how_many_lists_there_may_be(
    with_bot: Teleport, enterprise: ScriptedAuth, create_limit: int, limit: int | None
) -> None:
    old = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="17.0.0")
    old.ServerFeatures.AccessList.create_limit = create_limit
    enterprise.answer(AUTH + "Ping", old)

    assert (await with_bot.cluster()).access_list_limit == limit


async def test_older_servers_with_governance_set_no_limit(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    old = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="17.0.0")
    old.ServerFeatures.IdentityGovernance = True
    old.ServerFeatures.AccessList.create_limit = 3
    enterprise.answer(AUTH + "Ping", old)

    assert (await with_bot.cluster()).access_list_limit is None


async def test_access_lists_that_exist_and_are_not_for_us_are_told_from_an_edition_without_them(
    with_bot: Teleport, enterprise: ScriptedAuth
) -> None:
    enterprise.answer(ACCESS_LISTS + "ListAccessLists", Refuse(Code.PERMISSION_DENIED, "access denied to list"))

    reason = (await with_bot.cluster()).feature("access_lists").reason

    assert "the host identity may not use it" in reason
    assert "Community" not in reason


async def test_an_empty_answer_to_ping_is_asked_again(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    enterprise.answer(AUTH + "Ping", authservice_pb2.PingResponse(), ping())

    assert (await with_bot.cluster()).version == "18.1.3"


async def test_a_cluster_that_never_says_who_it_is_counts_as_away(with_bot: Teleport, enterprise: ScriptedAuth) -> None:
    enterprise.answer(AUTH + "Ping", authservice_pb2.PingResponse())

    with pytest.raises(UnavailableError, match="the answer is empty"):
        await with_bot.cluster()


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.UNKNOWN, Code.INTERNAL, Code.DEADLINE_EXCEEDED])
async def test_a_probe_that_fails_says_nothing_of_its_feature_alone(
    with_bot: Teleport, enterprise: ScriptedAuth, code: Code
) -> None:
    enterprise.answer(ACCESS_LISTS + "ListAccessLists", Refuse(code, "Socket closed"))

    cluster = await with_bot.cluster()

    found = cluster.feature("access_lists")
    assert (found.enabled, found.unknown, found.denied) == (False, True, False)
    assert "AccessListService/ListAccessLists" in found.reason
    assert {one.name for one in cluster.features if not one.enabled} == {"access_lists"}


async def test_an_outage_that_begins_among_the_probes_says_nothing_of_features(
    with_bot: Teleport, enterprise: ScriptedAuth
) -> None:
    gone = Refuse(Code.UNAVAILABLE, "Socket closed")
    enterprise.answer(ACCESS_LISTS + "ListAccessLists", gone)
    enterprise.answer(AUTH + "Ping", ping(), gone)

    with pytest.raises(UnavailableError, match="ListAccessLists"):
        await with_bot.cluster()


async def test_a_bot_that_has_expired_switches_its_features_off_and_stops_nothing_else(
    with_bot: Teleport, enterprise: ScriptedAuth, clock: VirtualClock
) -> None:
    enterprise.answer(PLUGINS + "GetPlugin", Refuse(Code.UNAVAILABLE, "Unwrap failed"))
    clock.advance(20 * 24 * 3600)
    cluster = await with_bot.cluster()
    assert cluster.has("users")
    assert "expired" in cluster.feature("plugin").reason


async def test_a_bot_that_gets_no_answer_is_asked_once_and_stops_nothing_else(
    with_bot: Teleport, enterprise: ScriptedAuth, monkeypatch: pytest.MonkeyPatch
) -> None:
    enterprise.answer(USERS + "GetUser", Refuse(Code.UNAVAILABLE, "Unwrap failed"))

    async def no_answer() -> bool:
        return False

    monkeypatch.setattr(with_bot.bot, "answers", no_answer)

    cluster = await with_bot.cluster()

    assert {feature.name for feature in cluster.features if feature.unknown} == NEED_THE_BOT
    assert not enterprise.requests[PLUGINS + "GetPlugin"]
    assert cluster.has("users")
