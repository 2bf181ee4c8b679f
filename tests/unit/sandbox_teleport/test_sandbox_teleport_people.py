"""The administrator and SSO logins, in the process and over the control interface."""

import asyncio
import json

import aiohttp
import pytest
from teleport.users.v1.users_service_pb2 import UpsertUserRequest
from teleport_okta.sandbox.teleport.command import serve
from teleport_okta.sandbox.teleport.refusal import Refusal


@pytest.fixture
async def synced(host, person):
    """A user as synchronisation leaves it: labels, a role, and the connector that may take it over."""
    user = person("ada", origin="okta", roles=["okta-requester"], traits={"okta/login": ["ada"]})
    user.Metadata.Labels["okta/org"] = "https://acme.example"
    user.Spec.CreatedBy.Connector.Type, user.Spec.CreatedBy.Connector.ID = "saml", "okta"
    user.Spec.CreatedBy.User.Name = "system"
    await host.users.UpsertUser(UpsertUserRequest(user=user))


async def test_a_login_that_merges_adds_to_the_record(sandbox, synced):
    sandbox.administrator.add_mfa_device("ada")
    user = sandbox.administrator.sso_login("ada", roles=["access"], groups=["Everyone"])
    assert user.Metadata.Labels["okta/org"] == "https://acme.example"
    assert list(user.Spec.Roles) == ["okta-requester", "access"]
    assert set(user.Spec.Traits.Values) == {"okta/login", "username", "groups"}
    assert not user.Metadata.HasField("Expires")
    assert sandbox.administrator.mfa_devices("ada") == ["phone"]


async def test_a_login_that_replaces_leaves_a_record_of_its_own(sandbox, synced, clock):
    sandbox.administrator.add_mfa_device("ada")
    user = sandbox.administrator.sso_login("ada", roles=["access"], merge=False, session=3600)
    assert not user.Metadata.Labels
    assert list(user.Spec.Roles) == ["access"]
    assert user.Metadata.Expires.seconds == user.Spec.Expires.seconds == int(clock()) + 3600
    assert user.Spec.CreatedBy.Connector.ID == "okta"
    assert sandbox.administrator.mfa_devices("ada") == ["phone"]


async def test_a_first_login_makes_a_user_that_expires(sandbox, clock):
    user = sandbox.administrator.sso_login("eve", roles=["access"], session=3600)
    assert user.Spec.CreatedBy.Connector.Identity == "eve"
    clock.advance(3601)
    assert sandbox.cluster.users.stored("eve") is None


async def test_a_login_fails_for_a_local_user_of_that_name(sandbox):
    sandbox.administrator.create_user("ada")
    with pytest.raises(PermissionError, match="local user 'ada'"):
        sandbox.administrator.sso_login("ada")


async def test_the_control_interface_acts_as_administrator_and_login(control, sandbox):
    async with control.post("/users", json={"name": "ada", "roles": ["access"]}) as reply:
        assert reply.status == 201
    async with control.patch("/users/ada", json={"roles": []}) as reply:
        assert "Roles" not in (await reply.json())["Spec"]
    await control.post("/users/ada/mfa", json={"device": "key"})
    async with control.get("/users/ada") as reply:
        assert (await reply.json())["mfa_devices"] == ["key"]
    await control.post("/users/eve/sso-login", json={"roles": ["access"], "session": 60})
    async with control.get("/users") as reply:
        assert [user["Metadata"]["Name"] for user in await reply.json()] == [
            "@teleport-access-approval-bot",
            "ada",
            "bot-teleport-okta",
            "eve",
        ]
    await control.delete("/users/ada")
    assert sandbox.cluster.users.stored("ada") is None


async def test_the_control_interface_sets_locks_tokens_and_faults(control, sandbox):
    await control.post("/locks", json={"name": "l", "user": "ada", "message": "on holiday"})
    assert sandbox.cluster.locks.stored("l").Spec.Message == "on holiday"
    await control.post("/tokens", json={"name": "t", "roles": ["Okta"]})
    assert sandbox.cluster.tokens["t"].roles == ("Okta",)
    await control.post("/faults", json={"method": "*/Ping", "code": "UNAVAILABLE", "count": 1})
    assert [fault.method for fault in sandbox.faults.waiting] == ["*/Ping"]
    await control.delete("/faults")
    assert sandbox.faults.waiting == ()


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        ("/faults", {"method": "*"}, 400, "a code, a reset or a latency"),
        ("/faults", {"method": "*", "code": "BROKEN"}, 400, "no gRPC status"),
        ("/faults", {"methods": "*"}, 400, "unexpected keyword argument 'methods'"),
        ("/users", {"name": "bot-teleport-okta"}, 409, "UNIQUE constraint failed"),
        ("/users", {}, 404, "there is no 'name'"),
        ("/users/nobody/mfa", {}, 404, "there is no 'nobody'"),
    ],
)
async def test_the_control_interface_returns_the_error(control, path, body, status, reason):
    async with control.post(path, json=body) as reply:
        assert reply.status == status
        assert reason in (await reply.json())["error"]


async def test_the_control_interface_counts_calls(control, bot, person):
    await bot.users.UpsertUser(UpsertUserRequest(user=person("ada")))
    async with control.get("/calls") as reply:
        assert await reply.json() == {
            "total": 1,
            "calls": {"/teleport.users.v1.UsersService/UpsertUser": 1},
            "most_writes_in_flight": 1,
        }
    await control.post("/calls/reset")
    async with control.get("/calls") as reply:
        assert (await reply.json())["total"] == 0


async def test_serving_announces_how_to_connect_and_ends_when_cancelled(tmp_path):
    announced = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(tmp_path, announce=announced.set_result, edition="oss", version="18.0.0"))
    facts = json.loads(json.dumps(await announced))
    assert list(facts) == [
        "kind",
        "auth",
        "proxy",
        "proxy_ca",
        "cluster",
        "version",
        "edition",
        "identity",
        "join_token",
        "ca_pins",
        "control",
    ]
    assert (facts["kind"], facts["edition"], facts["version"]) == ("teleport", "oss", "18.0.0")
    assert facts["identity"] == str(tmp_path / "identity")
    async with aiohttp.ClientSession() as session, session.get(facts["control"]) as reply:
        assert (await reply.json())["objects"]["user"] == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("edit", "refusal"),
    [
        ({"roles": ["access"]}, 'Must be Okta service to set "okta" origin'),
        ({"labels": {}}, "Okta origin may not be changed"),
    ],
)
async def test_a_user_of_origin_okta_cannot_be_edited_by_hand(sandbox, synced, edit, refusal):
    before = sandbox.administrator.user("ada")
    with pytest.raises(Refusal, match=refusal):
        sandbox.administrator.edit_user("ada", **edit)
    assert sandbox.administrator.user("ada") == before
    sandbox.administrator.delete_user("ada")


async def test_another_okta_service_edits_users_of_origin_okta_and_no_others(sandbox, synced):
    sandbox.administrator.create_user("bob")
    edited = sandbox.administrator.edit_user("ada", roles=["access"], as_okta_service=True)
    assert list(edited.Spec.Roles) == ["access"]
    with pytest.raises(Refusal, match='must supply "okta" origin'):
        sandbox.administrator.edit_user("bob", roles=["access"], as_okta_service=True)


async def test_the_control_interface_returns_why_a_user_cannot_be_edited(control, synced):
    async with control.patch("/users/ada", json={"roles": []}) as reply:
        assert reply.status == 409
        assert "Must be Okta service" in await reply.text()
