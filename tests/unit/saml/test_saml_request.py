from __future__ import annotations

import pytest
from teleport_okta.saml.enrolment_errors import EnrolmentError
from teleport_okta.saml.request import EnrolmentRequest


def test_the_label_of_the_app_is_that_of_the_vendor_s_flow_unless_it_is_given() -> None:
    assert EnrolmentRequest().label_for("example.com") == "Teleport example.com"
    assert EnrolmentRequest(label=" SSO ").label_for("example.com") == "SSO"


def test_without_answers_no_setting_is_changed() -> None:
    wishes = EnrolmentRequest()
    wishes.check()
    assert {
        wishes.assign_default_roles,
        wishes.sync_apps_and_groups,
        wishes.sync_access_lists,
        wishes.default_owners,
        wishes.group_filters,
        wishes.app_filters,
    } == {None}


@pytest.mark.parametrize(
    ("wishes", "problem"),
    [
        (EnrolmentRequest(connector="my okta"), "a SAML connector cannot have the name 'my okta'.*not ' '"),
        (EnrolmentRequest(connector="../okta"), "a SAML connector cannot.*not '/'"),
        (EnrolmentRequest(connector=""), "a SAML connector cannot.*empty"),
        (EnrolmentRequest(connector="passwordless"), "a SAML connector cannot.*Teleport reserves this name"),
        (EnrolmentRequest(plugin="okta/2"), "a plugin cannot have the name 'okta/2'"),
        (EnrolmentRequest(default_owners=("ada@x.io", "a b")), "the owner 'a b'"),
        (EnrolmentRequest(group_filters=("^(unclosed$",)), r"the filter '\^\(unclosed\$' is not an RE2 expression"),
        (EnrolmentRequest(app_filters=("",)), "a filter is empty"),
    ],
)
def test_answers_that_fail_after_the_first_write_are_refused_before_it(wishes: EnrolmentRequest, problem: str) -> None:
    with pytest.raises(EnrolmentError, match=problem):
        wishes.check()


def test_a_plugin_may_have_a_name_that_no_connector_may() -> None:
    EnrolmentRequest(plugin="local", default_owners=("ada@x.io",), group_filters=("dev-*", "^ops-.*$")).check()
