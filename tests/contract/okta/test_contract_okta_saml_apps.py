"""The SAML app of an enrolment, by the client against the sandbox."""

from __future__ import annotations

import base64
import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from contract.okta.okta_world import World, serving
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from teleport_okta.model.idp import Binding
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.okta.needs import read_scopes
from teleport_okta.okta.okta_errors import (
    AppLabelTakenError,
    OktaForbiddenError,
    OktaNotFoundError,
    OktaOutcomeUnknownError,
    OktaScopeError,
    OktaUnavailableError,
    OktaUnreachableError,
)
from teleport_okta.okta.saml_apps import SamlApps
from teleport_okta.saml.app_body import app_body
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.sandbox.okta.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.okta.credentials import Credential

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta"
LABEL = "Teleport example"
BODY = app_body(LABEL, ACS)
APPS = "/api/v1/apps"

UNDONE = [
    FaultKind.RATE_LIMIT,
    FaultKind.CONCURRENCY,
    FaultKind.EDGE_LIMIT,
    FaultKind.READ_ONLY,
    FaultKind.REVOKED,
]
"""What proves that a write was not done."""

UNCLEAR = [
    FaultKind.INTERNAL_ERROR,
    FaultKind.ERROR_PAGE,
    FaultKind.BAD_GATEWAY,
    FaultKind.UNAVAILABLE,
    FaultKind.RESET,
    FaultKind.TRUNCATED,
]
"""What leaves it open; after the last two it was done."""


@asynccontextmanager
async def saml_apps(world: World, credential: Credential | None = None) -> AsyncIterator[SamlApps]:
    async with world.client(credential) as client:
        yield SamlApps(client)


@pytest.fixture(params=["API token", "service app"])
def credential(request: pytest.FixtureRequest, acme: World, tmp_path: Path) -> Credential | None:
    """Either kind of credentials; the service app's ordinary tokens can only read."""
    if request.param == "API token":
        return None
    return acme.service_app(ec.generate_private_key(ec.SECP256R1()), tmp_path, scopes=read_scopes(apps_and_groups=True))


def ours(world: World) -> list[str]:
    """Return the ids of the apps of our label."""
    return [app.id for app in world.org.apps.all if app.label == LABEL]


def kid_of(world: World, metadata: bytes) -> str:
    """Return the id of the key of our app that a document has the certificate of."""
    [text] = re.findall(rb"<ds:X509Certificate>([^<]+)<", metadata)
    certificate = x509.load_der_x509_certificate(base64.b64decode(text))
    [app_id] = ours(world)
    keys = world.org.signing_keys
    [kid] = [key.kid for key in keys.of(world.org.app(app_id)) if keys.certificate(key) == certificate]
    return kid


async def test_an_enrolment_costs_a_call_a_step(acme: World, credential: Credential | None) -> None:
    async with saml_apps(acme, credential) as apps:
        app = await apps.create(BODY)
        everyone = await apps.everyone()
        assert everyone == acme.org.groups.everyone
        await apps.assign_group(app.id, everyone)
        metadata = await apps.metadata(app)
    assert kid_of(acme, metadata) == app.signing_kid
    tokens = acme.org.calls.endpoints.pop("POST /oauth2/v1/token", 0)
    assert acme.org.calls.endpoints == {
        "POST /api/v1/apps": 1,
        "GET /api/v1/groups": 1,
        "PUT /api/v1/apps/{id}/groups/{group}": 1,
        "GET /api/v1/apps/{id}/sso/saml/metadata": 1,
    }
    assert tokens == (0 if credential is None else 2)
    assert (set(acme.org.calls.statuses), acme.org.calls.unknown) == ({200}, {})


