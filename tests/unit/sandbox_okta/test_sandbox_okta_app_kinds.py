from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.okta import INTERNAL_APPS
from teleport_okta.sandbox.okta import Settings
from teleport_okta.sandbox.okta.groups import APP_GROUP
from unit.sandbox_okta.sandbox_okta_client import Client
from unit.sandbox_okta.sandbox_okta_world import World, causes, profile, refused

if TYPE_CHECKING:
    from typing import Any

SITE = {"app": {"url": "https://wiki.example.com"}}
SUITE = ("mail", "calendar", "files")


def shown(world: World, app_id: str) -> dict[str, Any]:
    """Return the app as the listing has it, by a principal that sees it there."""
    (app,) = [app for app in world.get("/api/v1/apps?limit=200").json() if app["id"] == app_id]
    return app


def links_of(app: dict[str, Any]) -> list[str]:
    return [link["name"] for link in app["_links"]["appLinks"]]


@pytest.mark.parametrize(
    ("mode", "settings", "name", "link"),
    [
        ("BOOKMARK", SITE, "bookmark", "login"),
        ("BASIC_AUTH", SITE, "template_basic_auth", "login"),
        ("BROWSER_PLUGIN", SITE, "template_swa", "login"),
        ("OPENID_CONNECT", {}, "oidc_client", "oidc_client_link"),
        ("AUTO_LOGIN", {"signOn": {"loginUrl": "https://wiki.example.com"}}, "acme_wiki_1", "acme_wiki_1_link"),
    ],
)
def test_apps_of_several_kinds_can_be_created(world: World, mode: str, settings: object, name: str, link: str) -> None:
    created = world.post("/api/v1/apps", {"label": "Wiki", "signOnMode": mode, "settings": settings}).json()
    app = shown(world, created["id"])
    assert (app["name"], app["signOnMode"], links_of(app)) == (name, mode, [link])
    assert app["visibility"]["appLinks"] == {link: True}
    assert app["settings"]["notes"] == {"admin": None, "enduser": None}


@pytest.mark.parametrize(
    ("mode", "cause"), [("BOOKMARK", "url: "), ("BASIC_AUTH", "url: "), ("AUTO_LOGIN", "loginUrl: ")]
)
def test_a_kind_insists_on_its_address(world: World, mode: str, cause: str) -> None:
    response = world.post("/api/v1/apps", {"label": "Wiki", "signOnMode": mode})
    assert refused(response) == (400, "E0000001")
    assert causes(response)[0].startswith(cause)


def test_a_definition_cannot_be_made_in_another_mode(world: World) -> None:
    body = {"label": "Wiki", "name": "oidc_client", "signOnMode": "BOOKMARK", "settings": SITE}
    assert causes(world.post("/api/v1/apps", body))[0].startswith("name: ")


def test_links_of_one_definition_share_their_ids_and_custom_ones_do_not(world: World) -> None:
    def link_id(label: str, **body: object) -> str:
        return str(world.org.create_app(label, **body).links[0][1])  # type: ignore[arg-type]

    assert link_id("One", signOnMode="BOOKMARK") == link_id("Two", signOnMode="BOOKMARK")
    assert link_id("Three") != link_id("Four")


def test_an_app_can_have_several_links_or_none(world: World) -> None:
    suite, silent = world.org.create_app("Suite", links=SUITE), world.org.create_app("Silent", links=())
    assert links_of(shown(world, suite.id)) == list(SUITE)
    assert (links_of(shown(world, silent.id)), silent.visibility["appLinks"]) == ([], {})


def test_a_link_that_is_switched_off_is_not_offered(world: World) -> None:
    app = world.org.create_app("Suite", links=SUITE, visibility={"appLinks": {"calendar": False}})
    assert links_of(shown(world, app.id)) == ["mail", "files"]
    assert shown(world, app.id)["visibility"]["appLinks"] == {"mail": True, "calendar": False, "files": True}


def test_links_keep_their_order_unless_they_are_shuffled(world: World) -> None:
    for restless in (world, World(Settings(shuffles_links=True))):
        app = restless.org.create_app("Suite", links=SUITE)
        restless.org.create_app("Other", links=("login", "admin"))
        orders = [tuple(links_of(shown(restless, app.id))) for _ in range(3)]
        assert len(set(orders)) == (3 if restless is not world else 1)
        assert {frozenset(order) for order in orders} == {frozenset(SUITE)}


