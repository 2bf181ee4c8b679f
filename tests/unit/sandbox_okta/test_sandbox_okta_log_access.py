from __future__ import annotations

import pytest
from teleport_okta.sandbox.okta import FaultKind
from teleport_okta.sandbox.okta.error_bodies import OktaError
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_log import targets, types
from unit.sandbox_okta.sandbox_okta_world import World, refused


@pytest.fixture
def client(world: World) -> Client:
    return Client(world)


def test_a_revoked_api_token_is_logged(world: World) -> None:
    mark = world.org.log.mark()
    world.org.revoke_token(world.org.ssws_token)
    world.org.revoke_token(world.org.ssws_token)
    [event] = world.org.log.since(mark)
    assert (event["eventType"], event["legacyEventType"]) == ("system.api_token.revoke", "api.token.revoke")
    assert targets(event)["Token"].startswith("00T")
    assert event["target"][0]["displayName"] == "teleport-okta"


def test_a_token_that_a_fault_revokes_is_logged_too(world: World) -> None:
    mark = world.org.log.mark()
    world.org.fail(FaultKind.REVOKED)
    world.get("/api/v1/users")
    assert types(world.org.log.since(mark)) == ["system.api_token.revoke"]


def test_an_access_token_ends_without_a_word(world: World, client: Client) -> None:
    client.use("okta.users.read")
    mark = world.org.log.mark()
    world.org.revoke_token(str(world.authorization).removeprefix("Bearer "))
    assert world.org.log.since(mark) == []


def test_a_service_app_that_is_deactivated_gets_in_no_longer(world: World, client: Client) -> None:
    client.use("okta.users.read")
    mark = world.org.log.mark()
    world.org.deactivate_app(client.client.id)
    events = world.org.log.since(mark)
    assert types(events) == ["application.lifecycle.deactivate", "app.oauth2.client.lifecycle.deactivate"]
    assert targets(events[1]) == {"PublicClientApp": client.client.id}
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")
    assert client.ask()[0] == 401
    world.org.activate_app(client.client.id)
    assert client.ask()[0] == 200


def test_a_service_app_that_is_deleted_is_gone(world: World, client: Client) -> None:
    client.use("okta.users.read")
    world.org.deactivate_app(client.client.id)
    mark = world.org.log.mark()
    world.org.delete_app(client.client.id)
    assert types(world.org.log.since(mark)) == ["application.lifecycle.delete", "app.oauth2.client.lifecycle.delete"]
    assert refused(world.get("/api/v1/users")) == (401, "E0000011")
    assert client.ask()[0] == 401


def test_a_removed_key_signs_nothing_any_more(world: World, client: Client) -> None:
    mark = world.org.log.mark()
    world.org.remove_client_key(client.client.id, "r")
    events = world.org.log.since(mark)
    verbs = ("deactivate", "delete")
    assert types(events) == [f"app.oauth2.credentials.lifecycle.{verb}" for verb in verbs]
    assert targets(events[0]) == {"PublicClientApp": client.client.id, "JWK": "r"}
    assert client.ask(client.assertion("r"))[0] == 401
    assert client.ask(client.assertion("e"))[0] == 200
    with pytest.raises(OktaError, match="JsonWebKey"):
        world.org.remove_client_key(client.client.id, "r")


def test_scopes_that_come_and_go_are_logged(world: World, client: Client) -> None:
    client.client.grant(["okta.users.read", "okta.groups.read"])
    mark = world.org.log.mark()
    world.org.configure_client(client.client.id, scopes=["okta.users.read", "okta.logs.read"])
    events = world.org.log.since(mark)
    assert [(event["eventType"], targets(event)["OAuth2Scope"]) for event in events] == [
        ("app.oauth2.admin.consent.grant", "okta.logs.read"),
        ("app.oauth2.admin.consent.revoke", "okta.groups.read"),
    ]


def test_a_narrowed_role_is_still_called_a_grant(world: World, client: Client) -> None:
    mark = world.org.log.mark()
    world.org.narrow_role(without=["okta.logs.read"])
    world.org.narrow_role(without=["okta.logs.read"])
    user, app = world.org.log.since(mark)
    assert types([user, app]) == ["user.account.privilege.grant", "app.oauth2.client.privilege.grant"]
    assert list(targets(user)) == ["User", "ROLE_UNASSIGNED", "ROLE"]
    assert (targets(user)["User"], targets(app)["PublicClientApp"]) == (world.org.admin, client.client.id)


def test_a_role_without_anything_left_is_revoked(world: World) -> None:
    mark = world.org.log.mark()
    world.org.narrow_role(without=sorted(world.org.role.permissions))
    world.org.restore_role()
    world.org.restore_role()
    lost, given = world.org.log.since(mark)
    assert types([lost, given]) == ["user.account.privilege.revoke", "user.account.privilege.grant"]
    assert list(targets(lost))[1] == "ROLE_UNASSIGNED_ALL_PRIVILEGES_REVOKED"
    assert list(targets(given))[1] == "ROLE_ASSIGNED"


@pytest.mark.parametrize("narrowing", [{"hide": ["00uNobody"]}, {"only": ["00gNone"]}])
def test_a_narrowed_resource_set_is_logged_as_well(world: World, narrowing: dict[str, list[str]]) -> None:
    mark = world.org.log.mark()
    world.org.narrow_role(**narrowing)
    assert types(world.org.log.since(mark)) == ["user.account.privilege.grant"]


def test_another_share_of_the_limits_is_logged(world: World, client: Client) -> None:
    mark = world.org.log.mark()
    world.org.set_share(80)
    world.org.set_share(80)
    events = world.org.log.since(mark)
    assert types(events) == [
        "application.configuration.update_rate_limits",
        "system.rate_limit.configuration.update",
    ]
    assert targets(events[0]) == {"AppInstance": client.client.id}
    assert events[1]["target"] is None
    assert world.get("/api/v1/logs").headers["X-Rate-Limit-Limit"] == "96"
