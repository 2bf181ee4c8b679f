"""What every scene needs: the stage, the next pass, and a way to tell what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.demo.scenes import Check, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from teleport_okta.demo.scenes import Tables
    from teleport_okta.demo.stage import SeenUser, Stage
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
        return await self.stage.parts.full_pass.run(trigger="demo", progress=self._narration.progress)

    def tell(self, title: str, deed: str, report: PassReport, *checks: Check) -> None:
        """Tell a scene, with what was checked."""
        done = Check("everything that was planned was done", report.applied)
        self._narration.tell(Scene(title, deed, (done, *checks), report))

    def user(self, name: str) -> SeenUser | None:
        """Return a user of ours."""
        return self.stage.users().get(name)

    def somebody(self, number: int) -> str:
        """Return the login of one of the people who are users."""
        return sorted(self.stage.users())[number]

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
        """The end state: some of the users, every lock, and what the cluster can do."""
        users = sorted(self.stage.users().items())
        shown = tuple(
            (name, user.okta_id, ", ".join(user.roles), user.department) for name, user in users[:_TABLE_ROWS]
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
            "Locks in Teleport": (("name", "user", "message"), locks),
            "What the cluster can do": (("feature", "state", "why"), features),
        }


def actions(report: PassReport) -> list[str]:
    """Return what a pass planned to do, step by step."""
    return [change.action for change in report.plan.changes]
