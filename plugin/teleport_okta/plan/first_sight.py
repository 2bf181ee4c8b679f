"""What is off at first sight and left traces of ours: one answer is too little to believe that.

A process that has just begun cannot tell a feature that the cluster does not have from one that it did not show this
once (`teleport/feature_history.py`). Where the cluster holds what only this feature can have brought, it is unknown,
and left as it is; where it holds nothing of the kind, nothing can be taken away, and off is off.
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
    """Return the kinds that are off at first sight and must not be believed to be, with the reason."""
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
        kind: f"{off}; it is asked again before that is believed (the cluster has been asked once)"
        for kind, (off, has_traces) in traces.items()
        if has_traces and kind in imports.off_at_first_sight
    }
