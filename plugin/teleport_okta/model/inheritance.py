"""Memberships under the names of users who are gone: the next person of such a name must not get their access."""

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
    """A membership of a list of ours that no pass removes, under a name without a user of ours.

    People added it or, if `imported`, the group of the list cannot be read. With `has_user`, a user of this name exists
    who is not ours.
    """

    name: str
    list_name: str
    title: str
    imported: bool = False
    has_user: bool = False

    @property
    def label(self) -> str:
        """List and name, as in the quarantine."""
        return f"{self.list_name}/{self.name}"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The memberships that the next person of a name would have.

    `left` has the memberships that no pass removes, by name. `released` has the labels of those that an operator
    released for the next person. `imports` has, by name, the lists with an imported member that is removed unless Okta
    shows the new person there too: `rosters` has the Okta ids of the people of these lists. `holders` maps names to the
    Okta ids for which they stood last, if known.
    """

    left: Mapping[str, tuple[LeftMembership, ...]] = field(default_factory=dict)
    released: Collection[str] = frozenset()
    imports: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rosters: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    holders: Mapping[str, str] = field(default_factory=dict)

    def of_newcomer(self, name: str, okta_id: str) -> tuple[Reason, ...]:
        """Return the memberships that a person would get with a new user of a name.

        There are none for the person who had the name last. If the state was lost, it is not known who had it; then
        another person is assumed.
        """
        if self.holders.get(name) == okta_id:
            return ()
        lasting = (LeftIn(one.title, one.list_name) for one in self.left.get(name, ()) if self._counts(one))
        going = (ImportLeftIn(one) for one in self.imports.get(name, ()) if okta_id not in self.rosters[one])
        return (*lasting, *going)

    def of_successor(self, name: str, okta_id: str) -> tuple[Reason, ...]:
        """Return the same for a user who exists and is not ours.

        The user may be the person who had the name. So there are none if it is not known who had it.
        """
        return self.of_newcomer(name, okta_id) if name in self.holders else ()

    def unreleased(self) -> list[LeftMembership]:
        """Return the memberships under names without a user, except released ones."""
        return [one for some in self.left.values() for one in some if self._counts(one) and not one.has_user]

    def _counts(self, membership: LeftMembership) -> bool:
        return membership.label not in self.released


NOTHING_LEFT: Final = Inheritance()


@dataclass(frozen=True, slots=True)
class Released:
    """The result of releasing a name: locks that were removed, and memberships that the next person may have."""

    locks: tuple[TeleportLock, ...] = ()
    memberships: tuple[LeftMembership, ...] = ()
