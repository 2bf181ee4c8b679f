"""`plan` by a service that answers: its words, and an exit code that says whether everything could be read."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.plan.view import PlanView
from teleport_okta.serve.admin import AdminService, serving


class Engine:
    """Answers with one plan."""

    def __init__(self, plan):
        self._plan = plan

    def differing(self, digests):
        return ()

    async def plan(self):
        return self._plan


@contextmanager
def served(plan, directory):
    """A service in a thread of its own, as the command runs a loop itself."""
    started, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve():
        async with serving(AdminService(Engine(plan), None), directory):
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
def test_a_plan_whose_reading_is_not_whole_says_so_and_exits_with_1(config, tmp_path, error, code):
    with served(PlanView("abc", error=error), tmp_path / "data"):
        result = CliRunner().invoke(cli, ["plan", "--config", str(config)])
        as_json = CliRunner().invoke(cli, ["plan", "--config", str(config), "--format", "json"])
    assert result.exit_code == as_json.exit_code == code
    assert (f"error: {error}" in result.output) is bool(error)
    assert f'"error": "{error}"' in as_json.output
