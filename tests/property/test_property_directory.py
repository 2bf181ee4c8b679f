"""Random histories of groups, apps and assignments, planned and applied to a model of a cluster.

Contract: after a pass on readings that are believed, the cluster holds what the model says: user groups and
app servers as if made from scratch, lists with their roles and imported members, and everything that people did to
them. A second pass plans nothing; if harm was held, a third one. What people added is as it was; what is not ours is
equal in every field. If a reading is not believed, nothing ends for being absent. Harm stays within its limits.

Space: a few people who are hired, renamed, suspended and deactivated; groups and apps that come, go, change name, are
filtered, filled, emptied and granted to each other; hands in Teleport that edit, nest, cut back-references, add people
with and without an end, delete lists, roles and user groups; listings and rosters that fail, or lie.

Oracle: `directory_judge`, which does not use plans. `HISTORIES` says how many histories are tried.
"""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model.harm import limit_of
from model.holdings import imported, ours
from property.directory_history import first_cluster, lived, moments, nestings
from property.directory_judge import foreign, wrong, wrongly_ended
from teleport_okta.desired.trust import PEOPLE
from teleport_okta.model.harm import Limits, PastHarm
from teleport_okta.plan.changes import ACCESS_LIST, USER
from teleport_okta.plan.owned import owned_objects
from teleport_okta.plan.user_facts import owned_names
from worlds import ORG
from worlds_directory import held_back, whole_plan

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")


def most_of(kind, evidence, limits, cluster):
    """How much harm of a kind a cluster allows."""
    limit, owned = limit_of(limits), {USER: ours(cluster.users, ORG), **owned_objects(cluster.actual(), ORG)}
    if kind != ACCESS_LIST:
        return limit(evidence, len(owned.get(kind, owned[USER])))
    sizes = [max(1, len(imported(cluster, name))) for name in owned[kind]]
    return max(limit(evidence, sum(sizes)), *(size for size in sizes if size <= limits.floor), 0)


def counted(plan, limits, *clusters):
    """Return the harm of a plan as the next pass has it in its journal; assert that the limits allow it.

    The limits of one of the clusters must: a small list may end at once, and one may be small after its leavers left.
    """
    harms = {change.harmed: change.harm for change in plan.changes if change.harm and change.harm.counted}
    counts = Counter()
    for one, harm in harms.items():
        counts[one.kind, harm.evidence] += harm.people
    for (kind, evidence), count in counts.items():
        assert count <= max(most_of(kind, evidence, limits, cluster) for cluster in clusters)
    return tuple(PastHarm(harmed, harm.evidence, counted=True, people=harm.people) for harmed, harm in harms.items())


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    nestings,
    st.lists(moments, min_size=1, max_size=6),
    st.sampled_from([Limits(absent=1.0, stated=1.0), Limits(floor=2)]),
)
def test_every_history_converges_and_leaves_alone_what_is_not_ours(nestings, history, limits):
    cluster = first_cluster()
    for moment, reading, now in lived(history, cluster, nestings=nestings):
        before = cluster.copy()
        is_believed = reading.is_believed(before)

        def plan(past=(), reading=reading, now=now, before=before):
            facts = {"people": reading.people, "settings": reading.settings}
            unbraked = whole_plan(reading.okta, cluster, now=now, limits=limits, **facts)
            absences = {PEOPLE: reading.absences(owned_names(before.users.values(), ORG))}
            return held_back(unbraked, cluster, reading.okta, limits, absences=absences, past=past)

        done = plan()
        past = counted(done, limits, before)
        cluster.apply(done, now)

        assert foreign(cluster) == foreign(before)
        assert not wrongly_ended(reading, before, cluster)
        again = plan(past)
        if done.held:
            between = cluster.copy()
            cluster.apply(again, now)
            again = plan((*past, *counted(again, limits, before, between)))
        assert again.is_empty, again.changes
        if is_believed and not done.held:
            assert not wrong(moment, before, cluster, now)
