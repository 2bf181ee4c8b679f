"""Access lists: whether they can be made, the owners of new ones, and the limit of the cluster's licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section, settled
from teleport_okta.teleport.identity_router import IdentityRouter
from teleport_okta.teleport.users import Users

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings import Settings
    from teleport_okta.teleport.connection import Connection

HERE: Final = Section.TELEPORT

_OWNERS: Final = "default owners"


def are_wanted(settings: Settings) -> bool:
    """Whether the settings ask for access lists."""
    return settings.sync.apps_and_groups and settings.access_lists.enabled


def of_settings(settings: Settings, plugin: str | None = None) -> Iterator[Finding]:
    """Check that new lists have an owner, which each list needs.

    `plugin` is the name of the plugin that decided the settings, if one did.
    """
    if are_wanted(settings) and not settings.access_lists.default_owners:
        key = "access_lists.default_owners" if plugin is None else f"default_owners of plugin {plugin!r}"
        off = "access_lists.enabled = false" if plugin is None else "sync_access_lists to false"
        what = f"{key} is empty, so no access list is made; a cluster without access lists needs no owners"
        yield Section.CONFIGURATION.note("access lists", what, f"name Teleport users there, or set {off}")


async def settled_owners(
    host: Connection | None, bot: Connection | None, settings: Settings, clock: Clock
) -> list[Finding]:
    """Check that the default owners are users of the cluster."""
    owners = settings.access_lists.default_owners
    if not are_wanted(settings) or not owners:
        return []
    reader = host or bot
    if reader is None:
        return [HERE.unchecked(_OWNERS, "there is no identity to ask with")]
    return await settled(HERE, _OWNERS, _check_owners(reader, owners, clock))


async def _check_owners(reader: Connection, owners: Iterable[str], clock: Clock) -> list[Finding]:
    users = Users(IdentityRouter(reader, None), clock)
    absent = [owner for owner in owners if await users.get(owner) is None]
    return list(of_owners(tuple(owners), absent))


def of_owners(owners: tuple[str, ...], absent: Collection[str]) -> Iterator[Finding]:
    """Report default owners who are no users: Teleport accepts them without a check."""
    for owner in absent:
        yield HERE.warning(
            _OWNERS,
            f"access_lists.default_owners names {owner!r}, and the cluster has no such user; Teleport accepts such an "
            "owner, and nobody can review for them",
            f"create the user {owner!r}, or correct the name; on existing lists, correct it in Teleport",
        )
    if not absent:
        yield HERE.ok(_OWNERS, ", ".join(owners))


def of_limit(limit: int | None) -> Finding:
    """Report the limit on the number of all access lists of the cluster."""
    check = "access list limit"
    if limit is None:
        return HERE.ok(check, "none")
    what = f"the licence allows {limit} in all; further lists are not made, and status says so"
    return HERE.note(check, what, "choose the most important ones with access_lists.group_filters and app_filters")
