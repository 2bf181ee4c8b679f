"""The whole examination: identities, the state directory, the service; it changes nothing."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from contract.doctor.doctor_world import clinic_of
from teleport_okta.clock import VirtualClock
from teleport_okta.model.findings import Findings
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.state.lock import exclusive
from teleport_okta.sync.status import Status

READS = ("Get", "List", "Ping")


def everything_below(directory):
    return {path: path.read_bytes() if path.is_file() else b"" for path in directory.rglob("*")}


async def test_an_installation_that_is_well_has_nothing_worse_than_notes(well):
    report = await well.examine()
    assert report.bad() == []
    assert report.severity("state directory/database") == "ok"
    assert "20 people" in report.says("Okta/listing")
    assert report.severity("Teleport/CA rotation") == "ok"


async def test_it_changes_nothing_on_either_side(well):
    before = everything_below(well.data)
    well.teleport.calls.reset()
    mark = well.okta.mark()
    await well.examine()
    made = [path.rpartition("/")[2] for path in well.teleport.calls.calls]
    assert made
    assert all(name.startswith(READS) for name in made)
    assert everything_below(well.data) == before
    written = [call for call in well.okta.calls_since(mark).endpoints if not call.startswith("GET ")]
    assert written == ["POST /oauth2/v1/token"]


async def test_before_the_first_join_all_but_the_host_is_checked_without_joining(clinic):
    report = await clinic.examine()
    assert report.bad() == []
    assert "not joined yet: the first start joins" in report.says("identities/host")
    assert report.severity("Teleport/bot may user") == "ok"
    assert report.severity("identities/join token") == "ok"
    assert not clinic.teleport.calls.of("RegisterUsingToken")
    assert not clinic.data.exists()


async def test_with_pins_alone_the_cluster_is_asked_without_an_identity(clinic):
    del clinic.sections["teleport"]["identity"]
    clinic.sections["teleport"]["ca_pins"] = clinic.teleport.ca_pins
    report = await clinic.examine()
    assert report.bad() == ["identities/bot"]
    assert "pinned CA" in report.says("Teleport/auth server")
    assert report.severity("Teleport/version") == "ok"


async def test_wrong_pins_are_reported_as_by_the_join(clinic):
    del clinic.sections["teleport"]["identity"]
    clinic.sections["teleport"]["ca_pins"] = ["sha256:" + "0" * 64]
    report = await clinic.examine()
    assert "Teleport/auth server" in report.bad()
    assert "tctl status" in report.says("Teleport/auth server")


async def test_an_unusable_file_of_the_bot_is_named_as_the_reason_why_no_ca_is_trusted(clinic, tmp_path):
    clinic.sections["teleport"]["identity"] = str(tmp_path / "absent")
    report = await clinic.examine()
    assert report.bad() == ["identities/bot", "identities/trust of the first join"]
    assert f"{tmp_path}/absent cannot be used" in report.says("identities/trust of the first join")
    assert report.severity("Teleport/auth server") == "note"


async def test_without_trust_or_token_two_errors_are_reported(clinic):
    for key in ("identity", "join_token"):
        del clinic.sections["teleport"][key]
    report = await clinic.examine()
    assert {"identities/join token", "identities/trust of the first join"} <= set(report.bad())


async def test_an_expired_bot_switches_off_the_features_that_need_it(well):
    well.issue_bot(lifetime=timedelta(hours=-1))
    report = await well.examine()
    assert report.bad() == ["identities/bot"]
    assert "expired" in report.says("identities/bot")
    assert "adopted" in report.says("identities/bot")
    assert report.severity("Teleport/feature adoption") == "note"


async def test_a_bot_that_should_have_been_renewed_is_weak(well):
    well.issue_bot(lifetime=timedelta(minutes=60))
    well.clock.advance(46 * 60)
    assert "tbot" in (await well.examine()).says("identities/bot")
    assert (await well.examine()).severity("identities/bot") == "warning"


async def test_identities_that_are_not_valid_yet_tell_of_the_clock(well):
    report = await well.examine(clock=VirtualClock(well.clock.now() - timedelta(days=1)))
    assert {"identities/host", "identities/bot"} <= set(report.bad())
    assert "clock" in report.says("identities/host")


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN PRIVATE KEY-----\nAAAA"])
async def test_a_damaged_bot_file_is_named(well, content):
    well.teleport.identity_path.write_bytes(content)
    report = await well.examine()
    assert "identities/bot" in report.bad()
    assert str(well.teleport.identity_path) in report.says("identities/bot")


async def test_the_identity_of_a_host_is_no_bots(well):
    well.sections["teleport"]["identity"] = str(well.data / "host" / "identity")
    report = await well.examine()
    assert report.severity("identities/bot") == "error"
    assert "tbot" in report.says("identities/bot")


async def test_a_bot_of_another_cluster_is_not_used(well, tmp_path):
    (tmp_path / "other").mkdir()
    async with clinic_of(tmp_path / "other", cluster={"name": "other.example.com"}) as other:
        well.sections["teleport"]["identity"] = str(other.teleport.identity_path)
        report = await well.examine()
    assert "identities/cluster" in report.bad()
    assert "other.example.com" in report.says("identities/cluster")


async def test_a_damaged_host_identity_is_reported_with_a_remedy_and_the_rest_is_checked(well):
    (well.data / "host" / "identity").write_bytes(b"half")
    report = await well.examine()
    assert report.bad() == ["identities/host"]
    assert "join_token" in report.says("identities/host")
    assert report.severity("Teleport/bot may user") == "ok"


async def test_an_identity_of_another_host_is_reported(well):
    (well.data / "host" / "uuid").write_text("2f0c0f0e-0000-4000-8000-000000000000\n")
    assert (await well.examine()).severity("identities/host") == "error"


async def test_keys_that_everybody_can_read_are_weak(well):
    well.teleport.identity_path.chmod(0o644)
    (well.directory / "okta-key.pem").chmod(0o644)
    well.data.chmod(0o755)
    report = await well.examine()
    assert report.bad() == ["configuration/okta.private_key", "state directory/mode", "identities/bot file"]
    assert "chmod 0600" in report.says("identities/bot file")


async def test_a_pod_without_its_token_cannot_join(clinic):
    clinic.environment["KUBERNETES_TOKEN_PATH"] = str(clinic.directory / "absent")
    clinic.sections["teleport"] |= {"join_method": "kubernetes", "join_token": "pods"}
    report = await clinic.examine()
    assert report.bad() == ["identities/pod token"]
    (clinic.directory / "absent").write_text("token-of-a-pod")
    assert (await clinic.examine()).bad() == []


async def test_a_damaged_database_is_an_error_with_its_remedy(well):
    (well.data / "state.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    report = await well.examine()
    assert report.bad() == ["state directory/database"]
    assert "move" in report.says("state directory/database")


async def test_a_state_of_a_newer_release_is_reported(well):
    with sqlite3.connect(well.data / "state.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    assert "newer release" in (await well.examine()).says("state directory/database")


async def test_another_process_on_the_data_directory_is_reported_and_not_disturbed(well):
    with exclusive(well.data):
        report = await well.examine()
        assert report.bad() == ["service/running"]
        assert "uses the data directory" in report.says("service/running")
        assert "not checked" in report.says("state directory/database")


class Standby:
    """An engine that stands by."""

    async def status(self):
        return Status("0.1.0", "standby", None, (), Findings(), last_error="another process writes: over there")


async def test_a_standby_is_shown_with_the_writer(well):
    async with serving(AdminService(Standby(), None), well.data):
        report = await well.examine()
    assert report.bad() == []
    assert "over there" in report.says("service/running")
    assert "compares every listing itself" in report.says("Okta/listing")


async def test_a_configuration_that_cannot_be_read_is_the_finding(clinic):
    clinic.sections["okta"]["nonsense"] = "1"
    report = await clinic.examine()
    assert report.bad() == ["configuration/file"]
    assert "okta.nonsense" in report.says("configuration/file")


async def test_no_secret_is_in_any_finding_however_much_is_wrong(tmp_path):
    async with clinic_of(tmp_path, service_app=False, tls=False) as clinic:
        token_file = tmp_path / "token"
        token_file.write_text("00canary-of-the-api-token\n")
        clinic.sections["okta"]["api_token"] = str(token_file)
        clinic.sections["teleport"]["join_token"] = "canary-of-the-join-token"
        clinic.environment |= {"HTTP_PROXY": "http://ada:canary-of-the-proxy@127.0.0.1:1", "NO_PROXY": ""}
        texts = [(await clinic.examine()).text()]
        clinic.environment["HTTP_PROXY"] = "ftp://ada:canary-of-the-proxy@nowhere"
        texts.append((await clinic.examine()).text())
        clinic.environment.clear()
        texts.append((await clinic.examine()).text())
        clinic.teleport.identity_path.write_text("-----BEGIN PRIVATE KEY-----\ncanary-of-the-key\n")
        clinic.sections["okta"]["api_token"] = "00canary of blanks"
        texts.append((await clinic.examine()).text())
    assert all(texts)
    assert "canary" not in "\n".join(texts)
