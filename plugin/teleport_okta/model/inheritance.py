"""Memberships in the names of users who are gone: the next person of such a name must not come into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.model.reasons import ImportLeftIn, LeftIn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from teleport_okta.model.reasons import Reason
    from teleport_okta.model.teleport import TeleportLock


@dataclass(frozen=True, slots=True, order=True)
class LeftMembership:
    """A membership of a list of ours, in the name of a user who is not there or not ours, that no pass takes away.

    People gave it, or, where `imported`, the group of the list cannot be read. `has_user`: there is a user of this name
    who is not ours.
    """

    name: str
    list_name: str
    title: str
    imported: bool = False
    has_user: bool = False

    @property
    def label(self) -> str:
        """List and name, as the membership is named in the quarantine."""
        return f"{self.list_name}/{self.name}"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The memberships that the next person of a name would have.

    `left` has the memberships that no pass takes away, by name, `released` the labels of those that an operator lets
    the next person have. `imports` are lists, by name of the user, in which an import is left that goes unless Okta has
    the person in the list too: `rosters` has the Okta ids of the people of those. `holders` maps names to the Okta ids
    that they stood for last, where that is known.
    """

    left: Mapping[str, tuple[LeftMembership, ...]] = field(default_factory=dict)
    released: Collection[str] = frozenset()
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rosters: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    holders: Mapping[str, str] = field(default_factory=dict)

    def of_newcomer(self, name: str, okta_id: str) -> tuple[Reason, ...]:
        """Return the lists that a person would come into with the user of a name.

        None for the person who had the name last. Who had it is unknown after the state was lost: that counts as
        somebody else.
        """
        if self.holders.get(name) == okta_id:
            return ()
        lasting = (LeftIn(one.title, one.list_name) for one in self.left.get(name, ()) if self._counts(one))
        going = (ImportLeftIn(one) for one in self.imports.get(name, ()) if okta_id not in self.rosters[one])
        return (*lasting, *going)

    def of_successor(self, name: str, okta_id: str) -> tuple[Reason, ...]:
        """Return the same for a user who is there and not ours, and who may well be the person who had the name.

        So nothing where it is unknown who had it.
        """
        return self.of_newcomer(name, okta_id) if name in self.holders else ()

    def unreleased(self) -> list[LeftMembership]:
        """Return the memberships in names that no user has, those that were released left out."""
        return [one for some in self.left.values() for one in some if self._counts(one) and not one.has_user]

    def _counts(self, membership: LeftMembership) -> bool:
        return membership.label not in self.released


NOTHING_LEFT: Final = Inheritance()


@dataclass(frozen=True, slots=True)
class Released:
    """What an operator released of a name: locks that were taken off, memberships that its next person may have."""

    locks: tuple[TeleportLock, ...] = ()
    memberships: tuple[LeftMembership, ...] = ()
