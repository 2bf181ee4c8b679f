"""The story that is cut: some days of an organisation in which everything happens that a pass must deal with.

A deed is what people do between two commands; it is done once, also if the process dies. The command of a step is given
again if the process died of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from crash.crash_witness import Witness
from crash.crash_world import LISTED
from directory_guard import DirectoryGuard
from directory_oracle import DirectoryOracle
from model import stored
from model.harm import LOCK, USER
from model.people import Wanted, wrong_locks, wrong_users
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed

if TYPE_CHECKING:
    from crash.crash_world import World

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CAST = ("ada", "bea", "cy", "dan", "eve", "fay", "gil", "hal", "ida", "jo", "kit", "lou")


@dataclass
class Play:
    """One performance: a world, its people, and what must be true at its rests."""

    world: World
    witness: Witness = None
    ids: dict[str, str] = field(default_factory=dict)
    users: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    """The ids of groups and apps, by the names that they are made with."""

    def __post_init__(self):
        self.witness = Witness(self.world)
        self.world.answers.witness = self.witness
        self.oracle = DirectoryOracle(
            self.world.okta, self.world.teleport.cluster, users=lambda: self.users, passes=LISTED.__contains__
        )
        self.guard = DirectoryGuard(self.oracle)
        self.found = self.oracle.found()

    def begin(self, step):
        """Let the time of a step pass, and people do what they do; listings show it a little later."""
        self.world.clock.advance(step.after.total_seconds())
        self.guard.catch_up()
        with self.guard.while_people_act():
            step.deed(self)
            self.world.clock.advance(2)
        self.found = self.oracle.found()

    def opening(self):
        people = self.world.teleport.administrator
        people.create_user("local@x.io", roles=["access"])
        people.create_user("vendor@x.io", labels={labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: "https://old.io"})
        self.witness.keep_foreign("local@x.io", "vendor@x.io")
        for who in (*CAST, "local"):
            self.ids[who] = self.world.hire(f"{who}@x.io")
        self.users = {f"{who}@x.io": self.ids[who] for who in CAST}
        self.group("Looms", "ada", "bea", "eve", "hal")
        self.group("Mills", "cy", "dan")
        self.app("Figma")
        self.world.okta.assign_group(self.made["Figma"], self.made["Looms"])
        self.app("Wiki", "fay", "gil")

    def group(self, name, *people):
        self.made[name] = self.world.okta.create_group(name).id
        for who in people:
            self.world.okta.add_member(self.made[name], self.ids[who])

    def app(self, label, *people):
        self.made[label] = self.world.okta.create_app(label).id
        for who in people:
            self.world.okta.assign(self.made[label], self.ids[who])

    def register_devices(self):
        for who in ("ada", "eve", "gil"):
            self.world.teleport.administrator.add_mfa_device(f"{who}@x.io")
            self.witness.devices[f"{who}@x.io"] = ["phone"]

    def departures(self):
        self.register_devices()
        self.unassigned("bea")
        self.unassigned("ida")
        self.world.okta.delete_user(self.ids["bea"])
        self.assignment_ended("cy")
        self.renamed("dan", "daniel")
        self.world.okta.remove_member(self.made["Looms"], self.ids["ada"])
        self.world.okta.add_member(self.made["Mills"], self.ids["eve"])
        self.world.teleport.administrator.lists.add_member(self.made["Looms"], "local@x.io", reason="helps out")
        self.world.teleport.administrator.lists.edit(self.made["Looms"], title="Our looms")

    def suspensions(self):
        self.world.okta.delete_app(self.made["Wiki"])
        self.world.okta.assign_group(self.made["Figma"], self.made["Mills"])
        self.world.teleport.administrator.lists.nest(self.made["Looms"], self.made["Mills"])
        self.suspended("eve")
        self.suspended("fay")
        self.world.teleport.administrator.sso_login("gil@x.io", roles=["access"], groups=["ops"], merge=False)
        self.ids["new bea"] = self.world.hire("bea@x.io")

    def returns(self):
        self.group("Pits", "lou")
        self.unsuspended("eve")
        self.unassigned("fay")
        self.world.okta.assign(self.world.app_id, self.ids["ida"])
        self.users["ida@x.io"] = self.ids["ida"]

    def flood(self):
        for who in ("jo", "kit", "lou"):
            self.world.okta.unassign(self.world.app_id, self.ids[who])
        self.assignment_ended("hal")

    def approval(self):
        held = {Harmed(*harmed) for harmed in self.world.last["held"]}
        assert {harmed.name for harmed in held} >= {"jo@x.io", "kit@x.io", "lou@x.io"}, held
        self.witness.ledger.approve(held)
        for who in ("jo", "kit", "lou"):
            self.leaves(who, Evidence.ABSENT)

    def many_suspensions(self):
        for who in ("ada", "daniel", "gil"):
            self.suspended(who)

    def next_day(self):
        self.world.okta.delete_group(self.made["Mills"])
        self.unsuspended("daniel")
        self.unassigned("gil")
        self.users["bea@x.io"] = self.ids["new bea"]

    def nothing(self):
        pass

    def unassigned(self, who):
        self.world.okta.unassign(self.world.app_id, self.ids[who])
        self.leaves(who, Evidence.ABSENT)

    def assignment_ended(self, who):
        self.world.okta.set_assignment_status(self.world.app_id, self.ids[who], "DEPROVISIONED")
        self.leaves(who, Evidence.STATED)

    def leaves(self, who, evidence):
        self.witness.lawful[Harmed(USER, f"{who}@x.io", self.ids[who])] = evidence
        del self.users[f"{who}@x.io"]
        self.witness.devices.pop(f"{who}@x.io", None)

    def renamed(self, who, new):
        login = f"{new}@x.io"
        self.world.okta.update_profile(self.ids[who], login=login, email=login)
        self.leaves(who, Evidence.STATED)
        self.ids[new] = self.users[login] = self.ids[who]
        self.witness.pairs.append((f"{who}@x.io", login))

    def suspended(self, who):
        self.world.okta.suspend(self.ids[who])
        self.witness.lawful[Harmed(LOCK, f"{who}@x.io", self.ids[who])] = Evidence.STATED

    def unsuspended(self, who):
        self.world.okta.unsuspend(self.ids[who])
        del self.witness.lawful[Harmed(LOCK, f"{who}@x.io", self.ids[who])]

    async def rest(self):
        """Let two passes run until the second has nothing to do, an hour apart while the brake holds something.

        App servers end within that hour, because nothing renews them here, so that the first pass makes them again.
        """
        for _ in range(6):
            await self.world.do("pass")
            self.world.clock.advance(31)
            await self.world.do("pass")
            if not self.world.last["changes"] and not self.world.last["held"]:
                break
            self.world.clock.advance(61 * 60)
        return [*self.unsettled(), *self.wrong_users(), *self.wrong_locks(), *self.oracle.wrong(self.found)]

    def unsettled(self):
        last = self.world.last
        return [
            f"a pass still has {what}: {last[what]}" for what in ("changes", "held", "failed", "open") if last[what]
        ]

    def wrong_users(self):
        """Say where the users differ from what the organisation says."""
        found = {name: stored.user(self.witness.users[name]) for name in self.witness.owned()}
        return wrong_users(found, {name: self.wanted(name, okta_id) for name, okta_id in self.users.items()})

    def wanted(self, name, okta_id):
        """Return what the user of a person must be."""
        return Wanted(okta_id, {"okta/login": name})

    def wrong_locks(self):
        """Say where the locks differ from who has left within 30 h 15 min, and who is suspended."""
        return wrong_locks(self.witness.locks(), self.expected_locks())

    def expected_locks(self):
        """(name, Okta id) to the end of the lock; None: no end."""
        now = self.world.clock.now()
        suspended = {
            (harmed.name, harmed.okta_id): None
            for harmed in self.witness.lawful
            if harmed.kind == LOCK and self.users.get(harmed.name) == harmed.okta_id
        }
        left = {
            (deed.harmed.name, deed.harmed.okta_id): deed.at + LEAVER_LOCK
            for deed in self.witness.ledger.deeds
            if deed.harmed.kind == USER
            and self.users.get(deed.harmed.name) != deed.harmed.okta_id
            and now < deed.at + LEAVER_LOCK
        }
        return suspended | left


@dataclass(frozen=True)
class Step:
    """Some time passes, people do something, and the process is told to do its part."""

    title: str
    after: timedelta
    deed: object
    command: str = "pass"


DAYS = (
    (
        Step("the first start: a join, a new database", timedelta(), Play.opening, "open"),
        Step("the first pass creates everybody, groups, apps and three lists", timedelta(), Play.nothing),
        Step(
            "two are unassigned, an assignment ends, one is renamed; lists are joined, left, edited",
            61 * MINUTE,
            Play.departures,
        ),
        Step(
            "two are suspended, a login replaces a record, a leaver's name is given anew; an app goes with its list",
            61 * MINUTE,
            Play.suspensions,
        ),
        Step("one is unsuspended, a suspended one leaves, a leaver returns", 61 * MINUTE, Play.returns),
        Step("three vanish at once and are held; one leaves all the same", 61 * MINUTE, Play.flood),
        Step("an operator approves what is held", MINUTE, Play.approval, "approve"),
        Step("what was approved happens", MINUTE, Play.nothing),
        Step("three are suspended at once, of whom one must wait", 61 * MINUTE, Play.many_suspensions),
        Step("an hour later the third is suspended too", 61 * MINUTE, Play.nothing),
    ),
    (
        Step(
            "every leaver's lock has run out; an adopted one leaves; a nested list ends with its group",
            31 * HOUR,
            Play.next_day,
        ),
    ),
)
"""The steps of each day; at its end everything that can be done is done, and must be right."""
