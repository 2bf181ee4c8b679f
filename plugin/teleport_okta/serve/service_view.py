"""What the admin service needs of the process that it answers for (`service.Service`)."""

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
    """What a reload of settings came to, as keys."""

    @property
    def changed(self) -> tuple[str, ...]:
        """Those that have other values now."""
        ...

    @property
    def waiting(self) -> tuple[str, ...]:
        """Those that will have them after a restart."""
        ...


class ServiceView(Protocol):
    """A process that can be asked and told. Every method raises TeleportOktaError."""

    async def status(self) -> Status:
        """Return what it knows of itself."""
        ...

    async def plan(self) -> PlanView:
        """Return what a pass would do now."""
        ...

    async def apply(self, digest: str) -> PassReport:
        """Run a pass; with a digest only that plan."""
        ...

    async def approve(self, digest: str, *, by: str) -> Approval:
        """Approve what is held, on record as `by` whom."""
        ...

    async def release(self, name: str, *, by: str) -> Released:
        """Give a user name free, on record as `by` whom."""
        ...

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Say what filters would do."""
        ...

    async def explain(self, of: str, asked: str) -> Explanation:
        """Say why something is as it is."""
        ...

    def differing(self, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return the keys of its settings whose values are not those of some digests."""
        ...

    async def reload(self) -> Reloaded:
        """Read its settings again."""
        ...
