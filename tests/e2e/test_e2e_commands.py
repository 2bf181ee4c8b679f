"""What people run, as they run it: real processes, files and sockets."""

from __future__ import annotations

import json
import os
import signal

import pytest
from processes import PATIENCE, Sandbox, installation_of, start
from teleport_okta.state.lock import exclusive
from waiting import eventually


def test_the_sandboxes_announce_themselves_in_one_line(okta, teleport):
    assert set(okta.line) == {"kind", "url", "ssws_token", "oauth", "app_id", "control"}
    assert set(okta.line["oauth"]) == {"client_id", "private_key", "kid"}
    assert set(teleport.line) == {
        "kind", "auth", "proxy", "proxy_ca", "cluster", "version", "edition", "identity", "join_token", "ca_pins",
        "control",
    }  # fmt: skip
    assert (okta.line["kind"], teleport.line["kind"]) == ("okta", "teleport")


def test_plan_apply_history_and_status_without_a_service(installation, okta):
    shown = installation.json("plan", "--join")
    assert len(shown["changes"]) == 30
    assert installation.json("plan")["digest"] == shown["digest"]
    okta.control("PATCH", f"/users/{shown['changes'][0]['okta_id']}", {"profile": {"department": "Looms"}})
    refused = installation.run("apply", "--plan", shown["digest"])
    assert refused.returncode == 1
    assert shown["digest"] in refused.stderr
    assert "--plan" in refused.stderr
    digest = installation.json("plan")["digest"]
    report = installation.json("apply", "--plan", digest)
    assert report["succeeded"]
    assert {outcome["result"] for outcome in report["outcomes"]} == {"done"}
    assert installation.json("plan")["changes"] == []
    assert "nothing to do, 30 unchanged" in installation.run("plan").stdout
    entries = installation.json("history", "--limit", "100")["entries"]
    assert {entry["action"] for entry in entries} == {"create"}
    assert len(entries) == 30
    status = installation.json("status")
    assert status["state"] == "stopped"
    assert status["last_success"]


def test_reading_goes_on_beside_a_command_and_a_start_waits_for_it(installation):
    assert installation.json("apply")["succeeded"]
    data = installation.directory / "data"
    with exclusive(data):
        assert len(installation.json("history", "--limit", "100")["entries"]) == 30
        assert installation.json("status")["last_success"]
        planned = installation.run("plan")
        assert planned.returncode == 0
        assert f"a command (pid {os.getpid()}) uses this data directory" in planned.stderr
        refused = installation.run("apply")
        assert "wait until the command has ended" in refused.stderr
        service = installation.start()
        eventually(lambda: "waiting for a command to end" in installation.log, "it waits")
    try:
        eventually((data / "admin.sock").is_socket, "the admin socket")
        assert installation.run("start").returncode == 1
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0


def test_an_oauth_service_app_does_the_same(installation, okta):
    app = okta.line["oauth"]
    other = installation.changed(
        okta={
            "api_token": None,
            "client_id": app["client_id"],
            "private_key": app["private_key"],
            "private_key_id": app["kid"],
        }
    )
    assert other.json("apply")["succeeded"]


def test_a_running_service_answers_its_command_line(installation):
    service = installation.start_as_people_do()
    try:
        socket = installation.directory / "data" / "admin.sock"
        eventually(socket.is_socket, "the admin socket")
        status = eventually(lambda: (s := installation.json("status"))["last_success"] and s, "a first pass")
        assert status["cluster"]["version"] == "18.1.3"
        assert installation.json("plan")["changes"] == []
        assert installation.json("apply")["succeeded"]
        assert len(installation.json("history", "--limit", "100")["entries"]) == 30
        second = installation.run("start")
        assert second.returncode == 1
        assert str(service.pid) in second.stderr
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    assert not socket.exists()
    assert "stopped" in installation.log
    assert "Traceback" not in installation.log


def test_a_second_start_does_not_join_again(installation, teleport):
    assert installation.json("apply")["succeeded"]
    teleport.control("POST", "/calls/reset")
    installation.sections["teleport"]["join_token"] = None
    assert installation.json("apply")["succeeded"]
    assert not [path for path in calls_of(teleport) if "RegisterUsingToken" in path]


def calls_of(teleport):
    return teleport.control("GET", "/calls")["calls"]


