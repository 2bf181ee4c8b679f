"""The service under a user of its own, and commands under root, that user and a third one."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
from processes import PATIENCE, Sandbox, installation_of
from waiting import eventually

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

SERVICE, THIRD = 4242, 4243
READING = [("plan",), ("filters", "--live"), ("status",), ("history",), ("explain", "user", "x"), ("cleanup",)]
WRITING = [("apply",), ("approve", "0123456789abcdef"), ("release", "x"), ("scim-token", "new")]


@pytest.fixture
def installation(okta):
    """An installation of the service's user, in a place that everybody may enter."""
    directory = Path(tempfile.mkdtemp())
    teleport = Sandbox.started("teleport", "--no-lag", "--dir", directory / "teleport")
    made = installation_of(directory, okta, teleport, interval="30s")
    made.hurry = 10
    made.sections["sync"]["apps_and_groups"] = True
    for path in (directory, *directory.rglob("*")):
        os.chown(path, SERVICE, SERVICE)
    directory.chmod(0o755)
    (directory / "data").mkdir(mode=0o700)
    os.chown(directory / "data", SERVICE, SERVICE)
    yield made
    teleport.stop()
    shutil.rmtree(directory)


def tree(installation):
    """Every file of the data directory, with its owner."""
    data = installation.directory / "data"
    return {path.relative_to(data): path.stat().st_uid for path in (data, *data.rglob("*"))}


def words_of(result):
    assert "Traceback" not in result.stderr, result.stderr
    return result.stderr


def test_before_the_join_reading_changes_nothing_and_says_so(installation):
    before = tree(installation)
    for words in (("plan",), ("filters", "--live"), ("cleanup",)):
        for user in (0, SERVICE):
            result = installation.run(*words, user=user)
            assert result.returncode == 1, words
            assert "has not joined" in words_of(result)
            assert "--join" in result.stderr
    assert {path for path in tree(installation) if path.parts[:1] == ("host",)} == set()
    refused = installation.run("plan", "--join", user=0)
    assert f"sudo -u '#{SERVICE}' teleport-okta plan --join" in words_of(refused)
    assert set(tree(installation).values()) == {SERVICE}
    assert before.items() <= tree(installation).items()
    assert installation.run("plan", "--join", user=SERVICE).returncode == 0
    assert installation.run("plan", user=SERVICE).returncode == 0


def test_a_start_as_root_leaves_no_log_that_is_closed_to_the_service(installation):
    log = installation.directory / "log"
    installation.sections["log"] = {"output": str(log)}
    refused = installation.run("start", user=0)
    assert refused.returncode == 1
    assert f"sudo -u '#{SERVICE}' teleport-okta start" in words_of(refused)
    assert not log.exists()


def test_root_reads_without_a_trace_and_is_told_how_to_write(installation):
    assert installation.run("apply", user=SERVICE).returncode == 0
    before = tree(installation)
    for words in READING:
        result = installation.run(*words, user=0)
        assert result.returncode == (1 if words[0] == "explain" else 0), (words, result.stderr)
        words_of(result)
    for words in WRITING:
        result = installation.run(*words, user=0)
        assert result.returncode == 1, words
        assert f"try: run it as that user: sudo -u '#{SERVICE}' teleport-okta {' '.join(words)}" in words_of(result)
    assert installation.run("doctor", user=0).returncode in {0, 1, 2}
    assert tree(installation) == before


def test_a_third_user_is_told_in_words(installation):
    assert installation.run("apply", user=SERVICE).returncode == 0
    for words in (*READING, *WRITING, ("start",)):
        result = installation.run(*words, user=THIRD)
        assert result.returncode == 1, words
        assert f"sudo -u '#{SERVICE}'" in words_of(result), words
    assert "Traceback" not in installation.run("doctor", user=THIRD).stderr
    service = installation.start(user=SERVICE)
    try:
        eventually((installation.directory / "data" / "admin.sock").is_socket, "the admin socket")
        for words in (*READING, *WRITING):
            assert f"sudo -u '#{SERVICE}'" in words_of(installation.run(*words, user=THIRD)), words
        by_root = installation.run("status", user=0)
        assert (by_root.returncode, "no service runs" in by_root.stdout) == (0, False)
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
