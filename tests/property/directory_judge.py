"""Judges a cluster after a pass over a moment of a random history, by the model (`model.directory`, `model.doubts`)."""

from __future__ import annotations

from model.directory import DirectoryModel, Terms
from model.doubts import DoubtModel
from model.holdings import ours
from model.organisation import OktaObject, Organisation
from property.directory_history import APP_IDS, FOREIGN_LIST, GROUP_IDS, MANUAL_LIST, NAMES
from teleport_okta.model import labels
from worlds import ORG, POLICY

EVERYTHING = (*GROUP_IDS, *APP_IDS)


def organisation(moment):
    """Return what Okta says in a moment, if it is read without trouble."""
    names = names_in_okta(moment)
    group_filters, app_filters = moment.filters

    def people(ids):
        return frozenset(names[okta_id] for okta_id in ids if okta_id in names)

    groups = {
        okta_id: OktaObject(name, people(ids), passes=not group_filters or name == "Engines", grants=grants)
        for okta_id, (name, ids, grants) in moment.groups.items()
    }
    apps = {
        okta_id: OktaObject(label, people(ids), passes=not app_filters or label == "Git", links=links)
        for okta_id, (label, ids, status, links) in moment.apps.items()
        if status == "ACTIVE" and links
    }
    return Organisation(ORG, groups, apps)


def names_in_okta(moment):
    """Return the names of the people who should be users, by Okta id."""
    return {okta_id: NAMES[okta_id][at] for okta_id, (at, status) in moment.people.items() if status != "DEPROVISIONED"}


def model(moment, before, after, now):
    """Return the model of a pass over a moment whose readings are believed."""
    terms = Terms(("olga",), POLICY.default_roles, has_lists=moment.has_lists)
    return DirectoryModel(organisation(moment), terms, before, after, now)


def wrong(moment, before, after, now):
    """Return what is wrong after such a pass."""
    users = {labels.okta_id_of(user.labels): name for name, user in ours(after.users, ORG).items()}
    wanted = names_in_okta(moment)
    return [
        *([] if users == wanted else [f"users: {users} instead of {wanted}"]),
        *model(moment, before, after, now).wrong(),
    ]


def wrongly_ended(reading, before, after):
    """Return what ended for being absent from a reading that is not believed."""
    moment = reading.moment
    missing = set(reading.malformed)
    if reading.doubts_groups:
        missing |= set(GROUP_IDS) - moment.groups.keys()
    if reading.doubts_apps:
        missing |= set(APP_IDS) - moment.apps.keys()
    unread = {name for name, lie in reading.lies.items() if lie != "grants lie" and name in moment.groups}
    doubts = map(frozenset, (missing, unread, reading.lies))
    return list(DoubtModel(organisation(moment), *doubts, before, after).wrong())


def foreign(cluster):
    """Return everything that is not ours, and the members that people added to it."""
    kinds = (cluster.users, cluster.roles, cluster.user_groups, cluster.lists)
    objects = {
        (number, name): one
        for number, kind in enumerate(kinds)
        for name, one in kind.items()
        if labels.owner_of(one.labels) != ORG
    }
    return objects | {name: cluster.members.get(name, {}) for name in (MANUAL_LIST, FOREIGN_LIST)}
