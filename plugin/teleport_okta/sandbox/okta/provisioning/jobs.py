"""Jobs in their order, and the tasks of failed jobs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teleport_okta.sandbox.okta.assignments import AppUser
    from teleport_okta.sandbox.okta.log_transactions import Transaction
    from teleport_okta.sandbox.okta.provisioning.records import GroupPush
    from teleport_okta.sandbox.okta.users import User


class Kind(StrEnum):
    """The kind of a job."""

    PROVISION = "provision"
    PUSH_PROFILE = "push_profile"
    PUSH_PASSWORD = "push_password"  # noqa: S105 - no password
    DEACTIVATE = "deactivate"
    PUSH_GROUP = "push_group"
    RENAME_GROUP = "rename_group"
    PUSH_MEMBERS = "push_members"
    PUSH_NOW = "push_now"
    DELETE_GROUP = "delete_group"


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """A change on the SCIM server. The jobs of one lane, a person or a group, run one after the other."""

    kind: Kind
    app_id: str
    transaction: Transaction
    """The transaction of the job's changes in the organisation."""

    started: bool = False
    attempts: int = 1
    """The number of times that its current request was sent; more than one only after 429."""

    retry_at: float | None = None
    """The time at which a throttled request is sent again (epoch seconds by the organisation's clock)."""

    @property
    def subject(self) -> str:
        """The id of the person or of the group mapping."""
        raise NotImplementedError

    @property
    def lane(self) -> str:
        """The name of the lane."""
        return f"{self.app_id}/{self.subject}"


@dataclass(slots=True, eq=False, kw_only=True)
class UserJob(Job):
    """A job about a person, with the user and the assignment at the time when it was queued."""

    user: User
    entry: AppUser

    @property
    def subject(self) -> str:
        """The id of the user."""
        return self.user.id


@dataclass(slots=True, eq=False, kw_only=True)
class GroupJob(Job):
    """A job about a pushed group."""

    mapping: GroupPush
    name: str
    """The group's name in the app at the time when the job was queued."""

    changes: list[tuple[str, bool]] = field(default_factory=list)
    """For members: the user's id, and whether the user joined, in the order of the changes."""

    @property
    def subject(self) -> str:
        """The id of the mapping."""
        return self.mapping.id


@dataclass(frozen=True, slots=True)
class Task:
    """A failed job, which an administrator must retry."""

    id: str
    created: int
    job: Job
    detail: str | None
    """The server's text, if there is one."""

    status: int | None
    """The HTTP status of the failed answer, if there was one."""


class Lanes:
    """All queued jobs, by lane. The first job of a lane stays there until it is done."""

    def __init__(self) -> None:
        self.wake: Callable[[str], None] | None = None
        """Called with the name of a lane that has a new job."""

        self._lanes: dict[str, deque[Job]] = {}

    def __iter__(self) -> Iterator[Job]:
        return iter([job for lane in self._lanes.values() for job in lane])

    @property
    def names(self) -> list[str]:
        """The lanes that have jobs."""
        return list(self._lanes)

    def put(self, job: Job) -> None:
        """Queue a job behind the others of its lane."""
        self._lanes.setdefault(job.lane, deque()).append(job)
        if self.wake is not None:
            self.wake(job.lane)

    def first(self, lane: str) -> Job | None:
        """Return the next job in a lane."""
        jobs = self._lanes.get(lane)
        return jobs[0] if jobs else None

    def last(self, lane: str) -> Job | None:
        """Return the job that was queued last in a lane, if it has not started."""
        jobs = self._lanes.get(lane)
        return jobs[-1] if jobs and not jobs[-1].started else None

    def done(self, lane: str) -> None:
        """Remove the first job of a lane."""
        jobs = self._lanes[lane]
        jobs.popleft()
        if not jobs:
            del self._lanes[lane]

    def drop(self, app_id: str) -> None:
        """Remove the jobs of an app that have not started."""
        for lane, jobs in list(self._lanes.items()):
            kept = deque(job for job in jobs if job.app_id != app_id or job.started)
            if kept:
                self._lanes[lane] = kept
            else:
                del self._lanes[lane]
