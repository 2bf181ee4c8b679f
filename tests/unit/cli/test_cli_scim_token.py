"""`scim-token` without a service: its output, and that the token is only on the terminal."""

from __future__ import annotations

import asyncio
import json
import re

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.errors import TeleportOktaError
from teleport_okta.scim.tokens import digest_of
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.state.store import Store


@pytest.fixture
def config(tmp_path):
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


def run(config, *arguments):
    return CliRunner().invoke(cli, ["scim-token", arguments[0], "-c", str(config), *arguments[1:]])


def new(config, *options):
    result = run(config, "new", "--format", "json", *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_new_token_is_printed_once_and_only_its_hash_is_kept(config, tmp_path):
    result = run(config, "new")
    token = result.stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{64}", token)
    token_id = digest_of(token.encode())[:8]
    assert f"SCIM token {token_id}; it is not shown again" in result.stderr
    assert f"{token_id}  made 2" in run(config, "list").output
    assert "never used" in run(config, "list").output
    for file in (tmp_path / "data").iterdir():
        assert token.encode() not in file.read_bytes()


def test_tokens_as_json(config):
    made = new(config)
    assert made["replaced"] is None
    assert made["id"] == digest_of(made["token"].encode())[:8]
    listed = json.loads(run(config, "list", "--format", "json").output)
    assert listed == {"tokens": [{"id": made["id"], "created": made["created"], "last_used": None}]}


def test_a_third_token_needs_an_option_and_replaces_the_oldest(config):
    first, _ = new(config), new(config)
    refused = run(config, "new")
    assert isinstance(refused.exception, TeleportOktaError)
    assert "--replace-oldest" in refused.exception.remedy
    assert new(config, "--replace-oldest")["replaced"] == first["id"]


def test_a_revoked_token_is_gone(config):
    made = new(config)
    assert run(config, "revoke", made["id"]).output == f"revoked {made['id']}\n"
    assert "there is no SCIM token" in run(config, "list").output
    assert isinstance(run(config, "revoke", made["id"]).exception, TeleportOktaError)


def test_a_token_given_instead_of_its_id_is_not_shown(config):
    token = "ab" * 32
    result = run(config, "revoke", token)
    assert result.exit_code == 2
    assert token not in result.output


async def test_a_running_service_makes_and_revokes_tokens(config, tmp_path):
    (tmp_path / "data").mkdir(mode=0o700)
    store = await Store.open(tmp_path / "data")
    async with serving(AdminService(None, store), tmp_path / "data"):
        made = await asyncio.to_thread(new, config)
        assert await store.scim_tokens.digests() == (digest_of(made["token"].encode()),)
        listed = await asyncio.to_thread(run, config, "list", "--format", "json")
        assert [token["id"] for token in json.loads(listed.output)["tokens"]] == [made["id"]]
        await asyncio.to_thread(run, config, "revoke", made["id"])
        assert await store.scim_tokens.digests() == ()
    await store.close()
