"""Direct roles: member roles on users themselves, in a cluster without access lists (Community edition).

A label of the user names those that we gave and may remove, so this survives a lost state. The server keeps the label,
and no other identity can change it on a user of origin okta (`docs/reference/teleport-observed.md` 5.1). A member role
that is not in the label was given by others, or is a default role, and stays.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportMember
from teleport_okta.model.names import MEMBER_ROLE_PREFIX, member_role

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from teleport_okta.model.teleport import TeleportUser


@dataclass(frozen=True, slots=True)
class DirectRole:
    """The member role of a group or an app (`okta_id`) on the user of a name; `labels` say on whose behalf."""

    name: str
    okta_id: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def role(self) -> str:
        """The name of the role."""
        return member_role(self.okta_id)


def given_ids(user: TeleportUser) -> frozenset[str]:
    """Return the ids of the groups and apps whose member role we put on a user, and that the user still has."""
    listed = user.labels.get(labels.DIRECT_ROLES, "")
    return frozenset(okta_id for okta_id in listed.split(",") if okta_id and member_role(okta_id) in user.roles)


def with_role(user: TeleportUser, okta_id: str) -> TeleportUser:
    """Return a user with a member role of ours; as found if the user has the role already, from us or from others."""
    role = member_role(okta_id)
    if role in user.roles:
        return user
    return _labelled(replace(user, roles=(*user.roles, role)), given_ids(user) | {okta_id})


def without_role(user: TeleportUser, okta_id: str, *, kept: Collection[str]) -> TeleportUser:
    """Return a user without a member role of ours; as found if we did not give it. Roles in `kept` stay."""
    given = given_ids(user)
    if okta_id not in given:
        return user
    role = member_role(okta_id)
    roles = tuple(one for one in user.roles if one != role or role in kept)
    return _labelled(replace(user, roles=roles), given - {okta_id})


def without_direct_roles(user: TeleportUser) -> TeleportUser:
    """Return a user as if we had never given a member role."""
    for okta_id in given_ids(user):
        user = without_role(user, okta_id, kept=())
    return _labelled(user, frozenset())


def direct_roles(users: Iterable[TeleportUser], owner: str, default_roles: Collection[str]) -> dict[str, ListMembers]:
    """Return the users with each direct role, by the id of the group or app.

    As for a list, `imported` are the users of an owner to whom we gave the role, and `others` all others.
    """
    imported: defaultdict[str, set[str]] = defaultdict(set)
    others: defaultdict[str, dict[str, TeleportMember]] = defaultdict(dict)
    for user in users:
        for okta_id, is_given in member_roles_of(user, owner, default_roles).items():
            if is_given:
                imported[okta_id].add(user.name)
            else:
                others[okta_id][user.name] = TeleportMember(user.name)
    return {
        okta_id: ListMembers(frozenset(imported.get(okta_id, ())), others.get(okta_id, {}))
        for okta_id in imported.keys() | others.keys()
    }


def member_roles_of(user: TeleportUser, owner: str, default_roles: Collection[str]) -> dict[str, bool]:
    """Return the ids of the groups and apps whose member role a user has, each with whether we may remove it."""
    held = [role.removeprefix(MEMBER_ROLE_PREFIX) for role in user.roles if role.startswith(MEMBER_ROLE_PREFIX)]
    if not held:
        return {}
    given = given_ids(user) if labels.owner_of(user.labels) == owner else frozenset()
    return {okta_id: okta_id in given and member_role(okta_id) not in default_roles for okta_id in held}


def _labelled(user: TeleportUser, given: frozenset[str]) -> TeleportUser:
    carried = {key: value for key, value in user.labels.items() if key != labels.DIRECT_ROLES}
    if given:
        carried[labels.DIRECT_ROLES] = ",".join(sorted(given))
    return user if carried == user.labels else replace(user, labels=carried)
