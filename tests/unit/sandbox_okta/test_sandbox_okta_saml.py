from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from cryptography import x509
from teleport_okta.sandbox.okta import Settings
from unit.sandbox_okta.sandbox_okta_log import Poller, types
from unit.sandbox_okta.sandbox_okta_world import World, causes, refused

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App

DAY = 86_400
XML = "application/xml"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


@pytest.fixture
def wiki(world: World) -> App:
    return world.org.create_app("Wiki")


def keys_path(app: App) -> str:
    return f"/api/v1/apps/{app.id}/credentials/keys"


def metadata(world: World, app: App, kid: str | None = None) -> ElementTree.Element:
    path = f"/api/v1/apps/{app.id}/sso/saml/metadata" + (f"?kid={kid}" if kid else "")
    response = world.get(path, Accept=XML)
    assert response.status == 200, response.body
    return ElementTree.fromstring(response.body)


def certificate(world: World, app: App, kid: str | None = None) -> x509.Certificate:
    text = metadata(world, app, kid).findtext(f".//{DS}X509Certificate") or ""
    return x509.load_der_x509_certificate(base64.b64decode(text))


def ends_in(world: World, found: x509.Certificate) -> float:
    """Return in how many seconds a certificate expires."""
    return found.not_valid_after_utc.timestamp() - int(world.now)


def test_a_new_app_has_one_key_which_its_metadata_holds(world: World, wiki: App) -> None:
    [key] = world.get(keys_path(wiki)).json()
    assert list(key) == ["kty", "created", "lastUpdated", "expiresAt", "kid", "use", "x5c", "x5t#S256", "e", "n"]
    assert (key["kid"], key["kty"], key["use"], key["e"]) == (wiki.kid, "RSA", "sig", "AQAB")
    assert (key["created"], key["expiresAt"]) == ("2026-01-05T08:00:00.000Z", "2036-01-05T08:00:00.000Z")
    assert x509.load_der_x509_certificate(base64.b64decode(key["x5c"][0])) == certificate(world, wiki)
    assert certificate(world, wiki).not_valid_before_utc.isoformat() == "2026-01-05T07:59:00+00:00"
    assert world.get(f"{keys_path(wiki)}/{wiki.kid}").json() == key
    assert refused(world.get(f"{keys_path(wiki)}/other")) == (404, "E0000007")


def test_a_generated_key_is_there_and_not_used_yet(world: World, wiki: App) -> None:
    poller = Poller(world)
    response = world.post(f"{keys_path(wiki)}/generate?validityYears=2")
    kid = response.json()["kid"]
    assert (response.status, response.json()["expiresAt"]) == (201, "2028-01-05T08:00:00.000Z")
    assert [key["kid"] for key in world.get(keys_path(wiki)).json()] == [wiki.kid, kid]
    assert world.org.app(wiki.id) == wiki
    assert certificate(world, wiki) == certificate(world, wiki, wiki.kid) != certificate(world, wiki, kid)
    assert poller.types() == ["app.keys.generate"]


@pytest.mark.parametrize("query", ["", "?validityYears=1", "?validityYears=11", "?validityYears=two"])
def test_a_key_is_generated_for_two_to_ten_years(world: World, wiki: App, query: str) -> None:
    assert refused(world.post(f"{keys_path(wiki)}/generate{query}")) == (400, "E0000001")


def test_an_app_without_saml_has_no_keys_and_no_metadata(world: World) -> None:
    bookmark = world.org.create_app("Intranet", signOnMode="BOOKMARK")
    assert world.get(keys_path(bookmark)).json() == []
    assert refused(world.post(f"{keys_path(bookmark)}/generate?validityYears=2")) == (400, "E0000001")
    response = world.get(f"/api/v1/apps/{bookmark.id}/sso/saml/metadata", Accept=XML)
    assert refused(response) == (404, "E0000007")
    with pytest.raises(ValueError, match="Intranet is not a SAML app"):
        world.org.rotate_signing_key(bookmark.id)


def test_a_rotation_changes_the_kid_and_each_key_keeps_its_metadata(world: World, wiki: App) -> None:
    mark, old = world.org.log.mark(), certificate(world, wiki)
    world.now += 60
    rotated = world.org.rotate_signing_key(wiki.id)
    assert world.get(f"/api/v1/apps/{wiki.id}").json()["credentials"]["signing"] == {"kid": rotated.kid}
    assert rotated.last_updated == wiki.last_updated + 60
    assert certificate(world, wiki) == certificate(world, wiki, rotated.kid) != old
    assert certificate(world, wiki, wiki.kid) == old
    events = world.org.log.since(mark)
    assert types(events) == ["app.keys.generate", "app.keys.rotate", "application.lifecycle.update"]
    assert {event["target"][0]["id"] for event in events} == {wiki.id}
    assert len({event["transaction"]["id"] for event in events}) == 1


def test_a_rotation_can_go_to_a_key_that_is_there(world: World, wiki: App) -> None:
    world.org.rotate_signing_key(wiki.id)
    mark = world.org.log.mark()
    assert world.org.rotate_signing_key(wiki.id, wiki.kid).kid == wiki.kid
    assert types(world.org.log.since(mark)) == ["app.keys.rotate", "application.lifecycle.update"]
    assert len(world.get(keys_path(wiki)).json()) == 2


