"""The content of a list of ours: our labels and grants, and everything else as people left it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.groups_and_apps import APP
from teleport_okta.desired.import_labels import NO_LABELS
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportAccessList
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.plan import object_labels

if TYPE_CHECKING:
    from teleport_okta.desired.groups_and_apps import Candidate
    from teleport_okta.desired.policy import Imports


def list_content(candidate: Candidate, found: TeleportAccessList | None, imports: Imports) -> TeleportAccessList:
    """Return the list of a candidate. If it was found, fields that are not ours stay.

    The title and the description follow Okta until people edit them: labels have the texts that we set last.
    """
    name_label, description_label = (
        (labels.GROUP_NAME, labels.GROUP_DESCRIPTION)
        if candidate.of != APP
        else (labels.APP_NAME, labels.APP_DESCRIPTION)
    )
    described = {name_label: candidate.name}
    if candidate.description:
        described[description_label] = candidate.description
    owned = object_labels.ours(candidate.okta_id, imports.policy) | described
    base = found or TeleportAccessList(
        candidate.okta_id,
        candidate.name,
        description=candidate.description,
        owners=tuple(ListOwner(owner) for owner in imports.default_owners),
    )
    title, description = base.title, base.description
    if found is not None:
        if found.title == found.labels.get(name_label):
            title = candidate.name
        if found.description == found.labels.get(description_label, ""):
            description = candidate.description
    content = replace(
        base,
        labels=object_labels.labelled(base.labels, owned, NO_LABELS, imports.policy),
        title=title,
        description=description,
    )
    if candidate.is_pushed:
        return content
    return replace(content, grants=(member_role(candidate.okta_id),), owner_grants=(reviewer_role(candidate.okta_id),))
