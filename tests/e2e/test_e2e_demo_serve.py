"""`demo --serve`: both sandboxes and a configured service, kept for whoever wants to point something at them."""

from __future__ import annotations

import json
import os
import signal
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest
from processes import PATIENCE, Command, Installation
from teleport_okta.demo.directory import DemoDirectoryError, held
from teleport_okta.model import labels
from waiting import eventually

USER = "urn:ietf:params:scim:schemas:core:2.0:User"


class _Demo(Installation):
    """A running demo: its process, its one line, and commands beside it."""

    @property
    def config(self):
        return self.directory / "teleport-okta.toml"

    def ask(self, method, url, body=None, token=None):
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, method=method, data=data, headers=headers)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, json.loads(answer.read() or b"null")

    def scim(self, method, path, body=None):
        door = self.line["scim"]
        return self.ask(method, door["url"] + path, body, door["token"])

    def scim_token(self, verb, *arguments):
        """Run a command about tokens; return what it printed."""
        result = self.run("scim-token", verb, *arguments)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def not_answered(self):
        """What `status` shows of SCIM while it is not answered; None while it is."""
        shown = self.json("status", "--live")["scim"]
        return None if shown["address"] else shown

    def user(self, name):
        """Return a user as the cluster stores it; None where there is none."""
        try:
            return self.ask("GET", f"{self.line['teleport']['control']}users/{name}")[1]
        except urllib.error.HTTPError:
            return None


@contextmanager
def running(directory, *options):
    demo = _Demo(directory)
    demo.process = Command("demo", "--serve", "--dir", directory, "--users", 20, *options)
    try:
        demo.line = json.loads(demo.process.stdout.readline())
        yield demo
    finally:
        demo.process.send_signal(signal.SIGTERM)
        demo.rest = demo.process.output()


@pytest.mark.parametrize("edition", ["ent", "oss"])
def test_somebody_provisioned_is_in_the_cluster_commands_work_beside_it_and_sigterm_ends_it_well(tmp_path, edition):
    with running(tmp_path / "demo", "--edition", edition) as demo:
        assert set(demo.line) == {"kind", "okta", "teleport", "scim"}
        assert [demo.line["kind"], demo.line["okta"]["kind"], demo.line["teleport"]["kind"]] == [
            "demo", "okta", "teleport",
        ]  # fmt: skip
        assert demo.line["teleport"]["edition"] == edition
        status, body = demo.scim("POST", "/Users", {"schemas": [USER], "userName": "ada@x.io", "active": True})
        assert (status, body["userName"]) == (201, "ada@x.io")
        assert demo.user("ada@x.io")["Metadata"]["Labels"][labels.SCIM_ID] == body["id"]
        shown = demo.json("status", "--live")
        assert shown["state"] in {"idle", "running"}
        assert demo.line["scim"]["url"].startswith(shown["scim"]["address"])
        assert (shown["scim"]["active"], shown["scim"]["answers"]) == (1, {"2xx": 1})
        assert eventually(lambda: demo.json("status")["last_success"], "a pass that succeeds")
    assert (demo.process.returncode, demo.rest) == (0, "")
    assert "stopped" in (demo.directory / "teleport-okta.log").read_text()
    with pytest.raises(ProcessLookupError):
        os.killpg(demo.process.pid, 0)


def test_a_running_service_listens_from_its_first_token_on_until_the_last_one_is_revoked(tmp_path):
    with running(tmp_path / "demo") as demo:
        (token,) = json.loads(demo.scim_token("list", "--format", "json"))["tokens"]
        demo.scim_token("revoke", token["id"])
        shown = eventually(demo.not_answered, "it does not listen")
        assert "scim-token new" in shown["reason"]
        with pytest.raises(urllib.error.URLError, match="refused"):
            demo.scim("GET", "/Users")
        demo.line["scim"]["token"] = demo.scim_token("new")
        eventually(lambda: not demo.not_answered(), "it is listened again")
        assert demo.scim("GET", "/Users")[0] == 200


def test_a_directory_of_somebody_else_s_is_refused_and_left_as_it_is(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(DemoDirectoryError, match="not empty"), held(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_directory_of_its_own_is_begun_anew(tmp_path):
    with held(tmp_path / "demo"):
        (tmp_path / "demo" / "data").mkdir()
        (tmp_path / "demo" / "data" / "state.db").write_text("old")
    with held(tmp_path / "demo"):
        assert not (tmp_path / "demo" / "data").exists()
