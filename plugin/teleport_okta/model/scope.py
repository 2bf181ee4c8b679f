"""Scope: which users, groups and apps a plan is about.

A full pass plans everything. A single change plans one user, one group or one app, and says nothing about the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

OKTA_APP_ID: Final = "0oa"
"""The prefix of the id of every Okta app (`docs/reference/okta.md` 2.1)."""

OKTA_GROUP_ID: Final = "00g"
"""The prefix of the id of every Okta group (`docs/reference/okta.md` 2.1)."""


class AllIds:
    """Contains every id, including the empty one of objects without a known id."""

    def __contains__(self, okta_id: object) -> bool:
        return True

    def __repr__(self) -> str:
        return "all"


ALL: Final = AllIds()


@dataclass(frozen=True, slots=True)
class Scope:
    """Okta ids of users, groups and apps; `ALL` means every one. Access lists and their roles go with group or app."""

    users: frozenset[str] | AllIds = ALL
    groups: frozenset[str] | AllIds = ALL
    apps: frozenset[str] | AllIds = ALL

    @classmethod
    def of(cls, *, users: Iterable[str] = (), groups: Iterable[str] = (), apps: Iterable[str] = ()) -> Scope:
        """Return the scope of these ids and nothing else."""
        return cls(frozenset(users), frozenset(groups), frozenset(apps))

    @property
    def is_everything(self) -> bool:
        """Whether the scope contains everything."""
        return self.users is ALL and self.groups is ALL and self.apps is ALL

    def has_list(self, okta_id: str) -> bool:
        """Whether the access list of a group or an app is in the scope, by its Okta id."""
        return okta_id in (self.apps if okta_id.startswith(OKTA_APP_ID) else self.groups)


EVERYTHING: Final = Scope()


def named(ids: frozenset[str] | AllIds) -> frozenset[str]:
    """Return the ids in a part of a scope; none if it contains every id."""
    return frozenset() if isinstance(ids, AllIds) else ids
