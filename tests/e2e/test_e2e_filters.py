"""The preview of filters as people run it: on what was last seen and live, with a service and without."""

from __future__ import annotations

import signal

import pytest
from processes import PATIENCE
from waiting import eventually


@pytest.fixture
def organised(installation, okta):
    """An installation that imports groups, over an organisation with two of them that one person is in."""
    installation.sections["sync"]["apps_and_groups"] = True
    installation.sections["access_lists"] = {"default_owners": ["owner@x.io"], "group_filters": ["eng-*"]}
    ada = okta.control("POST", "/users", {"profile": {"firstName": "A", "lastName": "B", "login": "ada@x.io"}})
    okta.control("POST", f"/apps/{okta.line['app_id']}/assign", {"user": ada["id"]})
    for name in ("eng-core", "ops"):
        group = okta.control("POST", "/groups", {"name": name})
        okta.control("POST", f"/groups/{group['id']}/members", {"user": ada["id"]})
    return installation


def lines(result):
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_without_a_service(organised):
    refused = organised.run("filters")
    assert refused.returncode == 1
    assert "--live" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert any(line.startswith('+ group "eng-core"') for line in lines(organised.run("filters", "--live", "--join")))
    assert organised.json("apply")["succeeded"]
    assert any(line.startswith('= group "eng-core"') for line in lines(organised.run("filters")))
    found = organised.json("filters", "--group", "ops", "--live")
    assert {match["name"]: match["verdict"] for match in found["matches"] if match["of"] == "group"} == {"ops": "added"}
    assert [one["present"]["title"] for one in found["ending"]] == ["eng-core"]
    assert organised.run("filters", "--group", "^($").returncode == 2


def test_with_a_service(organised):
    service = organised.start()
    try:
        eventually((organised.directory / "data" / "admin.sock").is_socket, "the admin socket")
        eventually(lambda: organised.json("status")["last_success"], "a first pass")
        for arguments in ((), ("--live",)):
            assert any(line.startswith('= group "eng-core"') for line in lines(organised.run("filters", *arguments)))
        assert organised.json("status")["cost"]["next_calls"]["/api/v1/groups"] >= 1
        assert organised.json("plan")["cost"]["made"]["/api/v1/groups"] >= 1
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