async def test_the_app_is_created_as_it_was_asked_for_and_active(acme: World) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        assert await apps.get(app.id) == app
    stored = acme.org.app(app.id)
    assert app == SamlApp(
        id=stored.id,
        name="acme_teleportexample_2",
        label=LABEL,
        status="ACTIVE",
        sign_on_mode="SAML_2_0",
        acs_url=ACS,
        recipient=ACS,
        destination=ACS,
        audience=ACS,
        signing_kid=stored.kid,
    )
    assert (app.is_saml, app.is_active) == (True, True)
    asked = BODY["settings"]
    assert isinstance(asked, dict)
    assert stored.settings["signOn"] == stored.settings["signOn"] | asked["signOn"]


async def test_an_app_that_is_not_there_is_none(acme: World) -> None:
    async with saml_apps(acme) as apps:
        assert await apps.get("0oaAbsent") is None
        assert await apps.has_group("0oaAbsent", acme.org.groups.everyone) is False


async def test_a_changed_app_is_read_as_it_is_now(acme: World) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        acme.org.change_sign_on(app.id, acs_url="https://evil.example.com/acs")
        acme.org.deactivate_app(app.id)
        found = await apps.get(app.id)
    assert found is not None
    assert (found.acs_url, found.audience, found.is_active) == ("https://evil.example.com/acs", ACS, False)


async def test_apps_are_found_by_their_whole_label_over_all_pages(acme: World) -> None:
    for number in range(250):
        acme.org.create_app(f"{LABEL} {number}")
    inactive = acme.org.create_app(LABEL, activate=False)
    bookmark = acme.org.create_app(LABEL, signOnMode="BOOKMARK")
    acme.org.create_app(LABEL.upper())
    mark = acme.org.mark()
    async with saml_apps(acme) as apps:
        found = await apps.labelled(LABEL)
        assert await apps.labelled("Teleport exam") == ()
    assert {(app.id, app.is_saml, app.is_active) for app in found} == {
        (inactive.id, True, False),
        (bookmark.id, False, True),
    }
    assert acme.org.calls_since(mark).endpoints == {"GET /api/v1/apps": 4}


async def test_a_search_that_is_cut_short_finds_nothing_rather_than_something(acme: World) -> None:
    for number in range(250):
        acme.org.create_app(f"{LABEL} {number}")
    acme.org.create_app(LABEL)
    acme.org.fail(FaultKind.UNAVAILABLE, path=APPS, after=1)
    async with saml_apps(acme) as apps:
        with pytest.raises(OktaUnavailableError):
            await apps.labelled(LABEL)


async def test_assigning_twice_is_assigning_once_and_people_come_later(acme: World) -> None:
    everyone = acme.org.groups.everyone
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        assert await apps.has_group(app.id, everyone) is False
        mark = acme.org.log.mark()
        for _ in range(2):
            await apps.assign_group(app.id, everyone)
        assert await apps.has_group(app.id, everyone) is True
    assert [event["eventType"] for event in acme.org.log.since(mark)] == ["group.application_assignment.add"]
    acme.clock.advance(5)
    acme.org.timeline.settle()
    assert len(acme.org.assignments.users_of(app.id)) == 5 + 1


async def test_metadata_follows_the_key_that_the_app_was_read_with(acme: World) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        acme.org.rotate_signing_key(app.id)
        rotated = await apps.get(app.id)
        assert rotated is not None
        assert rotated.signing_kid != app.signing_kid
        for known in (app, rotated):
            assert kid_of(acme, await apps.metadata(known)) == known.signing_kid


async def test_metadata_is_accepted_as_okta_s_and_shows_an_expired_certificate(acme: World) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        fresh = read_metadata(await apps.metadata(app), org_hosts=["127.0.0.1"])
        acme.org.set_certificate_dates(app.id, expires_in=-60)
        expired = read_metadata(await apps.metadata(app), org_hosts=["127.0.0.1"])
    key = acme.org.app(app.id).external_key
    assert fresh.entity_id == f"http://www.okta.com/{key}"
    assert fresh.sso_url(Binding.HTTP_POST) == f"{acme.url}/app/{app.name}/{key}/sso/saml"
    now = acme.clock.now()
    assert (fresh.expired(now), expired.expired(now)) == ((), expired.certificates)


