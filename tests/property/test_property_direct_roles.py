"""Random histories of a cluster without access lists, where member roles stand on the users themselves.

Contract: after a pass on readings that are believed, the users who have the member role of a group or an app are those
who are in it in Okta, if it passes the filters, and those to whom others gave the role; roles of other tools, lists and
what is not ours are as they were. A second pass plans nothing; if harm was held, a third one. If a reading is not
believed, no user loses a role for being absent. Harm stays within its limits.

If the edition changes in between, a user keeps a role until a list grants it, and in the end no user has a role of ours
beside a list that grants it.

Space: that of `directory_history`, with an edition for each moment, and tools that give roles, take them off and drop
our label. Oracle: `directory_judge`.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from model.doubts import by_list
from model.harm import limit_of
from model.holdings import having, having_from_us, ours
from property.directory_history import (
    FIRST_MOMENT,
    Moment,
    first_cluster,
    lived,
    moments_of_any_edition,
    moments_without_lists,
)
from property.directory_judge import EVERYTHING, foreign, organisation, wrong, wrongly_ended
from teleport_okta.desired.trust import PEOPLE
from teleport_okta.model.harm import Limits, PastHarm
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import MEMBER
from teleport_okta.plan.owned import owned_objects
from teleport_okta.plan.user_facts import owned_names
from worlds import NOW, ORG
from worlds_directory import held_back, whole_plan

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")
LIMITS = st.sampled_from([Limits(absent=1.0, stated=1.0), Limits(floor=2)])
QUICK = settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow], deadline=None)

FIRST = replace(FIRST_MOMENT, has_lists=False)
QUIET = Moment({}, {}, {}, ((), ()), None, [])


class Play:
    """One history against one cluster."""

    def __init__(self, limits):
        self.limits = limits
        self.now = NOW
        self.cluster = first_cluster()

    def moments(self, history):
        """Go through a history; yield each moment, its reading, and the cluster as the pass of the moment finds it."""
        for moment, reading, now in lived(history, self.cluster, first=FIRST):
            self.now = now
            yield moment, reading, self.cluster.copy()

    def plan(self, reading, past=()):
        whole = whole_plan(
            reading.okta,
            self.cluster,
            people=reading.people,
            settings=reading.settings,
            now=self.now,
            limits=self.limits,
        )
        absences = {PEOPLE: reading.absences(owned_names(self.cluster.users.values(), ORG))}
        return held_back(whole, self.cluster, reading.okta, self.limits, reading.settings, absences=absences, past=past)

    def pass_(self, reading, past=()):
        """Make a pass; return its plan, and the harm that the next one has in its journal."""
        plan = self.plan(reading, past)
        harms = {one.harmed: one.harm for one in plan.changes if one.harm is not None and one.harm.counted}
        self.check_limits(reading, [harm for harm in harms.values() if harm.kind == MEMBER], past)
        self.cluster.apply(plan, self.now)
        done = (PastHarm(one, harm.evidence, counted=True, people=harm.people) for one, harm in harms.items())
        return plan, (*past, *done)

    def check_limits(self, reading, harms, past):
        owned = owned_objects(self.cluster.actual(reading.settings), ORG)[MEMBER]
        gone = {one.harmed.name for one in past if one.harmed.kind == MEMBER} - set(owned)
        for evidence in {harm.evidence for harm in harms}:
            count = sum(harm.evidence is evidence for harm in harms)
            count += sum(one.harmed.kind == MEMBER and one.evidence is evidence for one in past)
            assert count <= limit_of(self.limits)(evidence, len(owned) + len(gone))


@QUICK
@given(st.lists(moments_without_lists, min_size=1, max_size=6), LIMITS)
def test_who_is_in_a_group_has_its_role_and_nobody_else(history, limits):
    play = Play(limits)
    for moment, reading, before in play.moments(history):
        is_believed = reading.is_believed(before)
        first, past = play.pass_(reading)
        assert foreign(play.cluster) == foreign(before)
        assert not wrongly_ended(reading, before, play.cluster)
        again = play.plan(reading, past)
        if first.held:
            _, past = play.pass_(reading, past)
            again = play.plan(reading, past)
        assert again.is_empty, again.changes
        if is_believed and not first.held:
            assert not wrong(moment, before, play.cluster, play.now)


@QUICK
@example(
    [QUIET, QUIET, replace(QUIET, has_lists=False), replace(QUIET, hands=[("end an import", "00gA", "00gA", "ada")])],
    Limits(floor=10, absent=1.0, stated=1.0),
)
@given(st.lists(moments_of_any_edition, min_size=1, max_size=6), LIMITS)
def test_whatever_edition_a_cluster_becomes_nobody_loses_what_okta_grants(history, limits):
    play = Play(limits)
    for moment, reading, before in play.moments(history):
        is_believed = reading.is_believed(before)
        first, past = play.pass_(reading)
        assert foreign(play.cluster) == foreign(before)
        assert not wrongly_ended(reading, before, play.cluster)
        if moment.has_lists and is_believed and not first.held:
            assert not wrong(moment, before, play.cluster, play.now)
            okta = organisation(moment)
            for name in filter(okta.may_have_list, EVERYTHING):
                role = member_role(name)
                had = having(before, role) & okta.people(name) & ours(play.cluster.users, ORG).keys()
                assert had <= having(play.cluster, role) | by_list(play.cluster, name)
        for _ in range(2):
            _, past = play.pass_(reading, past)
        again = play.plan(reading, past)
        assert again.is_empty, again.changes
        if moment.has_lists and is_believed:
            # A role whose end the brake holds stays.
            for name in filter(organisation(moment).may_have_list, EVERYTHING):
                # A membership with an end does not replace the direct role, so that the role stays too.
                lasting = {user for user, one in play.cluster.members.get(name, {}).items() if one.expires is None}
                listed = play.cluster.imported(name) & by_list(play.cluster, name) & lasting
                held = {user for of, _, user in (one.name.partition("/") for one in again.held) if of == name}
                assert not (having_from_us(play.cluster, name, ORG) & listed) - held
