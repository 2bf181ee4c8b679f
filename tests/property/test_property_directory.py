"""Random histories of groups, apps and assignments, planned and applied to a model of a cluster.

Contract: after a pass on readings that are believed, the cluster holds what the specification says: user groups and
app servers as if made from scratch, lists with their roles and imported members, and all that people did to them. A
second pass plans nothing. What people added is as it was, what is not ours is equal in every field. On readings that
are not believed nothing ends for being absent from them. Harm stays within its limits.

Space: a few people who are hired, renamed, suspended and deactivated; groups and apps that come, go, change name, are
filtered, filled, emptied and granted to each other; hands in Teleport that edit, nest, cut back-references, add people
with and without an end, delete lists, roles and user groups; listings and rosters that fail, or lie.

Oracle: `Specification`, which knows nothing of plans. `HISTORIES` says how many histories are tried.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from teleport_okta.desired.directory import launchable
from teleport_okta.desired.trust import PEOPLE, doubted_rosters, judge_absences
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember, TeleportUserGroup
from teleport_okta.model.harm import Evidence, Limits, PastHarm
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import RoleAllow, TeleportRole, TeleportUser
from teleport_okta.plan.users import owned_names
from worlds import NOW, ORG, listing, person
from worlds_directory import (
    IMPORTS,
    Cluster,
    app,
    group,
    held_back,
    imports,
    nested,
    organization,
    unread,
    whole_plan,
)

from hypothesis import Phase
DEBUG=(Phase.generate,Phase.shrink)
HISTORIES = int(os.environ.get("HISTORIES", "") or "150")

NAMES = {"00uA": ("ada", "countess"), "00uB": ("bob", "bo"), "00uC": ("cy", "cyd")}
GROUP_IDS = ["00gA", "00gB", "00gC", "00gD", "00gE"]
APP_IDS = ["0oaX", "0oaY", "0oaZ"]
FOREIGN_USER_GROUP, FOREIGN_LIST, FOREIGN_ROLE, MANUAL_LIST = "00gC", "00gD", member_role("00gE"), "manual"
LISTS = ["00gA", "00gB", "00gC", "0oaX", MANUAL_LIST]
USERS = ["ada", "bob", "cy", "countess", "local"]

LINKS = [("https://one",), ("https://one", "https://two"), ("https://two", "https://one"), ()]

FIRST_PEOPLE = {"00uA": (0, "ACTIVE"), "00uB": (0, "ACTIVE"), "00uC": (0, "ACTIVE")}
FIRST_GROUPS = {
    "00gA": ("Engines", frozenset({"00uA", "00uB"}), frozenset({"0oaX"})),
    "00gB": ("Looms", frozenset({"00uA"}), frozenset({"0oaX", "0oaY"})),
    "00gC": ("Engines", frozenset({"00uC"}), frozenset()),
}
FIRST_APPS = {"0oaX": ("Git", frozenset({"00uB"}), "ACTIVE", LINKS[0]), "0oaY": ("Wiki", frozenset(), "ACTIVE", LINKS[1])}

some_people = st.frozensets(st.sampled_from([*NAMES, "00uSTRANGER"]))
GONE = st.none()
people = st.dictionaries(
    st.sampled_from(list(NAMES)),
    GONE | st.tuples(st.integers(0, 1), st.sampled_from(["ACTIVE", "ACTIVE", "ACTIVE", "SUSPENDED", "DEPROVISIONED"])),
    max_size=1,
)
groups = st.dictionaries(
    st.sampled_from(GROUP_IDS),
    GONE | st.tuples(st.sampled_from(["Engines", "Looms"]), some_people, st.frozensets(st.sampled_from(APP_IDS))),
    max_size=2,
)
apps = st.dictionaries(
    st.sampled_from(APP_IDS),
    GONE
    | st.tuples(
        st.sampled_from(["Git", "Wiki"]),
        some_people,
        st.sampled_from(["ACTIVE", "ACTIVE", "INACTIVE"]),
        st.sampled_from(LINKS),
    ),
    max_size=1,
)
filters = st.tuples(st.sampled_from([*[()] * 5, ("Eng*",)]), st.sampled_from([*[()] * 5, ("^G.*$",)]))
TROUBLES = [{}, {}, {}, {}, {"incomplete": "page 2 failed"}, {"untrusted": "a row has no id"}]
trouble = st.sampled_from(TROUBLES)
lies = st.dictionaries(st.sampled_from(GROUP_IDS), st.sampled_from(["members fail", "members lie", "grants lie"]))
doubts = st.one_of(st.none(), st.tuples(trouble, trouble, trouble, lies))
hands = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "add",
                "add for a day",
                "add until yesterday",
                "end an import",
                "nest",
                "nest",
                "nest",
                "take out",
                "cut back-references",
                "delete the list",
                "retitle",
                "give away",
                "require",
                "empty the grants",
                "delete the role",
                "empty the role",
                "delete the user group",
                "edit the user group",
                "delete the app server",
                "delete the user",
            ]
        ),
        st.sampled_from(LISTS),
        st.sampled_from(LISTS),
        st.sampled_from(USERS),
    ),
    max_size=6,
)


@dataclass(frozen=True)
class Moment:
    """What one pass meets; in a history, only what is new of it."""

    people: dict
    groups: dict
    apps: dict
    filters: tuple
    doubts: tuple | None
    hands: list

    def followed_by(self, then):
        """Return what the next pass meets, after the news that `then` brings."""
        pairs = ((self.people, then.people), (self.groups, then.groups), (self.apps, then.apps))
        state = [{key: row for key, row in (before | news).items() if row is not None} for before, news in pairs]
        return replace(then, people=state[0], groups=state[1], apps=state[2])


moments = st.builds(Moment, people, groups, apps, filters, doubts, hands)


class Hands:
    """Deeds of people in Teleport, as far as a server allows them."""

    def __init__(self, cluster, now):
        self.cluster = cluster
        self.now = now

    def do(self, deed, name, other, user):
        found = self.cluster.lists.get(name)
        match deed:
            case "add" | "add for a day" | "add until yesterday" if found and user in self.cluster.users:
                days = {"add": None, "add for a day": 1, "add until yesterday": -1}[deed]
                expires = None if days is None else self.now + timedelta(days=days)
                if user not in self.cluster.members[name]:
                    self.cluster.add(name, TeleportMember(user, expires=expires, reason="by hand", added_by="olga"))
            case "end an import" if user in self.cluster.imported(name):
                member = self.cluster.members[name][user]
                self.cluster.members[name][user] = replace(member, expires=self.now + timedelta(hours=2))
            case "nest" if found and other in self.cluster.lists and not self.reaches(other, name):
                self.cluster.add(name, nested(other, added_by="olga"))
            case "take out" if other in self.cluster.members.get(name, {}):
                del self.cluster.members[name][other]
                self.cluster.member_of[other].discard(name)
            case "cut back-references":
                self.cluster.member_of[name].clear()
            case "delete the list" if name not in {MANUAL_LIST, FOREIGN_LIST}:
                self.cluster.delete_by_hand(name)
            case "retitle" if found:
                self.cluster.lists[name] = replace(found, title="Ours", description="we")
            case "give away" if found:
                self.cluster.lists[name] = replace(found, owners=(ListOwner("zoe"),))
            case "require" if found:
                self.cluster.lists[name] = replace(found, has_requirements=not found.has_requirements)
            case "empty the grants" if found:
                self.cluster.lists[name] = replace(found, grants=())
            case "delete the role" if name != "00gE":
                self.cluster.roles.pop(member_role(name), None)
            case "empty the role" if name != "00gE" and member_role(name) in self.cluster.roles:
                role = self.cluster.roles[member_role(name)]
                self.cluster.roles[role.name] = replace(role, allow=RoleAllow())
            case "delete the user group" if name != FOREIGN_USER_GROUP:
                self.cluster.user_groups.pop(name, None)
            case "edit the user group" if name != FOREIGN_USER_GROUP and name in self.cluster.user_groups:
                edited = self.cluster.user_groups[name]
                carried = {**edited.labels, "env": "prod", labels.GROUP_NAME: "wrong"}
                self.cluster.user_groups[name] = replace(edited, labels=carried, applications=("stray",))
            case "delete the app server":
                self.cluster.app_servers.pop(app_server_name(name), None)
            case "delete the user" if user != "local":
                self.cluster.users.pop(user, None)

    def reaches(self, name, goal):
        """Whether a list is, or has nested in it, another."""
        inside = (one.name for one in self.cluster.members.get(name, {}).values() if one.is_list)
        return name == goal or any(self.reaches(child, goal) for child in inside)


class Reading:
    """What both systems said in one moment, with what of it is wrong."""

    def __init__(self, moment):
        self.moment = moment
        of_people, of_groups, of_apps, lies = moment.doubts or ({}, {}, {}, {})
        self.lies = {name: lie for name, lie in lies.items() if self._is_lie(lie, *moment.groups.get(name, (0, 0, 0)))}
        self.doubts_groups, self.doubts_apps = bool(of_groups), bool(of_apps)
        self.settings = imports(group_filters=moment.filters[0], app_filters=moment.filters[1])
        self.people = listing(
            *(person(okta_id, NAMES[okta_id][at], status=status) for okta_id, (at, status) in moment.people.items()),
            **of_people,
        )
        self.okta = organization(
            *(self._group(okta_id, *fields) for okta_id, fields in moment.groups.items()),
            *(
                app(okta_id, label, direct, status=status, links=links)
                for okta_id, (label, direct, status, links) in moment.apps.items()
            ),
            groups=of_groups,
            apps=of_apps,
        )

    @staticmethod
    def _is_lie(lie, _, members, grants):
        """Whether there is anything that could be kept from us."""
        return bool(grants if lie == "grants lie" else members)

    def _group(self, okta_id, name, members, grants):
        lie = self.lies.get(okta_id)
        counts = {"users_count": len(members), "apps_count": len(grants)}
        if lie == "members fail":
            return unread(group(okta_id, name, members, grants, **counts))
        return group(
            okta_id,
            name,
            () if lie == "members lie" else members,
            () if lie == "grants lie" else grants,
            **counts,
        )

    def absences(self, owned):
        return judge_absences(self.people, app=None, baseline=None, owned_count=len(owned), limits=Limits())

    def is_believed(self, cluster):
        owned = owned_names(cluster.users.values(), ORG)
        doubted = self.doubts_groups or self.doubts_apps or doubted_rosters(self.okta)
        empty = (not self.okta.groups.rows and has(cluster, "00g")) or (not self.okta.apps.rows and has(cluster, "0oa"))
        failing = any(one.problem for one in self.okta.members.values())
        return not (doubted or empty or failing) and self.absences(owned).believed


def has(cluster, prefix):
    """Whether a cluster has anything of ours that is made of groups, or of apps."""
    servers = [one for one in cluster.app_servers.values() if prefix == "0oa"]
    return bool(servers) or any(
        labels.owner_of(one.labels) == ORG and (labels.okta_id_of(one.labels) or "").startswith(prefix)
        for one in (*cluster.user_groups.values(), *cluster.lists.values())
    )


@dataclass
class Specification:
    """What a cluster should hold after a pass whose readings are believed; `before` is the cluster before it."""

    moment: Moment
    before: Cluster
    now: object

    def check(self, after):
        self.after = after
        self.names = {
            okta_id: NAMES[okta_id][at] for okta_id, (at, status) in self.moment.people.items() if status != "DEPROVISIONED"
        }
        assert owned_names(after.users.values(), ORG) == {name: okta_id for okta_id, name in self.names.items()}
        self.launchable = {
            okta_id
            for okta_id, (_, _, status, links) in self.moment.apps.items()
            if status == "ACTIVE" and links
        }
        self.check_user_groups()
        self.check_app_servers()
        wanted = {name for name in (*GROUP_IDS, *APP_IDS) if self.is_wanted(name)}
        assert {name for name in after.lists if self.is_ours(name)} == wanted
        for name in wanted:
            self.check_list(name)
        self.check_roles(wanted)

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
        named = {role(name) for name in wanted for role in (member_role, reviewer_role)}
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
    missing = set()
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


def first_cluster():
    cluster = Cluster(users={"local": TeleportUser("local", roles=("admin",))})
    cluster.user_groups[FOREIGN_USER_GROUP] = TeleportUserGroup(FOREIGN_USER_GROUP, {labels.ORIGIN: "okta"}, ("x",))
    for name in (FOREIGN_LIST, MANUAL_LIST):
        cluster.lists[name] = TeleportAccessList(name, "By hand", grants=("access",), owners=(ListOwner("olga"),))
    cluster.roles |= {name: TeleportRole(name) for name in ("access", FOREIGN_ROLE)}
    return cluster


def counted(plan, limits, cluster):
    """Return the harm that a plan does as the next pass remembers it, having checked it against the limits."""
    harms = {change.harmed: change.harm for change in plan.changes if change.harm and change.harm.counted}
    past = tuple(PastHarm(harmed, harm.evidence, counted=True) for harmed, harm in harms.items())
    for kind in {one.harmed.kind for one in past}:
        for evidence in Evidence:
            assert sum(one.harmed.kind == kind and one.evidence is evidence for one in past) <= limits.most(evidence, 8)
    return past


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow], deadline=None, phases=DEBUG, report_multiple_bugs=False)
@given(st.lists(moments, min_size=1, max_size=6), st.sampled_from([Limits(floor=50), Limits(floor=2)]))
def test_every_history_converges_and_leaves_alone_what_is_not_ours(history, limits):
    now, cluster = NOW, first_cluster()
    moment = Moment(FIRST_PEOPLE, FIRST_GROUPS, FIRST_APPS, ((), ()), None, [])
    for then in [moment, *history]:
        now += timedelta(hours=40)
        moment = moment.followed_by(then)
        for deed in moment.hands:
            Hands(cluster, now).do(*deed)
        reading, before = Reading(moment), cluster.copy()
        is_believed = reading.is_believed(before)

        def plan(past=(), reading=reading, now=now, before=before):
            unbraked = whole_plan(
                reading.okta, cluster, people=reading.people, settings=reading.settings, now=now
            )
            absences = {PEOPLE: reading.absences(owned_names(before.users.values(), ORG))}
            return held_back(unbraked, cluster, reading.okta, limits, absences=absences, past=past)

        done = plan()
        past = counted(done, limits, before)
        cluster.apply(done, now)

        assert foreign(cluster) == foreign(before)
        nothing_doubted_ended(reading, before, cluster)
        again = plan(past)
        if done.held:
            cluster.apply(again, now)
            again = plan((*past, *counted(again, limits, before)))
        assert again.is_empty, again.changes
        if is_believed and not done.held:
            Specification(moment, before, now).check(cluster)
