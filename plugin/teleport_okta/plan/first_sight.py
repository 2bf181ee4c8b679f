"""Features that are off in the first answer of a cluster that has objects of ours from them: that is not believed yet.

A process that has just begun does not know whether the cluster lacks a feature or only failed to show it this time
(`teleport/feature_history.py`). If the cluster has something that only this feature can have made, the feature counts
as unknown, and its objects are left as they are. If it has nothing of the kind, nothing can be lost, and off is off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.model import labels
from teleport_okta.plan.changes import APP_SERVER, USER_GROUP

if TYPE_CHECKING:
    from teleport_okta.desired.policy import Imports
    from teleport_okta.plan.actual import ActualDirectory


def doubted_at_first_sight(actual: ActualDirectory, imports: Imports) -> dict[str, str]:
    """Return the kinds that are off at first sight, where that is not believed, with the reason."""
    owner = imports.policy.owner
    servers = [one for one in actual.app_servers.values() if labels.owner_of(one.labels) == owner]
    groups = [one for one in actual.user_groups.values() if labels.owner_of(one.labels) == owner]
    carried = [*(server.labels for server in servers), *(group.labels for group in groups)]
    traces = {
        USER_GROUP: (imports.groups_off, any(server.user_groups for server in servers)),
        APP_SERVER: (imports.apps_off, any(group.applications for group in groups)),
        IMPORT_RULE: (imports.rules_off, any(labels.ADDED_LABELS in one for one in carried)),
    }
    return {
        kind: f"{off}; the cluster is asked again before this is believed (it was asked once)"
        for kind, (off, has_traces) in traces.items()
        if has_traces and kind in imports.off_at_first_sight
    }
