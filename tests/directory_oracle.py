"""What a cluster must hold of an organisation's groups, apps and access lists, said without plans.

`DirectoryOracle` looks at both sandboxes' own states. Of the product it knows names and labels, which people see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.sandbox.okta.app_kinds import FIRST_APPS
from teleport_okta.sandbox.okta.assignments import DIRECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport.accesslist.v1.accesslist_pb2 import AccessList, Member
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.teleport.cluster import Cluster

OKTAS_OWN = {app.definition.name for app in FIRST_APPS}


@dataclass(frozen=True)
class Found:
    """What people left of the lists: each list, and whom they added to it, as stored."""

    lists: Mapping[str, AccessList]
    added: Mapping[str, Mapping[str, Member]]


@dataclass
class DirectoryOracle:
    """One organisation against one cluster.

    `users` says which names stand for which Okta ids; `passes` says of a group's name or an app's label whether a
    filter lets it have a list, `group_labels` what import rules add to a group of a name. A cluster that has no lists
    has the member roles on the users themselves.
    """

    okta: OktaOrganization
    cluster: Cluster
    users: Callable[[], Mapping[str, str]]
    passes: Callable[[str], bool]
    owners: tuple[str, ...] = ("owner@x.io",)
    group_labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    has_lists: bool = True

    # What the organisation says

    @property
    def groups(self):
        """The names of its groups, by id."""
        return {group.id: group.name for group in self.okta.groups.all}

    @property
    def apps(self):
        """The labels of the apps that people can launch, by id."""
        return {
            app.id: app.label
            for app in self.okta.apps.all
            if app.status == "ACTIVE" and app.shown_links and not _is_hidden(app) and app.name not in OKTAS_OWN
        }

    def granted(self, group_id):
        """The ids of the apps that a group grants, and that people can launch."""
        return set(self.okta.assignments.groups.of_group(group_id)) & self.apps.keys()

    def may_have_list(self, okta_id):
        """Whether there is a group or an app of this id that passes the filters."""
        name = self.groups.get(okta_id) or self.apps.get(okta_id)
        return name is not None and name != "Everyone" and self.passes(name)

    def people(self, okta_id):
        """The names of the users who are in a group, or have an app individually."""
        if okta_id in self.groups:
            ids = set(self.okta.groups.members(okta_id))
        else:
            ids = {
                row.user_id
                for row in self.okta.assignments.users_of(okta_id)
                if row.scope == DIRECT and row.status != "DEPROVISIONED"
            }
        return {name for name, user_id in self.users().items() if user_id in ids}

    # What the cluster holds

    def is_ours(self, held):
        """Whether the labels of an object are those of one of ours."""
        return held.get(labels.OWNER) == self.okta.id

    def lists(self):
        """Our lists, by name."""
        return {name: one for name, one in self._all_lists().items() if self.is_ours(one.header.metadata.labels)}

    def members(self, name):
        """The members of a list, by name."""
        return {one.header.metadata.name: one for one in self.cluster.list_members.of(name).all_stored()}

    def imported(self, name):
        """The members of a list who are there because of Okta."""
        return {member for member, one in self.members(name).items() if is_imported(one)}

    def added(self, name):
        """The members of a list who are there because of people, as stored."""
        return {member: one for member, one in self.members(name).items() if not is_imported(one)}

    def found(self):
        """What there is of lists now, to compare with later."""
        lists = {name: _copied(one) for name, one in self._all_lists().items()}
        return Found(lists, {name: self.added(name) for name in lists})

    def is_list_of_ours(self, name):
        """Whether a list is ours, or was, if it is there no more."""
        stored = self.cluster.access_lists.stored(name)
        if stored is None:
            return name.startswith(("00g", "0oa"))
        return self.is_ours(stored.header.metadata.labels)

    # What is wrong

    def wrong(self, before):
        """Say where the cluster differs from the organisation, and from what people did: `before` is what was found."""
        yield from self._wrong_user_groups()
        yield from self._wrong_app_servers()
        if self.has_lists:
            yield from self._wrong_lists(before)
        else:
            yield from self._wrong_direct_roles()
        yield from self._wrong_roles()

    def _wrong_user_groups(self):
        found = {
            one.Header.Metadata.Name: (
                one.Header.Metadata.Labels[labels.GROUP_NAME],
                set(one.Spec.Applications),
                {
                    key: value
                    for key, value in one.Header.Metadata.Labels.items()
                    if not key.startswith(("teleport", "okta"))
                },
            )
            for one in self.cluster.user_groups.all_stored()
            if self.is_ours(one.Header.Metadata.Labels)
        }
        wanted = {
            group_id: (name, {app_server_name(app) for app in self.granted(group_id)}, self.group_labels.get(name, {}))
            for group_id, name in self.groups.items()
        }
        if found != wanted:
            yield f"user groups: {found} instead of {wanted}"

    def _wrong_app_servers(self):
        found = {
            one.Metadata.Name: (one.Spec.App.Metadata.Labels[labels.APP_NAME], set(one.Spec.App.Spec.UserGroups))
            for one in self.cluster.app_servers.all_stored()
            if self.is_ours(one.Metadata.Labels)
        }
        wanted = {
            app_server_name(app_id): (label, {group for group in self.groups if app_id in self.granted(group)})
            for app_id, label in self.apps.items()
        }
        if found != wanted:
            yield f"app servers: {found} instead of {wanted}"

    def having(self, okta_id):
        """The names of the users who have the member role of a group or an app directly."""
        role = member_role(okta_id)
        return {user.Metadata.Name for user in self.cluster.users.all_stored() if role in user.Spec.Roles}

    def _wrong_direct_roles(self):
        if self.lists():
            yield f"lists where there are none: {sorted(self.lists())}"
        for okta_id in self.groups.keys() | self.apps.keys():
            wanted = self.people(okta_id) if self.may_have_list(okta_id) else set()
            if self.having(okta_id) != wanted:
                yield f"the role of {okta_id} is on {self.having(okta_id)} instead of {wanted}"

    def _wanting_roles(self):
        """The ids of the groups and apps that are to have roles."""
        if self.has_lists:
            return set(self.lists())
        every = self.groups.keys() | self.apps.keys()
        return {okta_id for okta_id in every if self.may_have_list(okta_id) and self.people(okta_id)}

    def _wrong_lists(self, before):
        found = self.lists()
        wanted = {okta_id for okta_id in self.groups.keys() | self.apps.keys() if self._is_wanted(okta_id, before)}
        if found.keys() != wanted:
            yield f"lists: {sorted(found)} instead of {sorted(wanted)}"
        for name in found.keys() & wanted:
            yield from self._wrong_list(name, found[name], before)

    def _is_wanted(self, okta_id, before):
        if not self.may_have_list(okta_id):
            return False
        return bool(self.people(okta_id) or (okta_id in before.lists and self._lasting(okta_id, before)))

    def _lasting(self, name, before):
        """Whom people had added to a list, but for lists that are there no more."""
        return {
            member: one
            for member, one in before.added[name].items()
            if not is_list(one) or (member in before.lists and self.cluster.access_lists.stored(member) is not None)
        }

    def _wrong_list(self, name, one, before):
        earlier = before.lists.get(name)
        kept = self._lasting(name, before) if earlier is not None else {}
        if self.added(name) != kept:
            yield f"{name} has of people's {self.added(name)} instead of {kept}"
        people, imported, through = self.people(name), self.imported(name), self._through_others(name)
        if not imported <= people or not people <= imported | kept.keys() | through:
            yield f"{name} has imported {imported} instead of {people} without {sorted(kept)} and {through}"
        spec = one.spec
        if (list(spec.grants.roles), list(spec.owner_grants.roles)) != ([member_role(name)], [reviewer_role(name)]):
            yield f"{name} grants {list(spec.grants.roles)} and {list(spec.owner_grants.roles)}"
        yield from self._wrong_of_people(name, spec, earlier)

    def _wrong_of_people(self, name, spec, earlier):
        """Say what of a list is not as people left it."""
        in_okta = self.groups.get(name) or self.apps.get(name)
        if earlier is None:
            owners, title = list(self.owners), in_okta
        else:
            owners = [owner.name for owner in earlier.spec.owners]
            title = in_okta if follows_okta(earlier) else earlier.spec.title
            for part in ("audit", "membership_requires", "ownership_requires"):
                if getattr(spec, part) != getattr(earlier.spec, part):
                    yield f"the {part} of {name} changed"
        if ([owner.name for owner in spec.owners], spec.title) != (owners, title):
            yield f"{name} is called {spec.title!r} and owned by {[owner.name for owner in spec.owners]}"

    def _through_others(self, name):
        """Return who is in a list through nested ones that count."""
        now, people = self.cluster.now(), set()
        for child in filter(is_list, self.members(name).values()):
            nested = self.cluster.access_lists.stored(child.spec.name)
            if nested is None or nested.spec.membership_requires.traits or is_over(child, now):
                continue
            people |= {
                member
                for member, one in self.members(child.spec.name).items()
                if not is_list(one) and not is_over(one, now)
            }
            people |= self._through_others(child.spec.name)
        return people

    def _wrong_roles(self):
        found = {
            role.Metadata.Name: role for role in self.cluster.roles.all_stored() if self.is_ours(role.Metadata.Labels)
        }
        wanted = {role(name) for name in self._wanting_roles() for role in (member_role, reviewer_role)}
        if found.keys() != wanted:
            yield f"roles: {sorted(found)} instead of {sorted(wanted)}"
        for name in self._wanting_roles():
            role = found.get(member_role(name))
            if role is None:
                continue
            allow = role.Spec.Allow
            apps = set(_values(allow.AppLabels).get(labels.APP_ID, ()))
            groups = _values(allow.GroupLabels)
            granted = {name} if name in self.apps else self.granted(name)
            if apps != granted or groups != ({labels.GROUP_ID: [name]} if name in self.groups else {}):
                yield f"{role.Metadata.Name} grants the apps {apps} instead of {granted}, and the groups {groups}"

    def _all_lists(self):
        return {one.header.metadata.name: one for one in self.cluster.access_lists.all_stored()}


def is_imported(member):
    """Whether a member is there because Okta says so."""
    return member.header.metadata.labels.get(labels.GRANT) == labels.GRANT_IMPORTED


def is_list(member):
    """Whether a member is a nested list."""
    return member.spec.membership_kind == MEMBERSHIP_KIND_LIST


def is_over(member, now):
    """Whether a membership has had its end. The year 1, long ago, stands for none."""
    return 0 < member.spec.expires.seconds <= now


def follows_okta(access_list):
    """Whether the title of a list is the one that we last gave it."""
    held = access_list.header.metadata.labels
    return access_list.spec.title in (held.get(labels.GROUP_NAME), held.get(labels.APP_NAME))


def _is_hidden(app):
    return bool(app.visibility.get("hide", {}).get("web"))


def _values(selector):
    return {key: list(values.Values) for key, values in selector.Values.items()}


def _copied(message):
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
