"""Enrolment as people run it: from two sandboxes that know nothing of each other to users and a first SCIM request."""

from __future__ import annotations

import json
import re
import signal
import socket
import urllib.request

import pytest
from processes import PATIENCE, Command, Installation, Sandbox
from waiting import eventually

CONNECTOR = "okta-integration"
LABEL = "Teleport sandbox.teleport.test"
HURRY = 10
"""An app that may exist is looked for again after seconds, and people are awaited by reading the System Log."""


@pytest.fixture
def okta(tmp_path):
    """An organisation over HTTPS: Teleport takes no connector whose addresses are plain HTTP."""
    sandbox = Sandbox.started("okta", "--users", 5, "--tls", "--dir", tmp_path / "okta")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def enrolling(tmp_path, okta, teleport):
    """An installation that knows addresses and credentials, and no app."""
    return Installation(
        tmp_path,
        {
            "teleport": {
                "addr": teleport.line["auth"],
                "identity": teleport.line["identity"],
                "join_token": teleport.line["join_token"],
            },
            "okta": {
                "org_url": okta.line["https_url"],
                "ca": okta.line["ca"],
                "api_token": okta.line["ssws_token"],
            },
            "storage": {"data_dir": str(tmp_path / "data")},
            "log": {"output": str(tmp_path / "log")},
        },
    )


def enroll(path, *arguments):
    return Command("enroll", "--config", path, "--yes", *arguments, hurry=HURRY)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def apps_of(okta):
    """The apps that an enrolment has made, as Okta's API lists them."""
    request = urllib.request.Request(
        f"{okta.line['url']}/api/v1/apps?limit=200", headers={"Authorization": f"SSWS {okta.line['ssws_token']}"}
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return [app for app in json.load(answer) if app["label"] == LABEL]


def outcome(okta, teleport):
    """What an enrolment leaves on both sides, without what no two runs have in common."""
    (app,) = apps_of(okta)
    connectors, plugins = teleport.control("GET", "/saml_connectors"), teleport.control("GET", "/plugins")
    assert len(connectors) == len(plugins) == 1
    (connector,), (plugin,) = connectors, plugins
    return {
        "labels": connector["Metadata"]["Labels"]["teleport.internal/okta-app-id"] == app["id"],
        "roles": connector["Spec"]["AttributesToRoles"],
        "metadata": "EntityDescriptor" in connector["Spec"]["EntityDescriptor"],
        "settings": {
            key: value
            for key, value in plugin["spec"]["okta"]["sync_settings"].items()
            if key not in {"app_id", "app_name"}
        },
        "tied": plugin["spec"]["okta"]["sync_settings"]["app_id"] == app["id"],
    }


def test_from_two_strangers_to_users_and_a_first_scim_request(enrolling, okta, teleport):
    path, port = enrolling.config, free_port()
    url = f"http://127.0.0.1:{port}/scim/v2"
    process = enroll(path, "--scim-url", url, "--scim-listen", f"127.0.0.1:{port}")
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if "Authorization: Bearer" in line:
            token = line.split()[-1]
        if line.startswith("waiting for Okta's first request"):
            (app,) = apps_of(okta)
            provisioning = {
                "base_url": url,
                "authorization": f"Bearer {token}",
                "features": ["create", "update", "deactivate"],
            }
            okta.control("PUT", f"/apps/{app['id']}/provisioning", provisioning)
            # None of the requests that follow the first one finds a closed door.
            for _ in range(100):
                tested = okta.control("POST", f"/apps/{app['id']}/provisioning/test")
                assert tested["succeeded"], tested
    assert process.wait(PATIENCE) == 0, lines
    assert "SCIM works: Okta has called; staying until it pauses for 5 s" in lines
    # Without access lists there is nothing that a pushed group could become.
    assert not any("Push Groups" in line for line in lines)
    assert any(re.fullmatch(r"the sync works: \d+ users are in Teleport", line) for line in lines)
    assert token not in path.read_text()
    assert 'name = "okta"' in path.read_text()
    # What it wrote is what the service runs by; while it does, nobody enrols.
    service = Command("start", "--config", path, hurry=HURRY)
    eventually(lambda: enrolling_status(path)["state"] == "idle", "the service runs")
    assert enroll(path, "--no-wait").wait(PATIENCE) == 1
    # The enrolment ended when Okta tested the connection; the service answers what Okta sends from now on.
    profile = {"firstName": "Ada", "lastName": "B", "login": "ada@x.io", "email": "ada@x.io"}
    ada = okta.control("POST", "/users", {"profile": profile})
    okta.control("POST", f"/apps/{app['id']}/assign", {"user": ada["id"]})
    users = eventually(
        lambda: [user for user in teleport.control("GET", "/users") if user["Metadata"]["Name"] == "ada@x.io"],
        "ada is a user",
    )
    assert users[0]["Metadata"]["Labels"]["teleport.dev/origin"] == "okta"
    log = path.parent / "log"
    eventually(lambda: "SCIM create Users answered 201" in log.read_text(), "Okta has the answer")
    assert not okta.control("GET", "/calls").get("unknown")
    service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0


def test_ctrl_c_ends_the_wait_for_okta_and_with_stay_it_continues_as_the_service(enrolling, okta, teleport):
    path, port = enrolling.config, free_port()
    scim = ("--scim-url", f"http://127.0.0.1:{port}/scim/v2", "--scim-listen", f"127.0.0.1:{port}")
    process = enroll(path, "--owner", "teresa", *scim)
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("waiting for Okta's first request"):
            process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 0, lines
    assert lines[-2:] == ["Okta has not called yet", f"from now on: teleport-okta start -c {path}"]
    assert any("Push Groups" in line for line in lines)

    process = enroll(path, "--no-wait", "--stay")
    assert any(line.startswith("  4. Assignments") for line in process.stdout)
    eventually(lambda: enrolling_status(path)["state"] == "idle", "the service runs")
    eventually(lambda: "starts; data in" in (path.parent / "log").read_text(), "it runs as `start` does")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "settings were read again" in (path.parent / "log").read_text(), "it reads its settings again")
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0
    assert "finishing the changes in flight" in (path.parent / "log").read_text()


