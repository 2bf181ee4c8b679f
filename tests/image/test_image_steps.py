"""What the Dockerfile does, done: the image is built and run as the file says, with the two sandboxes around it."""

from __future__ import annotations

import importlib.metadata
import os
import re
import time

import pytest
from image.container import Container
from image.dockerfile import ROOT
from image.engine import Namespace, build
from processes import PATIENCE, Sandbox, installation_of

pytestmark = [
    pytest.mark.xdist_group("image"),  # which is built once
    pytest.mark.skipif(os.geteuid() != 0, reason="to mount and to change users, as an engine does, takes root"),
    pytest.mark.timeout(300),
]

INSTALLED = "/opt/teleport-okta"
DATA_DIRECTORY = "/var/lib/teleport/plugins/okta"
REVISION = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("image")
    (scratch / "work").mkdir()
    with Namespace.opened(scratch / "work") as space:
        yield build(space, scratch, {"REVISION": REVISION})


@pytest.fixture(scope="module")
def packages(image):
    (folder,) = image.tree.added(f"{INSTALLED}/lib").glob("python3.*/site-packages")
    return folder


@pytest.fixture
def installation(tmp_path):
    """What an administrator prepares: an organisation, a cluster, a configuration and a volume with an identity."""
    okta = Sandbox.started("okta", "--users", 5, "--dir", tmp_path / "okta")
    teleport = Sandbox.started("teleport", "--dir", tmp_path / "teleport")
    prepared = installation_of(tmp_path, okta, teleport)
    prepared.sections["teleport"]["identity"] = f"{DATA_DIRECTORY}/identity"
    del prepared.sections["storage"]
    (tmp_path / "volume").mkdir()
    identity = tmp_path / "volume" / "identity"
    identity.write_text((tmp_path / "teleport" / "identity").read_text())
    identity.chmod(0o644)
    prepared.config.chmod(0o644)
    yield prepared
    okta.stop()
    teleport.stop()


@pytest.fixture
def container(image, installation, request):
    directory = installation.directory
    return Container.made(
        image, request.node.name, volume=directory / "volume", config=directory / "teleport-okta.toml"
    )


def eventually(condition, what):
    """Wait for another process, for as long as it takes but not for ever."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"never happened: {what}")


def files_below(folder, *patterns):
    return {path.relative_to(folder) for pattern in patterns for path in folder.rglob(pattern)}


def test_every_file_of_the_product_and_of_the_generated_code_is_in_it(packages):
    for source in (ROOT / "plugin", ROOT / "gen"):
        expected = files_below(source, "*.py", "*.pyi", "py.typed")
        assert expected
        assert not {name for name in expected if not (packages / name).is_file()}


def test_it_holds_what_the_runtime_lock_names_and_neither_tests_nor_tools(packages):
    def normal(name):
        return re.sub(r"[-_.]+", "-", name).lower()

    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements-runtime.lock").read_text(), flags=re.MULTILINE)
    found = {normal(each.name) for each in importlib.metadata.distributions(path=[str(packages)])}
    assert found == {normal(name) for name in locked} | {"teleport-okta"}


def test_every_module_of_ours_comes_compiled(packages):
    modules = files_below(packages / "teleport_okta", "*.py") | files_below(packages / "teleport_okta_api", "*.py")
    compiled = files_below(packages / "teleport_okta", "*.pyc") | files_below(packages / "teleport_okta_api", "*.pyc")
    assert len(modules) == len(compiled) > 0


def test_its_user_can_write_to_the_data_directory_alone(image):
    top = image.tree.added()
    user = int(image.stage.only("USER").rest.partition(":")[0])
    writable = [
        path.relative_to(top)
        for path in top.rglob("*")
        if not path.is_symlink() and ((stat := path.lstat()).st_uid == user or stat.st_mode & 0o022)
    ]
    assert [f"/{path}" for path in writable] == [DATA_DIRECTORY]


def test_it_runs_under_the_name_by_which_teleports_charts_start_a_plugin(container):
    result = container.run("version", entrypoint="/usr/local/bin/teleport-plugin")
    assert result.stdout.startswith("teleport-okta v"), result.stderr
    assert f" git:{REVISION[:12]} " in result.stdout


def test_it_is_healthy_while_it_serves_and_ends_well_when_it_is_stopped(container, installation):
    assert container.check_health().returncode == 1
    with (installation.directory / "service.log").open("w") as log:
        running = container.start(log)
    try:
        eventually(running.is_healthy, "the health check passes")
        eventually(lambda: "5 done" in installation.log, "a first pass creates five users")
        assert running.stop() == 0, installation.log
    finally:
        running.kill()
    assert "Traceback" not in installation.log
    assert container.check_health().returncode == 1
