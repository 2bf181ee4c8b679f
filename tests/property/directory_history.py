"""Histories of an organisation and of a cluster's people, for the property test of groups, apps and access lists.

A `Moment` is the situation of one pass, a `Reading` what both systems return in it, which may be doubtful or wrong;
`Hands` are what people do in Teleport in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st
from teleport_okta.desired.trust import doubted_rosters, judge_absences
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember, TeleportUserGroup
from teleport_okta.model.harm import Limits
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.model.okta import MalformedRow
from teleport_okta.model.teleport import RoleAllow, TeleportRole, TeleportUser
from teleport_okta.plan.user_facts import owned_names
from worlds import NOW, ORG, listing, person
from worlds_directory import Cluster, app, group, imports, nested, organization, unread

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
FIRST_APPS = {
    "0oaX": ("Git", frozenset({"00uB"}), "ACTIVE", LINKS[0]),
    "0oaY": ("Wiki", frozenset(), "ACTIVE", LINKS[1]),
}

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
malformed = st.frozensets(st.sampled_from([*GROUP_IDS, *APP_IDS]), max_size=2)
doubts = st.one_of(st.none(), st.tuples(trouble, trouble, trouble, lies, malformed))
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
                "nest for a day",
                "cut back-references",
                "delete the list",
                "lose the list",
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
                "give the role",
                "take off the role",
                "lose the label",
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
    """The situation of one pass; in a history, only its news. `has_lists`: the cluster is no Community edition."""

    people: dict
    groups: dict
    apps: dict
    filters: tuple
    doubts: tuple | None
    hands: list
    has_lists: bool = True

    def followed_by(self, then):
        """Return the situation of the next pass, after the news of `then`."""
        pairs = ((self.people, then.people), (self.groups, then.groups), (self.apps, then.apps))
        state = [{key: row for key, row in (before | news).items() if row is not None} for before, news in pairs]
        return replace(then, people=state[0], groups=state[1], apps=state[2])


FIRST_MOMENT = Moment(FIRST_PEOPLE, FIRST_GROUPS, FIRST_APPS, ((), ()), None, [])

nestings = st.lists(st.tuples(st.just("nest"), *[st.sampled_from(LISTS)] * 2, st.just("")), max_size=2)
moments = st.builds(Moment, people, groups, apps, filters, doubts, hands)
moments_without_lists = st.builds(Moment, people, groups, apps, filters, doubts, hands, st.just(False))
moments_of_any_edition = st.one_of(moments, moments_without_lists)


def first_cluster():
    """A cluster in which others have objects of names that we will want, and a list of their own."""
    cluster = Cluster(users={"local": TeleportUser("local", roles=("admin",))})
    cluster.user_groups[FOREIGN_USER_GROUP] = TeleportUserGroup(FOREIGN_USER_GROUP, {labels.ORIGIN: "okta"}, ("x",))
    for name in (FOREIGN_LIST, MANUAL_LIST):
        cluster.lists[name] = TeleportAccessList(name, "By hand", grants=("access",), owners=(ListOwner("olga"),))
    cluster.roles |= {name: TeleportRole(name) for name in ("access", FOREIGN_ROLE)}
    return cluster


class Hands:
    """What people do in Teleport, as far as a server allows it."""

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
            case "nest" | "nest for a day" if found and other in self.cluster.lists and not self.reaches(other, name):
                expires = None if deed == "nest" else self.now + timedelta(days=1)
                self.cluster.add(name, nested(other, expires=expires, added_by="olga"))
            case "take out" if other in self.cluster.members.get(name, {}):
                del self.cluster.members[name][other]
                self.cluster.member_of[other].discard(name)
            case "cut back-references":
                self.cluster.member_of[name].clear()
            case "delete the list" | "lose the list" if name not in {MANUAL_LIST, FOREIGN_LIST}:
                if deed == "lose the list":
                    self.cluster.member_of[name].clear()
                self.cluster.delete_by_hand(name)
            case "retitle" if found:
                self.cluster.lists[name] = replace(found, title="Ours", description="we")
            case "give away" if found:
                self.cluster.lists[name] = replace(found, owners=(ListOwner("zoe"),))
            case "require" if found:
                self.cluster.lists[name] = replace(found, has_requirements=not found.has_requirements)
            case "empty the grants" if found:
                self.cluster.lists[name] = replace(found, grants=())
            case "delete the role" if name != "00gE" and not self.has_role(name):
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
            case "give the role" | "take off the role" | "lose the label" if user in self.cluster.users:
                self.edit_roles(deed, user, member_role(name))

    def has_role(self, name):
        """Whether a user has a member role: then a server refuses to delete it."""
        return any(member_role(name) in user.roles for user in self.cluster.users.values())

    def edit_roles(self, deed, name, role):
        """Change the member roles of a user as another tool may."""
        user = self.cluster.users[name]
        match deed:
            case "give the role" if role in self.cluster.roles and role not in user.roles:
                user = replace(user, roles=(*user.roles, role))
            case "take off the role":
                user = replace(user, roles=tuple(one for one in user.roles if one != role))
            case "lose the label":
                user = replace(user, labels={k: v for k, v in user.labels.items() if k != labels.DIRECT_ROLES})
        self.cluster.users[name] = user

    def reaches(self, name, goal):
        """Whether a list is another one, or has the other nested in it."""
        inside = (one.name for one in self.cluster.members.get(name, {}).values() if one.is_list)
        return name == goal or any(self.reaches(child, goal) for child in inside)


class Reading:
    """What both systems return in one moment, and what of it is wrong."""

    def __init__(self, moment):
        self.moment = moment
        of_people, of_groups, of_apps, lies, malformed = moment.doubts or ({}, {}, {}, {}, frozenset())
        self.malformed = malformed & (moment.groups.keys() | moment.apps.keys())
        self.lies = {name: lie for name, lie in lies.items() if self._is_lie(lie, *moment.groups.get(name, (0, 0, 0)))}
        self.doubts_groups, self.doubts_apps = bool(of_groups), bool(of_apps)
        without_lists = {"lists_off": "there are none", "reviews": False, "gives_roles": True}
        self.settings = imports(
            group_filters=moment.filters[0],
            app_filters=moment.filters[1],
            **({} if moment.has_lists else without_lists),
        )
        self.people = listing(
            *(person(okta_id, NAMES[okta_id][at], status=status) for okta_id, (at, status) in moment.people.items()),
            **of_people,
        )
        self.okta = organization(
            *(
                self._group(okta_id, *fields)
                for okta_id, fields in moment.groups.items()
                if okta_id not in self.malformed
            ),
            *(
                app(okta_id, label, direct, status=status, links=links)
                for okta_id, (label, direct, status, links) in moment.apps.items()
                if okta_id not in self.malformed
            ),
            malformed_groups=[MalformedRow(one, "odd") for one in self.malformed if one in GROUP_IDS],
            malformed_apps=[MalformedRow(one, "odd") for one in self.malformed if one in APP_IDS],
            groups=of_groups,
            apps=of_apps,
        )

    @staticmethod
    def _is_lie(lie, _, members, grants):
        """Whether the group has anything that could be missing from the reading."""
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
        return not (doubted or empty or failing or self.malformed) and self.absences(owned).believed


def lived(history, cluster, *, first=FIRST_MOMENT, nestings=()):
    """Yield each moment of a history, its reading and its time, after people have acted on a cluster.

    In a moment in which people do nothing else they nest lists, if there are any of ours: these `nestings`.
    """
    now, moment = NOW, first
    for then in [first, *history]:
        now += timedelta(hours=40)
        moment = moment.followed_by(then)
        cluster.has_lists = moment.has_lists
        for deed in moment.hands or (nestings if cluster.lists.keys() > {MANUAL_LIST, FOREIGN_LIST} else ()):
            Hands(cluster, now).do(*deed)
        yield moment, Reading(moment), now


def has(cluster, prefix):
    """Whether a cluster has anything of ours that is made of groups, or of apps."""
    servers = [one for one in cluster.app_servers.values() if prefix == "0oa"]
    return bool(servers) or any(
        labels.owner_of(one.labels) == ORG and (labels.okta_id_of(one.labels) or "").startswith(prefix)
        for one in (*cluster.user_groups.values(), *cluster.lists.values())
    )
