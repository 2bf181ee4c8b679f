"""The resources to which a role gives access by label, as in Teleport's public source."""

import pytest
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta.sandbox.teleport.access import OKTA_SERVICE, Access, rules_of
from teleport_okta.sandbox.teleport.refusal import Refusal


def reaches(labels, *, allow=None, deny=None, **expressions):
    role = RoleV6()
    for side, selector in ((role.Spec.Allow, allow), (role.Spec.Deny, deny)):
        for key, values in (selector or {}).items():
            side.AppLabels.Values[key].Values.extend(values)
    role.Spec.Allow.AppLabelsExpression = expressions.get("allow_expression", "")
    role.Spec.Deny.AppLabelsExpression = expressions.get("deny_expression", "")
    return Access([rules_of(role)]).reaches("app", labels)


ALL = {"*": ["*"]}


@pytest.mark.parametrize(
    ("selector", "labels", "reached"),
    [
        ({}, {}, False),
        (ALL, {}, True),
        ({"team": ["red"]}, {"team": "red"}, True),
        ({"team": ["red"]}, {"team": "reddish"}, False),
        ({"team": ["blue", "red"]}, {"team": "red"}, True),
        ({"team": ["*"]}, {"team": "red"}, True),
        ({"team": ["*"]}, {}, False),
        ({"team": ["r*d"]}, {"team": "red"}, True),
        ({"team": ["r.d"]}, {"team": "red"}, False),
        ({"team": ["^r.d$"]}, {"team": "red"}, True),
        ({"city": ["Zür*"]}, {"city": "Zürich"}, True),
        ({"team": ["red"], "stage": ["prod"]}, {"team": "red"}, False),
        ({"team": ["red"], "stage": ["prod"]}, {"team": "red", "stage": "prod"}, True),
    ],
)
def test_every_key_of_a_selector_asks_for_one_of_its_values(selector, labels, reached):
    assert reaches(labels, allow=selector) is reached


def test_deny_comes_before_allow():
    assert not reaches({"secret": "yes"}, allow=ALL, deny={"secret": ["yes"]})
    assert reaches({"secret": "no"}, allow=ALL, deny={"secret": ["yes"]})


def test_expressions_are_not_understood_and_allow_nothing_and_deny_everything():
    assert not reaches({"team": "red"}, allow=ALL, allow_expression='labels["team"] == "red"')
    assert not reaches({"team": "red"}, allow=ALL, deny_expression='labels["team"] == "blue"')


def test_a_value_that_does_not_compile_refuses_the_call():
    with pytest.raises(Refusal, match="error parsing regexp"):
        reaches({"team": "red"}, allow={"team": ["^($"]})


def test_app_labels_reach_no_user_groups():
    role = RoleV6()
    role.Spec.Allow.AppLabels.Values["*"].Values.append("*")
    assert not Access([rules_of(role)]).reaches("user_group", {})


def test_the_okta_service_has_access_to_everything_and_an_anonymous_caller_to_nothing():
    assert Access([OKTA_SERVICE]).reaches("user_group", {})
    assert not Access([]).reaches("user_group", {})
