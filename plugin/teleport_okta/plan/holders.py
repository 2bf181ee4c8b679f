"""Which person each Teleport user will stand for when a plan about users has been applied, and who leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from teleport_okta.plan.changes import USER, Action
from teleport_okta.plan.needs import stands_for
from teleport_okta.plan.user_facts import owned_names

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.changes import Change, Need
    from teleport_okta.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Holders:
    """The users after a plan, as if none of it were held.

    `names` maps the Okta ids of people to the names of their users, and `ids` the names of all users of ours, leavers
    included, to Okta ids. `coming` are the users whom this plan makes or takes over. `departing` maps the names of
    leavers to their deletions. `strangers` are the names of users who exist and stand for no known person. `waiting` is
    as in `Plan`. `expected` has the Okta ids of people for whom another plan makes users. `left` maps the names of
    users whom we deleted lately, because the person left, to Okta ids.
    """

    names: Mapping[str, str]
    ids: Mapping[str, str]
    coming: frozenset[str]
    departing: Mapping[str, Change]
    strangers: frozenset[str] = frozenset()
    waiting: Mapping[str, str] = field(default_factory=dict)
    expected: Container[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict)
    _standing: dict[str, Need] = field(default_factory=dict, init=False, repr=False, compare=False)

    def expects(self, people: Iterable[str]) -> bool:
        """Whether one of these people (Okta ids) has no user yet, and will get one."""
        return any(okta_id in self.waiting or okta_id in self.expected for okta_id in people)

    def standing(self, name: str) -> Need:
        """Return the need that a user stands for its person: one object for each user, since there are many members."""
        need = self._standing.get(name)
        if need is None:
            need = stands_for(name, self.ids.get(name, ""), is_found=name in self.ids and name not in self.coming)
            self._standing[name] = need
        return need


@dataclass(frozen=True, slots=True)
class KnownUsers:
    """The names of all users: those that carry our owner label, with their Okta ids (empty: unlabelled), and others."""

    owned: Mapping[str, str] = field(default_factory=dict, repr=False)
    others: frozenset[str] = field(default=frozenset(), repr=False)


def known_users(users: Iterable[TeleportUser], owner: str) -> KnownUsers:
    """Return the names of all users of a cluster, with the people for whom those of ours stand."""
    every = {user.name: user for user in users}
    owned = owned_names(every.values(), owner)
    return KnownUsers(owned, frozenset(every.keys() - owned.keys()))


def holders_after(
    plan: Plan,
    users: KnownUsers,
    expected: Container[str] = frozenset(),
    left: Mapping[str, str] = MappingProxyType({}),
) -> Holders:
    """Return the holders after a plan about users; `expected` and `left` are as in `Holders`."""
    departing: dict[str, Change] = {}
    ids = {name: okta_id for name, okta_id in users.owned.items() if okta_id}
    coming = set()
    for change in plan.changes:
        if change.kind != USER:
            continue
        if change.action is Action.DELETE:
            departing[change.name] = change
        else:
            if change.name not in ids:
                coming.add(change.name)
            ids[change.name] = change.okta_id
    staying = {name: okta_id for name, okta_id in ids.items() if name not in departing}
    return Holders(
        names={okta_id: name for name, okta_id in staying.items()},
        ids=ids,
        coming=frozenset(coming),
        departing=departing,
        strangers=(users.others | users.owned.keys()) - ids.keys(),
        waiting=plan.waiting,
        expected=expected,
        left=left,
    )
