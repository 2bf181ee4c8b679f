"""What a cluster holds, as values of `teleport_okta.model`, and what a value says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.names import member_role

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Holdings:
    """The objects of a cluster by name; members by list. The model cluster of `worlds_directory` has the same fields.

    `member_of` has the lists in which a list is nested, as far as the server keeps them beside the members.
    """

    users: Mapping = field(default_factory=dict)
    roles: Mapping = field(default_factory=dict)
    user_groups: Mapping = field(default_factory=dict)
    app_servers: Mapping = field(default_factory=dict)
    lists: Mapping = field(default_factory=dict)
    members: Mapping = field(default_factory=dict)
    member_of: Mapping = field(default_factory=dict)


def ours(objects, owner):
    """Return the objects that have our owner label, by name."""
    return {name: one for name, one in objects.items() if labels.owner_of(one.labels) == owner}


def imported(holdings, name):
    """Return the names of the members who are in a list because of Okta."""
    return {one.name for one in holdings.members.get(name, {}).values() if one.is_imported}


def added(holdings, name):
    """Return the members whom people added to a list, nested lists among them."""
    return {one.name: one for one in holdings.members.get(name, {}).values() if not one.is_imported}


def is_over(member, now):
    """Whether a membership has reached its end."""
    return member.expires is not None and member.expires <= now


def through_nested(holdings, name, now):
    """Return the names of the users who are in a list through nested lists that have no requirements."""
    people = set()
    for child in holdings.members.get(name, {}).values():
        nested = holdings.lists.get(child.name) if child.is_list else None
        if nested is None or nested.has_requirements or is_over(child, now):
            continue
        members = holdings.members.get(child.name, {}).values()
        people |= {one.name for one in members if not one.is_list and not is_over(one, now)}
        people |= through_nested(holdings, child.name, now)
    return people


def follows_okta(access_list):
    """Whether the title of a list is the one that we last gave it, so that nobody edited it."""
    return access_list.title in (access_list.labels.get(labels.GROUP_NAME), access_list.labels.get(labels.APP_NAME))


def having(holdings, role):
    """Return the names of the users who have a role."""
    return {user.name for user in holdings.users.values() if role in user.roles}


def given_by_us(user, okta_id):
    """Whether a user has the member role of a group or an app, and our label says that we gave it."""
    return okta_id in user.labels.get(labels.DIRECT_ROLES, "").split(",") and member_role(okta_id) in user.roles


def having_from_us(holdings, okta_id, owner):
    """Return the names of the users of ours to whom we gave the member role of a group or an app."""
    return {user.name for user in ours(holdings.users, owner).values() if given_by_us(user, okta_id)}


def extra_labels(labels_of_group):
    """Return the labels of a user group that neither Teleport nor the import itself gives it."""
    return {key: value for key, value in labels_of_group.items() if not key.startswith(("teleport", "okta"))}
