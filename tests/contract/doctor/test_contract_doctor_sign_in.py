"""Findings of `doctor` with a real connector in Teleport and a real app in Okta (sandboxes)."""

from __future__ import annotations

import pytest
from contract.doctor.doctor_world import clinic_of
from teleport_okta.model.findings import Findings
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.sync.status import Status


class Running:
    """A service that writes."""

    async def status(self):
        return Status("0.1.0", "idle", None, (), Findings())


@pytest.fixture
async def enrolled(well):
    """An installation whose people can sign in."""
    await well.connect()
    return well


async def test_until_there_is_a_connector_it_is_a_note_and_then_all_of_it_agrees(well):
    assert (await well.examine()).severity("sign-in/connector") == "note"
    await well.connect()
    report = await well.examine()
    assert report.bad() == []
    for check in ("connector", "label", "address", "metadata", "certificate", "roles"):
        assert report.severity(f"sign-in/{check}") == "ok"


async def test_a_missing_connector_that_a_setting_names_is_a_warning(well):
    well.sections["sync"]["connector"] = "okta-integration"
    assert (await well.examine()).bad() == ["sign-in/connector"]


async def test_a_key_that_was_changed_in_okta_ends_sign_in_while_no_service_runs(enrolled):
    enrolled.okta.rotate_signing_key(enrolled.okta_app.id)
    report = await enrolled.examine()
    assert report.bad() == ["sign-in/metadata"]
    assert "another certificate" in report.says("sign-in/metadata")
    async with serving(AdminService(Running(), None), enrolled.data):
        assert (await enrolled.examine()).bad() == []


@pytest.mark.parametrize(("days", "bad"), [(-1, ["sign-in/certificate"]), (20, ["sign-in/certificate"]), (40, [])])
async def test_the_expiry_of_the_certificate_is_checked_although_teleport_accepts_any(well, days, bad):
    well.okta.set_certificate_dates(well.okta_app.id, expires_in=days * 86_400)
    await well.connect()
    report = await well.examine()
    assert report.bad() == bad
    assert (report.severity("sign-in/certificate") == "error") is (days < 0)


async def test_a_connector_that_downloads_its_metadata_is_a_warning_without_a_download(tmp_path):
    asked = []

    async def fetch(url):
        asked.append(url)
        return 200, (await clinic.metadata()).descriptor.encode()

    async with clinic_of(tmp_path, cluster={"fetch_metadata": fetch}) as clinic:
        url = "https://acme.okta.com/app/exk1/sso/saml/metadata"
        await clinic.connect(entity_descriptor="", entity_descriptor_url=url)
        asked.clear()
        report = await clinic.examine()
    assert report.bad() == ["sign-in/metadata"]
    assert url in report.says("sign-in/metadata")
    assert asked == []


async def test_a_role_that_was_deleted_behind_the_connector_is_named(enrolled):
    enrolled.teleport.cluster.roles.delete("okta-requester")
    enrolled.sections["sync"]["default_roles"] = []
    report = await enrolled.examine()
    assert report.bad() == ["sign-in/roles"]


async def test_a_proxy_at_another_address_is_weak(well):
    await well.connect(acs="https://other.example.com/v1/webapi/saml/acs/okta")
    report = await well.examine()
    assert set(report.bad()) == {"sign-in/address", "sign-in/proxy address"}


async def test_an_app_that_was_deleted_leaves_its_connector_uncompared(enrolled):
    enrolled.okta.deactivate_app(enrolled.okta_app.id)
    enrolled.okta.delete_app(enrolled.okta_app.id)
    report = await enrolled.examine()
    assert report.severity("Okta/app") == "error"
    assert "the app was not found" in report.says("sign-in/metadata")


async def test_a_comparison_that_breaks_off_hides_no_other(enrolled, monkeypatch):
    def broken(*_):
        raise RuntimeError("canary")

    monkeypatch.setattr("teleport_okta.doctor.examine.of_sign_in", broken)
    report = await enrolled.examine()
    assert report.bad() == ["sign-in/sign-in"]
    assert "RuntimeError" in report.says("sign-in/sign-in")
    assert "canary" not in report.text()


async def test_an_app_that_only_the_label_names_is_checked_too(enrolled):
    """Everybody of the organisation is synced, so that no app is configured."""
    enrolled.sections["sync"]["source"] = "organization"
    del enrolled.sections["okta"]["app_id"]
    assert (await enrolled.examine()).severity("sign-in/metadata") == "ok"
    enrolled.okta.deactivate_app(enrolled.okta_app.id)
    enrolled.okta.delete_app(enrolled.okta_app.id)
    assert "delete the connector and enrol again" in (await enrolled.examine()).says("Okta/app")


async def test_local_users_need_no_connector(tmp_path):
    async with clinic_of(tmp_path, sync={"local_users": True}) as clinic:
        report = await clinic.examine()
    assert not [finding for finding in report.findings if finding.section.value == "sign-in"]


async def test_while_okta_does_not_answer_the_connector_is_no_problem(enrolled):
    enrolled.sections["okta"]["org_url"] = "https://localhost:1"
    report = await enrolled.examine()
    assert report.bad() == ["Okta/reachability"]
    assert "the app was not checked" in report.says("sign-in/metadata")
