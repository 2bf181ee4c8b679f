"""A cluster that notes its calls and fails where it is told to, and an applier on it, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from teleport_okta.apply.applier import Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.clock import VirtualClock
from worlds import NOW, listing, owned_user, planned


def refused(kind, name):
    """An error of some kind about a name."""
    return kind("UsersService/X", f"user {name!r}", "because")


@dataclass
class Cluster:
    """What the applier calls: notes every call, and fails where it is told to.

    `present` are the users that a read by name finds; `failures` and `calls` are by verb and name.
    """

    calls: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)
    in_flight: int = 0
    most_in_flight: int = 0
    before_each: object = None
    present: dict = field(default_factory=dict)
    made_with: dict = field(default_factory=dict)

    def __post_init__(self):
        self.users = _Users(self)
        self.locks = _Locks(self)
        self.roles = _Objects(self, "role")
        self.user_groups = _Objects(self, "user group")
        self.app_servers = _Objects(self, "app server")
        self.access_lists = _Lists(self)

    async def ping(self):
        """Give a sign of life."""
        await self.call("ping", "")

    async def call(self, verb, name):
        """Make a call that is noted if it does not fail."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        if self.before_each:
            await self.before_each(verb, name)
        await asyncio.sleep(0)
        self.in_flight -= 1
        if (verb, name) in self.failures:
            raise self.failures[verb, name]
        self.calls.append((verb, name))

    def did(self, verb):
        """The names of the objects with which a call was made, in its order."""
        return [name for called, name in self.calls if called == verb]


@dataclass
class _Users:
    cluster: Cluster

    async def create(self, user):
        await self.cluster.call("create", user.name)

    async def update(self, user):
        await self.cluster.call("update", user.name)

    async def get(self, name):
        if ("get", name) in self.cluster.failures:
            raise self.cluster.failures["get", name]
        return self.cluster.present.get(name)

    async def delete(self, user):
        await self.cluster.call("delete", user.name)
        return True


@dataclass
class _Locks:
    cluster: Cluster

    async def upsert(self, lock):
        self.cluster.last_lock = lock
        await self.cluster.call("lock", lock.user)

    async def delete(self, lock):
        await self.cluster.call("unlock", lock.user)
        return True


@dataclass
class _Objects:
    cluster: Cluster
    kind: str

    async def create(self, one):
        await self.cluster.call(f"create {self.kind}", one.name)

    async def update(self, one):
        await self.cluster.call(f"update {self.kind}", one.name)

    amend = update

    async def upsert(self, one, expires):
        await self.cluster.call(f"upsert {self.kind}", one.name)

    async def delete(self, one):
        await self.cluster.call(f"delete {self.kind}", getattr(one, "name", one))
        return True


@dataclass
class _Made:
    remaining: tuple = ()


@dataclass
class _Lists:
    cluster: Cluster

    async def create(self, one, members, *, joined):
        self.cluster.made_with[one.name] = tuple(members)
        await self.cluster.call("create list", one.name)
        return _Made()

    async def amend(self, one):
        await self.cluster.call("update list", one.name)

    async def delete(self, one, *, only_if_empty):
        await self.cluster.call("delete list", one.name)
        return True

    async def add_member(self, list_name, name, *, owner, joined):
        await self.cluster.call("join", f"{list_name}/{name}")
        return True

    async def remove_member(self, list_name, name, *, owner):
        await self.cluster.call("remove", f"{list_name}/{name}")
        return True

    async def remove_nested(self, list_name, name, *, only_if_gone):
        await self.cluster.call("take out", f"{list_name}/{name}")
        return True


class Applying:
    """An applier whose every plan is computed from facts of now, unless said otherwise."""

    def __init__(self, cluster, store):
        self.keys = Keys(VirtualClock(NOW))
        self.cluster = cluster
        self.applier = Applier(cluster, store.journal, VirtualClock(NOW), self.keys)

    async def apply(self, plan, **more):
        """Apply a plan whose leavers are as they were read."""
        self.as_read(plan)
        return await self.applier.apply(plan, **self._how(more))

    def start(self, **more):
        """Begin a run."""
        return self.applier.start(**self._how(more))

    def as_read(self, plan):
        """Let the cluster hold the leavers of a plan, unless it holds something else of their names."""
        found = [change.found for change in plan.changes if (change.action, change.kind) == ("delete", "user")]
        self.cluster.present = {user.name: user for user in found} | self.cluster.present

    def _how(self, more):
        return {"trigger": "test", "facts_at": lambda _: NOW, **more}


def leaving(*names):
    """A plan after which these people are gone."""
    return planned(listing(), [owned_user(f"00u{name}", name) for name in names])


def results(outcomes):
    """The outcomes as `action kind label` to result."""
    return {f"{one.change.action} {one.change.kind} {one.change.label}": one.result.value for one in outcomes}


def reasons(outcomes):
    """The outcomes as `action kind label` to reason."""
    return {f"{one.change.action} {one.change.kind} {one.change.label}": one.error for one in outcomes}
