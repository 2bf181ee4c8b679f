"""Okta's SCIM client after refusals: retries after 429, and tasks for a person after other errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from teleport_okta.sandbox.okta import OktaError, ProvisioningSettings, Style
from teleport_okta.sandbox.okta.provisioning.runner import ConnectionTest, ProvisioningRunner
from teleport_okta.sandbox.web_certificate import WebCertificate
from unit.sandbox_okta.sandbox_okta_scim_server import (
    LIST,
    TOKEN,
    Forced,
    Provisioned,
    ScimServer,
    provisioned,
    refusal,
)
from unit.sandbox_okta.sandbox_okta_world import PROMPT, World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

LOOKUP_ADA = "GET /Users?filter=userName%20eq%20%22ada%40example.com%22&startIndex=1&count=100"


@pytest.fixture
async def catalog() -> AsyncIterator[Provisioned]:
    async with provisioned(Style.CATALOG) as world:
        yield world


def throttled(retry_after: str | None, times: int = 1) -> list[Forced]:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return [Forced(429, "", headers, "PATCH") for _ in range(times)]


async def waits(world: Provisioned) -> list[float]:
    """Let time pass until nothing waits any more; return how long each retry was put off."""
    found = []
    await world.settled()
    while (job := next(iter(world.org.provisioning.lanes), None)) is not None:
        assert job.retry_at is not None
        found.append(job.retry_at - world.world.now)
        world.world.now = job.retry_at - 0.001
        assert await world.settled() == []
        world.world.now = job.retry_at
        assert len(await world.settled()) == 1
    return found


async def test_a_throttled_request_is_sent_again_after_whole_seconds_that_double(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced += throttled("7", 3)
    catalog.org.unassign(catalog.app, ada)
    assert await waits(catalog) == [7, 14, 28]
    assert catalog.scim.users["u1"]["active"] is False
    assert catalog.details() == []


@pytest.mark.parametrize("retry_after", [None, "Wed, 21 Oct 2026 07:28:00 GMT", "1.5"])
async def test_without_a_number_the_first_retry_comes_after_five_minutes(
    catalog: Provisioned, retry_after: str | None
) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced += throttled(retry_after)
    catalog.org.unassign(catalog.app, ada)
    assert await waits(catalog) == [300]


async def test_the_tenth_throttled_attempt_is_the_last(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced += throttled("1", 10)
    catalog.org.unassign(catalog.app, ada)
    assert await waits(catalog) == [2**power for power in range(9)]
    assert catalog.details() == ["The server answered 429"]


async def test_a_person_who_waits_does_not_delay_other_people(catalog: Provisioned) -> None:
    people = [await catalog.assigned(f"p{number}") for number in range(6)]
    catalog.scim.forced += throttled("60", 5)
    for user in people:
        catalog.org.unassign(catalog.app, user)
    await catalog.settled()
    assert sum(not user["active"] for user in catalog.scim.users.values()) == 1
    catalog.world.now += 60
    await catalog.settled()
    assert not any(user["active"] for user in catalog.scim.users.values())


async def test_later_changes_of_a_person_wait_behind_a_retry(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced.append(Forced(429, "", {"Retry-After": "30"}, "PUT"))
    catalog.org.update_profile(ada, title="Countess")
    catalog.org.unassign(catalog.app, ada)
    assert await catalog.settled() == ["GET /Users/u1", "PUT /Users/u1"]
    catalog.world.now += 30
    assert await catalog.settled() == ["PUT /Users/u1", "PATCH /Users/u1"]


REFUSALS = [
    (refusal(400, "userName is not usable"), "userName is not usable", 400),
    (refusal(401, "the token is wrong"), "the token is wrong", 401),
    (refusal(409, "userName is taken"), "userName is taken", 409),
    (refusal(500, "the backend is down"), "the backend is down", 500),
    (refusal(501, "PATCH is not offered"), "PATCH is not offered", 501),
    (Forced(503), "The server answered 503", 503),
    (Forced(500, "{}"), "The server answered 500", 500),
    (Forced(500, "Internal Server Error"), "The response is not JSON", 500),
    (Forced(200, "<html>"), "The response is not JSON", 200),
    (Forced(307, "", {"Location": "/scim/v2/elsewhere"}), "The server answered 307; redirects are not followed", 307),
]


@pytest.mark.parametrize(("forced", "detail", "status"), REFUSALS)
async def test_another_refusal_is_a_task_that_shows_the_server_s_detail(
    catalog: Provisioned, forced: Forced, detail: str, status: int
) -> None:
    forced.method = "POST"
    catalog.scim.forced.append(forced)
    ada = catalog.person("ada")
    catalog.org.assign(catalog.app, ada)
    assert await catalog.settled() == [LOOKUP_ADA, "POST /Users"]
    (task,) = catalog.org.provisioning.tasks.values()
    assert task.detail.startswith(detail)
    assert (task.status, task.job.kind, task.job.subject) == (status, "provision", ada)
    entry = catalog.app_user(ada)
    assert (entry["externalId"], entry["status"], entry["syncState"]) == (None, "STAGED", "ERROR")
    catalog.world.now += 100_000
    assert await catalog.settled() == []


async def test_a_retried_task_is_removed_and_sends_the_current_profile(catalog: Provisioned) -> None:
    ada = catalog.person("ada")
    catalog.scim.forced.append(refusal(400, "no", "POST"))
    catalog.org.assign(catalog.app, ada)
    await catalog.settled()
    catalog.org.update_profile(ada, title="Countess")
    assert await catalog.settled() == []
    (task,) = catalog.org.provisioning.tasks
    assert catalog.org.retry_task(task) is True
    assert await catalog.settled() == [LOOKUP_ADA, "POST /Users"]
    assert catalog.bodies[1]["title"] == "Countess"
    assert catalog.app_user(ada)["syncState"] == "SYNCHRONIZED"
    assert catalog.details() == []
    with pytest.raises(OktaError, match="E0000007"):
        catalog.org.retry_task(task)


async def test_a_retry_that_fails_is_another_task(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced += [refusal(500, "down"), refusal(500, "still down")]
    catalog.org.unassign(catalog.app, ada)
    await catalog.settled()
    assert catalog.org.retry_tasks() == 1
    await catalog.settled()
    assert catalog.details() == ["still down"]
    catalog.org.retry_tasks()
    await catalog.settled()
    assert catalog.scim.users["u1"]["active"] is False


async def test_a_task_of_a_person_who_has_left_sends_nothing(catalog: Provisioned) -> None:
    ada = catalog.person("ada")
    catalog.scim.forced.append(refusal(400, "no", "POST"))
    catalog.org.assign(catalog.app, ada)
    catalog.org.unassign(catalog.app, ada)
    await catalog.settled()
    (task,) = catalog.org.provisioning.tasks
    assert catalog.org.retry_task(task) is False
    assert await catalog.settled() == []


async def test_a_failed_deactivation_is_not_retried_for_a_person_who_is_back(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.scim.forced.append(refusal(500, "down", "PATCH"))
    catalog.org.unassign(catalog.app, ada)
    catalog.org.assign(catalog.app, ada)
    await catalog.settled()
    assert catalog.org.retry_tasks() == 0
    assert catalog.scim.users["u1"]["active"] is True


async def test_a_user_who_was_linked_is_deactivated_even_if_the_profile_could_not_be_pushed(
    catalog: Provisioned,
) -> None:
    catalog.scim.users["u7"] = {"id": "u7", "userName": "ada@example.com", "active": True}
    catalog.scim.forced.append(refusal(500, "down", "PUT"))
    ada = catalog.person("ada")
    catalog.org.assign(catalog.app, ada)
    await catalog.settled()
    assert (catalog.app_user(ada)["externalId"], catalog.app_user(ada)["syncState"]) == ("u7", "ERROR")
    catalog.org.unassign(catalog.app, ada)
    assert await catalog.settled() == ["PATCH /Users/u7"]


async def test_a_returning_person_who_is_refused_loses_the_former_id(catalog: Provisioned) -> None:
    ada = await catalog.assigned("ada")
    catalog.org.unassign(catalog.app, ada)
    await catalog.settled()
    catalog.scim.forced.append(refusal(500, "down", "GET"))
    catalog.org.assign(catalog.app, ada)
    catalog.org.update_profile(ada, title="Countess")
    assert await catalog.settled() == [LOOKUP_ADA]


@pytest.mark.parametrize("text", ["", "[]", '{"userName": "ada@example.com"}'])
async def test_a_creation_has_to_return_the_user(catalog: Provisioned, text: str) -> None:
    catalog.scim.forced.append(Forced(201, text, method="POST"))
    catalog.org.assign(catalog.app, catalog.person("ada"))
    await catalog.settled()
    assert catalog.details() == ["Create new user returned empty user"]


async def test_numbers_as_texts_fail_without_a_reason(catalog: Provisioned) -> None:
    catalog.scim.forced.append(Forced(200, '{"totalResults": "0", "Resources": []}'))
    catalog.org.assign(catalog.app, catalog.person("ada"))
    assert await catalog.settled() == [LOOKUP_ADA]
    assert catalog.details() == [None]


async def test_posts_again_and_a_refusal_leave_a_task(catalog: Provisioned) -> None:
    settings = catalog.org.provisioning.settings[catalog.app]
    again = ProvisioningSettings(settings.base_url, TOKEN, style=Style.CATALOG, posts_again=True)
    catalog.org.enable_provisioning(catalog.app, again)
    ada = await catalog.assigned("ada")
    catalog.org.deactivate(ada)
    catalog.org.activate(ada)
    catalog.scim.forced.append(refusal(409, "userName is taken", "POST"))
    catalog.org.assign(catalog.app, ada)
    await catalog.settled()
    catalog.scim.forced.append(refusal(409, "userName is taken", "POST"))
    catalog.org.retry_tasks()
    assert await catalog.settled() == ["POST /Users"]
    assert catalog.details() == ["userName is taken"]


async def test_a_server_that_cannot_be_reached_or_is_silent_is_a_task() -> None:
    async def never(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    silent = web.ServerRunner(web.Server(never), shutdown_timeout=0.01)
    await silent.setup()
    await web.TCPSite(silent, "127.0.0.1", 0).start()
    world = World(PROMPT)
    async with ProvisioningRunner(world.org, silence=0.05) as runner:
        for port in (silent.addresses[0][1], 1):
            app = world.org.create_app(f"App {port}").id
            world.org.enable_provisioning(app, ProvisioningSettings(f"http://127.0.0.1:{port}", TOKEN))
            world.org.assign(app, world.org.admin)
            await runner.settled()
    await silent.cleanup()
    first, second = (task.detail for task in world.org.provisioning.tasks.values())
    assert first == "GET /Users timed out"
    assert second is not None
    assert second.startswith("GET /Users failed: ")


async def test_a_server_s_certificate_has_to_be_of_the_given_ca(tmp_path: Path) -> None:
    certificate = WebCertificate.issue("SCIM CA")
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(certificate.ca_pem)
    scim, world = ScimServer(), World(PROMPT)
    await scim.start(tls=certificate.context())
    try:
        async with ProvisioningRunner(world.org) as runner:
            app = world.org.create_app("Teleport").id
            world.org.enable_provisioning(app, ProvisioningSettings(scim.url, TOKEN, ca_file=ca_file))
            assert await runner.test_connection(app) == ConnectionTest(succeeded=True)
            world.org.enable_provisioning(app, ProvisioningSettings(scim.url, TOKEN))
            assert "CERTIFICATE_VERIFY_FAILED" in str((await runner.test_connection(app)).detail)
            world.org.enable_provisioning(app, ProvisioningSettings(scim.url, TOKEN, ca_file=tmp_path / "none.pem"))
            assert "CA file" in str((await runner.test_connection(app)).detail)
    finally:
        await scim.stop()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("https://scim.example.com/scim_v2", "underscore"),
        ("http://scim.example.com/scim", "https"),
        ("scim.example.com", "http"),
        ("https://scim.example.com/?a=b", "query"),
    ],
)
def test_a_base_url_that_okta_refuses_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ProvisioningSettings(url, TOKEN)


def test_credentials_are_not_shown() -> None:
    assert TOKEN not in repr(ProvisioningSettings("http://127.0.0.1/scim", TOKEN))


async def test_the_connection_test_asks_for_two_users_and_the_groups(catalog: Provisioned) -> None:
    assert await catalog.runner.test_connection(catalog.app) == ConnectionTest(succeeded=True)
    assert await catalog.settled() == ["GET /Users?startIndex=1&count=2", "GET /Groups?startIndex=1&count=100"]


async def test_the_connection_test_asks_for_no_groups_where_none_are_pushed() -> None:
    async with provisioned(Style.CUSTOM, features=["create"]) as world:
        await world.runner.test_connection(world.app)
        assert await world.settled() == ["GET /Users?startIndex=1&count=2"]


@pytest.mark.parametrize(
    ("forced", "detail"),
    [
        (Forced(200), "No results for users returned"),
        (Forced(200, "null"), "No results for users returned"),
        (Forced(200, "[]"), "No results for users returned"),
        (Forced(200, f'{{"schemas": ["{LIST}"], "totalResults": 0, "startIndex": "1"}}'), None),
        (refusal(401, "the token is wrong"), "the token is wrong"),
        (Forced(429, "", {"Retry-After": "1"}), "The server answered 429"),
    ],
)
async def test_the_connection_test_returns_the_error(catalog: Provisioned, forced: Forced, detail: str) -> None:
    catalog.scim.forced.append(forced)
    verdict = await catalog.runner.test_connection(catalog.app)
    assert verdict == ConnectionTest(succeeded=False, detail=detail)
