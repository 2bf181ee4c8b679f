"""The endpoint listens while there is a token, which may come and go while the service runs."""

from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path

import bcrypt
import pytest
from contract.scim.door import free_port
from teleport_okta.errors import ConfigError
from unit.scim.scim_client import AUTHORISED, TOKEN, scim_world, settings

OTHER = "cd" * 32
GET = f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()


@pytest.fixture
async def unopened(tmp_path):
    """An endpoint that was started without any token."""
    async with scim_world(tmp_path, token=None) as world:
        yield world


def is_closed(world):
    return world.server.bound is None


async def is_listened(world):
    """Whether a connection is accepted where it was listened last."""
    try:
        _, writer = await world.connect()
    except ConnectionError:
        return False
    writer.close()
    return True


async def test_without_a_token_it_does_not_listen_and_logs_that(unopened, caplog):
    assert is_closed(unopened)
    assert str(unopened.server) == ""
    assert "scim-token new" in unopened.server.reason
    await unopened.server.adapt()
    assert is_closed(unopened)


async def test_the_first_token_opens_it(unopened):
    await unopened.make_token()
    assert (await unopened.ask("GET", "/scim/v2/Users"))[0] == 200
    assert str(unopened.server) == f"http://127.0.0.1:{unopened.bound.port}"


async def test_the_last_token_closes_it_and_the_next_one_opens_it_again(unopened, caplog):
    for _ in range(2):
        await unopened.make_token()
        assert (await unopened.ask("GET", "/scim/v2/Users"))[0] == 200
        await unopened.revoke()
        async with asyncio.timeout(5):
            while await is_listened(unopened):
                pass
        assert is_closed(unopened)
    assert caplog.text.count("the last SCIM token was revoked") == 2


async def test_one_of_two_tokens_leaves_it_open(unopened):
    await unopened.make_token()
    opened_at = unopened.bound
    await unopened.make_token(OTHER)
    await unopened.revoke()
    await unopened.server.adapt()
    assert (await unopened.ask("GET", "/scim/v2/Users", headers={"Authorization": f"Bearer {OTHER}"}))[0] == 200
    assert unopened.server.bound == opened_at


async def test_requests_in_flight_are_finished_when_it_closes(tmp_path):
    async with scim_world(tmp_path, hold=True) as world:
        reader, writer = await world.connect()
        idle_reader, idle_writer = await world.connect()
        writer.write(GET)
        await world.handler.started.wait()
        await world.revoke()
        async with asyncio.timeout(5):
            assert await idle_reader.read() == b""
            assert not await is_listened(world)
            world.handler.go.set()
            assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()
        idle_writer.close()


async def test_a_stop_while_it_closes_waits_for_requests_in_flight(tmp_path):
    async with scim_world(tmp_path, hold=True) as world:
        reader, writer = await world.connect()
        writer.write(GET)
        await world.handler.started.wait()
        await world.revoke()
        await world.until(lambda: is_closed(world))
        asyncio.get_running_loop().call_later(0.05, world.handler.go.set)
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_address_in_use_at_the_first_token_is_reported_and_tried_again(tmp_path, caplog):
    port = free_port()
    async with scim_world(tmp_path, token=None, configured=settings(listen=f"127.0.0.1:{port}")) as world:
        with socket.create_server(("127.0.0.1", port)):
            await world.store.scim_tokens.add("0" * 64, at=world.clock.now())
            await world.until(lambda: "cannot listen at" in world.server.reason)
            tried = world.clock.monotonic()
            await world.until(lambda: world.clock.monotonic() >= tried + 60)
            assert is_closed(world)
        await world.make_token()
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200
        # One line, however often it was tried.
        assert caplog.text.count("cannot listen at") == 1


async def test_without_a_token_it_is_not_tried_again(tmp_path):
    port = free_port()
    async with scim_world(tmp_path, token=None, configured=settings(listen=f"127.0.0.1:{port}")) as world:
        with socket.create_server(("127.0.0.1", port)):
            await world.store.scim_tokens.add("0" * 64, at=world.clock.now())
            await world.until(lambda: "cannot listen at" in world.server.reason)
            await world.store.scim_tokens.revoke("0" * 8, at=world.clock.now())
            await world.until(lambda: "there is no token" in world.server.reason)
        await world.server.adapt()
        assert is_closed(world)


async def test_a_configured_hash_keeps_it_open_and_refuses_all_tokens_while_its_file_is_missing(tmp_path):
    file = Path(tmp_path / "hash")
    file.write_bytes(bcrypt.hashpw(TOKEN.encode(), bcrypt.gensalt(4)))
    async with scim_world(tmp_path / "data", token=None, configured=settings(token_hash=str(file))) as world:
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200
        file.unlink()
        world.clock.advance(6)
        await world.server.adapt()
        assert (await world.ask("GET", "/scim/v2/Users", headers=AUTHORISED))[0] == 401


async def test_an_invalid_configured_hash_is_an_error_at_the_start(tmp_path):
    with pytest.raises(ConfigError, match=r"scim\.token_hash"):
        async with scim_world(tmp_path, token=None, configured=settings(token_hash="secret")):
            pass


async def test_an_unexpected_error_is_logged_and_tried_again(unopened, monkeypatch, caplog):
    caplog.set_level(logging.ERROR)
    with monkeypatch.context() as patched:
        patched.setattr(unopened.server, "adapt", None)
        await unopened.store.scim_tokens.add(TOKEN, at=unopened.clock.now())
        await unopened.until(lambda: "TypeError" in unopened.server.reason)
    await unopened.until(lambda: not is_closed(unopened))
    assert "failed with an unexpected error" in caplog.text
