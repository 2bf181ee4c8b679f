"""`status` shows whether the SCIM endpoint listens, and how many requests came."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from teleport_okta.cli.root import cli
from teleport_okta.model.provisioned import ProvisionedUser
from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.serve.admin import AdminService, serving
from teleport_okta.state.store import Store
from teleport_okta.sync.status import Status

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ADA = ProvisionedUser("id-ada", "00uADA", "ada@x.io", None, {}, NOW, NOW)
BOB = replace(ADA, id="id-bob", okta_id="00uBOB", user_name="bob@x.io", denied_at=NOW)
EVE = replace(BOB, id="id-eve", okta_id="00uEVE", user_name="eve@x.io", is_deleted=True)

SCIM = """
[scim]
listen = "127.0.0.1:8443"
public_url = "https://scim.example.com/scim/v2"
"""


@pytest.fixture
def data(tmp_path):
    """The state of a service that is stopped: one user, one who was denied, and one who was deleted."""

    async def write():
        store = await Store.open(directory)
        for user in (ADA, BOB, EVE):
            await store.scim_users.put(user, at=NOW)
        await store.close()

    directory = tmp_path / "data"
    directory.mkdir()
    asyncio.run(write())
    return directory


def asked(data, *options, scim=SCIM):
    config = data.parent / "teleport-okta.toml"
    config.write_text(
        '[okta]\norg_url = "https://example.okta.com"\napi_token = "00invented"\napp_id = "0oaEXAMPLE"\n'
        f'[storage]\ndata_dir = "{data}"\n{scim}'
    )
    result = CliRunner().invoke(cli, ["status", "--config", str(config), *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_without_a_service_the_users_of_the_state_are_shown(data):
    assert "SCIM: not listening: no service runs\n  users: 1 active, 1 denied\n" in asked(data)
    shown = json.loads(asked(data, "--format", "json"))["scim"]
    assert (shown["address"], shown["active"], shown["denied"]) == ("", 1, 1)


def test_nothing_is_shown_if_nothing_is_configured(data):
    assert "SCIM" not in asked(data, scim="")
    assert json.loads(asked(data, "--format", "json", scim=""))["scim"] is None


async def test_a_certificate_that_could_not_be_replaced_is_a_warning(data):
    class Engine:
        async def status(self):
            door = ScimDoor("https://0.0.0.0:8443", problem="key.pem cannot be read")
            return Status("1.0", "idle", None, (), door=door)

    async with serving(AdminService(Engine(), None), data):
        shown = await asyncio.to_thread(asked, data)
    assert (
        "warning: the SCIM endpoint still uses its old certificate, the new one cannot be used: "
        "key.pem cannot be read\n" in shown
    )
