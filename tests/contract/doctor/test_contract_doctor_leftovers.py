"""Leftovers of Teleport's own integration, as a cluster really has them."""

from __future__ import annotations

import pytest
from contract.doctor.doctor_world import clinic_of
from teleport_okta.model import labels


def leave(clinic, *names):
    """Leave users that the vendor's integration made."""
    carried = {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: clinic.sections["okta"]["org_url"]}
    for name in names:
        clinic.teleport.administrator.create_user(name, labels=carried)


async def test_users_who_are_wanted_are_taken_over_and_the_others_are_listed_until_cleanup_takes_them(clinic):
    leave(clinic, clinic.people[0].login, "gone@example.com")
    report = await clinic.examine()
    assert report.bad() == ["Teleport/leftovers"]
    assert "2 users" in report.says("Teleport/leftovers")
    assert "the first pass takes over those who are wanted" in report.says("Teleport/leftovers")
    report = await (await clinic.joined()).examine()
    assert "1 user (gone@example.com)" in report.says("Teleport/leftovers")
    assert "cleanup --vendor" in report.says("Teleport/leftovers")


async def test_while_the_vendors_integration_runs_it_has_no_leftovers(clinic):
    leave(clinic, "ada@example.com")
    await clinic.connect()
    clinic.teleport.administrator.plugins.install_okta(
        org=clinic.sections["okta"]["org_url"], saml_connector="okta", api_token="its own", accesslist_sync=False
    )
    report = await clinic.examine()
    assert report.bad() == ["Teleport/hosted plugin"]
    assert "keeps its objects up to date" in report.says("Teleport/leftovers")


@pytest.mark.parametrize("edition", ["ent", "oss"])
async def test_a_cluster_without_any_is_well_in_every_edition(tmp_path, edition):
    async with clinic_of(tmp_path, cluster={"edition": edition}, sync={"local_users": True}) as clinic:
        report = await (await clinic.joined()).examine()
    assert report.severity("Teleport/leftovers") == "ok"
