from __future__ import annotations

import base64
from xml.etree import ElementTree

import pytest
from cryptography import x509
from teleport_okta.sandbox.okta import Settings
from unit.sandbox_okta.sandbox_okta_world import World, causes, links, profile, refused

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta"
SIGN_ON = {"ssoAcsUrl": ACS, "audience": ACS, "recipient": ACS, "destination": ACS}
SAML = {"label": "Teleport main!", "signOnMode": "SAML_2_0", "settings": {"signOn": SIGN_ON}}


def test_a_saml_app_is_created_with_okta_s_defaults(world: World) -> None:
    app = world.post("/api/v1/apps", SAML).json()
    assert (app["name"], app["status"], app["features"]) == ("acme_teleportmain_1", "ACTIVE", [])
    assert app["credentials"]["userNameTemplate"] == {"template": "${source.login}", "type": "BUILT_IN"}
    assert len(app["credentials"]["signing"]["kid"]) == 43
    sign_on = app["settings"]["signOn"]
    assert sign_on["idpIssuer"] == "http://www.okta.com/${org.externalKey}"
    assert (sign_on["inlineHooks"], sign_on["acsEndpoints"], sign_on["slo"]) == ([], [], {"enabled": False})
    assert sign_on["assertionEncryption"] == {"enabled": False}
    assert app["visibility"]["appLinks"] == {"acme_teleportmain_1_link": True}


def test_an_app_has_okta_s_fields_in_okta_s_order_and_its_links(world: World) -> None:
    app = world.get(f"/api/v1/apps/{world.org.create_app('Wiki').id}").json()
    assert list(app) == [
        *("id", "orn", "name", "label", "status", "lastUpdated", "created", "accessibility", "visibility", "features"),
        *("signOnMode", "credentials", "universalLogout", "settings", "_links"),
    ]
    assert {"metadata", "appLinks", "logo", "users", "groups", "deactivate"} <= set(app["_links"])
    assert app["orn"] == f"orn:okta:idp:{world.org.id}:apps:{app['name']}:{app['id']}"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ({"label": ""}, "label: "),
        ({"settings": {"signOn": SIGN_ON | {"audience": None}}}, "audience: "),
        ({"settings": {"signOn": SIGN_ON | {"responseSigned": False, "assertionSigned": False}}}, "responseSigned: "),
        ({"signOnMode": "WS_FEDERATION"}, "signOnMode: "),
    ],
)
def test_an_incomplete_app_is_refused(world: World, body: dict[str, object], cause: str) -> None:
    response = world.post("/api/v1/apps", SAML | body)
    assert refused(response) == (400, "E0000001")
    assert causes(response)[0].startswith(cause)


def test_labels_are_unique_only_if_the_organisation_is_set_so(world: World) -> None:
    strict = World(Settings(unique_app_labels=True))
    assert [world.post("/api/v1/apps", SAML).status for _ in range(2)] == [200, 200]
    strict.post("/api/v1/apps", SAML)
    assert refused(strict.post("/api/v1/apps", SAML)) == (400, "E0000040")


def test_the_listing_holds_okta_s_own_apps_twenty_at_a_time(world: World) -> None:
    for number in range(20):
        world.org.create_app(f"App {number}")
    response = world.get("/api/v1/apps")
    assert [app["name"] for app in response.json()][:3] == ["saasure", "okta_enduser", "okta_browser_plugin"]
    assert "limit=20" in links(response)["self"]
    assert "limit=20" in links(response)["next"]
    assert [len(page) for page in world.pages("/api/v1/apps")] == [20, 3]


def test_apps_are_found_by_prefix_and_by_filter(world: World) -> None:
    wiki, tickets = world.org.create_app("Wiki"), world.org.create_app("Tickets")
    world.org.deactivate_app(tickets.id)
    assert world.ids("/api/v1/apps?q=tick") == [tickets.id]
    assert world.ids('/api/v1/apps?filter=status eq "INACTIVE"') == [tickets.id]
    assert world.ids(f'/api/v1/apps?filter=credentials.signing.kid eq "{wiki.kid}"') == [wiki.id]
    assert refused(world.get('/api/v1/apps?filter=label eq "Wiki"')) == (400, "E0000031")


def test_apps_of_a_user_can_be_listed_with_the_assignment(world: World) -> None:
    ada, wiki = world.org.create_user(profile("ada")), world.org.create_app("Wiki")
    world.org.create_app("Tickets")
    world.org.assign(wiki.id, ada.id)
    (app,) = world.get(f'/api/v1/apps?filter=user.id eq "{ada.id}"&expand=user/{ada.id}').json()
    assert app["id"] == wiki.id
    assert app["_embedded"]["user"]["credentials"] == {"userName": "ada@example.com"}
    other = world.get(f'/api/v1/apps?filter=user.id eq "{ada.id}"&expand=user/{world.org.admin}')
    assert refused(other) == (400, "E0000001")


def test_an_app_must_be_deactivated_before_it_is_deleted(world: World) -> None:
    path = f"/api/v1/apps/{world.org.create_app('Wiki').id}"
    response = world.delete(path)
    assert refused(response) == (403, "E0000056")
    assert causes(response) == ["The application must be deactivated before deletion."]
    assert world.post(f"{path}/lifecycle/deactivate").json() == {}
    assert world.delete(path).status == 204
    assert world.get(path).json()["errorSummary"].endswith("(AppInstance)")


def test_assignments_do_not_change_an_app_s_timestamp(prompt_world: World) -> None:
    world = prompt_world
    app, ada = world.org.create_app("Wiki"), world.org.create_user(profile("ada"))
    world.now += 60
    world.org.assign(app.id, ada.id)
    world.org.assign_group(app.id, world.org.groups.everyone)
    assert world.org.app(app.id).last_updated == app.last_updated


def test_metadata_is_xml_for_the_app_s_own_key(world: World) -> None:
    app = world.org.create_app("Wiki")
    path = f"/api/v1/apps/{app.id}/sso/saml/metadata"
    response = world.get(f"{path}?kid={app.kid}", Accept="application/xml")
    assert response.headers["Content-Type"] == "application/xml;charset=ISO-8859-1"
    root = ElementTree.fromstring(response.body)
    assert root.get("entityID") == f"http://www.okta.com/{app.external_key}"
    certificate = root.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate") or ""
    decoded = x509.load_der_x509_certificate(base64.b64decode(certificate))
    assert (decoded.not_valid_after_utc - decoded.not_valid_before_utc).days >= 3650
    assert world.get(path, Accept="application/xml").body == response.body


def test_metadata_is_refused_as_json_and_for_another_key(world: World) -> None:
    path = f"/api/v1/apps/{world.org.create_app('Wiki').id}/sso/saml/metadata"
    assert refused(world.get(path)) == (400, "E0000019")
    assert refused(world.get(f"{path}?kid=other", Accept="application/xml")) == (404, "E0000007")
