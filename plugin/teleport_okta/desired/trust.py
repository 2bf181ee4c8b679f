"""Whether the absences of a listing mean that people left (`design.md` 4.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.model.harm import Evidence

if TYPE_CHECKING:
    from teleport_okta.model.harm import Limits
    from teleport_okta.model.okta import OktaApp, Snapshot


@dataclass(frozen=True, slots=True)
class Absences:
    """What the absences of a listing are worth: believed, or held and why.

    Those of an incomplete listing cannot be approved either: whoever is on the missing pages is not absent.
    """

    doubt: str = ""
    approvable: bool = True

    @property
    def believed(self) -> bool:
        """Whether whoever is missing has left."""
        return not self.doubt


BELIEVED: Final = Absences()


def judge_absences(
    snapshot: Snapshot, *, app: OktaApp | None, baseline: int | None, owned_count: int, limits: Limits
) -> Absences:
    """Say what the absences of a listing are worth.

    `baseline` is how many people the last listing had whose absences were settled (None: our memory is lost; then
    `owned_count`, how many users we own in Teleport, tells a shrunken listing from a small organisation).
    """
    if snapshot.incomplete:
        return Absences(f"the listing is incomplete: {snapshot.incomplete}", approvable=False)
    if snapshot.untrusted:
        return Absences(snapshot.untrusted)
    if app is not None and not app.is_active:
        return Absences(f"the app {app.label!r} ({app.id}) is {app.status}, so its assignments say nothing of leavers")
    before = owned_count if baseline is None else baseline
    listed = len(snapshot.people)
    if not listed and (before or owned_count):
        return Absences(
            f"the listing is empty, where it had {before or owned_count} people: "
            "a narrowed admin role or resource set looks like this"
        )
    if before - listed > limits.most(Evidence.ABSENT, before):
        return Absences(
            f"the listing has {listed} people, where it had {before}: "
            "a narrowed admin role or resource set looks like this"
        )
    return BELIEVED
