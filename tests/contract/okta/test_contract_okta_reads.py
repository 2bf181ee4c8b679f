from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.okta.okta_world import World, serving
from cryptography.hazmat.primitives.asymmetric import ec
from rsa_key import RSA_KEY
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.okta_errors import (
    OktaForbiddenError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    UnknownAppError,
)
from teleport_okta.okta.people_reader import OktaReads
from teleport_okta.sandbox.okta.settings import Delays, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

KEYS: dict[str, RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
    "rsa": RSA_KEY,
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
}


async def test_a_pass_over_the_app_costs_a_call_a_page_and_one_read_of_organisation_and_app(large: World) -> None:
    async with large.reads() as reads:
        organisation = await reads.organization()
        app = await reads.app(large.app_id)
        snapshot = await reads.people_of_app(app.id)
    assert (organisation.id, app.label, app.is_active) == (large.org.id, "Teleport", True)
    assert len({person.okta_id for person in snapshot.people}) == 110
    assert (snapshot.incomplete, snapshot.untrusted, snapshot.malformed) == (None, None, ())
    assert large.org.calls.endpoints == {
        "GET /.well-known/okta-organization": 1,
        "GET /api/v1/apps/{id}": 1,
        "GET /api/v1/apps/{id}/users": 3,
    }
    assert not large.org.calls.unknown


async def test_a_pass_over_the_organisation_costs_a_call_a_page(large: World) -> None:
    async with large.reads() as reads:
        snapshot = await reads.people_of_organization()
    logins = {f"person.{index:05}@example.com" for index in range(110)}
    assert {person.name for person in snapshot.people} == logins | {"okta.admin@example.com"}
    assert large.org.calls.endpoints == {"GET /api/v1/users": 6}


async def test_the_client_and_okta_count_the_same_calls(large: World) -> None:
    async with large.client() as client:
        await OktaReads(client).people_of_app(large.app_id)
        mark = client.calls
        await OktaReads(client).people_of_organization()
        assert client.calls == {"/api/v1/apps": 3, "/api/v1/users": 6} == large.org.calls.buckets
        assert client.calls_since(mark) == {"/api/v1/users": 6}
        assert client.limits == {"/api/v1/apps": 50, "/api/v1/users": 300}


async def test_a_person_comes_with_status_assignment_and_every_value_of_both_profiles(acme: World) -> None:
    names = {"login": "ada@example.com", "firstName": "Ada", "lastName": "Lovelace"}
    user = acme.org.create_user(names | {"title": "Countess", "floors": [1, 2], "remote": False, "nickName": None})
    acme.org.assign(acme.app_id, user.id, "ada", {"licence": "gold", "seat": None})
    acme.org.suspend(user.id)
    async with acme.reads() as reads:
        [ada] = [person for person in (await reads.people_of_app(acme.app_id)).people if person.okta_id == user.id]
    assert (ada.name, ada.status, ada.assignment_status) == ("ada", "SUSPENDED", "ACTIVE")
    assert ada.app_profile == {"licence": "gold"}
    assert ada.profile == names | {"email": names["login"], "title": "Countess", "floors": [1, 2], "remote": False}


async def test_people_without_a_login_or_with_an_unheard_of_status_are_read_as_they_are(acme: World) -> None:
    acme.org.import_profile("person.00000@example.com", login=None)
    acme.org.set_status("person.00001@example.com", "HIBERNATING")
    async with acme.reads() as reads:
        people = (await reads.people_of_organization()).people
    assert [person.status for person in people if person.name is None] == ["ACTIVE"]
    assert [person.status for person in people if person.name == "person.00001@example.com"] == ["HIBERNATING"]


async def test_who_is_deactivated_or_unassigned_is_in_no_listing(acme: World) -> None:
    acme.org.deactivate("person.00000@example.com")
    acme.org.unassign(acme.app_id, "person.00001@example.com")
    async with acme.reads() as reads:
        assert len((await reads.people_of_app(acme.app_id)).people) == 3
        assert len((await reads.people_of_organization()).people) == 4 + 1


