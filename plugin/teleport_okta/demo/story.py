"""The story: a first pass, then what happens to an organisation on an ordinary day, and on a bad one.

Each scene is a deed in one of the sandboxes, a pass, and checks that look into the other sandbox's own state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

from teleport_okta.demo.scenes import Check, Scene, Story
from teleport_okta.okta.reads import APP_USERS_A_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.demo.stage import SeenUser, Stage
    from teleport_okta.sync.report import PassReport

_TABLE_ROWS = 12


@dataclass
class Narration:
    """Where the story goes while it is told: `scene` after each scene, `progress` while a plan is applied."""

    scene: Callable[[Scene], None]
    progress: Callable[[int, int], None]
    scenes: list[Scene] = field(default_factory=list)

    def tell(self, scene: Scene) -> None:
        """Tell a scene and keep it."""
        self.scenes.append(scene)
        self.scene(scene)


async def tell(stage: Stage, narration: Narration) -> Story:
    """Play every scene in order and return the whole."""
    play = _Play(stage, narration)
    await play.first_pass()
    await play.hire()
    await play.profile_change()
    await play.leavers()
    await play.return_of_a_leaver()
    await play.deleted_by_hand()
    await play.bad_read()
    return Story(tuple(narration.scenes), play.tables())


class _Play:
    def __init__(self, stage: Stage, narration: Narration) -> None:
        self._stage = stage
        self._narration = narration
        self._organization = stage.organization
        self._returning = ""

    async def first_pass(self) -> None:
        people = self._stage.people_assigned()
        report = await self._pass()
        again = await self._pass()
        calls = 2 + max(1, ceil(people / APP_USERS_A_PAGE))
        self._tell(
            "The first pass",
            f"{people} people are assigned to the app in Okta; Teleport knows none of them",
            report,
            Check(f"Teleport has {people} users of ours", len(self._stage.users()) == people),
            Check(f"it took {calls} Okta calls, the fewest possible", sum(report.okta_calls.values()) == calls),
            Check("a second pass plans nothing", not again.plan.changes),
        )

    async def hire(self) -> None:
        hired = self._organization.hire("Grace", "Hopper", department="Compilers")
        report = await self._pass()
        user = self._user(hired.login)
        self._tell(
            "A hire",
            f"{hired.login} is hired, and assigned to the app",
            report,
            Check("one change was planned", len(report.plan.changes) == 1),
            Check("the user is there", user is not None),
            Check("with the default role", user is not None and user.roles == ("okta-requester",)),
            Check("and can sign in by SSO", user is not None and user.connector == "okta"),
        )

    async def profile_change(self) -> None:
        login = self._somebody(1)
        self._organization.update_profile(login, department="Analytical Engines")
        report = await self._pass()
        user = self._user(login)
        self._tell(
            "A profile change",
            f"{login} moves to another department",
            report,
            Check("one change was planned", len(report.plan.changes) == 1),
            Check("the trait okta/department followed", user is not None and user.department == "Analytical Engines"),
        )

    async def leavers(self) -> None:
        leavers = [self._somebody(2), self._somebody(3)]
        for login in leavers:
            self._organization.unassign(self._stage.app_id, self._organization.user(login).id)
        report = await self._pass()
        locks = [self._stage.locks().get(login) for login in leavers]
        long_enough = self._stage.clock.now() + timedelta(hours=30)
        self._tell(
            "Two leavers",
            f"{' and '.join(leavers)} are unassigned from the app",
            report,
            Check("each was locked before being deleted", _actions(report) == ["lock", "delete"] * 2),
            Check("the users are gone", not self._stage.users().keys() & set(leavers)),
            Check("the locks outlive every certificate", all(lock and lock.ends > long_enough for lock in locks)),
        )
        self._returning = leavers[0]

    async def return_of_a_leaver(self) -> None:
        login = self._returning
        self._organization.assign(self._stage.app_id, self._organization.user(login).id)
        report = await self._pass()
        self._tell(
            "A return",
            f"{login} is assigned again",
            report,
            Check("the user was created before it was unlocked", _actions(report) == ["create", "unlock"]),
            Check("the user is there", self._user(login) is not None),
            Check("and not locked", login not in self._stage.locks()),
        )

    async def deleted_by_hand(self) -> None:
        login = self._somebody(3)
        self._stage.cluster.administrator.delete_user(login)
        report = await self._pass()
        self._tell(
            "A user deleted by hand",
            f"an administrator deletes {login} in Teleport",
            report,
            Check("the user came back with the next pass", self._user(login) is not None),
        )

    async def bad_read(self) -> None:
        before = set(self._stage.users())
        self._organization.fail("empty", path="/api/v1/apps/*/users")
        report = await self._pass()
        self._tell(
            "A bad read",
            "Okta answers with an empty list of people: a narrowed admin role looks like this",
            report,
            Check("nobody was deleted", set(self._stage.users()) == before),
            Check("nobody was locked", not report.plan.changes),
            Check("everybody is reported as held", len(report.plan.held) == len(before)),
        )
        self._organization.recover()
        report = await self._pass()
        self._tell(
            "The day after",
            "Okta answers as before",
            report,
            Check("there is nothing to do", not report.plan.changes and not report.plan.held),
        )

    def tables(self) -> dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]]:
        """The end state: some of the users, every lock, and what the cluster can do."""
        users = sorted(self._stage.users().items())
        shown = tuple(
            (name, user.okta_id, ", ".join(user.roles), user.department) for name, user in users[:_TABLE_ROWS]
        )
        locks = tuple((lock.name, lock.user, lock.message) for lock in self._stage.locks().values())
        cluster = self._stage.parts.full_pass.cluster
        features = tuple(
            (feature.name, "on" if feature.enabled else "off", feature.reason)
            for feature in (cluster.features if cluster else ())
        )
        title = f"Users in Teleport ({len(shown)} of {len(users)})"
        return {
            title: (("name", "okta id", "roles", "department"), shown),
            "Locks in Teleport": (("name", "user", "message"), locks),
            "What the cluster can do": (("feature", "state", "why"), features),
        }

    async def _pass(self) -> PassReport:
        """Let the interval between two passes go by, and run the next one."""
        self._stage.clock.forward(self._stage.settings.sync.interval)
        return await self._stage.parts.full_pass.run(trigger="demo", progress=self._narration.progress)

    def _tell(self, title: str, deed: str, report: PassReport, *checks: Check) -> None:
        done = Check("everything that was planned was done", report.applied)
        self._narration.tell(Scene(title, deed, (done, *checks), report))

    def _user(self, name: str) -> SeenUser | None:
        return self._stage.users().get(name)

    def _somebody(self, number: int) -> str:
        """Return the login of one of the people who were there from the start."""
        return sorted(self._stage.users())[number]


def _actions(report: PassReport) -> list[str]:
    return [change.action for change in report.plan.changes]
