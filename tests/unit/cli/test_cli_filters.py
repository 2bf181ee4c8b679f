"""`filters` without a service, from the stored facts: text, JSON, exit codes."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.okta import OktaApp
from teleport_okta.state.groups_and_apps import SeenList, SeenMembers
from teleport_okta.state.store import Store
from teleport_okta.sync.preview import NothingSeenError
from worlds import NOW, person

SEEN = SeenMembers(NOW, NOW, 1)


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(
        f"""
        [okta]
        org_url = "https://example.okta.com"
        api_token = "00invented"
        app_id = "0oaEXAMPLE"
        [access_lists]
        default_owners = ["owner@x.io"]
        group_filters = ["eng-*"]
        app_filters = ["Figma"]
        [storage]
        data_dir = "{tmp_path / "data"}"
        """
    )
    return path


@pytest.fixture
def seen(config, tmp_path):
    """Three groups, of which one has a list and one was never read, an app, and one person."""

    async def remember():
        (tmp_path / "data").mkdir(mode=0o700)
        store = await Store.open(tmp_path / "data")
        groups = [
            OktaGroup("00gA", "OKTA_GROUP", "eng-core", users_count=1),
            OktaGroup("00gB", "OKTA_GROUP", "eng-new", users_count=1),
            OktaGroup("00gC", "OKTA_GROUP", "ops", users_count=3),
        ]
        apps = [OktaApp("0oaA", "acme_figma", "Figma", "ACTIVE", None, "", ("https://figma",))]
        ada = Roster(frozenset({"00uA"}), NOW, listed=1)
        nobody = Roster(frozenset(), NOW)
        directory = Directory(
            Listing(tuple(groups), (), NOW),
            Listing(tuple(apps), (), NOW),
            {"00gA": ada, "00gB": ada},
            {},
            {"0oaA": nobody},
        )
        await store.directory.remember(directory, {"00gA": SEEN, "00gB": SEEN})
        await store.directory.remember_lists([SeenList("00gA", "eng-core", 1, 2)])
        await store.remember_people([person("00uA", "ada@x.io")], at=NOW, settled=1, managed={"00uA"})
        await store.close()

    asyncio.run(remember())
    return config


def run(config, *arguments):
    return CliRunner().invoke(cli, ["filters", "--config", str(config), *arguments])


def test_the_filters_of_the_configuration_are_shown_in_words(seen):
    result = run(seen)
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "group filters: eng-*; app filters: Figma",
        "as seen at 2026-01-05T09:00:00Z",
        '= group "eng-core" (00gA): by eng-*; people: 1, users of ours among them: 1',
        "    has a list",
        '+ group "eng-new" (00gB): by eng-*; people: 1, users of ours among them: 1',
        "    would get a list",
        '. app "Figma" (0oaA): by Figma; people: 0, users of ours among them: 0',
        "    no user of ours is in it, so it has no list",
        "3 match: 1 lists stay, 1 would be added; 0 would be removed",
    ]


def test_lists_that_would_be_removed_are_shown_with_members_and_reason(seen):
    output = run(seen, "--group", "ops", "--group", "^none$").output
    assert "group filters: ops, ^none$; app filters: Figma" in output
    assert '? group "ops" (00gC): by ops; people: 3\n' in output
    assert "its people were never read" in output
    assert '- list "eng-core" (00gA) would be removed: no filter of access_lists.group_filters lets it pass' in output
    assert "imported members: 1, others: 2" in output
    assert "1 would be removed" in output


def test_json_has_the_same_content(seen):
    result = run(seen, "--group", "ops", "--format", "json")
    found = json.loads(result.output)
    assert result.exit_code == 0
    assert (found["seen_at"], found["group_filters"]) == ("2026-01-05T09:00:00+00:00", ["ops"])
    assert [(match["name"], match["verdict"], match["people"], match["members"]) for match in found["matches"]] == [
        ("ops", "unknown", 3, None),
        ("Figma", "empty", 0, 0),
    ]
    (ending,) = found["ending"]
    assert ending["present"] == {"okta_id": "00gA", "title": "eng-core", "imported": 1, "added": 2}


@pytest.mark.parametrize("arguments", [["--group", "^($"], ["--app", ""], ["--group", "a", "--app", "^[$"]])
def test_a_filter_that_does_not_compile_is_wrong_usage_and_named(seen, arguments):
    result = run(seen, *arguments)
    assert result.exit_code == 2
    assert arguments[-2] in result.output


def test_before_the_first_pass_the_remedy_is_shown(config):
    error = run(config).exception
    assert isinstance(error, NothingSeenError)
    assert "--live" in error.remedy
