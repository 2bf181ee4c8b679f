"""The clusters in which users get direct roles: those that certainly have no access lists."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.model.teleport import Cluster, Feature
from teleport_okta.sync.policy import NO_OWNERS, resolve_imports
from worlds import POLICY

OFF = Feature("access_lists", enabled=False, reason="this cluster does not offer it")
OF_ENTERPRISE = ("saml", "review_requests", "okta_service", "plugin")


def resolved(lists, *others, enabled=True, owners=()):
    settings = parse(
        {
            "okta": {"org_url": "https://acme.okta.com", "api_token": "00secret", "app_id": "0oaA"},
            "access_lists": {"enabled": enabled, "default_owners": list(owners)},
        }
    )
    cluster = Cluster("c", "18.1.3", features=(lists, Feature("roles", enabled=True), *others))
    return resolve_imports(settings, POLICY, cluster, "host")


def test_a_cluster_without_lists_needs_no_owners():
    imports = resolved(OFF)
    assert imports.gives_roles
    assert (imports.lists_off, imports.roles_off) == (OFF.reason, "")


@pytest.mark.parametrize(
    "lists",
    [
        Feature("access_lists", enabled=True),
        Feature("access_lists", enabled=False, unknown=True),
        Feature("access_lists", enabled=False, denied=True, reason="denied"),
        Feature("access_lists", enabled=False, gated=True, reason="a fault"),
    ],
    ids=["on", "unknown", "denied", "gated"],
)
@pytest.mark.parametrize("owners", [(), ("olga",)])
def test_elsewhere_roles_are_granted_by_lists_or_by_nothing(lists, owners):
    assert not resolved(lists, owners=owners).gives_roles
    if not owners:
        assert resolved(lists, owners=owners).lists_off == NO_OWNERS


@pytest.mark.parametrize("there", [None, *OF_ENTERPRISE])
def test_one_answer_is_believed_only_without_other_features_of_enterprise(there):
    lists = Feature("access_lists", enabled=False, reason="it does not offer it", at_first_sight=True)
    others = (Feature(name, enabled=name == there) for name in OF_ENTERPRISE)
    assert resolved(lists, *others, owners=("olga",)).gives_roles is (there is None)


def test_lists_that_are_switched_off_give_no_roles():
    assert not resolved(OFF, enabled=False).gives_roles
