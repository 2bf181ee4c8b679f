"""The permissions for the steps of an enrolment: create an app, find Everyone, assign it.

See `docs/reference/okta.md` 1.3, 1.4, 4.1.
"""

from __future__ import annotations

import pytest
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_world import World, refused

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta"
BODY = {
    "label": "Teleport main",
    "signOnMode": "SAML_2_0",
    "settings": {"signOn": dict.fromkeys(("ssoAcsUrl", "audience", "recipient", "destination"), ACS)},
}
EVERYONE = "/api/v1/groups?filter=type eq %22BUILT_IN%22"


@pytest.fixture(params=["SSWS", "service app"])
def caller(request: pytest.FixtureRequest, world: World) -> World:
    """A world whose caller may do everything, with either kind of credentials."""
    if request.param == "service app":
        Client(world).use("okta.apps.manage okta.groups.read")
    return world


def assign(world: World, app: str) -> tuple[int, str]:
    return refused(world.put(f"/api/v1/apps/{app}/groups/{world.org.groups.everyone}", {}))


def test_either_kind_of_credentials_enrols(caller: World) -> None:
    app = caller.post("/api/v1/apps", BODY).json()["id"]
    everyone = caller.org.groups.everyone
    assert everyone in caller.ids(EVERYONE)
    assert caller.put(f"/api/v1/apps/{app}/groups/{everyone}", {}).status == 200
    assert caller.get(f"/api/v1/apps/{app}/sso/saml/metadata", Accept="application/xml").status == 200


def test_a_role_that_may_not_manage_apps_creates_none(caller: World) -> None:
    caller.org.narrow_role(without=["okta.apps.manage"])
    assert refused(caller.post("/api/v1/apps", BODY)) == (403, "E0000006")


def test_a_role_over_some_apps_only_creates_none(caller: World) -> None:
    wiki = caller.org.create_app("Wiki").id
    caller.org.narrow_role(only=[wiki])
    assert refused(caller.post("/api/v1/apps", BODY)) == (403, "E0000006")
    assert caller.get(f"/api/v1/apps/{wiki}").status == 200
    caller.org.restore_role()
    caller.org.narrow_role(only=[caller.org.groups.everyone])
    assert caller.post("/api/v1/apps", BODY).status == 200


def test_a_role_that_may_not_assign_groups_creates_an_app_all_the_same(caller: World) -> None:
    caller.org.narrow_role(without=["okta.groups.appAssignment.manage"])
    app = caller.post("/api/v1/apps", BODY).json()["id"]
    assert assign(caller, app) == (403, "E0000006")


def test_a_role_that_does_not_see_everyone_neither_lists_nor_assigns_it(caller: World) -> None:
    app = caller.post("/api/v1/apps", BODY).json()["id"]
    everyone = caller.org.groups.everyone
    caller.org.narrow_role(hide=[everyone])
    assert everyone not in caller.ids(EVERYONE)
    assert everyone not in caller.ids("/api/v1/groups?q=Everyone")
    assert assign(caller, app) == (403, "E0000006")
    path = f"/api/v1/apps/{app}/groups/{everyone}"
    assert refused(caller.get(path)) == refused(caller.delete(path)) == (403, "E0000006")


def test_a_service_app_without_the_scope_gets_no_token_for_it_and_creates_nothing(world: World) -> None:
    client = Client(world)
    world.org.configure_client(client.client.id, scopes=["okta.apps.read", "okta.groups.read"])
    assert client.ask(scope="okta.apps.manage")[1]["error"] == "invalid_scope"
    client.use("okta.apps.read")
    assert refused(world.post("/api/v1/apps", BODY)) == (403, "E0000006")
    assert len(world.ids("/api/v1/apps")) == 4
