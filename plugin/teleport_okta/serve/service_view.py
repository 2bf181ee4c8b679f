"""The interface of the process for the admin service (`service.Service`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.harm import Approval
    from teleport_okta.model.inheritance import Released
    from teleport_okta.plan.view import PlanView
    from teleport_okta.sync.explanation import Explanation
    from teleport_okta.sync.report import PassReport
    from teleport_okta.sync.status import Status


class Reloaded(Protocol):
    """The result of a reload of settings, as keys."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Keys with new values that apply now."""
        ...

    @property
    def waiting(self) -> tuple[str, ...]:
        """Keys with new values that apply after a restart."""
        ...


class ServiceView(Protocol):
    """A running process. Every method raises TeleportOktaError."""

    async def status(self) -> Status:
        """Return its status."""
        ...

    async def plan(self) -> PlanView:
        """Return what a pass would do now."""
        ...

    async def apply(self, digest: str) -> PassReport:
        """Run a pass; with a digest, only that plan."""
        ...

    async def approve(self, digest: str, *, by: str) -> Approval:
        """Approve what is held; `by` is the person, for the record."""
        ...

    async def release(self, name: str, *, by: str) -> Released:
        """Release a user name; `by` is the person, for the record."""
        ...

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Return what filters would do."""
        ...

    async def explain(self, of: str, asked: str) -> Explanation:
        """Return why an object is as it is."""
        ...

    def differing(self, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keys of its settings whose values differ from some digests."""
        ...

    async def reload(self) -> Reloaded:
        """Read its settings again."""
        ...
