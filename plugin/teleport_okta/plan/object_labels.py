"""Labels of what is made of groups and apps: ours, the vendor's that Teleport's tools show, and those of rules."""

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
    """Return the labels that say whose an object is, and what it stands for."""
    return {labels.OWNER: policy.owner, labels.OKTA_ID: okta_id, labels.ORIGIN: labels.ORIGIN_OKTA}


def of_app(app: OktaApp) -> dict[str, str]:
    """Return the labels that say which app it is."""
    described = {labels.APP_ID: app.id, labels.APP_NAME: app.label or app.id}
    return described | ({labels.APP_DESCRIPTION: app.description} if app.description else {})


def of_group(group: OktaGroup) -> dict[str, str]:
    """Return the labels that say which group it is."""
    described = {labels.GROUP_ID: group.id, labels.GROUP_NAME: group.name or group.id}
    return described | ({labels.GROUP_DESCRIPTION: group.description} if group.description else {})


def labelled(found: Mapping[str, str], owned: Mapping[str, str], rules: RuleLabels, policy: Policy) -> dict[str, str]:
    """Return the labels that an object should have: `owned`, those that rules add, and what people set beside them.

    Which labels rules added earlier is written on the object, so that they go with the rule, and stay while nobody
    knows what the rule says. The organisation's address is set once and kept: a new custom domain is no reason to touch
    everything.
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
"""Labels that are left out where Okta has no description, and must go when it has none any more."""
