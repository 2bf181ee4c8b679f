"""What a credential may read, found out against organisations that grant too little."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from teleport_okta.okta import needs
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.okta_errors import OktaScopeError
from teleport_okta.okta.probes import Outcome, ProbeResult, probe
from teleport_okta.okta.whoami import whoami

if TYPE_CHECKING:
    from pathlib import Path

    from contract.okta.okta_world import World

PEOPLE = needs.needed(apps_and_groups=False)
KEY = ec.generate_private_key(ec.SECP256R1())


def outcomes(results: tuple[ProbeResult, ...]) -> list[Outcome]:
    return [result.outcome for result in results]


async def test_a_credential_that_may_read_all_is_allowed_all(acme: World, tmp_path: Path) -> None:
    acme.org.create_group("Engines")
    wanted = (needs.USERS, needs.APPS, needs.GROUPS, needs.ORGANIZATION)
    for credential in (None, acme.service_app(KEY, tmp_path), acme.service_app(KEY, tmp_path, require_dpop=True)):
        async with acme.client(credential) as client:
            results = await probe(client, app_id=acme.app_id, wanted=wanted)
        assert outcomes(results) == [Outcome.ALLOWED] * 5
        assert [result.need.scope for result in results] == [need.scope for need in (*wanted, needs.APPS)]
        assert not any(result.remedy for result in results)


async def test_a_missing_scope_is_distinguished_from_a_missing_permission(acme: World, tmp_path: Path) -> None:
    app = acme.service_app(KEY, tmp_path)
    [client_side] = acme.org.tokens.clients.values()
    client_side.scopes = {"okta.apps.read"}
    acme.org.narrow_role(without=["okta.apps.read"])
    async with acme.client(app) as client:
        users, apps = await probe(client, wanted=PEOPLE)
    assert (users.outcome, apps.outcome) == (Outcome.REFUSED, Outcome.REFUSED)
    assert "scope okta.users.read is not granted" in users.detail
    assert "grant okta.users.read on the 'Okta API Scopes' tab" in users.remedy
    assert "admin role does not allow it" in apps.detail
    assert needs.APPS.permission in apps.remedy


async def test_a_resource_set_without_our_objects_is_distinguished_from_a_refusal(acme: World) -> None:
    acme.org.role.keep_only(["00uNobody", "0oaNothing"])
    async with acme.client() as client:
        users, apps, app = await probe(client, app_id=acme.app_id, wanted=PEOPLE)
    assert (users.outcome, apps.outcome, app.outcome) == (Outcome.EMPTY, Outcome.EMPTY, Outcome.REFUSED)
    assert all("resource set" in result.remedy for result in (users, apps, app))


async def test_an_app_without_visible_people_may_be_hidden_by_a_resource_set(acme: World) -> None:
    acme.org.narrow_role(only=[acme.org.admin])
    async with acme.client() as client:
        *_, app = await probe(client, app_id=acme.app_id, wanted=PEOPLE)
    assert (app.outcome, "no person is assigned to the app, or" in app.detail) == (Outcome.EMPTY, True)


async def test_an_app_that_is_not_there_is_refused_with_its_setting(acme: World) -> None:
    async with acme.client() as client:
        *_, app = await probe(client, app_id="0oaAbsent", wanted=PEOPLE)
    assert (app.outcome, "okta.app_id" in app.remedy) == (Outcome.REFUSED, True)


async def test_an_okta_that_cannot_be_asked_is_no_refusal(acme: World) -> None:
    async with acme.client(ApiToken("00nonsense")) as client:
        results = await probe(client, wanted=PEOPLE)
    assert outcomes(results) == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert all("okta.api_token" in result.remedy for result in results)


@pytest.mark.parametrize(("require_dpop", "tokens"), [(False, 2), (True, 3 + 1)])
async def test_a_probe_reads_once_with_a_token_of_its_own_and_all_learn_of_proofs_together(
    acme: World, tmp_path: Path, require_dpop: bool, tokens: int
) -> None:
    async with acme.client(acme.service_app(KEY, tmp_path, require_dpop=require_dpop)) as client:
        await probe(client, wanted=PEOPLE)
    assert acme.org.calls.endpoints == {"POST /oauth2/v1/token": tokens, "GET /api/v1/users": 1, "GET /api/v1/apps": 1}


async def test_what_an_organisation_does_not_have_is_no_refusal(acme: World) -> None:
    elsewhere = needs.Need("okta.logs.read", "anything", "to ask for what is not there", "/api/v1/absent")
    async with acme.client() as client:
        [result] = await probe(client, wanted=[elsewhere])
    assert (result.outcome, "E0000008" in result.detail, bool(result.remedy)) == (Outcome.UNKNOWN, True, True)


async def test_a_service_app_without_a_needed_scope_is_told_at_its_first_read(acme: World, tmp_path: Path) -> None:
    app = acme.service_app(KEY, tmp_path)
    [client_side] = acme.org.tokens.clients.values()
    client_side.scopes = {"okta.users.read"}
    async with acme.reads(app) as reads:
        with pytest.raises(OktaScopeError, match=r"okta\.users\.read \(to .*okta\.apps\.read \(to .*Okta API Scopes"):
            await reads.app(acme.app_id)


@pytest.mark.parametrize("allowed", [True, False])
async def test_whoami_tells_the_organisation_and_its_name_where_it_may_be_read(
    acme: World, tmp_path: Path, allowed: bool
) -> None:
    app = acme.service_app(KEY, tmp_path)
    [client_side] = acme.org.tokens.clients.values()
    if not allowed:
        client_side.scopes = set(needs.read_scopes(apps_and_groups=False))
    async with acme.client(app) as client:
        found = await whoami(client)
    assert (found.organization_id, found.url, found.name) == (acme.org.id, acme.url, "Acme" if allowed else None)
    assert found.limits["/oauth2/v1"] > 0
    assert found.clock_skew == pytest.approx(0, abs=1)
