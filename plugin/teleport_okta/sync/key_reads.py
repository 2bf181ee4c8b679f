"""How the keys of a scope are read: all of each, or the part that somebody said has changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class PersonRead:
    """How a person is read; `ended` is what an event says for it that the person left, and `is_deleted` that for good.

    `by_request`: a SCIM client says that the person is there, or not any more, and waits for the answer; where Okta's
    API does not answer, the client is believed. `by_status`: the person first, and the assignment only where the status
    does not say enough. While there is `doubt`,
    a read that contradicts the event is not believed, since it may be older: of somebody who `is_there` by the event
    nothing ends, and somebody who left by an event, `published` later than what is read, is locked meanwhile.
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
    """What is read of a group: itself, all its members or whether some `people` are in it, all that it grants.

    `left` are those of whom an event says that they are not in it any more, and `there` those of whom one says that
    they are: if a read lacks these, it may be older, and is not believed of them. `is_deleted`: an event says so.
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
    """What is read of an app: itself, all who have it directly or whether some `people` do, the groups that grant it.

    `left` and `is_deleted` are as of a group.
    """

    row: bool = True
    everybody: bool = True
    people: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    granting: bool = True
    is_deleted: bool = False


_PERSON: Final = PersonRead()
_GROUP: Final = GroupRead()
_APP: Final = AppRead()


@dataclass(frozen=True, slots=True)
class KeyReads:
    """How single people, groups and apps are read, by Okta id; whoever is not named is read whole.

    `people_listed`: people are looked up in one listing of everybody who has the app that people come from.
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
