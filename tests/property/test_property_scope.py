"""Random histories, planned by scope.

Contract: the plan of a scope is what the full plan says of it, in the same order. Settling one user, one group and one
app after the other, in any order, comes to an end, and to the same result as full plans.

Space: that of `directory_history`, clusters with and without access lists and those that change, and scopes of its ids.
"""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from property.directory_history import (
    APP_IDS,
    GROUP_IDS,
    NAMES,
    first_cluster,
    lived,
    moments,
    moments_of_any_edition,
    moments_without_lists,
)
from teleport_okta.desired.groups_and_apps import desired_directory
from teleport_okta.desired.import_labels import ImportLabels
from teleport_okta.desired.people import desired_users
from teleport_okta.model.scope import Scope
from teleport_okta.plan.actual import ActualUsers
from teleport_okta.plan.groups_and_apps import plan_directory
from teleport_okta.plan.holders import holders_after, known_users
from teleport_okta.plan.scope_filter import covers, restricted, within
from teleport_okta.plan.user_facts import owned_names
from teleport_okta.plan.users import plan_users
from worlds import ORG, POLICY
from worlds_directory import whole_plan

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")

scopes = st.builds(
    Scope,
    users=st.frozensets(st.sampled_from(list(NAMES))),
    groups=st.frozensets(st.sampled_from(GROUP_IDS)),
    apps=st.frozensets(st.sampled_from(APP_IDS)),
)
scopes_in_order = st.permutations(
    [
        *(Scope.of(users=[one]) for one in NAMES),
        *(Scope.of(groups=[one]) for one in GROUP_IDS),
        *(Scope.of(apps=[one]) for one in APP_IDS),
    ]
)
histories = st.one_of(
    st.lists(of_one, min_size=1, max_size=3) for of_one in (moments, moments_without_lists, moments_of_any_edition)
)


def readings(history):
    """The reading of each moment, its time, and the cluster as the moment finds it."""
    cluster = first_cluster()
    return ((reading, now, cluster) for _, reading, now in lived(history, cluster))


def applied(reading, cluster, now):
    cluster.apply(whole_plan(reading.okta, cluster, people=reading.people, settings=reading.settings, now=now), now)


def has_lost_a_nested_list(cluster):
    return any(
        other.is_list and other.name not in cluster.lists
        for members in cluster.members.values()
        for other in members.values()
    )


def rows(plan, scope):
    return [row for row in plan.quarantined if covers(scope, row.kind, row.name, row.okta_id)]


def in_one_order(found):
    return sorted(found, key=lambda change: (change.kind, change.label, change.action, change.reason))


def in_any_order(users):
    """Users with their roles sorted: the order of member roles depends on which group was settled first."""
    return {name: replace(user, roles=tuple(sorted(user.roles))) for name, user in users.items()}


def changes(plan, scope):
    return list(restricted(plan.changes, scope))


@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(histories, scopes)
def test_the_plan_of_a_scope_is_what_the_full_plan_says_of_it(history, scope):
    for reading, now, cluster in readings(history):
        actual = ActualUsers(cluster.users, cluster.locks)
        owned = owned_names(cluster.users.values(), ORG)
        full = plan_users(desired_users(reading.people, POLICY, owned), actual, POLICY, now=now)
        of_scope = plan_users(desired_users(reading.people, POLICY, owned, scope), actual, POLICY, now=now, scope=scope)
        assert list(of_scope.changes) == changes(full, scope)
        assert list(of_scope.quarantined) == rows(full, scope)

        desired = desired_directory(reading.okta, reading.settings, ImportLabels(cluster.rules))
        holders = holders_after(full, known_users(cluster.users.values(), ORG))
        directory = (desired, cluster.actual(reading.settings), holders, reading.settings)
        full = plan_directory(*directory, now=now)
        of_scope = plan_directory(*directory, now=now, scope=scope)
        # Lists that are not nested in each other come in either order.
        assert in_one_order(of_scope.changes) == in_one_order(changes(full, scope))
        assert list(of_scope.quarantined) == rows(full, scope)
        applied(reading, cluster, now)


@settings(max_examples=max(20, HISTORIES // 4), suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(histories, scopes_in_order)
def test_settling_one_key_after_the_other_ends_where_full_plans_end(history, order):
    for reading, now, cluster in readings(history):
        # Whether a lost list is nested in the other again depends on which of the two is settled first.
        is_believed = reading.is_believed(cluster) and not has_lost_a_nested_list(cluster)
        by_key = cluster.copy()
        for _ in range(3):
            for scope in order:
                plan = whole_plan(
                    reading.okta, by_key, people=reading.people, settings=reading.settings, now=now, scope=scope
                )
                assert all(within(scope, change) for change in plan.changes)
                by_key.apply(plan, now)
        full = whole_plan(reading.okta, by_key, people=reading.people, settings=reading.settings, now=now)
        assert not [change for scope in order for change in changes(full, scope)]
        for _ in range(3):
            # Only a full plan ends what belongs to no key, such as a membership without a user.
            applied(reading, by_key, now)
            applied(reading, cluster, now)
        if not is_believed:
            continue  # what a doubted reading leaves as it was found depends on what was done before
        assert by_key.actual(reading.settings) == cluster.actual(reading.settings)
        assert in_any_order(by_key.users) == in_any_order(cluster.users)
        assert by_key.locks == cluster.locks
