"""Labels of objects of groups and apps: ours, those that Teleport's tools show, and those of import rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.desired.import_labels import RuleLabels
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.directory import OktaGroup
    from teleport_okta.model.okta import OktaApp


def ours(okta_id: str, policy: Policy) -> dict[str, str]:
    """Return the labels with the owner of an object, and the group or app of the object."""
    return {labels.OWNER: policy.owner, labels.OKTA_ID: okta_id, labels.ORIGIN: labels.ORIGIN_OKTA}


def of_app(app: OktaApp) -> dict[str, str]:
    """Return the labels that describe an app."""
    described = {labels.APP_ID: app.id, labels.APP_NAME: app.label or app.id}
    return described | ({labels.APP_DESCRIPTION: app.description} if app.description else {})


def of_group(group: OktaGroup) -> dict[str, str]:
    """Return the labels that describe a group."""
    described = {labels.GROUP_ID: group.id, labels.GROUP_NAME: group.name or group.id}
    return described | ({labels.GROUP_DESCRIPTION: group.description} if group.description else {})


def labelled(found: Mapping[str, str], owned: Mapping[str, str], rules: RuleLabels, policy: Policy) -> dict[str, str]:
    """Return the labels that an object should have: `owned`, those that rules add, and those that people set.

    The keys that rules added are in a label of the object itself. So a label is removed when its rule is, and stays
    while the rule cannot be read. The address of the organisation is set once and kept: otherwise a new custom domain
    would change every object.
    """
    before = set(found.get(labels.ADDED_LABELS, "").split(","))
    unsettled = {key: found[key] for key in before if key in found and rules.leaves(key)}
    added = {**rules.added, **unsettled}
    kept = {key: value for key, value in found.items() if key not in before and key not in _DESCRIPTIONS}
    wanted = {labels.OKTA_ORG: policy.organization_url, **kept, **added, **owned}
    wanted.pop(labels.ADDED_LABELS, None)
    if added:
        wanted[labels.ADDED_LABELS] = ",".join(sorted(added))
    return wanted


_DESCRIPTIONS = frozenset({labels.APP_DESCRIPTION, labels.GROUP_DESCRIPTION})
"""Labels that an object has only while Okta has a description."""
