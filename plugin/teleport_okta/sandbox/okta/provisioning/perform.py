"""Runs a job: reads the organisation, sends the requests, stores the result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_transactions import within
from teleport_okta.sandbox.okta.provisioning import group_requests, user_requests
from teleport_okta.sandbox.okta.provisioning.attributes import attributes_of, patch
from teleport_okta.sandbox.okta.provisioning.jobs import GroupJob, Job, Kind, UserJob
from teleport_okta.sandbox.okta.provisioning.settings import Style

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_defaults import Json
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.provisioning.client import ScimClient
    from teleport_okta.sandbox.okta.provisioning.records import GroupPush

SYNCING, SYNCHRONIZED, ERROR = "SYNCING", "SYNCHRONIZED", "ERROR"


async def carry_out(org: OktaOrganization, job: Job, client: ScimClient) -> None:
    """Do a job. Raises :class:`~.client.ScimError` if a request fails."""
    if isinstance(job, UserJob):
        await _UserWork(org, job, client).run()
    elif isinstance(job, GroupJob):
        await _GroupWork(org, job, client).run()


def note_failure(org: OktaOrganization, job: Job, detail: str | None, status: int | None) -> None:
    """Make a task of a failed job, and store the error in the assignment or the mapping."""
    org.provisioning.failed(job, detail, status)
    if isinstance(job, UserJob):
        _note(org, job, ERROR)
    elif isinstance(job, GroupJob):
        job.mapping.error = detail or "no reason given"


class _UserWork:
    def __init__(self, org: OktaOrganization, job: UserJob, client: ScimClient) -> None:
        self._org = org
        self._job = job
        self._client = client
        self._account = org.provisioning.accounts[job.app_id, job.user.id]

    async def run(self) -> None:
        if self._job.kind is Kind.PROVISION:
            await self._provision()
            return
        scim_id = self._account.scim_id
        if scim_id is None:  # the creation failed: the retry of its task sends all changes
            return
        _note(self._org, self._job, SYNCING)
        match self._job.kind:
            case Kind.PUSH_PROFILE:
                mapped = attributes_of(self._job.user, self._job.entry)
                await user_requests.push_profile(self._client, scim_id, mapped)
            case Kind.PUSH_PASSWORD:
                await user_requests.set_password(self._client, scim_id, self._org.provisioning.new_password())
            case _:
                await user_requests.set_active(self._client, scim_id, active=False)
        _note(self._org, self._job, SYNCHRONIZED)

    async def _provision(self) -> None:
        _note(self._org, self._job, SYNCING)
        self._account.scim_id = None
        mapped = attributes_of(self._job.user, self._job.entry)
        posts = self._client.settings.posts_again and self._account.was_deactivated
        found = None if posts else await user_requests.find(self._client, str(mapped["userName"]))
        if found is None:
            self._store(await user_requests.create(self._client, mapped, self._org.provisioning.new_password()))
        else:
            scim_id, active = found
            self._store(scim_id)  # now, so that the user can be deactivated even if the push fails
            await user_requests.link(self._client, scim_id, mapped, active=active)
        _note(self._org, self._job, SYNCHRONIZED)

    def _store(self, scim_id: str) -> None:
        self._account.scim_id, self._account.was_deactivated = scim_id, False
        _note(self._org, self._job, SYNCING, scim_id)


class _GroupWork:
    def __init__(self, org: OktaOrganization, job: GroupJob, client: ScimClient) -> None:
        self._org = org
        self._job = job
        self._client = client
        self._catalog = client.settings.style is Style.CATALOG

    async def run(self) -> None:
        mapping = self._job.mapping
        if self._job.kind is Kind.PUSH_GROUP:
            await self._begin(mapping)
        elif mapping.scim_id is None:  # the creation failed: the retry of its task sends all changes
            return
        else:
            await self._change(mapping, mapping.scim_id)
        mapping.error = None

    async def _begin(self, mapping: GroupPush) -> None:
        scim_id, created = await group_requests.find_or_create(self._client, mapping.found_as)
        mapping.scim_id = scim_id
        members = self._members()
        if not created or (members and not self._catalog):
            await group_requests.write(self._client, scim_id, self._job.name, list(members.values()))
        elif self._catalog:
            await group_requests.rename(self._client, scim_id, self._job.name)
            if members:
                addition = group_requests.added(list(members.values()))
                await self._client.patch(f"/Groups/{scim_id}", patch(addition))
        mapping.members = _ids(members)

    async def _change(self, mapping: GroupPush, scim_id: str) -> None:
        match self._job.kind:
            case Kind.DELETE_GROUP:
                await self._client.delete(f"/Groups/{scim_id}")
            case Kind.RENAME_GROUP if self._catalog:
                await group_requests.rename(self._client, scim_id, self._job.name)
            case Kind.PUSH_MEMBERS if self._catalog:
                await self._patch_members(mapping, scim_id)
            case Kind.PUSH_MEMBERS if _ids(self._members()) == mapping.members:
                return
            case _:
                members = self._members()
                await group_requests.write(self._client, scim_id, self._job.name, list(members.values()))
                mapping.members = _ids(members)

    async def _patch_members(self, mapping: GroupPush, scim_id: str) -> None:
        """Send the changes in their order; nothing is sent about people who are not provisioned."""
        after = dict(mapping.members)
        operations: list[Json] = []
        for user_id, joined in self._job.changes:
            member = self._member(user_id)
            if joined and member is not None and user_id not in after:
                operations.append(group_requests.added([member]))
                after[user_id] = str(member["value"])
            elif not joined and user_id in after:
                operations.append(group_requests.removed(after.pop(user_id)))
        if operations:
            await group_requests.change_members(self._client, scim_id, self._job.name, operations)
            mapping.members = after

    def _members(self) -> dict[str, Json]:
        """Return the current members who are provisioned in the app, by user id."""
        mapping, org = self._job.mapping, self._org
        if mapping.group_id == org.groups.everyone:
            people = [user.id for user in org.users.all]
        elif mapping.group_id in org.groups.all:
            people = list(org.groups.members(mapping.group_id))
        else:
            people = []
        found = ((user_id, self._member(user_id)) for user_id in people)
        return {user_id: member for user_id, member in found if member is not None}

    def _member(self, user_id: str) -> Json | None:
        entry = self._org.assignments.find(self._job.app_id, user_id)
        if entry is None or entry.external_id is None:
            return None
        return {"value": entry.external_id, "display": entry.user_name}


def _ids(members: dict[str, Json]) -> dict[str, str]:
    return {user_id: str(member["value"]) for user_id, member in members.items()}


def _note(org: OktaOrganization, job: UserJob, state: str, scim_id: str | None = None) -> None:
    """Store the state of synchronisation in the assignment, unless it was replaced by a later one."""
    app = org.apps.all.get(job.app_id)
    if app is not None:
        with within(job.transaction):
            org.assignments.note_sync(app, job.entry, state, external_id=scim_id)
