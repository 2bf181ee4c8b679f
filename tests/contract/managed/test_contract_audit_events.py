"""The events that the host identity adds to Teleport's audit log, as the cluster has them afterwards."""

from __future__ import annotations

import pytest
from teleport_okta.model.audit_event import AccessListsSynced, ResourcesSynced

WIDE = ("\N{GRINNING FACE}" * 500, "\x07" * 500)
"""Texts that need four bytes a character, and six when they are escaped."""


@pytest.fixture
async def log(managed):
    """The audit log of a cluster that a service of ours has joined, and the service's way to it."""
    managed.hire("ada@x.io")
    managed.install(appgroup_sync=False)
    await managed.start()
    await managed.until(lambda: managed.status().code == 1, "it runs")
    return managed.teleport.cluster.audit_log, managed.service._base.teleport.audit_log


@pytest.mark.parametrize("is_of_apps", [True, False])
@pytest.mark.parametrize("text", WIDE, ids=["emoji", "control characters"])
async def test_a_large_event_is_split_because_a_server_refuses_it_whole(log, is_of_apps, text):
    stored, ours = log
    stored.clear()
    ids = [(f"00g{number:04}", text) for number in range(1000)]
    await ours.emit(ResourcesSynced(is_of_apps, tuple(ids[:500]), tuple(ids[500:600]), tuple(ids[600:])))
    events = stored.of("okta.applications.update" if is_of_apps else "okta.groups.update")
    assert len(events) > 1
    found = [event.Updated for event in events]
    assert [sum(getattr(one, field) for one in found) for field in ("Added", "Updated", "Deleted")] == [500, 100, 400]
    named = [
        one.ID
        for update in found
        for one in (*update.AddedResources, *update.UpdatedResources, *update.DeletedResources)
    ]
    assert sorted(named) == [okta_id for okta_id, _ in ids]
    assert {event.Server.ServerID for event in events} != {""}
    assert {event.Metadata.Code for event in events} == {"TOK002I" if is_of_apps else "TOK001I"}


@pytest.mark.parametrize(("error", "code"), [("", "TOK006I"), ("lists: 403", "TOK006E")])
async def test_the_event_of_access_lists_has_every_count(log, error, code):
    stored, ours = log
    await ours.emit(
        AccessListsSynced(app_filters=1, group_filters=2, apps=3, groups=4, roles=5, lists=6, members=7, error=error)
    )
    [event] = stored.of("okta.access_list.sync")
    assert (event.num_app_filters, event.num_group_filters, event.num_apps, event.num_groups) == (1, 2, 3, 4)
    assert (event.numRoles, event.numAccessLists, event.numAccessListMembers) == (5, 6, 7)
    assert (event.Metadata.Code, event.Status.Success, event.Status.Error) == (code, not error, error)
