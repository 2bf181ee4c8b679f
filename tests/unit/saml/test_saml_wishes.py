from __future__ import annotations

import pytest
from teleport_okta.saml.errors import EnrolmentError
from teleport_okta.saml.wishes import EnrolmentWishes


def test_the_app_is_called_as_by_the_vendor_s_flow_unless_somebody_names_it() -> None:
    assert EnrolmentWishes().label_for("example.com") == "Teleport example.com"
    assert EnrolmentWishes(label=" SSO ").label_for("example.com") == "SSO"


def test_nothing_is_wished_of_the_settings_unless_somebody_says_so() -> None:
    wishes = EnrolmentWishes()
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
        (EnrolmentWishes(connector="my okta"), "no SAML connector can be called 'my okta'.*not ' '"),
        (EnrolmentWishes(connector="../okta"), "no SAML connector.*not '/'"),
        (EnrolmentWishes(connector=""), "no SAML connector.*empty"),
        (EnrolmentWishes(connector="passwordless"), "no SAML connector.*keeps this name for itself"),
        (EnrolmentWishes(plugin="okta/2"), "no plugin can be called 'okta/2'"),
        (EnrolmentWishes(default_owners=("ada@x.io", "a b")), "the owner 'a b'"),
        (EnrolmentWishes(group_filters=("^(unclosed$",)), r"the filter '\^\(unclosed\$' is no RE2 expression"),
        (EnrolmentWishes(app_filters=("",)), "a filter is empty"),
    ],
)
def test_what_would_be_refused_after_the_first_write_is_refused_before(wishes: EnrolmentWishes, problem: str) -> None:
    with pytest.raises(EnrolmentError, match=problem):
        wishes.check()


def test_a_plugin_may_have_a_name_that_no_connector_may() -> None:
    EnrolmentWishes(plugin="local", default_owners=("ada@x.io",), group_filters=("dev-*", "^ops-.*$")).check()
