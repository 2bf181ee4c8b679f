"""`explain` and `history NAME` without a service, from the stored facts: text, JSON, exit codes."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner
from teleport_okta.cli.explain import explanation_lines
from teleport_okta.cli.root import cli
from teleport_okta.model.directory import Directory, Listing, OktaGroup, Roster
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.state.groups_and_apps import SeenList, SeenMembers
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import Store
from teleport_okta.sync.explanation import Explanation
from worlds import NOW, person

CAUSE = "group.user_membership.add u1"


def entry(kind, name, okta_id, action="create", trigger="start"):
    return JournalEntry(NOW, trigger, kind, name, okta_id, action, "why", "", "", Result.DONE)


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
        [storage]
        data_dir = "{tmp_path / "data"}"
        """
    )
    return path


@pytest.fixture
def seen(config, tmp_path):
    """Ada, who is in a group that has a list, and two people whose names differ in case."""

    async def remember():
        (tmp_path / "data").mkdir(mode=0o700)
        store = await Store.open(tmp_path / "data")
        groups = Listing((OktaGroup("00gA", "OKTA_GROUP", "eng-core", users_count=1),), (), NOW)
        directory = Directory(groups, Listing((), (), NOW), {"00gA": Roster(frozenset({"00uA"}), NOW)})
        await store.directory.remember(directory, {"00gA": SeenMembers(NOW, NOW, 1)})
        await store.directory.remember_lists([SeenList("00gA", "eng-core", 1, 0)])
        people = [person("00uA", "ada@x.io"), person("00uX", "Zoe@x.io"), person("00uY", "zoE@x.io")]
        await store.remember_people(people, at=NOW, settled=3, managed={"00uA"})
        await store.user_names.settle_people(["00uA"], {"ada@x.io": "00uA"}, at=NOW)
        await store.hints.add([Hint(HintKind.MEMBER, "00uA", "00gA", cause=CAUSE)], at=NOW)
        for one in (
            entry("user", "ada@x.io", "00uA"),
            entry("access_list", "00gA", "00gA"),
            entry("member", "00gA/ada@x.io", "00uA", trigger=CAUSE),
            entry("user", "bob@x.io", "00uB"),
        ):
            await store.journal.record(one)
        await store.close()

    asyncio.run(remember())
    return config


def run(config, verb, *arguments):
    return CliRunner().invoke(cli, [verb, "--config", str(config), *arguments], standalone_mode=False)


def test_a_chain_is_shown_with_the_journal_entries_of_each_link(seen):
    result = run(seen, "explain", "user", "ada@x.io")
    assert result.return_value == 0
    assert result.output.splitlines() == [
        "no service answers: this is what was read last; last successful pass: never",
        "person ada@x.io (00uA): ACTIVE in Okta when last read, at 2026-01-05T09:00:00Z",
        "  app (0oaEXAMPLE): the app that people come from",
        "  user ada@x.io (00uA): a user of ours",
        '      2026-01-05T09:00:00Z [start] create user "ada@x.io": why (journal 1)',
        "    role okta-requester: given to every user of ours",
        "  group eng-core (00gA): is in it",
        "    filter eng-*: passes access_lists.group_filters",
        "    list eng-core (00gA): its list, in which they were when last seen",
        f'        2026-01-05T09:00:00Z [{CAUSE}] create membership "ada@x.io" in 00gA: why (journal 3)',
        "      role access-okta-acl-role-00gA: granted to members; what it allows is known to a running service",
        "  note: groups and lists are as they were last read; lists in which people put them are not known here",
        f"waiting: a look at member 00uA 00gA, because of {CAUSE}",
    ]


def test_json_has_the_same_content(seen):
    result = run(seen, "explain", "user", "00uA", "--format", "json")
    found = json.loads(result.output)
    assert (result.return_value, found["is_live"], found["chain"]["name"]) == (0, False, "ada@x.io")
    (group,) = [one for one in found["chain"]["then"] if one["kind"] == "group"]
    (access_list,) = [one for one in group["then"] if one["kind"] == "access_list"]
    assert [one["trigger"] for one in access_list["entries"]] == [CAUSE]
    assert [one["kind"] for one in found["open"]] == ["waiting"]


def test_several_matches_are_listed_with_their_ids(seen):
    result = run(seen, "explain", "user", "zoe@x.io")
    assert result.return_value == 2
    assert "teleport-okta explain user 00uX    Zoe@x.io" in result.output
    assert "teleport-okta explain user 00uY    zoE@x.io" in result.output
    assert "give an id" in result.output


def test_if_nothing_is_found_the_places_are_listed(seen):
    result = run(seen, "explain", "group", "nothing")
    assert result.return_value == 1
    assert "looked in: groups of Okta" in result.output
    assert "teleport-okta history nothing" in result.output
    assert json.loads(run(seen, "explain", "group", "nothing", "--format", "json").output)["matches"] == []


def test_an_answer_of_a_service_has_no_note_that_none_runs():
    lines = list(explanation_lines(Explanation("user", "ada", is_live=True, looked_in=("people of Okta",))))
    assert lines[0] == "no user has the name ada; looked in: people of Okta"


@pytest.mark.parametrize("arguments", [("nobody", "x"), ("user",)])
def test_wrong_usage(seen, arguments):
    assert CliRunner().invoke(cli, ["explain", "--config", str(seen), *arguments]).exit_code == 2


@pytest.mark.parametrize(
    ("name", "sequences"), [("ada@x.io", [3, 1]), ("00uA", [3, 1]), ("00gA", [3, 2]), ("bob@x.io", [4]), ("x", [])]
)
def test_history_takes_a_name(seen, name, sequences):
    result = run(seen, "history", name, "--format", "json")
    assert [one["sequence"] for one in json.loads(result.output)["entries"]] == sequences
    assert run(seen, "history", "--name", name).output == run(seen, "history", name).output


def test_history_takes_one_name(seen):
    assert CliRunner().invoke(cli, ["history", "--config", str(seen), "a", "--name", "b"]).exit_code == 2