def enrolling_status(path):
    return json.loads(Command("status", "--config", path, "--format", "json").output())


def test_killed_after_each_step_and_run_again_it_ends_in_the_same_state(enrolling, okta, teleport):
    path = enrolling.config
    for step in ("* created the SAML app", "* assigned", "* created the SAML connector", "* created the plugin"):
        process = enroll(path, "--no-wait", "--owner", "teresa")
        for line in process.stdout:
            # A step may have been through before the kill came: the next run has nothing to do of it.
            if line.startswith((step, "running the first pass")):
                break
        else:
            pytest.fail(f"{step} was never shown, and the first pass did not run")
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()
    process = enroll(path, "--no-wait", "--owner", "teresa", "--format", "json")
    shown = json.loads(process.output())
    assert process.returncode == 0, shown
    assert {step["state"] for step in shown["steps"]} == {"done"}
    assert outcome(okta, teleport) == {
        "labels": True,
        "roles": [{"Name": "groups", "Value": "Everyone", "Roles": ["okta-requester"]}],
        "metadata": True,
        "settings": {
            "sync_users": True,
            "sso_connector_id": CONNECTOR,
            "sync_access_lists": True,
            "default_owners": ["teresa"],
            "disable_bidirectional_sync": True,
            "user_sync_source": "saml_app",
        },
        "tied": True,
    }


def test_an_enrolment_is_undone(enrolling, okta, teleport):
    path = enrolling.config
    assert enroll(path, "--no-wait").wait(PATIENCE) == 0
    process = enroll(path, "--remove", "--format", "json")
    shown = json.loads(process.output())
    assert [step["state"] for step in shown["steps"]] == ["made"] * 3
    assert apps_of(okta) == teleport.control("GET", "/saml_connectors") == teleport.control("GET", "/plugins") == []
    assert enroll(path, "--remove").wait(PATIENCE) == 0
    # Then, as the command says, `cleanup` removes the users, groups and lists: without the plugin, and without the app.
    assert users_of_ours(teleport)
    as_json = ("--format", "json")
    process = Command("cleanup", "--config", path, *as_json, hurry=HURRY)
    preview = json.loads(process.output())
    assert (process.returncode, preview["blockers"]) == (0, [])
    process = Command("cleanup", "--config", path, "--no-dry-run", "--plan", preview["digest"], *as_json, hurry=HURRY)
    assert json.loads(process.output())["left_nothing"]
    assert not users_of_ours(teleport)


def users_of_ours(teleport):
    users = teleport.control("GET", "/users")
    return [user for user in users if "teleport-okta/owner" in user["Metadata"].get("Labels", {})]


def test_without_a_terminal_and_without_yes_nothing_is_written(enrolling, okta, teleport):
    process = Command("enroll", "--config", enrolling.config, "--no-wait")
    assert process.wait(PATIENCE) == 2
    assert apps_of(okta) == teleport.control("GET", "/plugins") == []
