"""`plan` with a running service: its output, and the exit code for an incomplete reading."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.model.findings import Findings, Held
from teleport_okta.model.harm import Evidence
from teleport_okta.model.reasons import Verbatim
from teleport_okta.plan.view import ChangeView, PlanView
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.sync.report import PassReport


class Engine:
    """Answers with one plan."""

    def __init__(self, plan):
        self._plan = plan

    def differing(self, digests):
        return ()

    async def plan(self):
        return self._plan


@contextmanager
def served(plan, directory, engine=None):
    """A service in a thread of its own, as the command runs a loop itself."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve():
        async with serving(AdminService(engine or Engine(plan), None), directory):
            started.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert started.wait(20)
        yield
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(20)
        loop.close()


@pytest.fixture
def config(tmp_path):
    (tmp_path / "data").mkdir()
    path = tmp_path / "teleport-okta.toml"
    path.write_text(
        f"""
        [okta]
        org_url = "https://example.okta.com"
        api_token = "00invented"
        app_id = "0oaEXAMPLE"
        [storage]
        data_dir = "{tmp_path / "data"}"
        """
    )
    return path


@pytest.mark.parametrize(("error", "code"), [("", 0), ("user groups are left as they are: 503", 1)])
def test_a_plan_of_an_incomplete_reading_shows_the_error_and_exits_with_1(config, tmp_path, error, code):
    with served(PlanView("abc", error=error), tmp_path / "data"):
        result = CliRunner().invoke(cli, ["plan", "--config", str(config)])
        as_json = CliRunner().invoke(cli, ["plan", "--config", str(config), "--format", "json"])
    assert result.exit_code == as_json.exit_code == code
    assert (f"error: {error}" in result.output) is bool(error)
    assert f'"error": "{error}"' in as_json.output


CHANGES = (
    ChangeView("create", "user", "ada", "ada", "00uADA", "assigned in Okta"),
    ChangeView("create", "access_list", "00gENG", "00gENG", "00gENG", "why", title="Eng", members=("ada", "bob")),
)
HELD = Findings(held=(Held("user", "eve", "00uEVE", Verbatim("left"), Evidence.ABSENT),))


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (PlanView("abc"), 0),
        (PlanView("abc", changes=CHANGES), 2),
        (PlanView("abc", findings=HELD), 2),
        (PlanView("abc", changes=CHANGES, error="503"), 1),
    ],
)
def test_a_detailed_exit_code_says_whether_there_is_something_to_do(config, tmp_path, view, code):
    with served(view, tmp_path / "data"):
        for arguments, expected in ((["--detailed-exitcode"], code), ([], min(code, 1) if code == 1 else 0)):
            result = CliRunner().invoke(cli, ["plan", "--config", str(config), *arguments])
            assert result.exit_code == expected, arguments


@pytest.mark.parametrize(
    ("arguments", "shown", "hidden"),
    [
        (["--summary"], ["plan abc: 1 user and 1 access list to create"], ["+ create"]),
        (["--kind", "user"], ['+ create user "ada"', "1 access list to create"], ['"Eng"']),
        (["--members"], ['2 members: "ada", "bob"'], []),
        (["--format", "markdown"], ["### teleport-okta plan `abc`", "| access lists | 1 |"], []),
        (["--format", "json"], ['"members": [', '"counts": {'], []),
    ],
)
def test_options_choose_which_part_of_a_plan_is_shown(config, tmp_path, arguments, shown, hidden):
    with served(PlanView("abc", changes=CHANGES), tmp_path / "data"):
        text = CliRunner().invoke(cli, ["plan", "--config", str(config), *arguments]).output
    assert all(words in text for words in shown), text
    assert not any(words in text for words in hidden), text


def test_members_come_from_a_running_service_too(config, tmp_path):
    with served(PlanView("abc", changes=CHANGES), tmp_path / "data"):
        result = CliRunner().invoke(cli, ["plan", "--config", str(config), "--format", "json"])
    made = json.loads(result.output)["changes"][1]
    assert (made["title"], made["members"]) == ("Eng", ["ada", "bob"])


class Applying(Engine):
    """Answers with one plan, and notes under which digest it is applied."""

    def __init__(self, plan):
        super().__init__(plan)
        self.applied = []

    async def apply(self, digest):
        self.applied.append(digest)
        now = datetime(2026, 1, 5, tzinfo=UTC)
        return PassReport("command", self._plan, (), now, now)


@pytest.mark.parametrize(
    ("view", "arguments", "is_terminal", "answer", "applied", "code"),
    [
        (PlanView("abc", changes=CHANGES), [], True, "y", ["abc"], 0),
        (PlanView("abc", changes=CHANGES), [], True, "n", [], 1),
        (PlanView("abc", changes=CHANGES), [], True, "", [], 1),
        (PlanView("abc", changes=CHANGES), ["--yes"], True, None, [""], 0),
        (PlanView("abc", changes=CHANGES), ["--plan", "0123456789abcdef"], True, None, ["0123456789abcdef"], 0),
        (PlanView("abc", changes=CHANGES), [], False, None, [""], 0),
        (PlanView("abc"), [], True, None, ["abc"], 0),
    ],
)
def test_apply_asks_at_a_terminal_and_applies_what_was_shown(
    config, tmp_path, monkeypatch, view, arguments, is_terminal, answer, applied, code
):
    monkeypatch.setattr("teleport_okta.cli.apply.has_terminal", lambda: is_terminal)
    engine = Applying(view)
    with served(view, tmp_path / "data", engine):
        result = CliRunner().invoke(cli, ["apply", "--config", str(config), *arguments], input=answer and f"{answer}\n")
    assert (engine.applied, result.exit_code) == (applied, code), result.output
    assert ("apply exactly this?" in result.output) is (answer is not None)
    if answer is not None:
        assert result.output.index('+ create user "ada"') < result.output.index("apply exactly this?")
