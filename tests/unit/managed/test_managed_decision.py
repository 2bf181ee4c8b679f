"""Which settings hold: those of the file, those of a plugin resource, or none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.config import parse
from teleport_okta.errors import ConfigError
from teleport_okta.managed.decision import FROM_FILE, FROM_PLUGIN, Plugins, decide
from teleport_okta.managed.overlay import settings_under
from teleport_okta.model.plugin import HOSTED, OktaPluginSettings, Plugin
from teleport_okta.model.plugin_status import StatusCode

URL = "https://acme.okta.com"
CREDENTIAL = {"org_url": URL, "api_token": "00secret"}
LOCAL = parse({"okta": CREDENTIAL | {"app_id": "0oaLOCAL"}})
MANAGED = parse({"okta": CREDENTIAL, "plugin": {"name": "okta"}})
SCIM = {"listen": "127.0.0.1:8443", "public_url": "https://scim.example.com/scim/v2"}
PLUGIN = OktaPluginSettings(URL, connector="okta-integration", sync_users=True, app_id="0oaAPP")


def cluster(*plugins):
    return Plugins(plugins)


def managed(settings=PLUGIN, **labels):
    return Plugin("okta", settings, labels)


def test_without_a_plugin_name_the_file_applies():
    decision = decide(LOCAL, cluster())
    assert (decision.settings, decision.source, decision.reason) == (LOCAL, FROM_FILE, "")
    assert not decision.may_report


def test_without_a_plugin_name_a_cluster_that_shows_no_plugins_is_no_reason_to_wait():
    assert decide(LOCAL, Plugins(unread="there is no bot")).settings == LOCAL


def test_the_settings_of_the_plugin_apply():
    plugin = replace(
        PLUGIN,
        sync_access_lists=True,
        default_owners=("ada@x.io",),
        group_filters=("eng-*",),
        app_filters=("^Fig.*$",),
        assign_default_roles=False,
    )
    decision = decide(MANAGED, cluster(managed(plugin)))
    found = decision.settings
    assert (decision.source, decision.may_report, decision.plugin) == (FROM_PLUGIN, True, plugin)
    assert (found.okta.app_id, found.sync.source, found.sync.connector) == ("0oaAPP", "saml_app", "okta-integration")
    assert found.sync.default_roles == ()
    assert found.sync.apps_and_groups
    assert found.access_lists.enabled
    assert found.access_lists.default_owners == ("ada@x.io",)
    assert (found.access_lists.group_filters, found.access_lists.app_filters) == (("eng-*",), ("^Fig.*$",))
    assert found.plugin.name is None


def test_settings_that_no_plugin_has_come_from_the_file():
    local = parse(
        {
            "okta": CREDENTIAL | {"rate_limit_share": 0.5},
            "plugin": {"name": "okta"},
            "sync": {"suspended": "ignore", "default_roles": ["access"]},
            "brake": {"floor": 3},
        }
    )
    found = decide(local, cluster(managed())).settings
    assert (found.sync.suspended, found.brake.floor, found.okta.rate_limit_share) == ("ignore", 3, 0.5)
    assert found.sync.default_roles == ("access",)
    assert found.okta.api_token.get_secret_value() == "00secret"


@pytest.mark.parametrize(
    ("source", "app_id", "labelled", "expected"),
    [
        ("saml_app", "0oaAPP", "", ("saml_app", "0oaAPP")),
        ("saml_app", "", "0oaLABEL", ("saml_app", "0oaLABEL")),
        ("unknown", "0oaAPP", "", ("saml_app", "0oaAPP")),
        ("unknown", "", "0oaLABEL", ("saml_app", "0oaLABEL")),
        ("unknown", "", "", ("organization", None)),
        ("", "", "", ("organization", None)),
        ("org", "0oaAPP", "", ("organization", "0oaAPP")),
        ("of a later version", "0oaAPP", "", ("saml_app", "0oaAPP")),
    ],
)
def test_the_source_of_people(source, app_id, labelled, expected):
    plugin = replace(PLUGIN, source=source, app_id=app_id)
    found = decide(MANAGED, cluster(managed(plugin)), connector_app_id=labelled).settings
    assert (found.sync.source, found.okta.app_id) == expected


def test_a_missing_app_is_an_error_of_the_plugin():
    decision = decide(MANAGED, cluster(managed(replace(PLUGIN, source="saml_app", app_id=""))))
    assert decision.settings is None
    assert decision.code is StatusCode.CONFIG_ERROR
    assert "plugin 'okta': okta.app_id is not set" in decision.reason
    assert decision.may_report


def test_the_credential_is_not_sent_to_another_organisation():
    decision = decide(MANAGED, cluster(managed(replace(PLUGIN, org_url="https://evil.example.com"))))
    assert decision.settings is None
    assert decision.code is StatusCode.CONFIG_ERROR
    assert "https://evil.example.com" in decision.reason


@pytest.mark.parametrize("url", ["acme.okta.com", "https://ACME.okta.com/", "https://acme.okta.com:443"])
def test_one_organisation_can_be_written_in_several_ways(url):
    assert decide(MANAGED, cluster(managed(replace(PLUGIN, org_url=url)))).settings is not None


@pytest.mark.parametrize("url", ["", "https://acme.okta.com.evil.io", "https://acme.okta.com:444", "http://["])
def test_another_organisation_is_another_one(url):
    assert decide(MANAGED, cluster(managed(replace(PLUGIN, org_url=url)))).settings is None


def test_without_user_sync_only_scim_provisions_people():
    local = parse({"okta": CREDENTIAL, "plugin": {"name": "okta"}, "scim": SCIM})
    found = decide(local, cluster(managed(replace(PLUGIN, sync_users=False)))).settings
    assert (found.sync.source, found.sync.apps_and_groups, found.sync.follow_log) == ("scim", False, False)


def test_without_user_sync_and_scim_there_is_nothing_to_do():
    decision = decide(MANAGED, cluster(managed(replace(PLUGIN, sync_users=False))))
    assert decision.settings is None
    assert (decision.code, decision.may_report) == (StatusCode.RUNNING, True)
    assert "user sync off" in decision.reason


def test_without_apps_and_groups_none_are_imported():
    found = decide(MANAGED, cluster(managed(replace(PLUGIN, sync_apps_and_groups=False)))).settings
    assert not found.sync.apps_and_groups


def test_a_missing_plugin_stops_the_sync():
    decision = decide(MANAGED, cluster(), known=PLUGIN)
    assert decision.settings is None
    assert "there is no plugin 'okta'" in decision.reason
    assert not decision.may_report


def test_a_plugin_of_another_type_is_left_alone():
    decision = decide(MANAGED, cluster(Plugin("okta")))
    assert decision.settings is None
    assert not decision.may_report


def test_a_plugin_that_cannot_be_read_is_not_one_that_was_deleted():
    before = decide(MANAGED, cluster(managed()))
    decision = decide(MANAGED, Plugins(unread="no answer"), known=PLUGIN)
    assert decision.settings == before.settings
    assert decision.asks_for_the_same(before)
    assert decision.is_stale
    assert not decision.may_report
    assert "no answer" in decision.reason


def test_a_plugin_that_was_never_read_starts_nothing():
    decision = decide(MANAGED, Plugins(unread="no answer"))
    assert decision.settings is None
    assert decision.is_stale


@pytest.mark.parametrize("local", [LOCAL, MANAGED])
@pytest.mark.parametrize("name", ["okta", "vendor"])
def test_never_beside_a_hosted_plugin_of_the_same_organisation(local, name):
    others = [managed()] if name != "okta" else []
    decision = decide(local, cluster(*others, Plugin(name, PLUGIN, {HOSTED: "true"})))
    assert decision.settings is None
    assert decision.code is StatusCode.CONFIG_ERROR
    assert decision.may_report is (local is MANAGED and name == "vendor")
    assert f"plugin {name!r}" in decision.reason


def test_a_hosted_plugin_is_known_by_another_address_of_the_organisation_too():
    hosted = Plugin("vendor", replace(PLUGIN, org_url="https://acme-canonical.okta.com"), {HOSTED: "true"})
    plugins = cluster(managed(), hosted)
    assert decide(MANAGED, plugins).settings is not None
    assert decide(MANAGED, plugins, addresses=["acme-canonical.okta.com"]).settings is None


def test_a_hosted_plugin_of_another_organisation_is_no_neighbour():
    hosted = Plugin("vendor", replace(PLUGIN, org_url="https://other.okta.com"), {HOSTED: "true"})
    assert decide(MANAGED, cluster(managed(), hosted)).settings is not None


def test_a_plugin_with_the_label_switched_off_is_not_hosted():
    assert decide(MANAGED, cluster(managed(**{HOSTED: "false"}))).settings is not None


def test_unsupported_settings_of_the_plugin_are_a_warning():
    plugin = replace(PLUGIN, write_back=True, log_export=True)
    first, second = decide(MANAGED, cluster(managed(plugin))).warnings
    assert "disable_bidirectional_sync" in first
    assert "System Log" in second
    assert decide(MANAGED, cluster(managed())).warnings == ()


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("okta", "app_id", "0oaAPP"),
        ("sync", "source", "organization"),
        ("sync", "connector", "other"),
        ("sync", "apps_and_groups", False),
        ("access_lists", "enabled", True),
        ("access_lists", "default_owners", ["ada"]),
    ],
)
def test_settings_of_the_plugin_may_not_be_in_the_file(section, key, value):
    data = {"okta": dict(CREDENTIAL), "plugin": {"name": "okta"}}
    data.setdefault(section, {})[key] = value
    with pytest.raises(ConfigError, match=rf"{section}\.{key} is set, and so is plugin\.name"):
        parse(data)


def test_a_filter_that_does_not_compile_is_named_with_the_plugin():
    with pytest.raises(ConfigError, match=r"plugin 'okta': access_lists\.group_filters"):
        settings_under(replace(PLUGIN, group_filters=("^[$",)), MANAGED, name="okta")


def test_settings_come_back_from_the_state_as_they_were():
    plugin = replace(PLUGIN, default_owners=("ada", "bob"), write_back=True)
    assert OktaPluginSettings.from_json(plugin.as_json()) == plugin
    assert plugin.digest != PLUGIN.digest


def test_settings_of_a_later_version_can_be_read():
    text = PLUGIN.as_json().replace('{"app_filters"', '{"new": 1, "app_filters"')
    assert OktaPluginSettings.from_json(text) == PLUGIN
