"""The log of a pass: its changes, its name on every line, the quarantine, and more at level debug."""

from __future__ import annotations

import json
import logging

import pytest
from teleport_okta.model.scope import Scope
from teleport_okta.observe import logs


@pytest.fixture
def lines(tmp_path):
    """Return the lines of JSON since the test began; `severity` by the fixture's parameter would hide the default."""
    root, product = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = (list(root.handlers), root.level, product.level)
    path = tmp_path / "log.json"

    def read(event=None):
        every = [json.loads(line) for line in path.read_text().splitlines()]
        return [line for line in every if event is None or line.get("event") == event]

    logs.set_up(output=str(path), severity="debug", layout="json")
    yield read
    root.handlers[:], level, product_level = before
    root.setLevel(level)
    product.setLevel(product_level)


async def test_every_line_of_a_pass_names_it_and_the_report_does_too(world, lines):
    world.hire("ada@x.io")
    report = await world.run()
    assert report.id
    assert {line["pass"] for line in lines()} == {report.id}
    assert report.as_json()["id"] == report.id
    assert (await world.run()).id != report.id


async def test_a_change_of_a_pass_has_a_line_by_its_keys(world, lines):
    ada = world.hire("ada@x.io")
    await world.run()
    (line,) = lines("change")
    assert (line["kind"], line["action"], line["name"]) == ("user", "create", "ada@x.io")
    assert (line["okta_id"], line["outcome"], line["trigger"]) == (ada.id, "done", "test")
    assert line["severity"] == "INFO"


async def test_a_key_that_is_settled_by_itself_has_a_name_of_its_own(world, lines):
    ada, bob = await world.hired("ada@x.io", "bob@x.io")
    seen = len(lines())
    for person in (ada, bob):
        world.okta.update_profile(person.id, department="Looms")
        await world.parts.full_pass.settle(Scope(users=frozenset({person.id})), trigger="hint")
    changes = [line for line in lines()[seen:] if line.get("event") == "change"]
    assert [line["name"] for line in changes] == ["ada@x.io", "bob@x.io"]
    assert len({line["pass"] for line in changes}) == 2


async def test_who_is_set_aside_is_named_once_until_the_reason_is_another(world, lines):
    ada = world.hire("ada@x.io")
    world.teleport.administrator.create_user("ada@x.io", roles=["access"])
    for _ in range(2):
        await world.run()
    (line,) = lines("quarantine")
    assert (line["severity"], line["name"], line["okta_id"]) == ("WARNING", "ada@x.io", ada.id)
    assert line["reason"] in line["message"]
    assert line["remedy"] in line["message"]


async def test_debug_tells_of_calls_to_both_systems_and_of_decisions(world, lines):
    world.hire("ada@x.io")
    await world.run()
    debug = [line["message"] for line in lines() if line["severity"] == "DEBUG"]
    for words in (
        "GET /api/v1/",
        "UsersService/CreateUser of user 'ada@x.io': OK in ",
        "absences of people are believed",
    ):
        assert any(words in message for message in debug), words
