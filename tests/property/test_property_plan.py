"""Random histories of an organisation, planned and applied to a model of a cluster.

Contract: after a pass on a listing that is believed, the cluster holds exactly the users that the listing wants, made
from scratch; a second pass plans nothing; what is not ours is as it was; if a listing is not believed, no user ends for
being absent; and a person is locked exactly while suspended. What the brake holds stays as it was, and no hour brings
more harm than its limits allow; if harm was held, the third pass plans nothing.

Space: a few people who are hired, renamed, suspended, deactivated, unassigned and rehired under a few names, which
collide with each other in case, with names that Teleport refuses, and with users of other owners; hands that delete,
strip or expire users in Teleport; hours that pass, so that locks run out.

Oracle: `model.holders` says for each name who may have it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from model.harm import HarmLedger, limit_of
from model.holders import Contender, NamesBefore
from model.holdings import ours
from model.people import Wanted, wrong_user
from teleport_okta.desired.trust import judge_absences
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Limits, PastHarm
from teleport_okta.model.names import lock_name, name_problem
from teleport_okta.model.teleport import TeleportUser
from teleport_okta.plan.changes import LOCK, USER
from worlds import NOW, ORG, braked, listing, person, planned
from worlds_directory import Cluster

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")

IDS = ["00uA", "00uB", "00uC", "00uD"]
NAMES = ["ada@x.io", "Ada@x.io", "bob@x.io", "cy@x.io", "local@x.io", "o'neil@x.io", None]
USABLE = {"ACTIVE", "LOCKED_OUT", "SUSPENDED"}
STATUSES = ["ACTIVE", "ACTIVE", "ACTIVE", "LOCKED_OUT", "STAGED", "SUSPENDED", "DEPROVISIONED", "HIBERNATING"]

OWN_NAMES = dict(zip(IDS, ["ada@x.io", "bob@x.io", "cy@x.io", "dan@x.io"], strict=True))

rows = {
    okta_id: st.tuples(
        st.sampled_from([name] * 6 + NAMES), st.sampled_from(STATUSES), st.sampled_from(["Engines", "Looms"])
    )
    for okta_id, name in OWN_NAMES.items()
}
people = st.fixed_dictionaries({}, optional=rows) | st.fixed_dictionaries(rows)
troubles = st.sampled_from([{}, {}, {}, {"incomplete": "page 2 failed"}, {"untrusted": "a row has no id"}])
hands = st.lists(st.tuples(st.sampled_from(["delete", "strip roles", "expire", "nothing"]), st.sampled_from(NAMES[:5])))
moments = st.tuples(people, troubles, hands, st.sampled_from([0, 1, 16, 31]))


def meddle(cluster, hands):
    """Do what other clients do to users of ours."""
    for deed, name in hands:
        user = ours(cluster.users, ORG).get(name)
        if user is None:
            continue
        if deed == "delete":
            del cluster.users[name]
        elif deed == "strip roles":
            cluster.users[name] = replace(user, roles=())
        elif deed == "expire":
            cluster.users[name] = replace(user, expires=NOW)


def owned_in(cluster):
    """Return our users by name, with their Okta ids."""
    return {name: labels.okta_id_of(user.labels) for name, user in ours(cluster.users, ORG).items()}


def rightful(facts, before, now):
    """Map each name to the Okta id that must have it after a pass whose absences are believed."""
    owned = owned_in(before)
    locked = {(lock.user, labels.okta_id_of(lock.labels)) for lock in before.locks.values() if lock.in_force(now)}
    names = NamesBefore(owned, frozenset(before.users.keys() - owned.keys()), frozenset(locked))
    contenders = [
        Contender(p.okta_id, p.name, is_settled=p.status in USABLE)
        for p in facts
        if p.status in USABLE | {"STAGED"} and not name_problem(p.name or "")
    ]
    result = {one.name: one.okta_id for one in contenders if names.may_have(one, contenders)}
    waiting = {p.okta_id for p in facts if p.status != "DEPROVISIONED"} - set(result.values())
    return result | {name: okta_id for name, okta_id in owned.items() if okta_id in waiting}


def foreign(cluster):
    return {name: user for name, user in cluster.users.items() if labels.owner_of(user.labels) != ORG}


LIMITS = [Limits(absent=1.0, stated=1.0), Limits(), Limits(floor=1, absent=0.1, stated=0.5)]
"""A third of so few people is one, so the usual limits hold much; with the first ones everybody may leave at once."""


def past_harm(ledger, now):
    """Return the harm of the last hour as the journal would have it."""
    return tuple(PastHarm(one.harmed, Evidence(one.evidence), counted=True) for one in ledger.within_hour(now))


def note_harm(ledger, plan, owned, now):
    """Note the harm of a plan for `owned` users, and assert that the hour has room for it."""
    harms = {change.harmed: change.harm for change in plan.changes if change.harm and change.harm.counted}
    deeds = [ledger.add(harmed, harm.evidence, now) for harmed, harm in harms.items()]
    ended = {one.harmed.name for one in ledger.within_hour(now) if one.harmed.kind == USER}
    assert not [excess for deed in deeds if (excess := ledger.excess(deed, of=owned.keys() | ended))]


def may_end(name, okta_id, row, owned):
    """Whether a row says that a user ends: the person left, or has another name that is free or theirs already."""
    if row is None:
        return False
    return row.status == "DEPROVISIONED" or (row.name != name and owned.get(row.name, okta_id) == okta_id)


def all_active(**names):
    return {f"00u{who}": (name, "ACTIVE", "Engines") for who, name in names.items()}


@settings(max_examples=HISTORIES, deadline=None)
@example(
    # A person with two users gets the first name back while the listing is incomplete: the second user ends.
    history=[
        (all_active(A="ada@x.io", B="bob@x.io", C="cy@x.io", D="dan@x.io"), {}, [], 0),
        (all_active(A="bob@x.io", B="cy@x.io", C="Ada@x.io", D="dan@x.io"), {}, [("delete", "bob@x.io")], 0),
        (all_active(A="ada@x.io", D="dan@x.io", C="cy@x.io"), {"incomplete": "page 2 failed"}, [], 1),
    ],
    limits=Limits(floor=10, absent=0.1, stated=0.25),
)
@given(history=st.lists(moments, min_size=1, max_size=8), limits=st.sampled_from(LIMITS))
def test_every_history_converges_and_harms_nobody(history, limits):
    now = NOW
    cluster = Cluster(users={"local@x.io": TeleportUser("local@x.io", roles=("admin",))})
    ledger = HarmLedger(limit_of(limits))
    baseline = None
    for rows, trouble, hands, hours in history:
        now += timedelta(hours=hours)
        meddle(cluster, hands)
        facts = [
            person(okta_id, name, status=status, profile={"login": name or "", "department": department})
            for okta_id, (name, status, department) in rows.items()
        ]
        snapshot = listing(*facts, **trouble)
        before = cluster.copy()
        owned = owned_in(cluster)
        absences = judge_absences(snapshot, app=None, baseline=baseline, owned_count=len(owned), limits=limits)

        def plan(snapshot=snapshot, absences=absences, now=now):
            unbraked = planned(snapshot, cluster.users.values(), cluster.locks.values(), now=now)
            past = past_harm(ledger, now)
            return braked(unbraked, owned=owned_in(cluster), absences=absences, limits=limits, past=past)

        done = plan()
        note_harm(ledger, done, owned, now)
        cluster.apply(done, now)

        assert foreign(cluster) == foreign(before)
        if done.held:
            # People who came in the first pass count in the second, which may have more room.
            done = plan()
            note_harm(ledger, done, owned_in(cluster), now)
            cluster.apply(done, now)
        again = plan()
        assert again.is_empty, again.changes
        held = {(one.kind, one.name): one.okta_id for one in again.held}
        holders = owned_in(cluster)
        assert {name: okta_id for (kind, name), okta_id in held.items() if kind == USER}.items() <= holders.items()
        if not absences.believed:
            rows_of = {p.okta_id: p for p in facts}
            stays = {name for name, okta_id in owned.items() if not may_end(name, okta_id, rows_of.get(okta_id), owned)}
            assert stays <= set(cluster.users)
            continue
        if not any(one.evidence is Evidence.ABSENT for one in again.held):
            baseline = len(facts)
        staying = {name: okta_id for (kind, name), okta_id in held.items() if kind == USER}
        assert holders == rightful(facts, before, now) | staying
        for p in facts:
            user = cluster.users.get(p.name)
            if user and labels.okta_id_of(user.labels) == p.okta_id and p.status in USABLE:
                assert not list(wrong_user(user, Wanted(p.okta_id, {"okta/department": p.profile["department"]})))
                lock = cluster.locks.get(lock_name(p.name, p.okta_id))
                is_locked = lock is not None and lock.in_force(now)
                assert is_locked is (p.status == "SUSPENDED" and (LOCK, p.name) not in held)
