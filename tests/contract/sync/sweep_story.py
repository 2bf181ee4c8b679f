"""The story into which the fault sweep brings trouble: some days of a small organisation, one command a step.

It is told in two ways. Together they make every call that a pass, a start, a stop and a renewal can make: one goes to
the auth server directly, with both identities and a service app that must prove possession; the other through the
proxy, trusting pins and without a bot, with an API token for the whole organisation.
"""

from __future__ import annotations

import copy
import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import ClientTimeout
from cluster_world import WayIn, built_world
from contract.sync.sweep_directory import HELPER, SETTINGS, Reach
from contract.sync.sweep_disk import Disk, installed
from directory_guard import DirectoryGuard
from hands import edit_user
from teleport_okta.model import labels
from teleport_okta.okta import people_reader, transport
from teleport_okta.sandbox.teleport.cluster import ListingLag
from teleport_okta.teleport.bot_file import BotRenewer
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.host_renewal import HostRenewer

if TYPE_CHECKING:
    from cluster_world import World
    from model.holdings import Holdings
    from teleport_okta.sync.report import PassReport

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
INTERVAL = 600.0
"""Seconds between two passes."""

PATIENCE = ClientTimeout(total=5, sock_read=0.15)
"""How long the Okta client waits for an answer, in real seconds; short, because there is no network in between."""

CAST = ("ada", "bea", "cy", "dan", "eve")
LOCAL, VENDORS = HELPER, "vendor@x.io"
_HOST_LIFE = timedelta(hours=18)
_PEOPLE_A_PAGE = 3


@dataclass(frozen=True)
class Telling:
    """A way of telling the story: how the product gets in, and whose people it syncs."""

    name: str
    way: WayIn
    source: str

    @property
    def has_bot(self):
        return self.way.trusts == "bot"


TELLINGS = (
    Telling("direct", WayIn(credential="DPoP"), "saml_app"),
    Telling("proxy", WayIn(by="proxy", trusts="pins"), "organization"),
)


@asynccontextmanager
async def told(telling, directory, monkeypatch):
    """Build the world of a telling, with a few people a page, and short timeouts for Okta."""
    monkeypatch.setattr(transport, "TIMEOUTS", PATIENCE)
    monkeypatch.setattr(people_reader, "APP_USERS_A_PAGE", _PEOPLE_A_PAGE)
    monkeypatch.setattr(people_reader, "USERS_A_PAGE", _PEOPLE_A_PAGE)
    disk = installed(monkeypatch, directory)
    settings = {section: dict(values) for section, values in SETTINGS.items()}
    settings["sync"]["source"] = telling.source
    cluster = {"host_certificate_lifetime": _HOST_LIFE}
    lag = ListingLag.observed()
    async with built_world(directory, settings=settings, lag=lag, way=telling.way, cluster=cluster) as world:
        yield Play(world, telling, disk)


