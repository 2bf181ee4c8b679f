from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.model.plugin import OktaPluginSettings
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.saml.enrolment_errors import EnrolmentError
from teleport_okta.saml.plugin_settings import differences, is_not_synced, settings_wanted
from teleport_okta.saml.request import EnrolmentRequest

ORG_URL = "https://acme.okta.com"
APP = SamlApp("0oaTeleport", "acme_teleport_1", "Teleport", "ACTIVE", "SAML_2_0")
NEW = OktaPluginSettings(
    ORG_URL,
    connector="okta-integration",
    sync_users=True,
    source="saml_app",
    app_id="0oaTeleport",
    app_name="acme_teleport_1",
)
EDITED = replace(
    NEW,
    app_name="Teleport",
    sync_access_lists=True,
    default_owners=("ada@x.io",),
    group_filters=("dev-*",),
    app_filters=("^Wiki$",),
    log_export=True,
    assign_default_roles=False,
)
"""As people have it some time after an enrolment."""


def wanted(held=None, app=APP, **wishes):
    return settings_wanted(EnrolmentRequest(**wishes), held, app, org_url=ORG_URL)


def test_a_new_plugin_syncs_the_people_of_the_app_and_writes_nothing_back() -> None:
    assert wanted() == NEW
    assert (NEW.write_back, NEW.sync_access_lists, NEW.assign_default_roles) == (False, False, True)


def test_a_new_plugin_has_the_answers() -> None:
    made = wanted(
        sync_access_lists=True, default_owners=("ada@x.io",), group_filters=("dev-*",), assign_default_roles=False
    )
    assert made == replace(
        NEW,
        sync_access_lists=True,
        default_owners=("ada@x.io",),
        group_filters=("dev-*",),
        assign_default_roles=False,
    )


def test_a_second_run_without_answers_changes_nothing_that_people_changed() -> None:
    assert wanted(EDITED) == EDITED
    without_groups = replace(NEW, sync_apps_and_groups=False)
    assert wanted(without_groups) == without_groups


def test_a_second_run_changes_only_the_answered_settings() -> None:
    assert wanted(EDITED, group_filters=()) == replace(EDITED, group_filters=())
    assert wanted(EDITED, default_owners=("bob@x.io",)) == replace(EDITED, default_owners=("bob@x.io",))
    assert wanted(EDITED, assign_default_roles=True) == replace(EDITED, assign_default_roles=True)


def test_an_address_in_another_spelling_stays() -> None:
    assert wanted(replace(EDITED, org_url="https://ACME.okta.com/")).org_url == "https://ACME.okta.com/"


def test_a_plugin_that_is_not_tied_to_the_app_is_tied() -> None:
    loose = OktaPluginSettings(ORG_URL, connector="okta", sync_users=False, write_back=True, default_owners=("ada",))
    assert wanted(loose) == replace(NEW, default_owners=("ada",))


def test_write_back_is_switched_off_because_it_is_not_supported() -> None:
    assert wanted(replace(EDITED, write_back=True)) == EDITED


def test_user_sync_switched_off_after_the_tie_stays_off() -> None:
    off = replace(EDITED, sync_users=False, sync_apps_and_groups=False, sync_access_lists=False)
    assert wanted(off) == off
    assert "user sync is off" in is_not_synced(off)


@pytest.mark.parametrize("sync_users", [True, False])
@pytest.mark.parametrize("app_id", ["", "0oaTeleport"])
def test_syncing_everybody_is_neither_narrowed_to_the_app_nor_switched_on(*, sync_users: bool, app_id: str) -> None:
    everybody = replace(NEW, source="org", sync_users=sync_users, app_id=app_id)
    assert (wanted(everybody).source, wanted(everybody).sync_users) == ("org", sync_users)
    assert is_not_synced(wanted(everybody))


def test_the_people_of_the_app_are_synced_otherwise() -> None:
    assert is_not_synced(NEW) == ""


def test_access_lists_need_an_owner_who_was_named_now_or_before() -> None:
    with pytest.raises(EnrolmentError, match=r"access lists need owners.*--owner"):
        wanted(sync_access_lists=True)
    with pytest.raises(EnrolmentError, match=r"access lists need owners.*--owner"):
        wanted(EDITED, default_owners=())
    assert wanted(replace(EDITED, sync_access_lists=False), sync_access_lists=True) == EDITED


def test_access_lists_need_groups_and_apps() -> None:
    with pytest.raises(EnrolmentError, match=r"which is off.*--apps-and-groups"):
        wanted(sync_apps_and_groups=False, sync_access_lists=True, default_owners=("ada",))
    with pytest.raises(EnrolmentError, match=r"which is off.*--apps-and-groups"):
        wanted(replace(NEW, sync_apps_and_groups=False), sync_access_lists=True, default_owners=("ada",))
    assert wanted(EDITED, sync_apps_and_groups=False).sync_access_lists is False


def test_differences_are_shown_by_the_keys_of_the_resource() -> None:
    after = replace(
        EDITED,
        sync_apps_and_groups=False,
        default_owners=(),
        group_filters=("dev-*", "ops-*"),
        app_id="0oaOther",
        write_back=True,
    )
    assert list(differences(EDITED, after)) == [
        "app_id: 0oaTeleport -> 0oaOther",
        "disable_sync_app_groups: false -> true",
        "default_owners: ada@x.io -> none",
        "group_filters: dev-* -> dev-*, ops-*",
        "disable_bidirectional_sync: true -> false",
    ]
    assert list(differences(EDITED, EDITED)) == []


def test_every_setting_that_an_enrolment_can_change_is_shown() -> None:
    changed = OktaPluginSettings(
        "https://other.okta.com",
        connector="x",
        sync_users=False,
        source="org",
        app_id="x",
        app_name="x",
        sync_apps_and_groups=False,
        sync_access_lists=False,
        default_owners=("x",),
        group_filters=("x",),
        app_filters=("x",),
        write_back=True,
        assign_default_roles=True,
    )
    assert len(list(differences(EDITED, changed))) == 13
