"""`explain` as people run it: a service answers after a change that came by the log, and the state without one."""

from __future__ import annotations

import signal

import pytest
from processes import PATIENCE
from waiting import eventually

ADA = "ada@x.io"


@pytest.fixture
def organised(installation):
    """An installation that imports groups, and passes by itself once an hour."""
    installation.hurry = 10
    installation.sections["sync"] |= {"apps_and_groups": True, "interval": "1h"}
    installation.sections["access_lists"] = {"default_owners": ["owner@x.io"], "group_filters": ["eng-*"]}
    return installation


def hired(okta, login):
    """Return the id of somebody new who is assigned to the app."""
    person = okta.control("POST", "/users", {"profile": {"firstName": "A", "lastName": "B", "login": login}})
    okta.control("POST", f"/apps/{okta.line['app_id']}/assign", {"user": person["id"]})
    return person["id"]


def test_a_membership_that_came_by_the_log_is_explained_by_its_event(organised, okta):
    ada, bob = hired(okta, ADA), hired(okta, "bob@x.io")
    group = okta.control("POST", "/groups", {"name": "eng-core"})["id"]
    okta.control("POST", f"/groups/{group}/members", {"user": bob})
    service = organised.start()
    try:
        eventually((organised.directory / "data" / "admin.sock").is_socket, "the admin socket")
        eventually(lambda: organised.json("status")["last_success"], "a first pass")
        assert "eng-core" not in organised.run("explain", "user", ADA).stdout
        okta.control("POST", f"/groups/{group}/members", {"user": ada})
        eventually(lambda: organised.json("history", ADA)["entries"][0]["kind"] == "member", "the membership")
        found = organised.json("explain", "user", ADA)
        assert found["is_live"]
        (source,) = [one for one in found["chain"]["then"] if one["kind"] == "group"]
        (access_list,) = [one for one in source["then"] if one["kind"] == "access_list"]
        assert access_list["text"] == "in its list, because they are in it in Okta"
        assert [one["trigger"].split()[0] for one in access_list["entries"]] == ["group.user_membership.add"]
        assert organised.json("explain", "list", "eng-core")["chain"]["okta_id"] == group
        assert organised.run("explain", "app", "nothing").returncode == 1
    finally:
        service.send_signal(signal.SIGTERM)
    assert service.wait(PATIENCE) == 0
    alone = organised.run("explain", "user", ada)
    assert alone.returncode == 0
    assert alone.stdout.startswith("no service answers: this is what was read last")
    assert "list eng-core" in alone.stdout