@pytest.mark.parametrize("days", [-4000, -1, 3, 400])
def test_a_certificate_can_expire_when_a_test_wants_it_to(world: World, wiki: App, days: int) -> None:
    before = certificate(world, wiki)
    world.org.set_certificate_dates(wiki.id, expires_in=days * DAY)
    after = certificate(world, wiki)
    assert ends_in(world, after) == days * DAY
    assert after.not_valid_before_utc < after.not_valid_after_utc
    assert after.public_key() == before.public_key()
    [key] = world.get(keys_path(wiki)).json()
    assert key["expiresAt"][:10] == after.not_valid_after_utc.date().isoformat()
    assert world.org.app(wiki.id) == wiki


def test_a_certificate_can_be_one_that_is_not_valid_yet(world: World, wiki: App) -> None:
    world.org.set_certificate_dates(wiki.id, expires_in=2 * DAY, starts_in=DAY)
    assert certificate(world, wiki).not_valid_before_utc.timestamp() == int(world.now) + DAY
    with pytest.raises(ValueError, match="before it expires"):
        world.org.set_certificate_dates(wiki.id, expires_in=DAY, starts_in=DAY)


def test_a_certificate_of_the_29th_of_february_ends_on_the_28th() -> None:
    world = World(now=1_835_395_200.0)
    app = world.org.create_app("Wiki")
    [key] = world.get(keys_path(app)).json()
    assert (key["created"][:10], key["expiresAt"][:10]) == ("2028-02-29", "2038-02-28")


def test_metadata_is_public_at_an_address_with_the_external_key(world: World, wiki: App) -> None:
    path = f"/app/{wiki.external_key}/sso/saml/metadata"
    private = world.get(f"/api/v1/apps/{wiki.id}/sso/saml/metadata", Accept=XML)
    world.authorization = None
    response = world.get(path, Accept="text/html,application/xml;q=0.9,*/*;q=0.8")
    assert (response.status, response.body) == (200, private.body)
    assert response.headers["Content-Type"] == "application/xml;charset=ISO-8859-1"
    assert refused(world.get(path)) == (400, "E0000019")
    assert refused(world.get("/app/exkNone/sso/saml/metadata", Accept=XML)) == (404, "E0000007")


def test_metadata_names_the_logout_service_only_where_logout_is_on(world: World, wiki: App) -> None:
    logout = ".//{urn:oasis:names:tc:SAML:2.0:metadata}SingleLogoutService"
    assert metadata(world, wiki).findall(logout) == []
    on = world.org.create_app("Blog", settings={"signOn": _sign_on(slo={"enabled": True})})
    assert {service.get("Location", "")[-9:] for service in metadata(world, on).findall(logout)} == {"/slo/saml"}


def test_metadata_can_need_the_kid() -> None:
    world = World(Settings(metadata_needs_kid=True))
    app = world.org.create_app("Wiki")
    path = f"/api/v1/apps/{app.id}/sso/saml/metadata"
    assert refused(world.get(path, Accept=XML)) == (400, "E0000028")
    assert world.get(f"{path}?kid={app.kid}", Accept=XML).status == 200


def test_an_administrator_changes_where_assertions_go(world: World, wiki: App) -> None:
    mark = world.org.log.mark()
    world.org.change_sign_on(wiki.id, acs_url="https://new.example.com/acs")
    sign_on = world.get(f"/api/v1/apps/{wiki.id}").json()["settings"]["signOn"]
    moved = {sign_on[name] for name in ("ssoAcsUrl", "recipient", "destination")}
    assert (moved, sign_on["audience"]) == ({"https://new.example.com/acs"}, "https://wiki.example.com/saml/acs")
    world.org.change_sign_on(wiki.id, audience="urn:wiki")
    world.org.change_sign_on(wiki.id, audience="urn:wiki")
    assert world.org.app(wiki.id).settings["signOn"] == sign_on | {"audience": "urn:wiki"}
    assert types(world.org.log.since(mark)) == ["application.lifecycle.update"] * 2


def test_provisioning_of_a_custom_app_cannot_be_switched_on_by_the_api(world: World, wiki: App) -> None:
    path = f"/api/v1/apps/{wiki.id}"
    for response in (
        world.get(f"{path}/features"),
        world.get(f"{path}/features/USER_PROVISIONING"),
        world.put(f"{path}/features/USER_PROVISIONING", {"create": {"lifecycleCreate": {"status": "ENABLED"}}}),
    ):
        assert refused(response) == (400, "E0000001")
        assert response.json()["errorSummary"] == "Api validation failed: feature"
        assert causes(response) == ["Provisioning is not supported."]
    assert refused(world.put(f"{path}/features/USER_PROVISIONING")) == (400, "E0000003")
    written = world.post(f"{path}/connections/default?activate=true", {"profile": {"authScheme": "TOKEN"}})
    assert written.status == 200
    assert (written.json()["status"], written.json()["profile"]) == ("UNKNOWN", {"authScheme": "UNKNOWN"})
    assert world.get(f"{path}/connections/default").json() == written.json()
    assert world.org.app(wiki.id) == wiki


def test_replacing_an_app_is_refused_and_counted(world: World, wiki: App) -> None:
    mark = world.org.mark()
    assert refused(world.put(f"/api/v1/apps/{wiki.id}", {"label": "Wiki"})) == (405, "E0000022")
    assert world.org.calls_since(mark).unknown == {f"PUT /api/v1/apps/{wiki.id}": 1}


def _sign_on(**more: object) -> dict[str, object]:
    acs = "https://blog.example.com/acs"
    return {"ssoAcsUrl": acs, "audience": acs, "recipient": acs, "destination": acs} | more
