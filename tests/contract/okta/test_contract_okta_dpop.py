"""A service app with 'Require DPoP', and clocks that do not agree, against the sandbox's organisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from teleport_okta.sandbox.okta.faults import FaultKind

if TYPE_CHECKING:
    from pathlib import Path

    from contract.okta.okta_world import World

KEY = ec.generate_private_key(ec.SECP256R1())
TOKEN = "POST /oauth2/v1/token"
HOUR, DAY = 3600, 24 * 3600


async def test_an_app_that_requires_dpop_is_read_without_a_setting(large: World, tmp_path: Path) -> None:
    async with large.reads(large.service_app(KEY, tmp_path, require_dpop=True)) as reads:
        assert len((await reads.people_of_app(large.app_id)).people) == 110
        assert len((await reads.people_of_organization()).people) == 111
    assert large.org.calls.endpoints[TOKEN] == 3
    assert large.org.calls.statuses == {400: 2, 200: 1 + 3 + 6}


async def test_a_day_later_the_nonce_costs_nothing_and_a_week_later_one_request(acme: World, tmp_path: Path) -> None:
    async with acme.reads(acme.service_app(KEY, tmp_path, require_dpop=True)) as reads:
        await reads.app(acme.app_id)
        acme.clock.advance(DAY)
        await reads.app(acme.app_id)
        assert acme.org.calls.endpoints[TOKEN] == 3 + 1
        acme.clock.advance(7 * DAY)
        await reads.app(acme.app_id)
    assert acme.org.calls.endpoints[TOKEN] == 3 + 1 + 2


async def test_dpop_that_is_switched_on_under_way_is_met_with_the_next_token(acme: World, tmp_path: Path) -> None:
    async with acme.reads(acme.service_app(KEY, tmp_path)) as reads:
        await reads.app(acme.app_id)
        [client] = acme.org.tokens.clients.values()
        client.require_dpop = True
        await reads.app(acme.app_id)
        acme.clock.advance(HOUR)
        await reads.app(acme.app_id)
    assert acme.org.calls.endpoints[TOKEN] == 1 + 3


async def test_a_bound_token_that_was_revoked_is_replaced(acme: World, tmp_path: Path) -> None:
    async with acme.reads(acme.service_app(KEY, tmp_path, require_dpop=True)) as reads:
        await reads.app(acme.app_id)
        acme.org.revoke_token()
        await reads.app(acme.app_id)
    assert acme.org.calls.statuses[401] == 1


@pytest.mark.parametrize("kind", [FaultKind.UNAVAILABLE, FaultKind.RESET, FaultKind.TRUNCATED, FaultKind.RATE_LIMIT])
@pytest.mark.parametrize("path", ["/oauth2/v1/token", "/api/v1/apps/*"])
async def test_no_retry_repeats_a_proof(acme: World, tmp_path: Path, kind: FaultKind, path: str) -> None:
    acme.org.fail(kind, path=path, count=2)
    async with acme.reads(acme.service_app(KEY, tmp_path, require_dpop=True)) as reads:
        await reads.app(acme.app_id)


@pytest.mark.parametrize("skew", [3 * HOUR, -3 * HOUR])
@pytest.mark.parametrize("require_dpop", [False, True])
async def test_a_clock_that_is_hours_off_is_corrected_for(
    acme: World, tmp_path: Path, skew: int, require_dpop: bool
) -> None:
    acme.org.skew_clock(skew)
    async with acme.client(acme.service_app(KEY, tmp_path, require_dpop=require_dpop)) as client:
        await client.get(f"/api/v1/apps/{acme.app_id}")
        assert client.clock_skew == pytest.approx(skew, abs=1)
    assert acme.org.calls.endpoints[TOKEN] == 1 + 1 + 2 * require_dpop


@pytest.mark.parametrize("skew", [3 * HOUR, -3 * HOUR])
async def test_a_clock_that_is_set_while_a_bound_token_is_in_use_is_followed(
    acme: World, tmp_path: Path, skew: int
) -> None:
    async with acme.client(acme.service_app(KEY, tmp_path, require_dpop=True)) as client:
        for _ in range(6):
            await client.get(f"/api/v1/apps/{acme.app_id}")
        acme.org.skew_clock(skew)
        await client.get(f"/api/v1/apps/{acme.app_id}")
        assert client.clock_skew == pytest.approx(skew, abs=1)


async def test_a_limit_is_waited_out_by_oktas_clock(acme: World) -> None:
    acme.org.skew_clock(-3 * HOUR)
    acme.org.fail(FaultKind.RATE_LIMIT, path="/api/v1/users", count=1)
    async with acme.reads() as reads:
        await reads.people_of_organization()
    assert acme.clock.monotonic() <= 62