@dataclass
class Play:
    """One performance: its people, and what should be in the cluster by now.

    `users` are the names that should be users of ours, each with the key of its person; `locks` the names that should
    be locked, with a person's key and whether the lock ends; `renamed` are those of them that are former names of
    people who stay. `may_end` and `may_be_locked` are the names for whose harm the organisation has given a reason.
    `reach` has the groups, apps and lists, `guard` judges their changes, and `found` is what the cluster held before
    the command of this step.
    """

    world: World
    telling: Telling
    disk: Disk
    ids: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    locks: dict[str, tuple[str, bool]] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    may_end: set[str] = field(default_factory=set)
    may_be_locked: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    strangers: dict[str, bytes] = field(default_factory=dict)
    reach: Reach = field(init=False)
    guard: DirectoryGuard = field(init=False)
    found: Holdings = field(init=False)
    is_open: bool = True

    def __post_init__(self):
        self.reach = Reach(self)
        self.guard = DirectoryGuard(self.reach.oracle)
        self.found = self.reach.oracle.found()

    # What people do

    def first_day(self):
        people = self.world.teleport.administrator
        people.create_user(LOCAL, roles=["access"])
        people.create_user(VENDORS, labels={labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: "https://old.io"})
        self.strangers = {name: self.world.users()[name].SerializeToString() for name in (LOCAL, VENDORS)}
        if self.telling.source == "organization":
            admin = self.world.okta.user(self.world.okta.admin)
            self.ids["admin"], self.users[admin.login] = admin.id, "admin"
        self.reach.first_day()

    def arrivals(self):
        for who in CAST:
            self.ids[who] = self.world.hire(f"{who}@x.io").id
            self.users[f"{who}@x.io"] = who
        self.reach.arrivals()

    def changes(self):
        okta = self.world.okta
        for name in self.users:
            self.world.teleport.administrator.add_mfa_device(name)
        okta.update_profile(self.ids["ada"], department="Looms")
        self.departments["ada@x.io"] = "Looms"
        okta.deactivate(self.ids["bea"])
        self._leaves("bea")
        if self.telling.source == "organization":
            okta.delete_user(self.ids["cy"])
        else:
            okta.set_assignment_status(self.world.okta_app.id, self.ids["cy"], "DEPROVISIONED")
        self._leaves("cy")
        okta.update_profile(self.ids["dan"], login="daniel@x.io", email="daniel@x.io")
        self._leaves("dan")
        self.renamed.add("dan@x.io")
        self.users["daniel@x.io"] = "dan"
        okta.suspend(self.ids["eve"])
        self.may_be_locked.add("eve@x.io")
        self.locks["eve@x.io"] = "eve", False
        self.reach.changes()

    def meddling(self):
        okta, administrator = self.world.okta, self.world.teleport.administrator
        self.reach.meddling()

        def edit():
            edit_user(administrator, "daniel@x.io", traits={"shoe": ["43"]})
            self.pass_time(1)

        okta.unsuspend(self.ids["eve"])
        self.may_be_locked.discard("eve@x.io")
        del self.locks["eve@x.io"]
        okta.update_profile(self.ids["dan"], department="Mines")
        self.departments["daniel@x.io"] = "Mines"
        self.world.meddle_after_listing(edit)
        if self.telling.has_bot:
            administrator.sso_login("ada@x.io", roles=["access"], merge=False)

    def newcomer(self):
        self.ids["fay"] = self.world.hire("fay@x.io").id
        self.users["fay@x.io"] = "fay"
        self.reach.newcomer()

    def renewals(self):
        if self.telling.has_bot:
            self.world.teleport.renew_bot()
        self.reach.renewals()

    def closing(self):
        self.reach.closing()

    def pass_time(self, seconds):
        """Let time pass, and listings catch up with what was written before."""
        self.world.clock.advance(seconds)
        self.guard.catch_up()

    def _leaves(self, who):
        name = f"{who}@x.io"
        del self.users[name]
        self.locks[name] = who, True
        self.may_end.add(name)
        self.may_be_locked.add(name)

    # What the product is told to do; each returns the report of its pass, if it makes one

    async def start_afresh(self):
        """Start as on an empty disk: join, and connect."""
        await self.world.process.aclose()
        shutil.rmtree(self.world.settings.storage.data_dir, ignore_errors=True)
        await self.restart()

    async def restart(self):
        """End the process and start another one on the same data directory."""
        self.is_open = False
        await self.world.restart()
        self.is_open = True

    async def run(self) -> PassReport:
        return await self.world.run()

    async def die_and_run(self) -> PassReport:
        """Start another process after one that died with its lease."""
        semaphores = self.world.teleport.cluster.semaphores
        held = copy.deepcopy(semaphores)
        await self.world.process.aclose()
        semaphores.update(held)
        return await self.restart_and_run()

    async def restart_and_run(self) -> PassReport:
        await self.restart()
        return await self.run()

    async def renew_and_run(self) -> PassReport:
        """Look once after both identities, as their background tasks do all the time, then make a pass."""
        await self.renew()
        return await self.run()

    async def renew(self):
        parts, settings = self.world.parts, self.world.settings
        store = HostStore(settings.storage.data_dir)
        await HostRenewer(parts.teleport, store, clock=self.world.clock).look()
        if self.telling.has_bot:
            path = settings.teleport.identity
            await BotRenewer(parts.teleport, path, interval=MINUTE, clock=self.world.clock).look()

    async def recover(self) -> list[PassReport]:
        """Two passes, an interval apart, after starting the process if it could not be started in time of trouble."""
        if not self.is_open:
            await self.restart()
        reports = []
        for _ in range(2):
            self.pass_time(INTERVAL)
            reports.append(await self.run())
        return reports


@dataclass(frozen=True)
class Step:
    """Some time passes, people do something, and the product is told to do its part."""

    title: str
    after: timedelta
    deed: object
    command: object


STEPS = (
    Step("the first start: a join, a new database", MINUTE, Play.first_day, Play.start_afresh),
    Step("the first pass creates everybody", MINUTE, Play.arrivals, Play.run),
    Step("one changes, two leave, one is renamed, one is suspended", 61 * MINUTE, Play.changes, Play.run),
    Step("one is unsuspended, one logs in, one is edited meanwhile", 61 * MINUTE, Play.meddling, Play.run),
    Step("the process dies, and another one goes on", MINUTE / 3, Play.newcomer, Play.die_and_run),
    Step("both certificates are renewed", 10 * HOUR, Play.renewals, Play.renew_and_run),
    Step("the process is stopped and started", MINUTE / 3, Play.closing, Play.restart_and_run),
)


def begin(play, step):
    """Let the time of a step pass, and people do what they do; listings show it a little later."""
    play.pass_time(step.after.total_seconds())
    with play.guard.while_people_act():
        step.deed(play)
        play.pass_time(5)
    play.found = play.reach.oracle.found()
