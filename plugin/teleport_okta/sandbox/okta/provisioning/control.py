"""The routes of the control interface about provisioning."""

import asyncio
from pathlib import Path

from teleport_okta.sandbox.control_api import Route, Seconds, Text
from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.provisioning.jobs import Job, Task
from teleport_okta.sandbox.okta.provisioning.records import GroupPush
from teleport_okta.sandbox.okta.provisioning.runner import ProvisioningRunner
from teleport_okta.sandbox.okta.provisioning.settings import Feature, ProvisioningSettings, Style
from teleport_okta.sandbox.okta.timeline import iso


def provisioning_routes(org: OktaOrganization, runner: ProvisioningRunner) -> list[Route]:
    """Return the routes."""
    provisioning = org.provisioning

    def enable(
        app: str,
        *,
        base_url: Text,
        authorization: Text,
        style: Style | None = None,
        features: frozenset[Feature] = frozenset(Feature),
        password_sync: bool | None = None,
        posts_again: bool | None = None,
        ca_file: Path | None = None,
    ) -> Json:
        flags = password_sync is True, posts_again is True
        settings = ProvisioningSettings(base_url, authorization, style or Style.CUSTOM, features, *flags, ca_file)
        org.enable_provisioning(app, settings)
        return show(app)

    def show(app: str) -> Json:
        return _settings_json(provisioning.require(org.app(app).id))

    def disable(app: str) -> None:
        org.disable_provisioning(app)

    async def test(app: str) -> Json:
        verdict = await runner.test_connection(org.app(app).id)
        return {"succeeded": verdict.succeeded, "detail": verdict.detail}

    def provision(app: str, user: str | None = None) -> Json:
        return {"queued": org.provision_users(app, user)}

    def push(app: str, group: Text, name: str | None = None, rename: bool | None = None) -> Json:
        return _mapping_json(org.push_group(app, group, name, rename=rename is not False))

    def unlink(push: str, delete: bool | None = None) -> None:
        org.unlink_push(push, delete=delete is True)

    def state() -> Json:
        org.timeline.settle()
        jobs = [_job_json(job) for job in provisioning.lanes]
        return {"jobs": jobs, "tasks": len(provisioning.tasks), "apps": list(provisioning.settings)}

    async def settle(seconds: Seconds = 60) -> Json:
        try:
            async with asyncio.timeout(seconds):
                await runner.settled()
        except TimeoutError:
            return {"quiet": False} | state()
        return {"quiet": True} | state()

    return [
        Route("PUT /apps/{app}/provisioning", enable, exact=True),
        Route("GET /apps/{app}/provisioning", show),
        Route("DELETE /apps/{app}/provisioning", disable),
        Route("POST /apps/{app}/provisioning/test", test),
        Route("POST /apps/{app}/provisioning/users", provision),
        Route("POST /apps/{app}/pushes", push),
        Route("GET /pushes", lambda: [_mapping_json(mapping) for mapping in provisioning.mappings.values()]),
        Route("POST /pushes/{push}/now", lambda push: _mapping_json(org.push_now(push))),
        Route("POST /pushes/{push}/deactivate", lambda push: _mapping_json(org.pause_push(push))),
        Route("POST /pushes/{push}/activate", lambda push: _mapping_json(org.resume_push(push))),
        Route("POST /pushes/{push}/unlink", unlink),
        Route("GET /tasks", lambda: [_task_json(task) for task in provisioning.tasks.values()]),
        Route("POST /tasks/retry", lambda: {"queued": org.retry_tasks()}),
        Route("POST /tasks/{task}/retry", lambda task: {"queued": int(org.retry_task(task))}),
        Route("GET /provisioning", state),
        Route("POST /provisioning/settle", settle),
    ]


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
