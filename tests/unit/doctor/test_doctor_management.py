"""Findings about which settings apply: whenever the service syncs nothing, the reason is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.config import parse
from teleport_okta.doctor.management import Management, of_management, of_the_file
from teleport_okta.managed.decision import Plugins, decide
from teleport_okta.model.plugin import HOSTED, OktaPluginSettings, Plugin
from teleport_okta.teleport.plugins import BotNeededForPluginsError
from teleport_okta.teleport.teleport_errors import FeatureUnavailableError, PermissionDeniedError, UnavailableError

URL = "https://acme.okta.com"
CUSTOM = "https://id.acme.com"
CREDENTIAL = {"org_url": URL, "api_token": "00secret"}
BY_FILE = parse({"okta": CREDENTIAL | {"app_id": "0oaLOCAL"}})
BY_PLUGIN = parse({"okta": CREDENTIAL, "plugin": {"name": "okta"}})
SETTINGS = OktaPluginSettings(URL, connector="okta", sync_users=True, app_id="0oaAPP", write_back=False)
HOSTED_ONE = Plugin("vendors", SETTINGS, {HOSTED: "true"})
DENIED = PermissionDeniedError("PluginService/ListPlugins", "plugins", "access denied")
UNKNOWN = FeatureUnavailableError("PluginService/ListPlugins", "plugins", "unknown service")
AWAY = UnavailableError("PluginService/ListPlugins", "plugins", "nobody answers")


def management(local, *plugins, error=None):
    known = Plugins(plugins, unread="" if error is None else error.what)
    return Management(local, decide(local, known), known, error)


def severities(examined, *addresses):
    return {finding.check: finding.severity.value for finding in of_management(examined, addresses or (URL,))}


def plugin(**settings):
    return Plugin("okta", replace(SETTINGS, **settings))


def test_the_file_applies_and_no_other_integration_runs():
    assert severities(management(BY_FILE)) == {"hosted plugin": "ok", "plugin": "ok"}


def test_the_settings_of_a_plugin_apply_and_are_examined():
    examined = management(BY_PLUGIN, plugin())
    assert severities(examined) == {"hosted plugin": "ok", "plugin": "ok"}
    assert (examined.settings.okta.app_id, examined.unknown) == ("0oaAPP", "")


@pytest.mark.parametrize("local", [BY_FILE, BY_PLUGIN])
def test_a_hosted_plugin_of_the_same_organisation_is_an_error(local):
    assert severities(management(local, HOSTED_ONE)) == {"hosted plugin": "error"}


def test_a_hosted_plugin_of_another_organisation_is_not_in_the_way():
    other = replace(HOSTED_ONE, okta=replace(SETTINGS, org_url="https://other.okta.com"))
    assert severities(management(BY_FILE, other)) == {"hosted plugin": "ok", "plugin": "ok"}


def test_a_hosted_plugin_that_knows_the_organisation_by_its_other_address_is_found_too():
    other = replace(HOSTED_ONE, okta=replace(SETTINGS, org_url=CUSTOM))
    examined = management(BY_PLUGIN, plugin(), other)
    assert examined.decision.settings is not None
    assert severities(examined, URL, CUSTOM) == {"hosted plugin": "error", "plugin": "ok"}


@pytest.mark.parametrize(
    ("found", "severity"),
    [
        ((), "error"),
        ((Plugin("okta"),), "error"),
        ((plugin(org_url="https://other.okta.com"),), "error"),
        ((plugin(org_url=""),), "error"),
        ((plugin(source="saml_app", app_id=""),), "error"),
        ((plugin(sync_users=False),), "note"),
    ],
)
def test_a_plugin_with_which_nothing_runs_is_shown_with_its_reason(found, severity):
    examined = management(BY_PLUGIN, *found)
    assert examined.decision.settings is None
    assert examined.unknown
    assert severities(examined)["plugin"] == severity


@pytest.mark.parametrize(
    ("asked", "check"), [({"write_back": True}, "write-back"), ({"log_export": True}, "log export")]
)
def test_unsupported_settings_of_a_plugin_are_a_warning(asked, check):
    assert severities(management(BY_PLUGIN, plugin(**asked))) == {
        "hosted plugin": "ok", "plugin": "ok", check: "warning",
    }  # fmt: skip


@pytest.mark.parametrize("error", [DENIED, UNKNOWN, AWAY, BotNeededForPluginsError()])
def test_a_plugin_that_cannot_be_read_is_an_error_if_it_should_apply(error):
    [finding] = of_management(management(BY_PLUGIN, error=error), (URL,))
    assert (finding.check, finding.severity.value) == ("plugin", "error")
    [finding] = of_management(management(BY_PLUGIN, error=error), (URL,), goes_on=True)
    assert (finding.severity.value, "continues with the settings that it read before" in finding.what) == (
        "warning",
        True,
    )


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (DENIED, {"hosted plugin": "warning"}),
        (UNKNOWN, {"plugin": "ok"}),
        (AWAY, {"hosted plugin": "note"}),
        (BotNeededForPluginsError(), {"hosted plugin": "note"}),
    ],
)
def test_if_the_file_applies_unreadable_plugins_may_hide_a_hosted_one(error, found):
    assert severities(management(BY_FILE, error=error)) == found


def test_before_the_cluster_can_be_asked_only_the_file_is_known():
    assert of_the_file(BY_FILE).unknown == ""
    assert "plugin 'okta'" in of_the_file(BY_PLUGIN).unknown
