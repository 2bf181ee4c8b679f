"""Names that talk to terminals, in Okta: no verb and no log shows one as it is."""

from __future__ import annotations

import json

ESCAPES = '\x1b[2J\x1b]0;owned\x07\r\n+ create user "root"\u202e\u2066\u2028'


def test_no_verb_shows_a_control_character(installation, okta):
    installation.hurry = 10
    installation.sections["sync"]["apps_and_groups"] = True
    installation.sections["access_lists"] = {"default_owners": ["owner@x.io"], "group_filters": ["eng*"]}
    profile = {"firstName": f"A{ESCAPES}", "lastName": f"B{ESCAPES}", "login": "ada@x.io", "department": ESCAPES}
    for one in (profile, profile | {"login": "bob@x.io"}):
        person = okta.control("POST", "/users", {"profile": one})
        okta.control("POST", f"/apps/{okta.line['app_id']}/assign", {"user": person["id"]})
    group = okta.control("POST", "/groups", {"name": f"eng{ESCAPES}", "description": ESCAPES})
    okta.control("POST", f"/groups/{group['id']}/members", {"user": person["id"]})
    results = [
        installation.run("plan", "--join", "--members"),
        installation.run("plan", "--format", "json"),
        installation.run("plan", "--format", "markdown"),
        installation.run("filters", "--live"),
        installation.run("apply"),
        installation.run("status"),
        installation.run("status", "--format", "json"),
        installation.run("history", "--limit", "1000"),
        installation.run("history", "--format", "json"),
        installation.run("explain", "group", group["id"]),
        installation.run("explain", "user", "ada@x.io"),
        installation.run("doctor"),
        installation.run("cleanup", "--all"),
    ]
    for result in results:
        for line in [*result.stdout.split("\n"), *result.stderr.split("\n")]:
            assert line.isprintable(), (result.args, line)
            assert not line.startswith('+ create user "root"')
        assert "Traceback" not in result.stderr
    titles = {change["title"] for change in json.loads(results[1].stdout)["changes"]}
    assert any(ESCAPES in title for title in titles)
    assert sum(r"eng\x1b[2J" in result.stdout for result in results) >= 6
