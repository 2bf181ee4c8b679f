"""A world in which anything may happen between two passes and in the middle of one: people, admins, logins, crashes."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta

from hands import edit_user
from property.faulty_okta import APP, ENDED, IDS, NAMES, ORG_URL, UNKNOWN, Organization, Reading
from property.mortal_process import Process, Server
from property.witness import Witness
from teleport.legacy.types.types_pb2 import LockV2
from teleport_okta.apply.release import NotReleasableError
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model import labels
from teleport_okta.model.scope import Scope
from teleport_okta.plan.scope_filter import covers, within
from teleport_okta.sandbox.teleport.administrator import Administrator
from teleport_okta.sandbox.teleport.cluster import Cluster, ListingLag
from teleport_okta.sandbox.teleport.edition import Edition
from teleport_okta.sandbox.teleport.metadata import timestamp_at
from teleport_okta.sandbox.teleport.presets import BOT_ROLE, BOT_USER, bot_role, preset_roles
from teleport_okta.sandbox.teleport.rotation import HostAuthority
from teleport_okta.sandbox.teleport.services import services_of
from teleport_okta.state.approvals import NothingHeldError
from teleport_okta.sync.sources import OktaSource

START_TAKES = 0.5
"""Seconds from the end of one process to the first call of the next; listings show new locks by then."""

PRESETS = [*preset_roles(Edition("ent")), bot_role()]

HOST_CA = HostAuthority("example.com", time.time)


class World:
    """One organisation, one cluster, one state file, and one process of the product after the other."""

    def __init__(self, directory, *, brake, lag, seen):
        self.seen = seen
        self.clock = VirtualClock()
        self.okta = Organization(self.clock)
        self.lag = lag
        self.cluster = Cluster(
            edition=Edition("ent"),
            now=lambda: self.clock.now().timestamp(),
            lag=ListingLag.observed() if lag else ListingLag(),
        )
        self.cluster.roles.seed(PRESETS)
        self.admin = Administrator(self.cluster, HOST_CA)
        self.admin.create_user(BOT_USER, roles=[BOT_ROLE])
        self.admin.create_user("local@x.io", roles=["access"])
        floor, absent, stated = brake
        self.settings = parse(
            {
                "teleport": {"addr": "127.0.0.1:1", "identity": "/unused"},
                "okta": {"org_url": ORG_URL, "api_token": "unused", "app_id": APP},
                "sync": {"apps_and_groups": False},
                "brake": {"floor": floor, "absent_ratio": absent, "stated_ratio": stated},
                "storage": {"data_dir": str(directory)},
            }
        )
        self.witness = Witness(self)
        self._server = Server(self.cluster, services_of(self.cluster, None), self.witness.watch)
        self._path = directory / "state.db"
        self.process = None
        self.begin()

    def begin(self):
        self.process = Process(
            path=self._path,
            okta=OktaSource(self.okta, None),
            server=self._server,
            settings=self.settings,
            clock=self.clock,
        )

    def restart(self):
        self.process.end()
        self.witness.forget()
        self.clock.advance(START_TAKES)
        self.begin()

    def end(self):
        self.process.end()

    async def run(self, *, reading=Reading.FINE, hidden=frozenset(), strike=None, at=0, meddle=lambda: None):
        """Run a pass; return its report, or None if it failed or the process died (and was started again)."""
        self.seen["passes"] += 1
        self.okta.read_like(reading, hidden)
        self.witness.before_pass()
        physics = self.process.physics
        physics.arm(strike, at, meddle)
        try:
            report = await self.process.live(self.process.full_pass.run(trigger="test"))
        except TeleportOktaError:
            self.seen["passes that failed"] += 1
            report = None
        if physics.struck:
            self.seen[f"strikes: {strike.value}"] += 1
        struck, physics.struck = physics.struck, False
        if physics.dead:
            self.restart()
        else:
            physics.disarm()
        self.witness.after_pass(report, undisturbed=not struck and reading is Reading.FINE)
        return report

    async def settle(self, okta_id, *, reading=Reading.FINE, hidden=frozenset()):
        """Settle one person by reads by id; the state's rows about other people must stay as they were."""
        scope = Scope.of(users=[okta_id])
        self.okta.read_like(reading, hidden)
        self.witness.before_settling()
        before = await self._rows_outside(scope)
        try:
            settled = await self.process.full_pass.settle(scope, trigger="test")
            self.seen["keys settled"] += 1
            assert all(within(scope, change) for change in settled.plan.changes), settled.plan.changes
        except TeleportOktaError:
            self.seen["keys that could not be settled"] += 1
        assert await self._rows_outside(scope) == before
        self.witness.after_settling()

    async def _rows_outside(self, scope):
        """What is held, in quarantine and left over by the state, outside of a scope."""
        store = self.process.store
        aside = {entry.key: entry for entry in await store.quarantine() if not covers(scope, *entry.key)}
        findings = await store.findings()
        held = {one for one in findings.held if not covers(scope, one.kind, one.name, one.okta_id)}
        return aside, held, findings.leftovers

    async def approve(self):
        """Approve what `status` says is held."""
        digest = (await self.process.store.findings()).held_digest
        if not digest:
            return False
        try:
            approval = await self.process.store.approvals.approve(digest, at=self.clock.now())
        except NothingHeldError:
            return False
        self.witness.ledger.approve(approval.harmed, approval.expires)
        self.seen["approvals"] += 1
        return True

    async def release(self, name):
        """Release the locks of a name, if there is anything to release."""
        self.okta.read_like(Reading.FINE)
        self.witness.releasing = name
        with suppress(NotReleasableError):
            await self.process.live(self.process.full_pass.release(name))
            self.seen["releases"] += 1
        self.witness.releasing = None

    # What people do

    def play(self, deed):
        """Do one deed of a history; a deed that is impossible at the moment does nothing."""
        verb, who, what = deed
        with suppress(KeyError, PermissionError):
            getattr(self, verb)(self.okta.people[IDS[who % len(IDS)]], NAMES[what % len(NAMES)])

    def hire(self, person, name):
        if person.is_gone:
            person.status, person.assignment, person.name, person.erased = "ACTIVE", "ACTIVE", name, False

    def rehire(self, person, _name):
        if person.is_gone:
            person.status, person.assignment, person.erased = "ACTIVE", "ACTIVE", False

    def unassign(self, person, _name):
        person.assignment = None

    def end_assignment(self, person, _name):
        if person.assignment is not None:
            person.assignment = ENDED

    def deactivate(self, person, _name):
        person.status = "DEPROVISIONED"

    def vanish(self, person, _name):
        person.status, person.assignment = "DEPROVISIONED", None

    def erase(self, person, _name):
        """A person is deleted in Okta: no read finds the person any more."""
        person.status, person.assignment, person.erased = "DEPROVISIONED", None, True

    def suspend(self, person, _name):
        person.status = "SUSPENDED"

    def activate(self, person, _name):
        person.status, person.mangled = "ACTIVE", False

    def unusual(self, person, name):
        person.status = ["STAGED", UNKNOWN, "LOCKED_OUT"][NAMES.index(name) % 3]

    def mangle(self, person, _name):
        person.mangled = not person.mangled

    def many_leave(self, person, _name):
        for one in self._neighbours(person):
            self.end_assignment(one, "")

    def many_suspended(self, person, _name):
        for one in self._neighbours(person):
            self.suspend(one, "")

    def _neighbours(self, person):
        first = IDS.index(person.id)
        return [self.okta.people[okta_id] for okta_id in IDS[first : first + 3]]

    def rename(self, person, name):
        person.name = name

    def move(self, person, name):
        person.department = f"Looms of {name[:2]}"

    def succeed(self, person, name):
        """A person leaves, and another person gets the login."""
        for other in self.okta.people.values():
            if other.name == name and other is not person:
                other.status, other.assignment = "DEPROVISIONED", None
        person.name, person.status, person.assignment, person.erased = name, "ACTIVE", "ACTIVE", False

    # What administrators of Teleport do

    def delete_by_hand(self, _person, name):
        self.admin.delete_user(name)
        self.witness.by_hand(name)

    def strip_roles(self, _person, name):
        edit_user(self.admin, name, roles=[])
        self.witness.by_hand(name)

    def wrong_traits(self, _person, name):
        edit_user(self.admin, name, traits={"okta/department": ["wrong"], "okta/old": ["x"], "team": ["theirs"]})
        self.witness.by_hand(name)

    def strip_owner(self, _person, name):
        kept = dict(self.admin.user(name).Metadata.Labels)
        kept.pop(labels.OWNER, None)
        edit_user(self.admin, name, labels=kept)
        self.witness.by_hand(name)

    def local_user(self, person, name):
        """An administrator makes a user, and a person gets that name in Okta."""
        person.name = name
        if self.cluster.users.stored(name) is None and "'" not in name:
            self.admin.create_user(name, roles=["access"])
            self.witness.by_hand(name)

    def leftover_user(self, person, name):
        """Another integration left a user, and a person gets that name in Okta."""
        person.name = name
        if self.cluster.users.stored(name) is None and "'" not in name:
            marked = {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: "https://old.okta.com"}
            self.admin.create_user(name, roles=["access"], labels=marked)
            self.witness.by_hand(name)

    def leftover_lock(self, _person, name):
        lock = LockV2(Kind="lock", Version="v2")
        lock.Metadata.Name = f"vendor-{NAMES.index(name)}"
        lock.Metadata.Labels[labels.ORIGIN] = labels.ORIGIN_OKTA
        lock.Spec.Target.User = name
        self.cluster.locks.upsert(lock)

    def unlock_by_hand(self, _person, name):
        for lock in self._one_lock(name):
            self.admin.delete_lock(lock.Metadata.Name)
            self.witness.lock_by_hand(lock)

    def shorten_lock(self, _person, name):
        self._end_lock(name, 3600.0)

    def lengthen_lock(self, _person, name):
        self._end_lock(name, None)

    def _end_lock(self, name, seconds):
        for lock in self._one_lock(name):
            edited = LockV2()
            edited.CopyFrom(lock)
            edited.Spec.ClearField("Expires")
            edited.Metadata.ClearField("Expires")
            if seconds is not None:
                edited.Spec.Expires.CopyFrom(timestamp_at(self.cluster.now() + seconds))
            self.cluster.locks.upsert(edited)
            self.witness.lock_by_hand(edited)

    def _one_lock(self, name):
        """Return one of our locks, if there are any; the name only chooses which."""
        locks = sorted(self.witness.our_locks(), key=lambda lock: lock.Metadata.Name)
        return [locks[NAMES.index(name) % len(locks)]] if locks else []

    # Logins, of people who are active in Okta and not locked

    def login_merging(self, person, _name):
        self._login(person, merge=True)

    def login_replacing(self, person, _name):
        self._login(person, merge=False)

    def _login(self, person, *, merge):
        may = person.status == "ACTIVE" and person.assignment == "ACTIVE" and person.has_good_name
        if may and not any(lock.Spec.Target.User == person.name for lock in self.witness.locks_in_force()):
            self.admin.sso_login(person.name, roles=["access"], groups=["ops"], merge=merge)
            self.witness.by_hand(person.name)

    def wait(self, seconds):
        self.clock.advance(timedelta(seconds=seconds).total_seconds())
