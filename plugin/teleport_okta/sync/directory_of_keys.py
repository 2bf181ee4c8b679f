"""Reading single groups and apps by id on both sides, and laying them over what is known of the rest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from teleport_okta.desired.directory import lists_wanted
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.model.scope import named
from teleport_okta.sync.reading import DirectoryFacts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.directory import Directory, Listing, Roster
    from teleport_okta.model.scope import Scope
    from teleport_okta.okta.directory_reads import DirectoryReads
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.teleport.cluster import Teleport

T = TypeVar("T")


class _Row(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=_Row)


class DirectoryOfKeys:
    """Reads groups and apps of one organisation, with their lists and roles in one cluster."""

    def __init__(self, okta: DirectoryReads, teleport: Teleport) -> None:
        self._okta = okta
        self._teleport = teleport

    async def read(self, known: DirectoryFacts, scope: Scope) -> DirectoryFacts:
        """Return what is known, with the groups and apps of a scope as they are now.

        User groups and app servers are not read: nobody but this process writes them. Raises OktaError or
        TeleportError.
        """
        okta, actual = known.okta, known.actual
        for group_id in sorted(named(scope.groups)):
            okta = await self._with_group(okta, known, group_id)
            actual = await self._with_list(actual, known, group_id)
        for app_id in sorted(named(scope.apps)):
            okta = await self._with_app(okta, known, app_id)
            actual = await self._with_list(actual, known, app_id)
        return DirectoryFacts(okta, actual, known.imports)

    async def _with_group(self, okta: Directory, known: DirectoryFacts, group_id: str) -> Directory:
        found = await self._okta.group(group_id)
        okta = replace(okta, groups=_with_rows(okta.groups, found, group_id))
        members, grants = _without(okta.members, group_id), _without(okta.grants, group_id)
        if found.rows:
            if lists_wanted(found.rows, (), known.imports)[0]:
                members[group_id] = await self._okta.members(group_id)
            grants[group_id] = await self._okta.grants(group_id)
        return replace(okta, members=members, grants=grants)

    async def _with_app(self, okta: Directory, known: DirectoryFacts, app_id: str) -> Directory:
        found = await self._okta.app(app_id)
        okta = replace(okta, apps=_with_rows(okta.apps, found, app_id))
        direct = _without(okta.direct, app_id)
        if not found.rows:
            return replace(okta, direct=direct)
        if lists_wanted((), found.rows, known.imports)[1]:
            direct[app_id] = await self._okta.direct(app_id)
        granting = await self._okta.groups_of_app(app_id)
        return replace(okta, direct=direct, grants=_granted_by(okta.grants, app_id, granting))

    async def _with_list(self, actual: ActualDirectory, known: DirectoryFacts, okta_id: str) -> ActualDirectory:
        imports = known.imports
        if imports.roles_off:
            return actual
        roles = _without(actual.roles, member_role(okta_id), reviewer_role(okta_id))
        for name in (member_role(okta_id), reviewer_role(okta_id)):
            role = await self._teleport.roles.get(name)
            if role is not None:
                roles[name] = role
        actual = replace(actual, roles=roles)
        if imports.lists_off:
            return actual
        lists, members = _without(actual.access_lists, okta_id), _without(actual.members, okta_id)
        found = await self._teleport.access_lists.get(okta_id)
        if found is not None:
            lists[okta_id] = found
            read = await self._teleport.access_lists.members_of(okta_id, imports.policy.owner)
            members |= {name: one for name, one in read.by_list.items() if name == okta_id}
        return replace(actual, access_lists=lists, members=members)


def _without(found: Mapping[str, T], *names: str) -> dict[str, T]:
    return {name: one for name, one in found.items() if name not in names}


def _with_rows(known: Listing[R], found: Listing[R], okta_id: str) -> Listing[R]:
    """Return a listing in which one object is as it was read by itself."""
    return replace(
        known,
        rows=(*(row for row in known.rows if row.id != okta_id), *found.rows),
        malformed=(*(row for row in known.malformed if row.okta_id != okta_id), *found.malformed),
    )


def _granted_by(grants: Mapping[str, Roster], app_id: str, granting: Roster) -> dict[str, Roster]:
    """Return what groups grant, with one app as it was read from its own side; as known where it could not be."""
    if granting.problem:
        return dict(grants)
    result = dict(grants)
    for group_id, roster in grants.items():
        if (group_id in granting.ids) != (app_id in roster.ids):
            ids = roster.ids | {app_id} if group_id in granting.ids else roster.ids - {app_id}
            result[group_id] = replace(roster, ids=ids)
    return result