@pytest.mark.parametrize("edition", ["ent", "oss"])
def test_both_editions(tmp_path, okta, edition):
    teleport = Sandbox.started("teleport", "--no-lag", "--edition", edition, "--dir", tmp_path / edition)
    try:
        community = edition == "oss"
        if community:
            refused = installation_of(tmp_path, okta, teleport).run("apply")
            assert refused.returncode == 1
            assert "sync.local_users = true" in refused.stderr
        installation = installation_of(tmp_path, okta, teleport, local_users=community)
        assert installation.json("apply")["succeeded"]
        assert installation.json("plan")["changes"] == []
    finally:
        teleport.stop()


def hide(okta, installation, count):
    """Narrow the admin role so that so many of the managed people vanish; return their names."""
    rows = installation.json("history", "--limit", "100")["entries"][:count]
    okta.control("POST", "/role", {"hide": [row["okta_id"] for row in rows]})
    return {row["name"] for row in rows}


def test_what_is_held_is_approved_from_the_command_line(installation, okta, teleport):
    installation.json("apply")
    hidden = hide(okta, installation, 11)
    held = installation.run("apply")
    assert held.returncode == 1
    status = installation.json("status")
    assert {row["name"] for row in status["held"]} == hidden
    assert f"teleport-okta approve {status['held_digest']}" in held.stdout
    assert f"teleport-okta approve {status['held_digest']}" in installation.run("status").stdout
    assert status["holds"][0]["count"] == 11
    wrong = installation.run("approve", "0123456789abcdef")
    assert (wrong.returncode, "status" in wrong.stderr) == (1, True)
    assert installation.run("approve", "everything").returncode == 2
    assert len(installation.json("approve", status["held_digest"])["harmed"]) == 11
    report = installation.json("apply")
    assert report["succeeded"]
    assert {outcome["subject"] for outcome in report["outcomes"]} == hidden
    assert installation.json("status")["held"] == []
    assert f"approved by {status['held_digest']}" in installation.run("history", "--limit", "1").stdout


def test_a_running_service_takes_an_approval_and_acts_at_once(installation, okta, teleport):
    installation.json("apply")
    hidden = hide(okta, installation, 11)
    installation.sections["sync"]["interval"] = "1h"
    service = installation.start()
    try:
        eventually((installation.directory / "data" / "admin.sock").is_socket, "the admin socket")
        status = eventually(lambda: (s := installation.json("status"))["held"] and s, "a held set")
        assert len(installation.json("approve", status["held_digest"])["harmed"]) == 11
        eventually(lambda: not installation.json("status")["held"], "the approved pass")
        approvals = [one for one in installation.json("history")["entries"] if one["action"] == "approve"]
        assert len(approvals) == 11
        assert all(f"(uid {os.getuid()}, pid " in one["who"] for one in approvals)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(PATIENCE)
    left = {user["Metadata"]["Name"] for user in teleport.control("GET", "/users")}
    assert not hidden & left
    assert "held: 11 of 30 users to go (absent)" in installation.log


def waiting(installation, remedy):
    """Run a pass, and return the row in quarantine that has this remedy, if there is one."""
    installation.run("apply")
    return next((row for row in installation.json("status")["quarantine"] if remedy in row["remedy"]), None)


def test_a_reused_login_is_released_from_the_command_line(installation, okta, teleport):
    installation.json("apply")
    entry = installation.json("history", "--limit", "1")["entries"][0]
    name, app = entry["name"], okta.line["app_id"]
    okta.control("POST", f"/apps/{app}/unassign", {"user": entry["okta_id"]})
    installation.json("apply")
    okta.control("PATCH", f"/users/{entry['okta_id']}", {"profile": {"login": "former@example.com"}})
    successor = okta.control(
        "POST", "/users", {"profile": {"firstName": "N", "lastName": "H", "login": name, "email": "new@example.com"}}
    )
    okta.control("POST", f"/apps/{app}/assign", {"user": successor["id"]})
    row = eventually(lambda: waiting(installation, f"teleport-okta release {name}"), "the successor waits for the lock")
    assert row["next_try"] > row["since"]
    assert entry["okta_id"] in installation.run("release", name).stdout
    user = eventually(lambda: (installation.run("apply"), user_named(teleport, name))[1], "the successor's user")
    assert user["Metadata"]["Labels"]["teleport-okta/id"] == successor["id"]


def user_named(teleport, name):
    users = teleport.control("GET", "/users")
    return next((user for user in users if user["Metadata"]["Name"] == name), None)


