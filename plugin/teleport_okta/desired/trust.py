"""Whether the absences of a listing mean that people left (`design.md` 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.model.okta import OktaApp, Snapshot


def why_absences_are_held(snapshot: Snapshot, *, app: OktaApp | None, last_count: int, owned_count: int) -> str | None:
    """Say why nobody may leave because of this listing, or None when absences are to be believed.

    `last_count` is how many people the last listing that was believed had; `owned_count` how many users we own in
    Teleport, which still tells an empty listing from an empty organisation when our memory is lost.
    """
    if snapshot.incomplete:
        return f"the listing is incomplete: {snapshot.incomplete}"
    if snapshot.untrusted:
        return snapshot.untrusted
    if app is not None and not app.is_active:
        return f"the app {app.label!r} ({app.id}) is {app.status}, so its assignments say nothing about who left"
    if not snapshot.people and (last_count or owned_count):
        return (
            f"the listing is empty, where it had {max(last_count, owned_count)} people: "
            "a narrowed admin role or resource set looks like this"
        )
    return None
