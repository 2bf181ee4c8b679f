"""Findings of `doctor` about groups, apps and access lists of a cluster."""

from __future__ import annotations

from contract.doctor.doctor_world import clinic_of
from teleport_okta.sandbox.teleport.edition import Entitlement


async def owned_by(clinic, *owners):
    clinic.sections["access_lists"] = {"default_owners": list(owners)}
    return await clinic.examine()


async def test_default_owners_must_be_users(well):
    present = well.people[0].login
    report = await owned_by(well, present, "nobody@example.com")
    assert report.bad() == ["Teleport/default owners"]
    assert "'nobody@example.com'" in report.says("Teleport/default owners")
    assert present not in report.says("Teleport/default owners")
    assert (await owned_by(well, present)).severity("Teleport/default owners") == "ok"


async def test_before_the_first_join_the_bot_looks_for_the_owners(clinic):
    report = await owned_by(clinic, "nobody@example.com")
    assert report.severity("Teleport/default owners") == "warning"


async def test_without_owners_it_is_a_note_that_no_list_is_made(well):
    report = await well.examine()
    assert report.severity("configuration/access lists") == "note"


async def test_a_community_cluster_gets_its_features_of_groups_and_apps_and_needs_no_owner(tmp_path):
    async with clinic_of(tmp_path, cluster={"edition": "oss"}, sync={"local_users": True}) as clinic:
        report = await owned_by(await clinic.joined(), "nobody@example.com")
    assert report.bad() == []
    assert "users have the member roles themselves" in report.says("Teleport/feature access_lists")
    assert report.severity("Teleport/feature app_servers") == "ok"


async def test_a_licence_that_limits_lists_is_a_note(well):
    well.teleport.cluster.license({"Identity": Entitlement(False), "AccessLists": Entitlement(True, limit=3)})
    report = await well.examine()
    assert "3 in all" in report.says("Teleport/access list limit")
    assert report.bad() == []
