"""The command `enroll` where it must stop: nothing is written on either side, and no file is left."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from contract.enrolment.enrolment_world import built_enrolment_world
from stepping_clock import SteppingClock
from teleport_okta import config_edit
from teleport_okta.config import load
from teleport_okta.config_edit import UnwritableFileError
from teleport_okta.enroll.answers import Answers
from teleport_okta.enroll.flow import EnrollFlow, NotAgreedError
from teleport_okta.saml.enrolment_errors import EnrolmentError
from teleport_okta.sandbox.okta.faults import FaultKind


class Person:
    """Answers every question with yes or no, but wants no SCIM; notes what was shown."""

    def __init__(self, *, is_asking, agrees=True):
        self.is_asking, self._agrees, self.shown = is_asking, agrees, []

    def say(self, line):
        self.shown.append(line)

    def show(self, step):
        self.shown.append(step.what)

    async def agrees(self, question, *, default=False):
        return default if "SCIM" in question else self._agrees

    async def ask(self, _question):
        return "teresa"


@pytest.fixture
async def world(tmp_path):
    async with built_enrolment_world(tmp_path, clock=SteppingClock(datetime.now(UTC))) as built:
        yield built


async def enrolled(world, directory, person, **answers):
    """Run the command by a file with the addresses and credentials, to its refusal."""
    await world.process.aclose()
    world.mark()
    path = directory / "teleport-okta.toml"
    lines = []
    for section, values in world.sections.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    path.write_text("\n".join(lines))
    before = set(directory.iterdir())
    flow = EnrollFlow(path, Answers(proxy="teleport.example.com", **answers), person, waits=False)
    running = asyncio.ensure_future(flow.run(world.clock))
    await world.clock.until(running.done, "the command ends")
    assert set(directory.iterdir()) == before
    await running


async def test_a_file_that_cannot_be_written_is_refused_before_the_first_write(world, tmp_path, monkeypatch):
    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(config_edit, "_replace", read_only)
    person = Person(is_asking=False)
    with pytest.raises(UnwritableFileError, match="Read-only") as refusal:
        await enrolled(world, tmp_path, person)
    assert refusal.value.lines == ("# remove sync.source", "[plugin]", 'name = "okta"')
    assert world.untouched


async def test_after_a_no_nothing_is_written(world, tmp_path):
    with pytest.raises(NotAgreedError):
        await enrolled(world, tmp_path, Person(is_asking=True, agrees=False), apps_and_groups=False)
    assert world.untouched


@pytest.mark.parametrize(("path", "what"), [("/api/v1/groups", "groups"), ("/api/v1/apps", "apps")])
async def test_filters_are_not_tried_on_a_part_of_what_there_is(world, tmp_path, monkeypatch, path, what):
    person = Person(is_asking=True)
    monkeypatch.setattr(f"teleport_okta.okta.groups_and_apps.{what.upper()}_A_PAGE", 1)
    world.okta.fail(FaultKind.INTERNAL_ERROR, method="GET", path=path, after=1)
    with pytest.raises(EnrolmentError, match=f"the listing of {what} is incomplete"):
        await enrolled(world, tmp_path, person, access_lists=True)
    assert world.untouched


async def test_without_a_plugin_service_the_file_has_the_integration_and_the_first_pass_runs_by_it(world, tmp_path):
    people = [
        world.okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login})
        for login in ("ada@x.io", "bob@x.io")
    ]
    world.take_plugins_away()
    person = Person(is_asking=False)
    await enrolled(world, tmp_path, person, apps_and_groups=False, default_roles=False)
    settings = load(tmp_path / "teleport-okta.toml")
    assert (settings.okta.app_id, settings.sync.source, settings.plugin.name) == (world.app.id, "saml_app", None)
    assert (settings.sync.apps_and_groups, settings.sync.default_roles) == (False, ())
    assert {one.profile["login"] for one in people} <= {
        user.Metadata.Name for user in world.teleport.cluster.users.all_stored()
    }
    assert any(line.startswith("the sync works: ") for line in person.shown)
