"""Provisioning through the control interface of a running sandbox."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox
from unit.sandbox_okta.sandbox_okta_scim_server import TOKEN, ScimServer, refusal
from unit.sandbox_okta.sandbox_okta_world import PROMPT, profile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Controlled:
    http: aiohttp.ClientSession
    scim: ScimServer
    app: str
    ada: str

    async def call(self, line: str, body: object = None, *, status: int = 200) -> Any:
        method, path = line.split(" ")
        async with self.http.request(method, path, json=body) as response:
            assert response.status == status, await response.text()
            return None if status == 204 else await response.json()

    async def enable(self, **more: object) -> Any:
        body = {"base_url": self.scim.url, "authorization": TOKEN} | more
        return await self.call(f"PUT /apps/{self.app}/provisioning", body)

    async def settle(self) -> Any:
        return await self.call("POST /provisioning/settle", {"seconds": 10})


@pytest.fixture
async def control() -> AsyncIterator[Controlled]:
    scim = ScimServer()
    await scim.start()
    org = OktaOrganization(PROMPT, rng=random.Random(3))
    app, ada = org.create_app("Teleport").id, org.create_user(profile("ada")).id
    async with OktaSandbox(org) as okta, OktaControl(okta) as listener, aiohttp.ClientSession(listener.url) as http:
        yield Controlled(http, scim, app, ada)
    await scim.stop()


async def test_provisioning_is_switched_on_shown_and_switched_off(control: Controlled) -> None:
    shown = await control.enable(style="catalog", features=["create", "deactivate"])
    assert shown == {
        "base_url": control.scim.url,
        "style": "catalog",
        "features": ["create", "deactivate"],
        "password_sync": False,
        "posts_again": False,
        "ca_file": None,
    }
    assert await control.call(f"GET /apps/{control.app}/provisioning") == shown
    await control.call(f"DELETE /apps/{control.app}/provisioning", status=204)
    assert "no provisioning" in (await control.call(f"GET /apps/{control.app}/provisioning", status=400))["error"]


@pytest.mark.parametrize(
    "wrong", [{"style": "other"}, {"features": ["import"]}, {"base_url": "http://a.b/"}, {"colour": 1}, {"ca_file": 1}]
)
async def test_wrong_settings_are_refused(control: Controlled, wrong: dict[str, object]) -> None:
    body = {"base_url": control.scim.url, "authorization": TOKEN} | wrong
    await control.call(f"PUT /apps/{control.app}/provisioning", body, status=400)


async def test_an_assignment_arrives_before_the_sandbox_is_quiet(control: Controlled) -> None:
    await control.enable()
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    assert await control.settle() == {"quiet": True, "jobs": [], "tasks": 0, "apps": [control.app]}
    assert control.scim.users["u1"]["externalId"] == control.ada


async def test_the_connection_can_be_tested(control: Controlled) -> None:
    await control.enable()
    path = f"POST /apps/{control.app}/provisioning/test"
    assert await control.call(path) == {"succeeded": True, "detail": None}
    control.scim.forced.append(refusal(401, "the token is wrong"))
    assert await control.call(path) == {"succeeded": False, "detail": "the token is wrong"}


async def test_tasks_are_listed_and_retried(control: Controlled) -> None:
    await control.enable()
    control.scim.forced += [refusal(400, "no", "POST"), refusal(400, "still no", "POST")]
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    await control.settle()
    (task,) = await control.call("GET /tasks")
    about = {name: task[name] for name in ("kind", "app", "subject", "detail", "status")}
    assert about == {
        "kind": "provision",
        "app": control.app,
        "subject": control.ada,
        "detail": "no",
        "status": 400,
    }
    assert await control.call(f"POST /tasks/{task['id']}/retry") == {"queued": 1}
    assert (await control.settle())["tasks"] == 1
    assert await control.call("POST /tasks/retry") == {"queued": 1}
    assert (await control.settle())["tasks"] == 0
    await control.call("POST /tasks/nonsense/retry", status=404)


async def test_a_throttled_job_is_shown_with_its_next_attempt(control: Controlled) -> None:
    await control.enable()
    throttled = refusal(429, "slow down")
    throttled.headers["Retry-After"] = "500"
    control.scim.forced.append(throttled)
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    (job,) = (await control.settle())["jobs"]
    assert (job["kind"], job["attempts"], job["started"]) == ("provision", 2, True)
    assert job["retry_at"].endswith("Z")


async def test_earlier_assignments_are_provisioned_on_demand(control: Controlled) -> None:
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    await control.enable()
    assert await control.call(f"POST /apps/{control.app}/provisioning/users") == {"queued": 1}
    await control.settle()
    assert list(control.scim.users) == ["u1"]


async def test_groups_are_pushed_paused_and_unlinked(control: Controlled) -> None:
    await control.enable(style="catalog")
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    await control.settle()
    group = (await control.call("POST /groups", {"name": "Red"}))["id"]
    push = await control.call(f"POST /apps/{control.app}/pushes", {"group": group})
    await control.settle()
    assert (await control.call("GET /pushes"))[0]["external_id"] == "g1"
    at = f"POST /pushes/{push['id']}"
    assert (await control.call(f"{at}/deactivate"))["active"] is False
    await control.call(f"POST /groups/{group}/members", {"user": control.ada}, status=204)
    await control.settle()
    assert control.scim.groups["g1"]["members"] == []
    assert (await control.call(f"{at}/activate"))["active"] is True
    await control.settle()
    assert control.scim.groups["g1"]["members"] == [{"value": "u1", "display": "ada@example.com"}]
    await control.call(f"{at}/now")
    await control.call(f"{at}/unlink", {"delete": True}, status=204)
    await control.settle()
    assert control.scim.groups == {}
    assert await control.call("GET /pushes") == []


async def test_waiting_ends_after_the_given_time(control: Controlled) -> None:
    await control.enable()
    await control.call(f"POST /apps/{control.app}/assign", {"user": control.ada})
    answer = await control.call("POST /provisioning/settle", {"seconds": 0})
    assert (answer["quiet"], len(answer["jobs"])) == (False, 1)
