"""The warnings of a plan while access lists are off: the reason, and the member roles that users still have from us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.direct_roles import direct_roles
from teleport_okta.sync.policy import NO_LISTS, NO_OWNERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.teleport import TeleportUser

_REMEDIES: Final = {
    NO_LISTS: "; switched on with filters that no group and no app passes, it takes them off",
    NO_OWNERS: "; with owners, lists are made and take their place",
}


def off_warnings(imports: Imports | None, users: Iterable[TeleportUser]) -> tuple[str, ...]:
    """Return the warnings. `imports` is None if no groups and apps are imported."""
    return () if imports is None or not imports.roles_off else tuple(_of_lists(imports, users))


def _of_lists(imports: Imports, users: Iterable[TeleportUser]) -> Iterator[str]:
    """Yield why no lists are kept, unless that is configured, and what happens to the roles that we gave users."""
    if imports.roles_off != NO_LISTS:
        yield f"no access lists are kept: {imports.roles_off}"
    held = direct_roles(users, imports.policy.owner, imports.policy.default_roles).values()
    given = sum(len(one.imported) for one in held)
    if given:
        names = frozenset[str]().union(*(one.imported for one in held))
        stay = "stay on" if imports.roles_off == NO_LISTS else "stand on"
        until = "also when a person leaves" if imports.roles_off == NO_LISTS else "until a person leaves"
        yield (
            f"{given} member roles {stay} {len(names)} users, {until} the group or the app, and no more are given, "
            f"because {imports.roles_off}{_REMEDIES.get(imports.roles_off, '')}"
        )
