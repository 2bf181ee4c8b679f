"""Findings of `doctor` if a plugin resource has the settings, or Teleport's own integration runs."""

from __future__ import annotations

import pytest
from contract.doctor.doctor_world import clinic_of


@pytest.fixture
async def managed(tmp_path):
    """An installation whose settings a plugin resource is to hold; it is not there yet."""
    async with clinic_of(tmp_path, plugin={"name": "okta"}) as clinic:
        del clinic.sections["okta"]["app_id"]
        yield clinic


async def install(clinic, **flags):
    """Make the plugin, and the connector that it names, as an administrator does."""
    await clinic.connect()
    wanted = {"org": clinic.sections["okta"]["org_url"], "saml_connector": "okta", "api_token": "kept elsewhere"}
    clinic.teleport.administrator.plugins.install_okta(**(wanted | {"accesslist_sync": False, "hosted": False} | flags))
    clinic.teleport.administrator.plugins.edit(settings={"sync_settings": {"disable_bidirectional_sync": True}})


async def test_the_settings_of_the_plugin_are_examined(managed):
    await install(managed)
    report = await managed.examine()
    assert report.bad() == []
    assert f"people of app {managed.okta_app.id}" in report.says("Teleport/plugin")
    assert not [finding for finding in report.findings if finding.check == "access lists"]
    assert report.severity("Okta/app") == "ok"


async def test_a_missing_plugin_is_an_error_and_its_settings_are_not_guessed(managed):
    report = await managed.examine()
    assert report.bad() == ["Teleport/plugin"]
    assert "the settings of plugin 'okta' are unknown" in report.says("Okta/app, listing")


async def test_a_bot_that_may_not_read_plugins_is_reported_with_the_right(managed):
    await install(managed)
    managed.teleport.administrator.edit_user("bot-teleport-okta", roles=["access"])
    managed.issue_bot(roles=["access"])
    report = await managed.examine()
    assert report.severity("Teleport/plugin") == "error"
    assert "list and read plugin" in report.says("Teleport/plugin")


async def test_a_hosted_plugin_is_found_beside_a_service_that_no_plugin_manages(clinic):
    await install(clinic, hosted=True)
    report = await clinic.examine()
    assert report.bad() == ["Teleport/hosted plugin"]
    assert "tctl plugins delete okta" in report.says("Teleport/hosted plugin")


async def test_a_community_cluster_has_no_plugins_to_look_at_with_a_bot_or_without(tmp_path):
    async with clinic_of(tmp_path, cluster={"edition": "oss"}, sync={"local_users": True}) as clinic:
        report = await clinic.examine()
        assert report.bad() == []
        assert "no plugins" in report.says("Teleport/plugin")
        await clinic.joined()
        clinic.teleport.identity_path.unlink()
        assert "no plugins" in (await clinic.examine()).says("Teleport/plugin")


async def test_without_a_bot_a_note_says_that_hosted_plugins_are_not_visible(well):
    del well.sections["teleport"]["identity"]
    report = await well.examine()
    assert "we cannot see" in report.says("Teleport/hosted plugin")