async def test_metadata_is_read_where_the_kid_is_required() -> None:
    async with serving(World(Settings(metadata_needs_kid=True))) as world, saml_apps(world) as apps:
        assert b"EntityDescriptor" in await apps.metadata(await apps.create(BODY))


async def test_metadata_of_an_app_without_saml_is_not_found(acme: World) -> None:
    acme.org.create_app(LABEL, signOnMode="BOOKMARK")
    async with saml_apps(acme) as apps:
        [bookmark] = await apps.labelled(LABEL)
        with pytest.raises(OktaNotFoundError, match=bookmark.id):
            await apps.metadata(bookmark)


@pytest.mark.parametrize("kind", [*UNCLEAR, FaultKind.RATE_LIMIT])
async def test_metadata_survives_a_fault_that_passes(acme: World, kind: FaultKind) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        acme.org.fail(kind, path="*/sso/saml/metadata", count=1)
        assert kid_of(acme, await apps.metadata(app)) == app.signing_kid


async def test_an_enrolment_is_undone_and_undoing_it_again_is_no_error(
    acme: World, credential: Credential | None
) -> None:
    async with saml_apps(acme, credential) as apps:
        app = await apps.create(BODY)
        with pytest.raises(OktaForbiddenError, match=r"the app is active.*E0000056.*deactivate the app first"):
            await apps.delete(app.id)
        for _ in range(2):
            await apps.deactivate(app.id)
            await apps.delete(app.id)
        assert await apps.get(app.id) is None
    assert ours(acme) == []
    assert not acme.org.calls.unknown


@pytest.mark.parametrize("kind", UNDONE)
async def test_a_creation_that_was_not_done_is_repeated(acme: World, tmp_path: Path, kind: FaultKind) -> None:
    app = acme.service_app(ec.generate_private_key(ec.SECP256R1()), tmp_path)
    acme.org.fail(kind, path=APPS, method="POST", count=2 if kind is not FaultKind.REVOKED else 1)
    async with saml_apps(acme, app) as apps:
        created = await apps.create(BODY)
    assert ours(acme) == [created.id]


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_a_creation_that_may_have_been_done_is_not_repeated_and_can_be_looked_up(
    acme: World, kind: FaultKind
) -> None:
    acme.org.fail(kind, path=APPS, method="POST")
    async with saml_apps(acme) as apps:
        with pytest.raises(OktaOutcomeUnknownError, match=r"POST /api/v1/apps may have been done.*check in Okta"):
            await apps.create(BODY)
        found = await apps.labelled(LABEL)
    assert acme.org.calls.endpoints["POST /api/v1/apps"] == 1
    assert [app.id for app in found] == ours(acme)
    assert len(found) == (1 if kind in {FaultKind.RESET, FaultKind.TRUNCATED} else 0)


async def test_a_creation_was_not_done_if_okta_was_not_reached(acme: World) -> None:
    acme.url = "http://127.0.0.1:9"
    async with saml_apps(acme) as apps:
        with pytest.raises(OktaUnreachableError):
            await apps.create(BODY)


@pytest.mark.parametrize("kind", [*UNCLEAR, FaultKind.RATE_LIMIT, FaultKind.READ_ONLY])
@pytest.mark.parametrize(("method", "path"), [("PUT", "*/groups/*"), ("POST", "*/deactivate"), ("DELETE", "*")])
async def test_every_other_write_is_repeated(acme: World, kind: FaultKind, method: str, path: str) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        acme.org.fail(kind, method=method, path=path, count=1)
        await apps.assign_group(app.id, acme.org.groups.everyone)
        await apps.deactivate(app.id)
        await apps.delete(app.id)
    assert ours(acme) == []


