"""What a cluster should hold after a pass over groups, apps and access lists, said without plans.

`Specification` is for readings that are believed, `nothing_doubted_ended` for those that are not, `foreign` for what no
pass may touch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from property.directory_history import (
    APP_IDS,
    FOREIGN_LIST,
    FOREIGN_ROLE,
    FOREIGN_USER_GROUP,
    GROUP_IDS,
    MANUAL_LIST,
    NAMES,
    Moment,
)
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.plan.users import owned_names
from worlds import ORG

if TYPE_CHECKING:
    from worlds_directory import Cluster


ROLES_OF_LISTS = (member_role, reviewer_role)


@dataclass
class Specification:
    """What a cluster should hold after a pass whose readings are believed; `before` is the cluster before it."""

    moment: Moment
    before: Cluster
    now: object

    def check(self, after):
        self.after = after
        self.names = self.names_in_okta()
        assert owned_names(after.users.values(), ORG) == {name: okta_id for okta_id, name in self.names.items()}
        self.launchable = self.launchable_apps()
        self.check_user_groups()
        self.check_app_servers()
        wanted = {name for name in (*GROUP_IDS, *APP_IDS) if self.is_wanted(name)}
        assert {name for name in after.lists if self.is_ours(name)} == wanted
        for name in wanted:
            self.check_list(name)
        self.check_roles(wanted)

    def names_in_okta(self):
        """The names of those who should be users, by Okta id."""
        return {
            okta_id: NAMES[okta_id][at]
            for okta_id, (at, status) in self.moment.people.items()
            if status != "DEPROVISIONED"
        }

    def launchable_apps(self):
        """The ids of the apps that people can launch."""
        return {okta_id for okta_id, (_, _, status, links) in self.moment.apps.items() if status == "ACTIVE" and links}

    def check_user_groups(self):
        ours = {name: one for name, one in self.after.user_groups.items() if labels.owner_of(one.labels) == ORG}
        assert ours.keys() == self.moment.groups.keys() - {FOREIGN_USER_GROUP}
        for okta_id, one in ours.items():
            name, _, grants = self.moment.groups[okta_id]
            assert set(one.applications) == {app_server_name(granted) for granted in grants & self.launchable}
            assert (one.labels[labels.GROUP_ID], one.labels[labels.GROUP_NAME]) == (okta_id, name)
            before = self.before.user_groups.get(okta_id)
            assert one.labels.get("env") == (before.labels.get("env") if before else None)

    def check_app_servers(self):
        assert self.after.app_servers.keys() == {app_server_name(okta_id) for okta_id in self.launchable}
        for okta_id in self.launchable:
            label, _, _, links = self.moment.apps[okta_id]
            one = self.after.app_servers[app_server_name(okta_id)]
            before = self.before.app_servers.get(one.name)
            assert one.uri == (before.uri if before and before.uri in links else links[0])
            assert set(one.user_groups) == {name for name, row in self.moment.groups.items() if okta_id in row[2]}
            assert (one.labels[labels.APP_ID], one.labels[labels.APP_NAME]) == (okta_id, label)

    def okta_people(self, name):
        """Who should be in a list because of Okta."""
        row = self.moment.groups.get(name) or self.moment.apps.get(name)
        return {self.names[okta_id] for okta_id in row[1] if okta_id in self.names}

    def passes(self, name):
        group_filters, app_filters = self.moment.filters
        if name in self.moment.groups:
            return not group_filters or self.moment.groups[name][0] == "Engines"
        return name in self.launchable and (not app_filters or self.moment.apps[name][0] == "Git")

    def may_pass(self, name):
        """Whether there is a group or an app of a name that passes, before anything is checked."""
        self.launchable = self.launchable_apps()
        return self.passes(name)

    def is_wanted(self, name):
        """Whether there should be a list of ours of this name after the pass."""
        if name == FOREIGN_LIST:
            return False
        was_there = name in self.before.lists
        if was_there and self.is_held_by_others(name):
            return True
        if not self.passes(name):
            return False
        if not was_there and FOREIGN_ROLE in (member_role(name), reviewer_role(name)):
            return False
        return bool(self.okta_people(name) or (was_there and self.lasting_others(name)))

    def is_held_by_others(self, name):
        """Whether somebody else's list has it, so that a server refuses to delete it."""
        parents = self.before.member_of.get(name, set())
        by_members = {other for other in self.before.lists if name in self.before.members.get(other, {})}
        return bool({MANUAL_LIST, FOREIGN_LIST} & self.before.lists.keys() & (parents | by_members))

    def lasting_others(self, name):
        """Whom people added to a list, nested lists that are there no more left out."""
        return {
            one.name: one
            for one in self.before.others(name).values()
            if not one.is_list or (one.name in self.after.lists and one.name in self.before.lists)
        }

    def check_list(self, name):
        after, before = self.after.lists[name], self.before.lists.get(name)
        assert self.after.others(name) == (self.lasting_others(name) if before else {})
        if not self.passes(name):
            assert not self.after.imported(name)
            return
        people = self.okta_people(name)
        imported, through = self.after.imported(name), self.through_others(name)
        assert imported <= people
        if member_role(name) != FOREIGN_ROLE:
            assert people <= imported | self.after.others(name).keys() | through
            assert (after.grants, after.owner_grants) == ((member_role(name),), (reviewer_role(name),))
        assert not (imported - (self.before.imported(name) if before else set())) & through
        assert after.owners == (before.owners if before else (ListOwner("olga"),))
        self.check_title(name, after, before)

    def check_title(self, name, after, before):
        row = self.moment.groups.get(name) or self.moment.apps.get(name)
        key = labels.GROUP_NAME if name in self.moment.groups else labels.APP_NAME
        is_edited = before is not None and before.title != before.labels[key]
        assert after.title == (before.title if is_edited else row[0])

    def through_others(self, name):
        """Return who is effectively in a list through nested ones."""
        people = set()
        for child in self.after.members.get(name, {}).values():
            found = self.after.lists.get(child.name) if child.is_list else None
            if found is None or found.has_requirements or not self.lasts(child):
                continue
            members = self.after.members.get(child.name, {}).values()
            people |= {one.name for one in members if not one.is_list and self.lasts(one)}
            people |= self.through_others(child.name)
        return people

    def lasts(self, member):
        return member.expires is None or member.expires > self.now

    def check_roles(self, wanted):
        ours = {name: one for name, one in self.after.roles.items() if labels.owner_of(one.labels) == ORG}
        kept = {name for name in wanted if self.passes(name) and member_role(name) != FOREIGN_ROLE}
        assert {member_role(name) for name in kept} <= ours.keys()
        named = {role(name) for name in wanted for role in ROLES_OF_LISTS}
        # The server keeps roles that a user has, whoever gave them.
        held = {one for user in self.after.users.values() for one in user.roles}
        named |= {role(name) for name in (*GROUP_IDS, *APP_IDS) if member_role(name) in held for role in ROLES_OF_LISTS}
        # So does a wanted list of somebody else: its roles were made while the cluster had no lists.
        named |= {role(FOREIGN_LIST) for role in ROLES_OF_LISTS if FOREIGN_LIST in self.moment.groups}
        assert ours.keys() <= named
        for name in kept:
            granted = {name} if name in APP_IDS else self.moment.groups[name][2]
            allow = ours[member_role(name)].allow
            assert set(allow.app_labels.get(labels.APP_ID, ())) == granted & self.launchable
            assert allow.group_labels == ({labels.GROUP_ID: (name,)} if name in self.moment.groups else {})
            assert ours[reviewer_role(name)].allow.review == (member_role(name),)

    def is_ours(self, name):
        return labels.owner_of(self.after.lists[name].labels) == ORG


