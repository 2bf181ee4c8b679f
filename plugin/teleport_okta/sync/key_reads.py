"""How the keys of a scope are read: all of each key, or the part that has changed by a hint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class PersonRead:
    """How a person is read; `ended` is why the person left, by an event, and `is_deleted` means for good.

    `by_request`: a SCIM client provisioned or deprovisioned the person, and waits for the answer. If Okta's API does
    not answer, the client is believed. `by_status`: read the person first, and the assignment only if that does not
    decide. `doubt`: a read that contradicts the event may be older and is not believed. Then nothing ends for a person
    who `is_there` by the event, and a person who left by an event `published` after the read is locked meanwhile.
    """

    by_request: bool = False
    by_status: bool = False
    ended: Reason | None = None
    is_there: bool = False
    is_deleted: bool = False
    published: datetime | None = None
    doubt: bool = False


@dataclass(frozen=True, slots=True)
class GroupRead:
    """What is read of a group: its row, all members or the membership of some `people`, and the apps that it grants.

    `left` are the people who left it by an event, and `there` those who joined by an event: a read that lacks these may
    be older than the event, and does not remove them. `is_deleted`: an event says so.
    """

    row: bool = True
    members: bool = True
    people: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    there: frozenset[str] = frozenset()
    grants: bool = True
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class AppRead:
    """What is read of an app: its row, all people who have it directly or some `people`, and the groups that grant it.

    `left` and `is_deleted` are as in a group.
    """

    row: bool = True
    all_people: bool = True
    people: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    granting: bool = True
    is_deleted: bool = False


_PERSON: Final = PersonRead()
_GROUP: Final = GroupRead()
_APP: Final = AppRead()


@dataclass(frozen=True, slots=True)
class KeyReads:
    """How single people, groups and apps are read, by Okta id; those that are not named are read whole.

    `people_listed`: people are looked up in one listing of the app that people come from.
    """

    people: Mapping[str, PersonRead] = field(default_factory=dict)
    groups: Mapping[str, GroupRead] = field(default_factory=dict)
    apps: Mapping[str, AppRead] = field(default_factory=dict)
    people_listed: bool = False

    def of_person(self, okta_id: str) -> PersonRead:
        """Return how a person is read."""
        return self.people.get(okta_id, _PERSON)

    def of_group(self, okta_id: str) -> GroupRead:
        """Return how a group is read."""
        return self.groups.get(okta_id, _GROUP)

    def of_app(self, okta_id: str) -> AppRead:
        """Return how an app is read."""
        return self.apps.get(okta_id, _APP)


WHOLE: Final = KeyReads()
"""Everything of every key."""
