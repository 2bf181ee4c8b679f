"""No secret is seen of a process from outside: not in what it prints or logs, keeps, serves, or was started with."""

from __future__ import annotations

import json
import signal
import urllib.request
from pathlib import Path

import pytest
from canaries import Canaries, durable
from processes import PATIENCE, Installation
from waiting import eventually

VERBS = [
    ("plan", "--format", "json"),
    ("apply", "--format", "json"),
    ("status", "--format", "json"),
    ("history", "--format", "json"),
    ("doctor", "--format", "json"),
    ("doctor",),
]


@pytest.fixture
def canaries(okta, teleport):
    canaries = Canaries()
    canaries.add("API token", okta.line["ssws_token"])
    canaries.add("join token", teleport.line["join_token"])
    canaries.add_key("service app's key", Path(okta.line["oauth"]["private_key"]).read_text())
    canaries.add_key("bot key", Path(teleport.line["identity"]).read_text())
    return canaries


def leaks_of(installation, canaries, *shown, verbs=VERBS):
    """Run verbs; return what is seen of secrets in their output, in what else is shown, and in what is kept."""
    for arguments in verbs:
        result = installation.run(*arguments)
        shown = (*shown, result.stdout, result.stderr)
    identity = data_dir(installation) / "host" / "identity"
    if identity.exists():
        canaries.add_key("host key", identity.read_text())
    assert any(shown)
    return [leak for text in (*shown, *durable(data_dir(installation)).values()) for leak in canaries.found_in(text)]


def data_dir(installation) -> Path:
    return Path(installation.sections["storage"]["data_dir"])


def with_service_app(installation, okta):
    app = okta.line["oauth"]
    return installation.changed(
        okta={
            "api_token": None,
            "client_id": app["client_id"],
            "private_key": app["private_key"],
            "private_key_id": app["kid"],
        }
    )


def test_the_command_line_shows_none_when_all_is_well(installation, canaries):
    assert leaks_of(installation, canaries) == []


def test_the_command_line_shows_none_with_a_service_app(installation, okta, canaries):
    assert leaks_of(with_service_app(installation, okta), canaries) == []


@pytest.mark.parametrize(
    "mistakes",
    [
        {"okta": {"api_token": "00canaryOfAWrongToken-Qx7Lp2Vn9Zk4"}},
        {"teleport": {"join_token": "canaryOfAWrongJoinToken-Qx7Lp2Vn9Zk4"}},
        {"okta": {"private_key": "-----BEGIN PRIVATE KEY-----\ncanaryOfAWrongKeyQx7Lp2\n-----END PRIVATE KEY-----"}},
    ],
    ids=["api_token", "join_token", "private_key"],
)
def test_the_command_line_shows_none_that_is_wrong_or_misplaced(installation, canaries, mistakes):
    for section in mistakes.values():
        for secret in section.values():
            lines = secret.splitlines()
            canaries.add("wrong secret", lines[len(lines) // 2])
    assert leaks_of(installation.changed(**mistakes), canaries, verbs=(VERBS[0], VERBS[-1])) == []


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_service_shows_none_while_its_token_is_revoked(installation, okta, canaries, layout, unused_tcp_port):
    """Its command line is looked at once: with the log in text, where it is started by one."""
    listen = f"127.0.0.1:{unused_tcp_port}"
    sections = {**installation.sections, "log": {"severity": "debug", "format": layout}, "metrics": {"listen": listen}}
    watched = Installation(installation.directory, sections, hurry=10)
    service = watched.start_as_people_do() if layout == "text" else watched.start()
    try:
        eventually((data_dir(watched) / "admin.sock").is_socket, "the admin socket")
        eventually(lambda: watched.json("status")["last_success"], "a first pass")
        command_line = Path(f"/proc/{service.pid}/cmdline").read_bytes()
        okta.control("POST", "/tokens/revoke", {"token": okta.line["ssws_token"]})
        eventually(lambda: "was refused, because the token is not valid" in watched.log, "a pass that fails")
        with urllib.request.urlopen(f"http://{listen}/metrics", timeout=PATIENCE) as answer:
            metrics = answer.read()
        leaks = leaks_of(watched, canaries, command_line, metrics)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(PATIENCE)
    assert canaries.found_in(watched.log) == set()
    assert leaks == []
    assert layout == "text" or all(json.loads(line) for line in watched.log.splitlines())
