"""Findings about a data directory that is usable, full, read-only or another user's."""

from __future__ import annotations

import errno
import os
import shutil

import pytest
from teleport_okta.doctor import state_dir
from teleport_okta.doctor.state_dir import check_database, check_state_dir
from teleport_okta.errors import ConfigError
from teleport_okta.serve.admin import LONGEST_SOCKET_PATH, SOCKET_NAME, AdminService, serving
from teleport_okta.state.data_dir import sudo_user


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    return path


def by_check(data):
    return {finding.check: finding for finding in check_state_dir(data)}


def severities(data):
    return {check: finding.severity.value for check, finding in by_check(data).items()}


def test_one_that_is_well(data):
    assert set(severities(data).values()) == {"ok"}
    assert list(data.iterdir()) == []


def test_a_missing_directory_is_made_by_the_first_start(data):
    assert severities(data / "x" / "y") == {"directory": "note", "admin socket": "ok"}


def test_one_that_cannot_be_made_is_an_error(data, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert severities(data / "down")["directory"] == "error"


def test_a_file_in_its_place_is_an_error(data):
    (data / "file").touch()
    assert severities(data / "file") == {"directory": "error"}


@pytest.mark.parametrize(("mode", "severity"), [(0o700, "ok"), (0o750, "note"), (0o701, "warning"), (0o777, "error")])
def test_the_mode_of_the_directory(data, mode, severity):
    data.chmod(mode)
    assert severities(data)["mode"] == severity


@pytest.mark.parametrize(("user", "severity"), [(0, "note"), (4242, "error")])
def test_one_of_another_user(data, monkeypatch, user, severity):
    if data.stat().st_uid == user:
        os.chown(data, 99, -1)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert severities(data)["owner"] == severity


def test_another_user_gets_the_sudo_command_before_chown(data, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4242)
    remedy = by_check(data)["owner"].remedy
    assert remedy.startswith(f"run it as that user: sudo -u '{sudo_user(data.stat().st_uid)}' teleport-okta")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(errno.EROFS, "writable"), (errno.ENOSPC, "free some space"), (errno.EACCES, "storage.data_dir")],
)
@pytest.mark.parametrize("step", ["open", "fsync"])
def test_a_directory_without_durable_writes_has_a_remedy_and_keeps_no_probe(data, monkeypatch, code, remedy, step):
    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(state_dir.os, step, refuse)
    finding = by_check(data)["writing"]
    assert finding.severity == "error"
    assert os.strerror(code) in finding.what
    assert remedy in finding.remedy
    assert list(data.iterdir()) == []


@pytest.mark.parametrize(("free", "severity"), [(10e6, "error"), (100e6, "warning"), (300e6, "ok")])
def test_how_much_room_there_is(data, monkeypatch, free, severity):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, int(free)))
    assert severities(data)["space"] == severity


@pytest.mark.parametrize(("too_long", "severity"), [(0, "ok"), (1, "error")])
async def test_a_path_is_too_long_exactly_where_the_service_says_so(tmp_path, too_long, severity):
    room = LONGEST_SOCKET_PATH - len(os.fsencode(tmp_path)) - len(f"//{SOCKET_NAME}") + too_long
    if room < 1:
        pytest.skip("the directory for tests is too deep")
    data = tmp_path / ("x" * room)
    data.mkdir(mode=0o700)
    assert severities(data)["admin socket"] == severity
    if too_long:
        with pytest.raises(ConfigError):
            async with serving(AdminService(None, None), data):
                pass
    else:
        async with serving(AdminService(None, None), data):
            pass


def test_a_database_in_use_is_not_opened(data):
    (data / "state.db").write_bytes(b"nonsense")
    [finding], inspection = check_database(data, "process 7")
    assert (finding.severity, inspection) == ("note", None)
    assert "process 7" in finding.what


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


@only_root
def test_files_that_another_user_left_are_an_error_with_the_command(data):
    (data / "host").mkdir(mode=0o700)
    (data / "host" / "identity").touch(mode=0o600)
    (data / "run").mkdir(mode=0o700)
    assert severities(data)["files"] == "ok"
    os.chown(data, 4242, 4242)
    finding = by_check(data)["files"]
    assert (finding.severity, finding.remedy) == ("error", f"as root: chown -R 4242 {data}")
    assert "host, run, host/identity" in finding.what


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o660, False), (0o604, True)])
def test_a_key_of_the_host_that_others_can_read_is_a_warning(data, mode, warned):
    (data / "host").mkdir(mode=0o700)
    (data / "host" / "identity").touch()
    (data / "host" / "identity").chmod(mode)
    found = by_check(data).get("private files")
    assert (found is not None and "host/identity" in found.what) is warned


@only_root
def test_root_leaves_no_probe_in_the_directory_of_another_user(data, monkeypatch):
    os.chown(data, 4242, 4242)
    monkeypatch.setattr(state_dir, "write_probe", lambda _: pytest.fail("it wrote"))
    assert "root" in by_check(data)["writing"].what