@pytest.mark.parametrize("kind", KEYS)
async def test_a_service_app_reads_with_one_token_until_it_nears_its_end(
    acme: World, tmp_path: Path, kind: str
) -> None:
    async with acme.reads(acme.service_app(KEYS[kind], tmp_path)) as reads:
        for _ in range(3):
            assert len((await reads.people_of_app(acme.app_id)).people) == 5
        assert acme.org.calls.endpoints["POST /oauth2/v1/token"] == 1
        acme.clock.advance(3600)
        await reads.people_of_organization()
    assert acme.org.calls.endpoints["POST /oauth2/v1/token"] == 2
    assert set(acme.org.calls.statuses) == {200}


async def test_a_service_app_needs_no_more_scopes_than_the_readme_names(acme: World, tmp_path: Path) -> None:
    app = acme.service_app(KEYS["p256"], tmp_path)
    for client in acme.org.tokens.clients.values():
        client.scopes = {"okta.users.read", "okta.apps.read"}
    async with acme.reads(app) as reads:
        await reads.organization()
        await reads.app(acme.app_id)
        await reads.people_of_app(acme.app_id)
        await reads.people_of_organization()


async def test_a_service_app_gets_over_a_revoked_token_by_itself(acme: World, tmp_path: Path) -> None:
    async with acme.reads(acme.service_app(KEYS["p256"], tmp_path)) as reads:
        await reads.app(acme.app_id)
        acme.org.revoke_token()
        await reads.app(acme.app_id)
    assert acme.org.calls.statuses == {200: 4, 401: 1}


@pytest.mark.parametrize(
    ("scopes", "kid", "error"),
    [({"okta.users.read"}, "kid-1", "invalid_scope"), (None, "kid-2", "invalid_client")],
)
async def test_a_service_app_that_okta_refuses_is_told_why(
    acme: World, tmp_path: Path, scopes: set[str] | None, kid: str, error: str
) -> None:
    app = acme.service_app(KEYS["p256"], tmp_path, kid=kid)
    [client] = acme.org.tokens.clients.values()
    client.scopes = scopes or client.scopes
    async with acme.reads(app) as reads:
        with pytest.raises(OktaTokenRefusedError, match=error):
            await reads.app(acme.app_id)


async def test_a_token_that_okta_does_not_know_is_refused(acme: World) -> None:
    async with acme.reads(ApiToken("00nonsense")) as reads:
        with pytest.raises(OktaUnauthorizedError, match=r"E0000011.*okta\.api_token"):
            await reads.people_of_app(acme.app_id)


async def test_a_role_without_permission_is_told_what_it_lacks(acme: World) -> None:
    acme.org.narrow_role(without=["okta.apps.read"])
    async with acme.reads() as reads:
        with pytest.raises(OktaForbiddenError, match=r"okta\.apps\.read"):
            await reads.people_of_app(acme.app_id)


async def test_a_narrowed_role_reads_like_an_empty_organisation(acme: World) -> None:
    acme.org.narrow_role(only=[acme.org.admin])
    async with acme.reads() as reads:
        snapshot = await reads.people_of_app(acme.app_id)
    assert (snapshot.people, snapshot.incomplete) == ((), None)


async def test_an_app_that_does_not_exist_is_named_with_its_setting(acme: World) -> None:
    async with acme.reads() as reads:
        for read in (reads.app, reads.people_of_app):
            with pytest.raises(UnknownAppError, match=r"0oaAbsent.*okta\.app_id"):
                await read("0oaAbsent")


async def test_people_whom_a_group_brings_come_when_oktas_job_has_run(acme: World) -> None:
    user = acme.org.create_user({"login": "eve@example.com", "firstName": "Eve", "lastName": "Adams"})
    group = acme.org.create_group("Engines")
    acme.org.add_member(group.id, user.id)
    acme.org.assign_group(acme.app_id, group.id)
    async with acme.reads() as reads:
        assert len((await reads.people_of_app(acme.app_id)).people) == 5
        acme.clock.advance(5)
        assert len((await reads.people_of_app(acme.app_id)).people) == 6


async def test_an_organisation_without_people_is_a_complete_empty_snapshot() -> None:
    async with serving(World(Settings(delays=Delays(search=0)))) as world, world.reads() as reads:
        snapshot = await reads.people_of_app(world.app_id)
    assert (snapshot.people, snapshot.incomplete, snapshot.untrusted) == ((), None, None)
