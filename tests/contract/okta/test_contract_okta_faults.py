from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from contract.okta.okta_world import APP_USERS, USERS
from teleport_okta.okta.okta_errors import OktaError, OktaRateLimitedError, OktaUnavailableError
from teleport_okta.sandbox.okta.faults import FaultKind

if TYPE_CHECKING:
    from contract.okta.okta_world import World

PASSING = [
    FaultKind.RATE_LIMIT,
    FaultKind.CONCURRENCY,
    FaultKind.INTERNAL_ERROR,
    FaultKind.BAD_GATEWAY,
    FaultKind.UNAVAILABLE,
    FaultKind.RESET,
    FaultKind.TRUNCATED,
]


@pytest.mark.parametrize("kind", PASSING)
@pytest.mark.parametrize("page", [0, 2])
async def test_a_fault_that_ends_is_retried_and_no_person_is_lost(large: World, kind: FaultKind, page: int) -> None:
    large.org.fail(kind, path=APP_USERS, count=1, after=page)
    async with large.reads() as reads:
        snapshot = await reads.people_of_app(large.app_id)
    assert (len(snapshot.people), snapshot.incomplete) == (110, None)
    assert large.org.calls.endpoints["GET /api/v1/apps/{id}/users"] == 4


@pytest.mark.parametrize("kind", [*PASSING, FaultKind.REVOKED])
async def test_a_fault_that_stays_on_a_later_page_leaves_the_snapshot_incomplete(large: World, kind: FaultKind) -> None:
    large.org.fail(kind, path=APP_USERS, after=1)
    async with large.reads() as reads:
        snapshot = await reads.people_of_app(large.app_id)
    assert len(snapshot.people) == 50
    assert snapshot.incomplete is not None
    assert f"GET /api/v1/apps/{large.app_id}/users" in snapshot.incomplete


@pytest.mark.parametrize("kind", [*PASSING, FaultKind.REVOKED])
async def test_a_fault_that_stays_on_the_first_page_is_an_error(acme: World, kind: FaultKind) -> None:
    acme.org.fail(kind, path=USERS)
    async with acme.reads() as reads:
        with pytest.raises(OktaError, match="GET /api/v1/users"):
            await reads.people_of_organization()


async def test_a_used_up_limit_is_waited_for_once_a_window_until_the_deadline(acme: World) -> None:
    acme.org.fail(FaultKind.RATE_LIMIT, path=USERS)
    began = acme.clock.monotonic()
    async with acme.reads() as reads:
        with pytest.raises(OktaRateLimitedError):
            await reads.people_of_organization()
    assert acme.org.calls.statuses == {429: 6}
    assert 5 * 60 <= acme.clock.monotonic() - began <= 5 * 63


async def test_calls_that_were_too_many_at_once_go_again_within_seconds(acme: World) -> None:
    acme.org.fail(FaultKind.CONCURRENCY, path=USERS, count=3)
    began = acme.clock.monotonic()
    async with acme.reads() as reads:
        await reads.people_of_organization()
    assert 1.5 <= acme.clock.monotonic() - began <= 6


async def test_a_listing_that_okta_cannot_put_together_is_asked_for_in_smaller_pages(large: World) -> None:
    large.org.fail(FaultKind.INTERNAL_ERROR, path=APP_USERS, count=4)
    async with large.reads() as reads:
        snapshot = await reads.people_of_app(large.app_id)
    assert (len(snapshot.people), snapshot.incomplete) == (110, None)
    assert large.org.calls.endpoints["GET /api/v1/apps/{id}/users"] == 4 + 10, "pages of 12"


async def test_a_date_that_is_off_by_an_hour_makes_no_wait_longer_than_a_window(acme: World) -> None:
    acme.org.fail(FaultKind.SKEW, seconds=-3600)
    acme.org.fail(FaultKind.RATE_LIMIT, path=USERS, count=1)
    began = acme.clock.monotonic()
    async with acme.reads() as reads:
        await reads.people_of_organization()
    assert acme.clock.monotonic() - began <= 62


async def test_people_who_change_during_a_walk_are_there_once(large: World) -> None:
    async with large.client() as client:
        ids: list[str] = []
        async for page in client.pages(USERS, {"limit": "20"}):
            ids += [row["id"] for row in page.rows if isinstance(row, dict)]
            large.org.update_profile(ids[0], title=f"page {len(ids)}")
    assert len(ids) == len(set(ids)) == 111


async def test_an_organisation_that_is_gone_is_unavailable(acme: World) -> None:
    acme.url = "http://127.0.0.1:9"
    async with acme.reads() as reads:
        with pytest.raises(OktaUnavailableError):
            await reads.organization()
