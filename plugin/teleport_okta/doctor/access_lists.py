"""Access lists: whether any can be made, who owns new ones, and how many the cluster's licence allows."""

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
    """Whether access lists are to be kept at all."""
    return settings.sync.apps_and_groups and settings.access_lists.enabled


def of_settings(settings: Settings, plugin: str | None = None) -> Iterator[Finding]:
    """Say whether somebody is named who owns new lists: a list needs an owner.

    The settings are those that hold; `plugin` is the name of the plugin that decided them.
    """
    if are_wanted(settings) and not settings.access_lists.default_owners:
        key = "access_lists.default_owners" if plugin is None else f"default_owners of plugin {plugin!r}"
        off = "access_lists.enabled = false" if plugin is None else "sync_access_lists to false"
        what = f"{key} names nobody, so no access list is made; a cluster without access lists needs nobody"
        yield Section.CONFIGURATION.note("access lists", what, f"name Teleport users there, or set {off}")


async def settled_owners(
    host: Connection | None, bot: Connection | None, settings: Settings, clock: Clock
) -> list[Finding]:
    """Look for the default owners among the cluster's users."""
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
    """Say of each default owner whether there is such a user; nothing in Teleport asks."""
    for owner in absent:
        yield HERE.warning(
            _OWNERS,
            f"access_lists.default_owners names {owner!r}, who is no user here; Teleport takes such an owner all the "
            "same, and nobody can review for them",
            f"create the user {owner!r}, or correct the name; on lists that are there already, correct it in Teleport",
        )
    if not absent:
        yield HERE.ok(_OWNERS, ", ".join(owners))


def of_limit(limit: int | None) -> Finding:
    """Say how many access lists there may be in all, whoever made them."""
    check = "access list limit"
    if limit is None:
        return HERE.ok(check, "none")
    what = f"the licence allows {limit} in all; lists that are wanted beyond that are not made, and status says so"
    return HERE.note(check, what, "choose the ones that matter by access_lists.group_filters and app_filters")
