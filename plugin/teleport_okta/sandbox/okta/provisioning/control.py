"""The calls of the control listener about provisioning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.control_input import maybe, seconds_of, text_of, texts_of
from teleport_okta.sandbox.okta.provisioning.settings import Feature, ProvisioningSettings, Style
from teleport_okta.sandbox.okta.timeline import iso

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.provisioning.jobs import Job, Task
    from teleport_okta.sandbox.okta.provisioning.records import GroupPush
    from teleport_okta.sandbox.okta.provisioning.runner import ProvisioningRunner

Action = Callable[[dict[str, str], Json], object]

_FIELDS = frozenset({"base_url", "authorization", "style", "features", "password_sync", "posts_again", "ca_file"})


def provisioning_actions(org: OktaOrganization, runner: ProvisioningRunner) -> dict[str, Action]:
    """Return the calls by method and path."""

    def enable(at: dict[str, str], body: Json) -> Json:
        org.enable_provisioning(at["app"], _settings(body))
        return show(at, {})

    def show(at: dict[str, str], _: Json) -> Json:
        return _settings_json(org.provisioning.require(org.app(at["app"]).id))

    async def test(at: dict[str, str]) -> Json:
        verdict = await runner.test_connection(org.app(at["app"]).id)
        return {"succeeded": verdict.succeeded, "detail": verdict.detail}

    def provision(at: dict[str, str], body: Json) -> Json:
        return {"queued": org.provision_users(at["app"], maybe(body, "user", str))}

    def push(at: dict[str, str], body: Json) -> Json:
        name, rename = maybe(body, "name", str), maybe(body, "rename", bool) is not False
        return _mapping_json(org.push_group(at["app"], text_of(body, "group"), name, rename=rename))

    def state() -> Json:
        org.timeline.settle()
        jobs = [_job_json(job) for job in org.provisioning.lanes]
        return {"jobs": jobs, "tasks": len(org.provisioning.tasks), "apps": list(org.provisioning.settings)}

    async def settle(body: Json) -> Json:
        try:
            async with asyncio.timeout(seconds_of(body, "seconds", 60)):
                await runner.settled()
        except TimeoutError:
            return {"quiet": False} | state()
        return {"quiet": True} | state()

    return {
        "PUT /apps/{app}/provisioning": enable,
        "GET /apps/{app}/provisioning": show,
        "DELETE /apps/{app}/provisioning": lambda at, _: _done(org.disable_provisioning(at["app"])),
        "POST /apps/{app}/provisioning/test": lambda at, _: test(at),
        "POST /apps/{app}/provisioning/users": provision,
        "POST /apps/{app}/pushes": push,
        "GET /pushes": lambda _, __: [_mapping_json(mapping) for mapping in org.provisioning.mappings.values()],
        "POST /pushes/{push}/now": lambda at, _: _mapping_json(org.push_now(at["push"])),
        "POST /pushes/{push}/deactivate": lambda at, _: _mapping_json(org.pause_push(at["push"])),
        "POST /pushes/{push}/activate": lambda at, _: _mapping_json(org.resume_push(at["push"])),
        "POST /pushes/{push}/unlink": lambda at, body: org.unlink_push(
            at["push"], delete=maybe(body, "delete", bool) is True
        ),
        "GET /tasks": lambda _, __: [_task_json(task) for task in org.provisioning.tasks.values()],
        "POST /tasks/retry": lambda _, __: {"queued": org.retry_tasks()},
        "POST /tasks/{task}/retry": lambda at, _: {"queued": int(org.retry_task(at["task"]))},
        "GET /provisioning": lambda _, __: state(),
        "POST /provisioning/settle": lambda _, body: settle(body),
    }


def _done(_: object) -> None:
    """Show nothing of a result."""


def _settings(body: Json) -> ProvisioningSettings:
    unknown = set(body) - _FIELDS
    if unknown:
        raise ValueError(f"unknown fields: {', '.join(sorted(unknown))}")
    features = texts_of(body, "features") if "features" in body else list(Feature)
    ca_file = maybe(body, "ca_file", str)
    return ProvisioningSettings(
        base_url=text_of(body, "base_url"),
        authorization=text_of(body, "authorization"),
        style=Style(maybe(body, "style", str) or Style.CUSTOM),
        features=frozenset(Feature(feature) for feature in features),
        password_sync=maybe(body, "password_sync", bool) is True,
        posts_again=maybe(body, "posts_again", bool) is True,
        ca_file=Path(ca_file) if ca_file is not None else None,
    )


def _settings_json(settings: ProvisioningSettings) -> Json:
    """Show the settings, but not the credentials."""
    return {
        "base_url": settings.base_url,
        "style": settings.style,
        "features": sorted(settings.features),
        "password_sync": settings.password_sync,
        "posts_again": settings.posts_again,
        "ca_file": str(settings.ca_file) if settings.ca_file is not None else None,
    }


def _mapping_json(mapping: GroupPush) -> Json:
    return {
        "id": mapping.id,
        "app": mapping.app_id,
        "group": mapping.group_id,
        "name": mapping.name,
        "active": mapping.active,
        "external_id": mapping.scim_id,
        "members": sorted(mapping.members),
        "error": mapping.error,
    }


def _job_json(job: Job) -> Json:
    retry_at = iso(int(job.retry_at)) if job.retry_at is not None else None
    return _about(job) | {"started": job.started, "attempts": job.attempts, "retry_at": retry_at}


def _task_json(task: Task) -> Json:
    return _about(task.job) | {
        "id": task.id,
        "created": iso(task.created),
        "detail": task.detail,
        "status": task.status,
    }


def _about(job: Job) -> Json:
    return {"kind": job.kind, "app": job.app_id, "subject": job.subject}
