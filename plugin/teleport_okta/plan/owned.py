"""The objects of a cluster that we own: the limits of the brake are shares of their numbers."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from teleport_okta.model.access import ListMembers, TeleportAppServer, TeleportUserGroup
    from teleport_okta.plan.actual import ActualDirectory


class ImportedMembers(Collection[str]):
    """The imported members of our lists, as `list/user`: counted without being written out, since there are many.

    Those to whom we gave the member role of a group or an app `directly` count as well, once each.
    """

    def __init__(
        self, members: Mapping[str, ListMembers], directly: Mapping[str, ListMembers] = MappingProxyType({})
    ) -> None:
        self._members = {name: found.imported for name, found in members.items()}
        for name, found in directly.items():
            if found.imported:
                self._members[name] = self._members.get(name, frozenset()) | found.imported
        self._count = sum(map(len, self._members.values()))

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: object) -> bool:
        list_name, _, member = str(name).partition("/")
        return member in self._members.get(list_name, ())

    def __iter__(self) -> Iterator[str]:
        return (f"{name}/{member}" for name, imported in self._members.items() for member in imported)


class OwnedLists(Collection[str]):
    """The names of our lists. Each counts for as many people as its imported members, and for one if there are none."""

    def __init__(self, names: Collection[str], members: Mapping[str, ListMembers]) -> None:
        self._people = {name: people_of(members.get(name)) for name in names}

    @property
    def people(self) -> int:
        """For how many people all lists count."""
        return sum(self._people.values())

    def largest(self, most: int) -> int:
        """Return for how many the largest list counts that counts for no more than `most`; 0 if there is none."""
        return max((people for people in self._people.values() if people <= most), default=0)

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, name: object) -> bool:
        return name in self._people

    def __iter__(self) -> Iterator[str]:
        return iter(self._people)


def people_of(members: ListMembers | None, *, but: Collection[str] = ()) -> int:
    """Return for how many people the end of a list counts; the members in `but` are counted elsewhere."""
    if members is None:
        return 1
    given_an_end = (name for name, one in members.others.items() if one.is_imported and name not in but)
    return max(1, len(members.imported.difference(but)) + sum(1 for _ in given_an_end))


def owned_objects(actual: ActualDirectory, owner: str) -> dict[str, Collection[str]]:
    """Return the names of the objects that we own, except users, by kind."""
    lists = {name for name, found in actual.access_lists.items() if labels.owner_of(found.labels) == owner}
    return {
        USER_GROUP: _owned(actual.user_groups, owner),
        APP_SERVER: _owned(actual.app_servers, owner),
        ACCESS_LIST: OwnedLists(lists, actual.members),
        ROLE: frozenset(name for name, role in actual.roles.items() if labels.owner_of(role.labels) == owner),
        MEMBER: ImportedMembers(
            {name: found for name, found in actual.members.items() if name in lists}, actual.direct_roles
        ),
    }


def imports_of(actual: ActualDirectory, okta_ids: Iterable[str]) -> dict[str, int]:
    """Return how many people some groups and apps are imported for: as members of a list, or with the role directly."""
    held = actual.members, actual.direct_roles
    return {okta_id: max(_imports(of.get(okta_id)) for of in held) for okta_id in okta_ids}


def _imports(members: ListMembers | None) -> int:
    return 0 if members is None else members.imports


def owned_groups(actual: ActualDirectory, owner: str) -> frozenset[str]:
    """Return the Okta ids of the groups for which we hold something."""
    lists = {
        name
        for name, found in actual.access_lists.items()
        if labels.owner_of(found.labels) == owner and labels.GROUP_NAME in found.labels
    }
    return _owned(actual.user_groups, owner) | lists


def owned_apps(actual: ActualDirectory, owner: str) -> frozenset[str]:
    """Return the Okta ids of the apps for which we hold something; those that ran out while we were away included."""
    servers = {
        labels.okta_id_of(server.labels) or server.name
        for server in (*actual.app_servers.values(), *actual.other_app_servers)
        if labels.owner_of(server.labels) == owner
    }
    lists = {
        name
        for name, found in actual.access_lists.items()
        if labels.owner_of(found.labels) == owner and labels.APP_NAME in found.labels
    }
    return frozenset(servers | lists)


def _owned(found: Mapping[str, TeleportUserGroup] | Mapping[str, TeleportAppServer], owner: str) -> frozenset[str]:
    return frozenset(name for name, one in found.items() if labels.owner_of(one.labels) == owner)