def foreign(cluster):
    """Everything that is not ours, and whom people added to it."""
    kinds = (cluster.users, cluster.roles, cluster.user_groups, cluster.lists)
    objects = {
        (number, name): one
        for number, kind in enumerate(kinds)
        for name, one in kind.items()
        if labels.owner_of(one.labels) != ORG
    }
    return objects | {name: cluster.members.get(name, {}) for name in (MANUAL_LIST, FOREIGN_LIST)}


def nothing_doubted_ended(reading, before, after):
    """Assert that what is missing from a reading that is not believed is there as it was."""
    moment, lists = reading.moment, {name for name, one in before.lists.items() if labels.owner_of(one.labels) == ORG}
    missing = set(reading.malformed)
    if reading.doubts_groups:
        missing |= {one for one in GROUP_IDS if one not in moment.groups}
    if reading.doubts_apps:
        missing |= {one for one in APP_IDS if one not in moment.apps}
    untold = missing | {name for name, lie in reading.lies.items() if lie != "grants lie" and name in moment.groups}
    for name in untold & lists - {n for n in untold if not passes_by_name(reading, n)}:
        staying = before.imported(name) & owned_names(after.users.values(), ORG).keys()
        lost = staying - after.imported(name)
        assert not lost, f"{lost} lost {name}"
        assert name in after.lists
    for name in missing:
        assert after.user_groups.get(name) == before.user_groups.get(name)
        server = before.app_servers.get(app_server_name(name))
        assert server is None or server.name in after.app_servers
        for role in lists & {n for n in GROUP_IDS if n in moment.groups and name in moment.groups[n][2]}:
            if passes_by_name(reading, role) and member_role(role) in before.roles and reading.lies.get(role) is None:
                assert apps_of(before, role) & {name} <= apps_of(after, role) or role not in after.lists


def passes_by_name(reading, name):
    row = reading.moment.groups.get(name)
    return row is None or reading.settings.group_filters.why(row[0]) is not None


def apps_of(cluster, name):
    role = cluster.roles.get(member_role(name))
    return set(role.allow.app_labels.get(labels.APP_ID, ())) if role and role.allow else set()
