"""A cluster to which an organisation was synced, and a cleanup of it."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.cleanup.holdings import Holdings
from teleport_okta.cleanup.inventory import Options, take_inventory
from teleport_okta.cleanup.ownership import Claim
from teleport_okta.cleanup.plan import plan_cleanup
from teleport_okta.model import labels
from teleport_okta.plan.plan import Plan
from worlds import NOW, ORG, ORG_URL
from worlds_directory import ADA, BOB, CY, HOST, Cluster, app, group, organization, synced

OKTA = organization(
    group("00gENG", members=[ADA, BOB], grants=["0oaWIKI"]),
    group("00gOPS", members=[CY]),
    app("0oaGIT", direct=[ADA]),
    app("0oaWIKI"),
)
OURS = Claim(ORG, (ORG_URL,))
VENDOR = {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: ORG_URL}


def office() -> Cluster:
    """Ada, Bob and Cy with two groups and two apps, as a pass leaves them."""
    return synced(OKTA)


def holdings(cluster: Cluster, **more: object) -> Holdings:
    """What is read of a cluster; fields that the model has not as keywords."""
    actual = cluster.actual()
    fields = {
        "users": dict(cluster.users),
        "locks": dict(cluster.locks),
        "roles": dict(cluster.roles),
        "user_groups": dict(cluster.user_groups),
        "app_servers": (*cluster.app_servers.values(), *cluster.other_app_servers),
        "access_lists": actual.access_lists,
        "members": actual.members,
    }
    return Holdings(**(fields | more))


def inventory(cluster, *, claim=OURS, has_bot=True, more=None, now=NOW, **options):
    """What goes of a cluster, and what stays."""
    return take_inventory(
        holdings(cluster, **(more or {})),
        claim,
        Options(**options),
        default_roles=("okta-requester",),
        host_id=HOST,
        has_bot=has_bot,
        now=now,
    )


def planned(cluster, *, approval="", now=NOW, **how):
    """The plan of a cleanup."""
    taken = inventory(cluster, now=now, **how)
    return plan_cleanup(taken, holdings(cluster, **(how.get("more") or {})), owner=ORG, now=now, approval=approval)


def carried_out(cluster, plan, phases=None):
    """A cluster after these phases of a plan, or after all; raises AssertionError where a server would refuse."""
    after = cluster.copy()
    for phase in plan.phases[:phases]:
        after.apply(Plan(changes=phase))
    return after


def removed(taken, kind):
    """The names of what goes of a kind."""
    return {one.name for one in taken.removals[kind]}


def kept(taken, kind):
    """What stays of a kind: name to reason."""
    return {row.name: row.why for row in taken.kept if row.kind == kind}


def disowned(one):
    """The same object without our label."""
    return replace(one, labels={key: value for key, value in one.labels.items() if key != labels.OWNER})


def owned_by_others(cluster):
    """Everything in a cluster that does not carry our label."""
    held = {
        "users": cluster.users,
        "locks": cluster.locks,
        "roles": cluster.roles,
        "groups": cluster.user_groups,
        "servers": {
            (one.host_id, one.name): one for one in (*cluster.app_servers.values(), *cluster.other_app_servers)
        },
        "lists": cluster.lists,
    }
    return {
        (kind, name): one
        for kind, found in held.items()
        for name, one in found.items()
        if labels.owner_of(one.labels) != ORG
    }
