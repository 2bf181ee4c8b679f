"""The parts that every scene uses: the setup, the next pass, and the display of the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.demo.scenes import Check, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from teleport_okta.demo.checks import StoredUser
    from teleport_okta.demo.scenes import Tables
    from teleport_okta.demo.setup import Setup
    from teleport_okta.sync.report import PassReport

_TABLE_ROWS: Final = 12


@dataclass
class Display:
    """The callbacks of the demo: `scene` after each scene, `progress` while a plan is applied."""

    scene: Callable[[Scene], None]
    progress: Callable[[int, int], None]
    scenes: list[Scene] = field(default_factory=list)

    def show(self, scene: Scene) -> None:
        """Show a scene, and keep it for the end."""
        self.scenes.append(scene)
        self.scene(scene)


class Runner:
    """One run of the demo."""

    def __init__(self, setup: Setup, display: Display) -> None:
        self.setup = setup
        self.organization = setup.organization
        self._display = display

    async def next_pass(self) -> PassReport:
        """Set the clock forward by the interval between two passes, and run the next one."""
        self.setup.clock.forward(self.setup.settings.sync.interval)
        report = await self.setup.parts.full_pass.run(trigger="demo", progress=self._display.progress)
        await self.setup.renew_app_servers()
        return report

    def show(self, title: str, deed: str, report: PassReport, *checks: Check, whole: bool = True) -> None:
        """Show a scene with its checks. If it is not `whole`, part of a read is meant to fail."""
        done = Check("every planned change was made", report.applied)
        if not whole:
            done = Check("the pass failed, and the report says why", not report.applied and bool(report.error))
        self._display.show(Scene(title, deed, (done, *checks), report))

    def show_command(self, title: str, deed: str, output: Iterable[str], *checks: Check) -> None:
        """Show a scene without a pass: the output of a command, or of the service, with checks."""
        self._display.show(Scene(title, deed, checks, output=tuple(output)))

    def user(self, name: str) -> StoredUser | None:
        """Return a user of ours."""
        return self.setup.users().get(name)

    def login(self, number: int) -> str:
        """Return the login of a user, by the user's place in alphabetical order; -1 is the last."""
        return sorted(self.setup.users())[number]

    def assigned(self) -> set[str]:
        """Return the logins of the people to whom the app is assigned in Okta."""
        organization = self.organization
        return {organization.user(row.user_id).login for row in organization.assignments.users_of(self.setup.app_id)}

    def unassign(self, login: str) -> None:
        """Unassign the app from a person."""
        self.organization.unassign(self.setup.app_id, self.organization.user(login).id)

    def rename(self, old: str, new: str) -> None:
        """Change the login of a person, in Okta and in the assignment of the app."""
        organization = self.organization
        user = organization.update_profile(old, login=new)
        organization.assignments.update(organization.app(self.setup.app_id), user, user_name=new)

    def assign(self, login: str) -> None:
        """Assign the app to a person."""
        self.organization.assign(self.setup.app_id, self.organization.user(login).id)

    def tables(self) -> Tables:
        """Return the final state: some of the users, all locks and access lists, and the features of the cluster."""
        users = sorted(self.setup.users().items())
        shown = tuple(
            (name, user.okta_id, ", ".join(user.roles), user.department) for name, user in users[:_TABLE_ROWS]
        )
        lists = tuple(
            (
                okta_id,
                found.title,
                ", ".join(found.owners),
                f"{len(found.imported)} of Okta's" + (f", {len(found.added)} added" if found.added else ""),
                f"{found.review:%Y-%m-%d}",
            )
            for okta_id, found in sorted(self.setup.lists().items())
        )
        locks = tuple((lock.name, lock.user, lock.message) for lock in self.setup.locks().values())
        cluster = self.setup.parts.full_pass.cluster
        features = tuple(
            (feature.name, "on" if feature.enabled else "off", feature.reason)
            for feature in (cluster.features if cluster else ())
        )
        title = f"Users in Teleport ({len(shown)} of {len(users)})"
        return {
            title: (("name", "okta id", "roles", "department"), shown),
            "Access lists in Teleport": (("okta id", "title", "owners", "members", "next review"), lists),
            "Locks in Teleport": (("name", "user", "message"), locks),
            "What the cluster can do": (("feature", "state", "why"), features),
        }


def actions(report: PassReport) -> list[str]:
    """Return the actions that a pass planned, in their order."""
    return [change.action for change in report.plan.changes]
