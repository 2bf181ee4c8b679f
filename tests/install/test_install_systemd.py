"""The systemd unit: what systemd itself says of it, what the wheel brings, and that it fits the program."""

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from teleport_okta.config import DEFAULT_PATH
from teleport_okta.config_example import example

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "deploy/systemd/teleport-okta.service"
PROGRAM = "/opt/teleport-okta/bin/teleport-okta"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def service():
    """The section [Service]; of keys that stand there twice, the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser["Service"]


@pytest.fixture
def analyze():
    """Ask systemd about a unit, where systemd is installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: what systemd says of the unit is not known")

    def run(verb, path, *options):
        result = subprocess.run(
            [program, verb, *options, str(path)], capture_output=True, text=True, timeout=60, check=False
        )
        return result.returncode, result.stdout + result.stderr

    return run


def test_systemd_finds_no_fault_in_the_unit(analyze, tmp_path):
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace(PROGRAM, sys.executable))
    assert analyze("verify", installed) == (0, "")


def test_systemd_finds_a_fault_where_there_is_one(analyze, tmp_path):
    installed = tmp_path / UNIT.name
    installed.write_text(UNIT.read_text().replace(PROGRAM, sys.executable).replace("Type=notify", "Type=notified"))
    assert "notified" in analyze("verify", installed)[1]


def test_systemd_rates_what_the_service_may_do_as_ok(analyze):
    """1.7 of 10 with systemd 252: the network and Unix sockets, which the service is there for, make most of it."""
    code, output = analyze("security", UNIT, "--offline=yes", "--no-pager", "--threshold=20")
    if "unrecognized option" in output:
        pytest.skip("this systemd-analyze does not rate units offline")
    assert code == 0, output


def test_the_unit_fits_the_program(service):
    data_directory = re.search(r'# data_dir = "(.+)"', example())[1]
    assert service["ExecStart"] == f"{PROGRAM} start --config {DEFAULT_PATH}"
    assert f"/var/lib/{service['StateDirectory']}" == data_directory
    assert service["StateDirectoryMode"] == "0700"
    assert (service["Type"], service["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")


@pytest.mark.parametrize("switch", ["MemoryDenyWriteExecute", "PrivateUsers", "ProtectProc", "ProcSubset"])
def test_what_would_break_the_program_is_not_switched_on(service, switch):
    """cffi's callbacks, the users of callers, the login users of callers, and the boot's id end by these."""
    assert switch not in service


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel, built from this tree with a revision."""
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"),
            *("--wheel-dir", str(directory), str(ROOT)),
        ],
        env={**os.environ, "TELEPORT_OKTA_REVISION": REVISION},
        check=True,
        timeout=100,
    )
    (path,) = directory.glob("*.whl")
    with zipfile.ZipFile(path) as content:
        yield content


def test_the_wheel_brings_the_unit(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(UNIT.name)]
    assert name.endswith(".data/data/share/teleport-okta/teleport-okta.service")
    assert wheel.read(name) == UNIT.read_bytes()


def test_what_is_installed_from_the_wheel_shows_its_revision(wheel, tmp_path):
    wheel.extractall(tmp_path)
    script = "from teleport_okta.revision import source_revision; print(source_revision())"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"{REVISION[:12]}\n"