def test_visibility_links_and_note_of_an_app_can_be_changed(world: World) -> None:
    app = world.org.create_app("Wiki")
    world.now += 60
    world.org.update_app(app.id, label="Pages", hidden=True, note="Ask Ada.", links=("read", "write"))
    after = shown(world, app.id)
    assert (after["label"], after["name"], after["visibility"]["hide"]["web"]) == ("Pages", app.name, True)
    assert (after["settings"]["notes"], links_of(after)) == ({"admin": None, "enduser": "Ask Ada."}, ["read", "write"])
    assert after["lastUpdated"] == "2026-01-05T08:01:00.000Z"
    world.org.update_app(app.id, note="")
    assert shown(world, app.id)["settings"]["notes"]["enduser"] is None


def test_a_write_without_a_change_keeps_the_timestamp(world: World) -> None:
    app = world.org.create_app("Wiki", note="Ask Ada.")
    world.now += 60
    assert world.org.update_app(app.id, label="Wiki", hidden=False, note="Ask Ada.") == app


def test_a_rename_cannot_take_a_label_where_they_are_unique() -> None:
    world = World(Settings(unique_app_labels=True))
    wiki = world.org.create_app("Wiki")
    world.org.create_app("Pages")
    with pytest.raises(Exception, match="E0000040"):
        world.org.update_app(wiki.id, label="Pages")


def test_a_hidden_app_is_on_no_dashboard(world: World) -> None:
    ada, app = world.org.create_user(profile("ada")), world.org.create_app("Suite", links=SUITE)
    world.org.assign(app.id, ada.id)
    path = f"/api/v1/users/{ada.id}/appLinks"
    assert [link["sortOrder"] for link in world.get(path).json()] == [0, 1, 2]
    world.org.update_app(app.id, hidden=True)
    assert world.get(path).json() == []


def test_okta_s_own_apps_can_all_be_there_and_only_once(world: World) -> None:
    assert len(world.org.add_internal_apps()) == 7
    assert world.org.add_internal_apps() == []
    listed = {app["name"]: app for app in world.get("/api/v1/apps?limit=200").json()}
    assert set(listed) == {
        *("saasure", "okta_enduser", "okta_browser_plugin", "okta_flow_sso", "okta_account_settings"),
        *("okta_iga_reviewer", "okta_iga_security_access_reviews", "okta_access_requests_resource_catalog"),
        *("okta_atspoke_sso", "partner_portal"),
    }
    assert set(listed) <= set(INTERNAL_APPS), "Okta's own apps are left out by default"
    assert {name for name, app in listed.items() if not links_of(app)} == {
        *("okta_enduser", "okta_browser_plugin", "okta_account_settings", "okta_access_requests_resource_catalog")
    }
    assert {app["signOnMode"] for app in listed.values()} == {"OPENID_CONNECT"}
    assert "notes" not in listed["saasure"]["settings"]


def test_a_service_app_is_listed_with_a_hidden_link(world: World) -> None:
    client = Client(world).client
    app = shown(world, client.id)
    assert (app["name"], links_of(app)) == ("oidc_client", ["oidc_client_link"])
    assert app["visibility"]["hide"] == {"iOS": True, "web": True}
    assert app["settings"]["oauthClient"]["application_type"] == "service"
    assert app["credentials"]["oauthClient"]["client_id"] == client.id
    assert app["_links"]["clientCredentials"][0]["name"] == "jwks"


def test_a_directory_is_an_app_without_sign_in(world: World) -> None:
    directory = world.org.create_app("corp.example.com", signOnMode=None)
    app = shown(world, directory.id)
    assert (app["name"], app["signOnMode"], links_of(app)) == ("active_directory", None, [])
    assert "PROFILE_MASTERING" in app["features"]
    group = world.org.create_group("Staff", kind=APP_GROUP, source_app=directory.id)
    listed = world.get(f"/api/v1/groups/{group.id}").json()
    assert listed["objectClass"] == ["okta:windows_security_principal"]
    assert listed["profile"]["windowsDomainQualifiedName"] == "corp.example.com\\Staff"
    assert listed["_links"]["source"]["href"].endswith(f"/api/v1/apps/{directory.id}")


def test_the_links_of_an_app_come_in_okta_s_order(world: World) -> None:
    app = world.org.create_app("Wiki")
    first = ["help", "metadata", "uploadLogo", "appLinks", "profileEnrollment"]
    rest = ["policies", "groups", "logo", "accessPolicy", "users"]
    assert list(shown(world, app.id)["_links"]) == [*first, *rest, "deactivate"]
    world.org.deactivate_app(app.id)
    assert list(shown(world, app.id)["_links"]) == [*first, "activate", *rest]