def test_kill_9_in_the_middle_of_a_pass_and_start_again(crowded, teleport):
    service = crowded.start()
    eventually(lambda: writes(teleport) >= 20, "twenty users")
    service.kill()
    service.wait(PATIENCE)
    assert writes(teleport) < 100
    teleport.control("DELETE", "/faults")
    assert crowded.json("apply")["succeeded"]
    assert crowded.json("plan")["changes"] == []
    assert crowded.json("plan")["unchanged"] == 100


def test_sigterm_in_the_middle_of_a_pass_finishes_who_is_in_flight(crowded, teleport):
    service = crowded.start()
    eventually(lambda: writes(teleport) >= 20, "twenty users")
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    created = writes(teleport)
    assert created < 100
    journal = crowded.json("history", "--limit", "1000")["entries"]
    assert [entry["outcome"] for entry in journal] == ["done"] * created


def test_ctrl_c_in_the_middle_of_apply_finishes_who_is_in_flight_and_says_so(crowded, teleport):
    apply = start("apply", "--config", crowded.config, "--format", "json")
    eventually(lambda: writes(teleport) >= 20, "twenty users")
    apply.send_signal(signal.SIGINT)
    report = json.loads(apply.communicate(timeout=PATIENCE)[0])
    assert apply.returncode == 1
    results = [outcome["result"] for outcome in report["outcomes"]]
    assert results.count("done") == writes(teleport) < 100
    assert set(results) == {"done", "skipped"}
    assert len(crowded.json("history", "--limit", "1000")["entries"]) == writes(teleport)


def test_a_service_whose_cluster_cannot_do_what_is_configured_ends_with_the_reason(tmp_path, okta):
    teleport = Sandbox.started("teleport", "--edition", "oss", "--dir", tmp_path / "oss")
    try:
        installation = installation_of(tmp_path, okta, teleport)
        assert installation.start().wait(PATIENCE) == 1
        assert "sync.local_users = true" in installation.log
        assert "Traceback" not in installation.log
    finally:
        teleport.stop()


def writes(teleport):
    return sum(count for path, count in calls_of(teleport).items() if path.endswith("/CreateUser"))


BAD = {
    "a misspelt key": ({"sync": {"intervall": "5m"}}, "did you mean interval"),
    "a missing identity file": ({"teleport": {"identity": "/nowhere/identity"}}, "/nowhere/identity"),
    "a wrong token": ({"okta": {"api_token": "00-wrong-secret"}}, "token"),
    "an app that is not there": ({"okta": {"app_id": "0oaNOTHERE00000000xx"}}, "0oaNOTHERE"),
    "plain http": ({"okta": {"org_url": "http://example.okta.com"}}, "https://example.okta.com"),
    "the admin console": ({"okta": {"org_url": "https://example-admin.okta.com"}}, "https://example.okta.com"),
    "an unreadable key": (
        {"okta": {"api_token": None, "client_id": "0oa", "private_key": "/nowhere/key.pem"}},
        "/nowhere/key.pem",
    ),
    "a wrong join token": ({"teleport": {"join_token": "wrong-secret"}}, "tctl tokens add"),
    "nobody at the address": ({"teleport": {"addr": "127.0.0.1:1"}}, "127.0.0.1:1"),
    "a role that does not exist": ({"sync": {"default_roles": ["nosuchrole"]}}, "nosuchrole"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_with_its_remedy(installation, teleport, case):
    change, words = BAD[case]
    installation.hurry = 10
    result = installation.changed(**change).run("apply")
    assert result.returncode == 1
    assert words in result.stderr
    assert "  try: " in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr
    assert writes(teleport) == 0


def test_an_expired_identity_is_named_before_anything_is_dialled(installation, tmp_path, teleport):
    text = (tmp_path / "teleport" / "identity").read_text()
    broken = tmp_path / "broken"
    broken.write_text(text[: len(text) // 2])
    result = installation.changed(teleport={"identity": str(broken)}).run("apply")
    assert result.returncode == 1
    assert str(broken) in result.stderr
    assert "Traceback" not in result.stderr


def test_the_demo_holds_what_it_claims(tmp_path):
    demo = start("demo", "--once", "--format", "json")
    output, _ = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0
    story = json.loads(output)
    assert story["held"]
    assert sum(len(scene["checks"]) for scene in story["scenes"]) > 110
    titles = {scene["title"] for scene in story["scenes"]}
    assert titles >= {"A hire", "A narrowed admin role", "A new access list", "A person edits a list"}
    assert story["end"]["Access lists in Teleport"]