async def test_a_second_app_of_a_label_is_refused_where_labels_are_unique() -> None:
    async with serving(World(Settings(unique_app_labels=True))) as world, saml_apps(world) as apps:
        await apps.create(BODY)
        with pytest.raises(AppLabelTakenError, match=r"'Teleport example' is taken.*E0000040.*choose another label"):
            await apps.create(BODY)
    assert len(ours(world)) == 1


async def test_a_second_app_of_a_label_is_created_where_they_are_not(acme: World) -> None:
    async with saml_apps(acme) as apps:
        assert await apps.create(BODY) != await apps.create(BODY)
        assert len(await apps.labelled(LABEL)) == 2


@pytest.mark.parametrize("cause", ["permission", "resource set"])
async def test_who_may_not_create_apps_is_told_the_permission_and_over_what(
    acme: World, credential: Credential | None, cause: str
) -> None:
    if cause == "permission":
        acme.org.narrow_role(without=["okta.apps.manage"])
    else:
        acme.org.narrow_role(only=[acme.app_id])
    async with saml_apps(acme, credential) as apps:
        with pytest.raises(
            OktaForbiddenError,
            match=r"POST /api/v1/apps was not permitted.*scope okta\.apps\.manage granted.*Manage applications "
            r"\(okta\.apps\.manage\) over a resource set that contains all applications",
        ):
            await apps.create(BODY)
    assert ours(acme) == []


async def test_who_may_not_assign_groups_is_told_both_permissions(acme: World, credential: Credential | None) -> None:
    acme.org.narrow_role(without=["okta.groups.appAssignment.manage"])
    async with saml_apps(acme, credential) as apps:
        app = await apps.create(BODY)
        with pytest.raises(
            OktaForbiddenError,
            match=rf"PUT {APPS}/{app.id}/groups/{acme.org.groups.everyone} was not permitted.*"
            r"okta\.groups\.appAssignment\.manage\) and .*okta\.apps\.assignment\.manage",
        ):
            await apps.assign_group(app.id, acme.org.groups.everyone)


async def test_who_does_not_see_everyone_finds_none_and_cannot_assign_it(acme: World) -> None:
    everyone = acme.org.groups.everyone
    acme.org.narrow_role(hide=[everyone])
    async with saml_apps(acme) as apps:
        assert await apps.everyone() is None
        app = await apps.create(BODY)
        with pytest.raises(OktaForbiddenError, match="contains the application and the group"):
            await apps.assign_group(app.id, everyone)


async def test_an_app_that_is_hidden_is_not_taken_for_one_that_is_gone(acme: World) -> None:
    async with saml_apps(acme) as apps:
        app = await apps.create(BODY)
        acme.org.narrow_role(hide=[app.id])
        for read in (apps.get(app.id), apps.has_group(app.id, acme.org.groups.everyone), apps.metadata(app)):
            with pytest.raises(OktaForbiddenError, match=r"okta\.apps\.read"):
                await read
        for write in (apps.deactivate(app.id), apps.delete(app.id)):
            with pytest.raises(OktaForbiddenError, match=r"Manage applications \(okta\.apps\.manage\)"):
                await write


async def test_a_service_app_without_the_scope_is_told_so_and_can_still_read(acme: World, tmp_path: Path) -> None:
    credential = acme.service_app(ec.generate_private_key(ec.SECP256R1()), tmp_path)
    [client] = acme.org.tokens.clients.values()
    async with saml_apps(acme, credential) as apps:
        app = await apps.create(BODY)
        await apps.assign_group(app.id, acme.org.groups.everyone)
        acme.org.configure_client(client.id, scopes=["okta.users.read", "okta.apps.read"])
        acme.org.revoke_token()
        with pytest.raises(OktaScopeError, match=r"okta\.apps\.manage \(to create the SAML app.*Okta API Scopes"):
            await apps.create(BODY)
        assert await apps.get(app.id) == app
        assert kid_of(acme, await apps.metadata(app)) == app.signing_kid
    assert ours(acme) == [app.id]
