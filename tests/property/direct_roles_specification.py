"""Who should have which member role on the user itself after a pass, said without plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from property.directory_history import APP_IDS, FOREIGN_ROLE, GROUP_IDS
from property.directory_specification import Specification, passes_by_name
from teleport_okta.model import labels
from teleport_okta.model.direct_roles import given_ids
from teleport_okta.model.names import member_role
from worlds import ORG, POLICY

if TYPE_CHECKING:
    from worlds_directory import Cluster

EVERYTHING = (*GROUP_IDS, *APP_IDS)


def given(cluster, name):
    """The users of ours to whom we gave the member role of a group or an app."""
    return {user.name for user in ours(cluster).values() if name in given_ids(user)}


def having(cluster, name):
    """All users who have the role."""
    return {user.name for user in cluster.users.values() if member_role(name) in user.roles}


def ours(cluster):
    return {user.name: user for user in cluster.users.values() if labels.owner_of(user.labels) == ORG}


@dataclass
class SpecificationWithoutLists(Specification):
    """What a cluster without access lists should hold after a pass whose readings are believed."""

    def check(self, after):
        self.after: Cluster = after
        self.names = self.names_in_okta()
        self.launchable = self.launchable_apps()
        assert {user.labels[labels.OKTA_ID]: name for name, user in ours(after).items()} == self.names
        self.check_user_groups()
        self.check_app_servers()
        assert after.lists == self.before.lists
        for name in EVERYTHING:
            self.check_role(name)
        for user in after.users.values():
            self.check_rest(user)

    def check_role(self, name):
        theirs = self.given_by_others(name)
        wanted = self.okta_people(name) if self.passes(name) and member_role(name) != FOREIGN_ROLE else set()
        assert having(self.after, name) == wanted | theirs, name
        assert given(self.after, name) == wanted - theirs, name
        if wanted:
            assert member_role(name) in self.after.roles
        elif not theirs and member_role(name) in self.after.roles:
            assert labels.owner_of(self.after.roles[member_role(name)].labels) != ORG

    def given_by_others(self, name):
        """Who has the role and was not given it by us, and is the same user as before."""
        return {
            user.name
            for user in self.before.users.values()
            if member_role(name) in user.roles
            and not (labels.owner_of(user.labels) == ORG and name in given_ids(user))
            and user.name in self.after.users
            and labels.okta_id_of(self.after.users[user.name].labels) == labels.okta_id_of(user.labels)
        }

    def check_rest(self, user):
        """Whatever else a user of ours is, is as if there were no member roles."""
        before = self.before.users.get(user.name)
        if before is None or labels.okta_id_of(before.labels) != labels.okta_id_of(user.labels):
            return
        rest = [set(one.roles) - set(map(member_role, EVERYTHING)) for one in (before, user)]
        assert rest[0] | set(POLICY.default_roles if user.name in ours(self.after) else ()) == rest[1]


def no_doubted_role_went(reading, before, after):
    """Assert that what is missing from a reading that is not believed took no role off anybody who stays."""
    moment = reading.moment
    missing = set(reading.malformed)
    if reading.doubts_groups:
        missing |= {one for one in GROUP_IDS if one not in moment.groups}
    if reading.doubts_apps:
        missing |= {one for one in APP_IDS if one not in moment.apps}
    untold = missing | {name for name, lie in reading.lies.items() if lie != "grants lie" and name in moment.groups}
    for name in untold:
        if not passes_by_name(reading, name):
            continue
        lost = (given(before, name) & ours(after).keys()) - having(after, name) - in_list(after, name)
        assert not lost, f"{lost} lost the role of {name}"


def in_list(cluster, name):
    """Who has the role by a list that grants it."""
    found = cluster.lists.get(name)
    return set() if found is None or member_role(name) not in found.grants else set(cluster.members.get(name, {}))
