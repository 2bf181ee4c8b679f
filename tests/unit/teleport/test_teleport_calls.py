"""How calls are made: what is repeated, what is looked into, and what a refusal becomes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.legacy.client.proto import authservice_pb2
from teleport.legacy.types import types_pb2
from teleport.users.v1 import users_service_pb2
from teleport_clients import connect
from teleport_okta.model.teleport import TeleportRole, TeleportUser
from teleport_okta.teleport.convert import user_to_message
from teleport_okta.teleport.identity import Identity, parse_identity
from teleport_okta.teleport.identity_errors import (
    ForeignClusterError,
    IdentityExpiredError,
    NotAHostIdentityError,
)
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    ClientVersionRefusedError,
    LimitExceededError,
    MessageTooLargeError,
    MissingRoleError,
    PermissionDeniedError,
    RpcError,
    UnavailableError,
    UnknownFailureError,
)
from unit.teleport.scripted_auth import AUTH, USERS, Refuse, ScriptedAuth
from unit.teleport.small_pki import CLUSTER, NOW, SmallCA, host_subject, identity_file, name

if TYPE_CHECKING:
    from teleport_okta.clock import VirtualClock
    from teleport_okta.teleport.cluster import Teleport

Code = grpc.StatusCode
AWAY = Refuse(Code.UNAVAILABLE, "Socket closed")
MISSING = Refuse(Code.NOT_FOUND, 'user "ada" not found')
LABELS = {"teleport-okta/owner": "00o1", "teleport.dev/origin": "okta"}
ADA = TeleportUser("ada", LABELS, ("access",), {"okta/login": ("ada",)})


def record(user: TeleportUser = ADA, revision: str = "r1") -> types_pb2.UserV2:
    return user_to_message(replace(user, revision=revision), NOW)


def got(user: TeleportUser = ADA, revision: str = "r1") -> users_service_pb2.GetUserResponse:
    return users_service_pb2.GetUserResponse(user=record(user, revision))


def created(revision: str = "r1") -> users_service_pb2.CreateUserResponse:
    return users_service_pb2.CreateUserResponse(user=record(revision=revision))


async def test_every_call_names_our_version_and_who_we_are(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "GetUser", got())

    await teleport.users.get("ada")

    assert auth.metadata["version"] == "18.0.0"
    assert auth.metadata["user-agent"].startswith("teleport-okta/")


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.RESOURCE_EXHAUSTED, Code.DEADLINE_EXCEEDED])
async def test_a_read_is_repeated_while_the_failure_may_pass(
    teleport: Teleport, auth: ScriptedAuth, code: grpc.StatusCode
) -> None:
    auth.answer(USERS + "GetUser", Refuse(code), Refuse(code), got())

    assert await teleport.users.get("ada") == replace(ADA, revision="r1")


@pytest.mark.parametrize("code", [Code.PERMISSION_DENIED, Code.UNKNOWN, Code.INVALID_ARGUMENT])
async def test_a_refusal_is_not_repeated(teleport: Teleport, auth: ScriptedAuth, code: grpc.StatusCode) -> None:
    auth.answer(USERS + "GetUser", Refuse(code))

    with pytest.raises(RpcError):
        await teleport.users.get("ada")
    assert len(auth.requests[USERS + "GetUser"]) == 1


async def test_an_outage_is_given_up_after_a_minute(
    teleport: Teleport, auth: ScriptedAuth, clock: VirtualClock
) -> None:
    auth.answer(USERS + "GetUser", AWAY)

    with pytest.raises(UnavailableError):
        await teleport.users.get("ada")
    assert 50 < clock.monotonic() <= 60


async def test_an_oversized_message_is_not_sent_again(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "CreateUser", Refuse(Code.RESOURCE_EXHAUSTED, "received message larger than max (5 vs. 4)"))

    with pytest.raises(MessageTooLargeError):
        await teleport.users.create(ADA)
    assert len(auth.requests[USERS + "CreateUser"]) == 1


async def test_a_create_that_arrived_late_is_recognised(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "CreateUser", AWAY, Refuse(Code.ALREADY_EXISTS, 'user "ada" already registered'))
    auth.answer(USERS + "GetUser", MISSING, got(revision="r7"))

    assert (await teleport.users.create(ADA)).revision == "r7"


async def test_somebody_elses_user_is_not_taken_for_ours_after_a_lost_answer(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(USERS + "CreateUser", AWAY, Refuse(Code.ALREADY_EXISTS, 'user "ada" already registered'))
    auth.answer(USERS + "GetUser", got(replace(ADA, labels={})))

    with pytest.raises(AlreadyExistsError):
        await teleport.users.create(ADA)


async def test_a_busy_server_has_not_created_anything(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "CreateUser", Refuse(Code.RESOURCE_EXHAUSTED), created())

    await teleport.users.create(ADA)

    assert not auth.requests[USERS + "GetUser"]


@pytest.mark.parametrize("write", ["create", "update"])
async def test_not_found_on_a_user_write_is_a_missing_role(teleport: Teleport, auth: ScriptedAuth, write: str) -> None:
    auth.answer(f"{USERS}{write.capitalize()}User", Refuse(Code.NOT_FOUND, "role access is not found"))

    with pytest.raises(MissingRoleError, match="role access is not found") as caught:
        await getattr(teleport.users, write)(ADA)
    assert caught.value.roles == ("access",)


async def test_a_bot_whose_own_record_is_gone_does_not_empty_the_world(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "GetUser", Refuse(Code.NOT_FOUND, "access denied\n\tuser not found"))

    with pytest.raises(PermissionDeniedError):
        await teleport.users.get("ada")


async def test_a_deletion_whose_answer_was_lost_counts_as_ours(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "DeleteUser", AWAY, MISSING)

    assert await teleport.users.delete(ADA)


async def test_a_lost_role_creation_is_looked_into(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(AUTH + "CreateRole", AWAY)
    auth.answer(AUTH + "GetRole", types_pb2.RoleV6(Metadata=types_pb2.Metadata(Name="r", Revision="r5")))

    assert (await teleport.roles.create(TeleportRole("r"))).revision == "r5"


async def test_a_listing_is_walked_to_its_end_and_counts_everybody_once(teleport: Teleport, auth: ScriptedAuth) -> None:
    eve = replace(ADA, name="eve")
    page = users_service_pb2.ListUsersResponse
    auth.answer(
        USERS + "ListUsers",
        page(users=[record()], next_page_token="2"),
        page(users=[record(revision="r2"), record(eve)]),
    )

    users = await teleport.users.list()

    assert [(user.name, user.revision) for user in users] == [("ada", "r2"), ("eve", "r1")]
    assert [request.page_token for request in auth.requests[USERS + "ListUsers"]] == ["", "2"]


async def test_a_listing_that_would_never_end_is_an_error(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "ListUsers", users_service_pb2.ListUsersResponse(users=[record()], next_page_token="2"))

    with pytest.raises(UnknownFailureError, match="page token '2' came twice"):
        await teleport.users.list()


async def test_half_a_listing_is_no_listing(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(
        USERS + "ListUsers",
        users_service_pb2.ListUsersResponse(users=[record()], next_page_token="2"),
        Refuse(Code.PERMISSION_DENIED, "access denied"),
    )

    with pytest.raises(PermissionDeniedError):
        await teleport.users.list()


async def test_a_listing_that_lags_behind_the_update_of_somebody_whom_we_only_read_is_corrected(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    auth.answer(USERS + "ListUsers", users_service_pb2.ListUsersResponse(users=[record(revision="r1")]))
    auth.answer(USERS + "UpdateUser", users_service_pb2.UpdateUserResponse(user=record(revision="r2")))
    [ada] = await teleport.users.list()

    updated = await teleport.users.update(ada)

    assert await teleport.users.list() == [updated]


async def test_an_identity_that_expires_meanwhile_is_told_from_an_outage(
    teleport: Teleport, auth: ScriptedAuth, clock: VirtualClock
) -> None:
    auth.answer(USERS + "GetUser", AWAY)
    clock.advance(3600)

    with pytest.raises(IdentityExpiredError):
        await teleport.users.get("ada")


async def test_an_outage_is_not_taken_for_a_refused_version(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(AUTH + "Ping", authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="18.1.3"))
    auth.answer(USERS + "GetUser", AWAY, AWAY, AWAY, AWAY, got())

    assert await teleport.users.get("ada")
    assert len(auth.requests[AUTH + "Ping"]) == 2


async def test_only_a_host_of_role_okta_of_the_same_cluster_will_do(
    ca: SmallCA, host: Identity, clock: VirtualClock
) -> None:
    node = parse_identity(identity_file(ca, subject=host_subject("Node")), source="node")
    foreigner = parse_identity(identity_file(ca, subject=name("bot", "r", cluster="elsewhere")), source="bot")

    with pytest.raises(NotAHostIdentityError, match="role Node"):
        await connect("127.0.0.1:1", host=node, clock=clock)
    with pytest.raises(ForeignClusterError, match="elsewhere"):
        await connect("127.0.0.1:1", host=host, bot=foreigner, clock=clock)


async def test_a_limit_that_stays_is_reported(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(USERS + "ListUsers", Refuse(Code.RESOURCE_EXHAUSTED, "slow down"))

    with pytest.raises(LimitExceededError, match="slow down"):
        await teleport.users.list()


async def test_a_server_that_restarts_while_asked_about_versions_has_not_refused_ours(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    ping = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="18.1.3")
    auth.answer(AUTH + "Ping", ping, AWAY)
    auth.answer(USERS + "GetUser", AWAY, AWAY, AWAY, got())

    assert await teleport.users.get("ada")
    assert len(auth.requests[AUTH + "Ping"]) == 3


async def test_a_server_that_refuses_even_the_version_it_should_take_is_named(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    pong = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="18.1.3")
    auth.answer(AUTH + "Ping", lambda _: AWAY if "version" in auth.metadata else pong)
    auth.answer(USERS + "GetUser", AWAY)

    with pytest.raises(ClientVersionRefusedError, match="refuses clients of version 18"):
        await teleport.users.get("ada")


async def test_a_server_two_major_versions_ahead_is_spoken_to_in_the_oldest_version_that_it_takes(
    teleport: Teleport, auth: ScriptedAuth
) -> None:
    pong = authservice_pb2.PingResponse(ClusterName=CLUSTER, ServerVersion="20.1.0")
    spoken = {"19.0.0", None}
    auth.answer(AUTH + "Ping", lambda _: pong if auth.metadata.get("version") in spoken else AWAY)
    auth.answer(USERS + "GetUser", lambda _: got() if auth.metadata.get("version") in spoken else AWAY)

    assert await teleport.users.get("ada")
