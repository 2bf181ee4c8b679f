"""Findings of `doctor` about Teleport."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from contract.doctor.doctor_world import clinic_of
from teleport.legacy.types import types_pb2
from teleport_okta.clock import VirtualClock


def add_role(clinic, name, *, labels=None, **conditions):
    """A role whose `conditions` (`AppLabels`, `GroupLabels`) match everything."""
    role = types_pb2.RoleV6(Kind="role", Version="v7")
    role.Metadata.Name = name
    role.Metadata.Labels.update(labels or {})
    for field in conditions.get("wild", ()):
        getattr(role.Spec.Allow, field).Values["*"].Values.append("*")
    for kinds, verbs in conditions.get("rules", ()):
        role.Spec.Allow.Rules.add(Resources=kinds, Verbs=verbs)
    clinic.teleport.cluster.roles.seed([role])


@pytest.mark.parametrize(
    ("by", "words"),
    [("direct", "the auth server itself"), ("proxy", "with TLS routing"), ("balancer", "ALPN connection upgrade")],
)
async def test_every_route_is_shown_without_problems(tmp_path, by, words):
    async with clinic_of(tmp_path, by=by) as clinic:
        report = await (await clinic.joined()).examine()
    assert words in report.says("Teleport/reachability")
    assert report.bad() == []


async def test_a_proxy_tells_version_edition_and_time(tmp_path):
    async with clinic_of(tmp_path, by="proxy") as clinic:
        report = await clinic.examine()
        assert "18.1.3, edition ent" in report.says("Teleport/proxy")
        assert report.severity("Teleport/clock") == "ok"
        behind = VirtualClock(datetime.now(UTC) - timedelta(seconds=20))
        assert (await clinic.examine(clock=behind)).severity("Teleport/clock") == "error"


async def test_a_proxy_of_an_unknown_ca_is_named_with_the_setting(tmp_path):
    async with clinic_of(tmp_path, by="proxy") as clinic:
        del clinic.sections["teleport"]["proxy_ca"]
        report = await clinic.examine()
    assert report.bad() == ["Teleport/reachability"]
    assert "teleport.proxy_ca" in report.says("Teleport/reachability")


async def test_a_missing_cluster_stops_the_checks_of_teleport_only(clinic):
    clinic.sections["teleport"]["addr"] = "127.0.0.1:1"
    report = await clinic.examine()
    assert report.bad() == ["Teleport/reachability"]
    assert report.severity("Okta/credential") == "ok"


@pytest.mark.parametrize(("local_users", "bad"), [(True, []), (False, ["Teleport/sign-in"])])
async def test_a_community_cluster_is_well_with_local_users_only(tmp_path, local_users, bad):
    async with clinic_of(tmp_path, cluster={"edition": "oss"}, sync={"local_users": True}) as clinic:
        await clinic.joined()
        clinic.sections["sync"]["local_users"] = local_users
        report = await clinic.examine()
    assert report.bad() == bad
    assert "Community" in report.says("Teleport/cluster")
    assert report.severity("Teleport/feature access_lists") == "note"
    assert "users have the member roles themselves" in report.says("Teleport/feature access_lists")


async def test_a_version_with_a_gate_shows_what_is_off_and_no_user_group_is_read(tmp_path):
    async with clinic_of(tmp_path, cluster={"version": "18.0.0"}) as clinic:
        await clinic.joined()
        report = await clinic.examine()
        assert report.bad() == ["Teleport/version gate"]
        assert "18.1.3" in report.says("Teleport/version gate")
        assert "could not be listed: user_groups is off on 18.0.0" in report.says("Teleport/leftovers: user groups")
        assert not clinic.teleport.calls.of("ListUserGroups")


@pytest.mark.parametrize(("version", "severity"), [("16.5.0", "error"), ("19.0.0", "warning"), ("17.5.2", "ok")])
async def test_a_version_out_of_our_range_is_reported_once(tmp_path, version, severity):
    async with clinic_of(tmp_path, cluster={"version": version}) as clinic:
        report = await clinic.examine()
    assert report.severity("Teleport/version") == severity
    assert report.bad() == (["Teleport/version"] if severity != "ok" else [])


async def test_a_role_that_matches_everything_is_a_warning_and_teleports_own_are_notes(well):
    add_role(well, "everything", wild=["AppLabels", "GroupLabels"])
    add_role(well, "ours", wild=["AppLabels"], labels={"teleport-okta/owner": well.okta.id})
    report = await well.examine()
    found = {finding.what.split("'")[1]: finding.severity.value for finding in report["Teleport/wildcard roles"]}
    assert found == {"access": "note", "group-access": "note", "everything": "warning"}
    assert "app_labels and group_labels" in report.says("Teleport/wildcard roles")


async def test_a_missing_default_role_is_an_error(well):
    well.sections["sync"]["default_roles"] = ["okta-requester", "absent"]
    report = await well.examine()
    assert report.bad() == ["Teleport/default roles"]
    assert "'absent'" in report.says("Teleport/default roles")


async def test_the_missing_rights_of_a_bot_are_reported(well):
    add_role(well, "narrow", rules=[(["user", "plugin"], ["list", "read"]), (["*"], ["read"])])
    well.teleport.administrator.edit_user("bot-teleport-okta", roles=["narrow"])
    well.issue_bot(roles=["narrow"])
    report = await well.examine()
    lacking = [name for name in report.bad() if "bot" in name]
    assert lacking == [f"Teleport/bot may {kind}" for kind in ("user", "lock", "saml")]
    assert "do not allow update, delete on user" in report.says("Teleport/bot may user")
    assert report.severity("Teleport/bot may access_request") == "note"


async def test_a_locked_bot_is_refused_and_the_host_is_checked(well):
    well.teleport.administrator.create_lock("stop", "bot-teleport-okta", message="ticket 4711")
    report = await well.examine()
    assert report.bad() == ["Teleport/bot identity"]
    said = report.says("Teleport/bot identity")
    assert "the bot identity (bot-teleport-okta) is locked by lock stop: ticket 4711" in said
    assert "tctl rm lock/stop" in said


async def test_the_present_writer_is_named(well):
    request = types_pb2.AcquireSemaphoreRequest(SemaphoreKind="teleport-okta", SemaphoreName=well.okta.id)
    semaphore = types_pb2.SemaphoreV3(Kind="semaphore", SubKind="teleport-okta", Version="v3")
    semaphore.Metadata.Name = request.SemaphoreName
    semaphore.Metadata.Expires.FromDatetime(well.clock.now() + timedelta(seconds=60))
    lease = semaphore.Spec.Leases.add(LeaseID="1", Holder="elsewhere, process 7")
    lease.Expires.FromDatetime(well.clock.now() + timedelta(seconds=60))
    well.teleport.cluster.semaphores["teleport-okta", well.okta.id] = semaphore
    report = await well.examine()
    assert "elsewhere, process 7" in report.says("Teleport/writer")
    assert report.bad() == []


async def test_a_rotation_that_the_host_has_not_followed_is_reported(well):
    well.teleport.administrator.rotate("init")
    report = await well.examine()
    assert report.bad() == ["Teleport/CA rotation"]
    assert "init" in report.says("Teleport/CA rotation")


async def test_the_remedy_for_a_host_that_missed_a_whole_rotation_is_to_join_again(well):
    for phase in ("init", "update_clients", "update_servers", "standby"):
        well.teleport.administrator.rotate(phase)
    well.teleport.renew_bot()
    report = await well.examine()
    assert report.bad() == ["Teleport/host identity"]
    assert "remove the file host/identity in the data directory" in report.says("Teleport/host identity")
