"""What a cluster must hold of groups, apps and access lists after a pass whose readings are believed.

User groups and app servers are as if made from scratch; a list has its roles, its imported members, and everything that
people did to it. A cluster without access lists has the member roles on the users themselves instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner
from teleport_okta.model.names import app_server_name, member_role, reviewer_role

from model.holdings import (
    added,
    extra_labels,
    follows_okta,
    given_by_us,
    having,
    having_from_us,
    imported,
    ours,
    through_nested,
)

if TYPE_CHECKING:
    from datetime import datetime

    from model.holdings import Holdings
    from model.organisation import Organisation


@dataclass(frozen=True)
class Terms:
    """What the settings and the edition of the cluster say.

    `owners` are the owners of a new list, `default_roles` the roles that every user of ours has.
    """

    owners: tuple[str, ...]
    default_roles: tuple[str, ...] = ()
    has_lists: bool = True


@dataclass(frozen=True)
class DirectoryModel:
    """One organisation against what a cluster held before and after a pass."""

    okta: Organisation
    terms: Terms
    before: Holdings
    after: Holdings
    now: datetime

    def wrong(self):
        """Yield a sentence for each difference."""
        yield from self._wrong_user_groups()
        yield from self._wrong_app_servers()
        yield from self._wrong_lists() if self.terms.has_lists else self._wrong_direct_roles()
        yield from self._wrong_roles()

    # User groups and app servers

    def _wrong_user_groups(self):
        found = {name: _facts_of_group(one) for name, one in self._ours(self.after.user_groups).items()}
        wanted = {
            name: (name, group.name, {app_server_name(app) for app in self.okta.granted(name)}, self._extra(name))
            for name, group in self.okta.groups.items()
            if not self._is_of_others(self.before.user_groups, name)
        }
        if found != wanted:
            yield f"user groups: {found} instead of {wanted}"

    def _extra(self, name):
        """The labels that people or an import rule gave a user group."""
        before = self._ours(self.before.user_groups).get(name)
        return (extra_labels(before.labels) if before else {}) | dict(self.okta.groups[name].labels)

    def _wrong_app_servers(self):
        found = {name: _facts_of_app(one) for name, one in self._ours(self.after.app_servers).items()}
        wanted = {
            app_server_name(okta_id): (okta_id, app.name, self.okta.granting(okta_id))
            for okta_id, app in self.okta.apps.items()
        }
        if found != wanted:
            yield f"app servers: {found} instead of {wanted}"
            return
        for okta_id, app in self.okta.apps.items():
            name = app_server_name(okta_id)
            uri, before = self.after.app_servers[name].uri, self.before.app_servers.get(name)
            links = (before.uri,) if before and before.uri in app.links else app.links[:1]
            if links and uri not in links:
                yield f"the app server {name} leads to {uri} instead of {links}"

    # Lists

    def _wants_list(self, name):
        """Whether there must be a list of ours for a group or an app."""
        is_there = name in self.before.lists
        if self._is_of_others(self.before.lists, name):
            return False
        if is_there and self._is_nested_by_others(name):
            return True
        if not self.okta.may_have_list(name) or (not is_there and self._others_have_role_of(name)):
            return False
        return bool(self.okta.people(name) or (is_there and self._lasting(name)))

    def _wrong_lists(self):
        found = self._ours(self.after.lists).keys()
        wanted = {name for name in self.okta.ids | self.before.lists.keys() if self._wants_list(name)}
        if found != wanted:
            yield f"lists: {sorted(found)} instead of {sorted(wanted)}"
        for name in found & wanted:
            yield from self._wrong_list(name)

    def _wrong_list(self, name):
        kept = self._lasting(name)
        if added(self.after, name) != kept:
            yield f"{name} has of people's {added(self.after, name)} instead of {kept}"
        people = self.okta.people(name) if self.okta.may_have_list(name) else set()
        found, through = imported(self.after, name), through_nested(self.after, name, self.now)
        is_short = not self._others_have_member_role_of(name) and not people <= found | kept.keys() | through
        if not found <= people or is_short:
            yield f"{name} has imported {found} instead of {people} without {sorted(kept)} and {through}"
        if not self.okta.may_have_list(name):
            return
        if doubled := (found - imported(self.before, name)) & through:
            yield f"{name} has imported {doubled}, who are in it through nested lists"
        yield from self._wrong_content(name)

    def _wrong_content(self, name):
        """Say where a list differs from what Okta says of it and what people made of it."""
        before, after, in_okta = self.before.lists.get(name), self.after.lists[name], self.okta.find(name).name
        roles = (member_role(name),), (reviewer_role(name),)
        if not self._others_have_member_role_of(name) and (after.grants, after.owner_grants) != roles:
            yield f"{name} grants {after.grants} and {after.owner_grants}"
        if before is None:
            owners, title = tuple(ListOwner(owner) for owner in self.terms.owners), in_okta
        else:
            owners, title = before.owners, in_okta if follows_okta(before) else before.title
            if (before.has_requirements, before.raw) != (after.has_requirements, after.raw):
                yield f"what people decide of {name} changed: {before} became {after}"
        if (after.owners, after.title) != (owners, title):
            yield f"{name} is called {after.title!r} and owned by {[owner.name for owner in after.owners]}"

    def _lasting(self, name):
        """The members whom people had added to a list, without nested lists that are gone."""
        if name not in self.before.lists:
            return {}
        lists = self.before.lists.keys() & self.after.lists.keys()
        return {member: one for member, one in added(self.before, name).items() if not one.is_list or member in lists}

    def _is_nested_by_others(self, name):
        """Whether a list of others contains the list, so that a server refuses to delete it."""
        others = self.before.lists.keys() - self._ours(self.before.lists).keys()
        by_members = {other for other in others if name in self.before.members.get(other, {})}
        return bool(by_members or others & set(self.before.member_of.get(name, ())))

    # Member roles on users

    def _wrong_direct_roles(self):
        if self.after.lists != self.before.lists:
            yield f"lists where there are none: {sorted(self.after.lists)}"
        for name in self.okta.ids | self._ids_given():
            role, theirs = member_role(name), self._given_by_others(name)
            wanted = self._people_with_role(name)
            found = having(self.after, role)
            if found != wanted | theirs:
                yield f"the role of {name} is on {found} instead of {wanted} and {theirs}"
            given = having_from_us(self.after, name, self.okta.owner)
            if given != wanted - theirs:
                yield f"the role of {name} is labelled as ours on {given} instead of {wanted - theirs}"
        for user in self.after.users.values():
            yield from self._wrong_other_roles(user)

    def _ids_given(self):
        """The ids whose member roles our labels name."""
        found = (user.labels.get(labels.DIRECT_ROLES, "").split(",") for user in self._our_users().values())
        return {okta_id for ids in found for okta_id in ids if okta_id}

    def _people_with_role(self, name):
        """The users who must have the member role of a group or an app."""
        if not self.okta.may_have_list(name) or self._others_have_member_role_of(name):
            return set()
        return set(self.okta.people(name))

    def _given_by_others(self, name):
        """The users who had the role from others, and are the same users as before."""
        return {
            user.name
            for user in self.before.users.values()
            if member_role(name) in user.roles
            and not (labels.owner_of(user.labels) == self.okta.owner and given_by_us(user, name))
            and self._is_the_same(user)
        }

    def _wrong_other_roles(self, user):
        before = self.before.users.get(user.name)
        if before is None or not self._is_the_same(before):
            return
        default = self.terms.default_roles if user.name in self._our_users() else ()
        wanted, found = (_without_member_roles(one.roles) for one in (before, user))
        if wanted | set(default) != found:
            yield f"{user.name} has the roles {sorted(found)} instead of {sorted(wanted | set(default))}"

    def _is_the_same(self, user):
        """Whether a user of before stands for the same person now."""
        after = self.after.users.get(user.name)
        return after is not None and labels.okta_id_of(after.labels) == labels.okta_id_of(user.labels)

    # Roles

    def _wrong_roles(self):
        found = self._ours(self.after.roles)
        needed = {name for name in self.okta.ids if self._needs_roles(name)}
        missing = _roles_of(needed) - found.keys()
        # The roles of a list that is there may stay: others hold it, or made it (then its roles are from before there
        # were lists). The server keeps a role that a user has.
        kept = self.after.lists.keys() if self.terms.has_lists else set()
        used = {name for name in self._names_of(found) if having(self.after, member_role(name))}
        extra = found.keys() - _roles_of(needed | kept | used)
        if missing or extra:
            yield f"roles: {sorted(found)}, of which {sorted(missing)} are missing and {sorted(extra)} too many"
        for name in needed:
            if member_role(name) in found:
                yield from self._wrong_role(name, found)

    def _needs_roles(self, name):
        if not self.terms.has_lists:
            return bool(self._people_with_role(name))
        is_listed = name in self._ours(self.after.lists)
        return is_listed and self.okta.may_have_list(name) and not self._others_have_member_role_of(name)

    def _names_of(self, roles):
        return {labels.okta_id_of(role.labels) or "" for role in roles.values()}

    def _wrong_role(self, name, found):
        allow = found[member_role(name)].allow
        apps = set(allow.app_labels.get(labels.APP_ID, ()))
        groups = {labels.GROUP_ID: (name,)} if name in self.okta.groups else {}
        if (apps, dict(allow.group_labels)) != (self.okta.granted(name), groups):
            yield f"{member_role(name)} grants the apps {apps} instead of {self.okta.granted(name)}, and {allow}"
        reviewer = found.get(reviewer_role(name))
        if self.terms.has_lists and reviewer is not None and reviewer.allow.review != (member_role(name),):
            yield f"{reviewer_role(name)} lets owners review {reviewer.allow.review}"

    # Objects of others

    def _ours(self, objects):
        return ours(objects, self.okta.owner)

    def _our_users(self):
        return self._ours(self.after.users)

    def _is_of_others(self, objects, name):
        """Whether an object of this name was there that is not ours."""
        return name in objects and name not in self._ours(objects)

    def _others_have_member_role_of(self, name):
        return self._is_of_others(self.before.roles, member_role(name))

    def _others_have_role_of(self, name):
        return any(self._is_of_others(self.before.roles, role(name)) for role in (member_role, reviewer_role))


def _facts_of_group(one):
    marked = one.labels
    return (
        marked.get(labels.GROUP_ID),
        marked.get(labels.GROUP_NAME),
        set(one.applications),
        extra_labels(marked),
    )


def _facts_of_app(one):
    return one.labels.get(labels.APP_ID), one.labels.get(labels.APP_NAME), set(one.user_groups)


def _roles_of(names):
    return {role(name) for name in names for role in (member_role, reviewer_role)}


def _without_member_roles(roles):
    return {role for role in roles if not role.startswith(member_role(""))}
