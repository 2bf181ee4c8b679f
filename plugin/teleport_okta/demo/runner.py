"""What every scene needs: the stage, the next pass, and a way to tell what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.demo.scenes import Check, Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from teleport_okta.demo.checks import SeenUser
    from teleport_okta.demo.scenes import Tables
    from teleport_okta.demo.setup import Stage
    from teleport_okta.sync.report import PassReport

_TABLE_ROWS: Final = 12


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


class Play:
    """One performance on a stage."""

    def __init__(self, stage: Stage, narration: Narration) -> None:
        self.stage = stage
        self.organization = stage.organization
        self._narration = narration

    async def next_pass(self) -> PassReport:
        """Let the interval between two passes go by, and run the next one."""
        self.stage.clock.forward(self.stage.settings.sync.interval)
        report = await self.stage.parts.full_pass.run(trigger="demo", progress=self._narration.progress)
        await self.stage.renew_app_servers()
        return report

    def tell(self, title: str, deed: str, report: PassReport, *checks: Check, whole: bool = True) -> None:
        """Tell a scene, with what was checked; `whole`: everything could be read in it."""
        done = Check("everything that was planned was done", report.applied)
        if not whole:
            done = Check("the pass is no success, and the report says why", not report.applied and bool(report.error))
        self._narration.tell(Scene(title, deed, (done, *checks), report))

    def tell_command(self, title: str, deed: str, output: Iterable[str], *checks: Check) -> None:
        """Tell a scene in which somebody asks something, and nothing is changed: what the command said."""
        self._narration.tell(Scene(title, deed, checks, output=tuple(output)))

    def user(self, name: str) -> SeenUser | None:
        """Return a user of ours."""
        return self.stage.users().get(name)

    def somebody(self, number: int) -> str:
        """Return the login of one of the people who are users."""
        return sorted(self.stage.users())[number]

    def assigned(self) -> set[str]:
        """Return the logins of those who have the app in Okta."""
        organization = self.organization
        return {organization.user(row.user_id).login for row in organization.assignments.users_of(self.stage.app_id)}

    def unassign(self, login: str) -> None:
        """Take the app from somebody."""
        self.organization.unassign(self.stage.app_id, self.organization.user(login).id)

    def rename(self, old: str, new: str) -> None:
        """Give somebody another login, in Okta and at the app."""
        organization = self.organization
        user = organization.update_profile(old, login=new)
        organization.assignments.update(organization.app(self.stage.app_id), user, user_name=new)

    def assign(self, login: str) -> None:
        """Give the app to somebody."""
        self.organization.assign(self.stage.app_id, self.organization.user(login).id)

    def tables(self) -> Tables:
        """The end state: some of the users, every lock and access list, and what the cluster can do."""
        users = sorted(self.stage.users().items())
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
            for okta_id, found in sorted(self.stage.lists().items())
        )
        locks = tuple((lock.name, lock.user, lock.message) for lock in self.stage.locks().values())
        cluster = self.stage.parts.full_pass.cluster
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
    """Return what a pass planned to do, step by step."""
    return [change.action for change in report.plan.changes]
