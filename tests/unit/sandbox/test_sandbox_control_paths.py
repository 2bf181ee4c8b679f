"""The control interfaces of both sandboxes answer a path with a closing slash and without one."""

from contextlib import asynccontextmanager

import aiohttp
import pytest
from teleport_okta.sandbox.okta import OktaControl, OktaOrganization, OktaSandbox
from teleport_okta.sandbox.teleport.control import Control
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox


@asynccontextmanager
async def okta(_directory):
    async with OktaSandbox(OktaOrganization()) as sandbox, OktaControl(sandbox) as control:
        yield control


@asynccontextmanager
async def teleport(directory):
    async with TeleportSandbox(directory) as sandbox, Control(sandbox) as control:
        yield control


@pytest.mark.parametrize(
    ("running", "method", "path"),
    [
        (okta, "GET", ""),
        (okta, "GET", "clock"),
        (teleport, "GET", ""),
        (teleport, "GET", "users"),
        (teleport, "POST", "users"),
    ],
)
async def test_a_closing_slash_changes_nothing(running, method, path, tmp_path):
    async with running(tmp_path) as control, aiohttp.ClientSession(control.url) as session:
        for name, form in (("ada", path), ("ben", f"{path}/" if path else "")):
            async with session.request(method, form, json={"name": name}, allow_redirects=False) as answer:
                assert answer.status in {200, 201}, await answer.text()
