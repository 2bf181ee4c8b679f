"""Bad, slow, silent and too many clients: each is answered or closed, and holds nothing for ever."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from http import HTTPStatus

import pytest
from teleport_okta.errors import ConfigError
from teleport_okta.scim.calls import ScimAnswer
from teleport_okta.scim.limits import Limits
from teleport_okta.scim.scim_errors import ScimError
from unit.scim.scim_client import AUTHORISED, TOKEN, scim_world, settings

POST = f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
GET = f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
LIMITS = Limits(linger=0.05)
JSON = AUTHORISED | {"Content-Type": "application/scim+json"}


def status_of(answer):
    """The status of the first response in raw bytes; its body must be a SCIM error with the same."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert b"application/scim+json" in head
    assert json.loads(body)["status"] == str(status)
    return status


async def test_a_body_announced_as_too_large_is_refused_before_it_is_sent(tmp_path):
    async with scim_world(tmp_path, limits=LIMITS) as world:
        answer = await world.say(f"{POST}Content-Length: 5000000\r\n\r\n".encode())
        assert status_of(answer) == 413
        assert world.handler.calls == []


async def test_a_client_that_sends_5_mb_without_a_look_reads_413(tmp_path):
    async with scim_world(tmp_path) as world:
        status, _, body = await world.ask("POST", "/scim/v2/Users", data=b"x" * 5_000_000, headers=JSON)
        assert (status, body["status"]) == (413, "413")


async def test_a_chunked_body_is_not_read_beyond_the_limit(tmp_path):
    async with scim_world(tmp_path, limits=Limits(max_body=100_000, linger=0.05)) as world:
        reader, writer = await world.connect()
        writer.write(f"{POST}Transfer-Encoding: chunked\r\n\r\n".encode())
        writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        for _ in range(3):
            writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
        assert status_of(await reader.read()) == 413
        writer.close()


async def test_a_body_of_the_limit_is_read(tmp_path):
    async with scim_world(tmp_path, limits=Limits(max_body=100_000)) as world:
        body = json.dumps("x" * 99_998).encode()
        assert (await world.ask("POST", "/scim/v2/Users", data=body, headers=JSON))[0] == 200
        assert (await world.ask("POST", "/scim/v2/Users", data=body + b" ", headers=JSON))[0] == 413


async def test_a_slow_body_is_408(tmp_path):
    async with scim_world(tmp_path, limits=Limits(body_timeout=0.05, linger=0.05)) as world:
        assert status_of(await world.say(f"{POST}Content-Length: 10\r\n\r\n{{".encode())) == 408


async def test_a_body_cut_short_is_a_bad_request(tmp_path, caplog):
    async with scim_world(tmp_path, limits=LIMITS) as world:
        _, writer = await world.connect()
        writer.write(f"{POST}Content-Length: 10\r\n\r\n{{".encode())
        await writer.drain()
        writer.close()
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200
        assert world.handler.calls[0].verb == "list"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS on a plain port\r\n\r\n", 400),
        (b"BREW /scim/v2/Users HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n", 400),
        (b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
    ],
)
async def test_a_request_that_is_not_http_gets_a_scim_error_and_no_traceback(tmp_path, caplog, raw, status):
    async with scim_world(tmp_path, limits=LIMITS) as world:
        assert status_of(await world.say(raw)) == status
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_too_many_headers_are_refused(tmp_path):
    async with scim_world(tmp_path, limits=LIMITS) as world:
        many = "".join(f"X-{number}: y\r\n" for number in range(200))
        assert status_of(await world.say(f"{GET}{many}\r\n".encode())) in {400, 431}


@pytest.mark.parametrize("sent", [b"", b"GET /scim/v2/Users HTTP/1.1\r\nHos"])
async def test_a_silent_connection_is_closed(tmp_path, sent):
    async with scim_world(tmp_path, limits=Limits(idle=0.05)) as world:
        async with asyncio.timeout(5):
            assert await world.say(sent) == b""


async def test_an_idle_connection_is_closed_after_its_last_request(tmp_path):
    async with scim_world(tmp_path, limits=Limits(idle=0.1)) as world:
        async with asyncio.timeout(5):
            assert (await world.say(f"{GET}\r\n".encode())).startswith(b"HTTP/1.1 200")


async def test_a_client_that_takes_no_answer_is_cut_off(tmp_path, caplog):
    caplog.set_level(logging.INFO, "teleport_okta")
    async with scim_world(tmp_path, limits=Limits(write=0.1)) as world:
        world.handler.answer = ScimAnswer(HTTPStatus.OK, {"Resources": ["x" * 50_000_000]})
        reader, writer = await world.connect()
        writer.transport.pause_reading()
        writer.write(f"{GET}\r\n".encode())
        async with asyncio.timeout(10):
            while "did not read its answer" not in caplog.text:
                await asyncio.sleep(0.01)
            writer.transport.resume_reading()
            with suppress(ConnectionResetError):
                assert len(await reader.read()) < 50_000_000
        writer.close()
        world.handler.answer = ScimAnswer(HTTPStatus.OK, {})
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200


async def test_a_silent_connection_gives_way_to_one_above_the_limit(tmp_path, caplog):
    async with scim_world(tmp_path, limits=Limits(connections=2)) as world:
        (oldest, _), (second, writer) = await world.connect(), await world.connect()
        async with asyncio.timeout(5):
            assert (await world.say(f"{GET}Connection: close\r\n\r\n".encode())).startswith(b"HTTP/1.1 200")
            assert await oldest.read() == b""
            writer.write(f"{GET}Connection: close\r\n\r\n".encode())
            assert (await second.read()).startswith(b"HTTP/1.1 200")
        writer.close()
    assert caplog.text.count("SCIM: there are 2 connections, which is the limit") == 1


async def test_a_connection_whose_request_is_answered_gives_way_to_none(tmp_path):
    async with scim_world(tmp_path, limits=Limits(connections=2), hold=True) as world:
        asked = [await world.connect(), await world.connect()]
        for _, writer in asked:
            writer.write(f"{GET}Connection: close\r\n\r\n".encode())
        await world.until(lambda: len(world.handler.calls) == 2)
        async with asyncio.timeout(5):
            assert await world.say(b"") == b""
            world.handler.go.set()
            for reader, writer in asked:
                assert (await reader.read()).startswith(b"HTTP/1.1 200")
                writer.close()


async def test_many_silent_connections_block_no_other_client(tmp_path):
    async with scim_world(tmp_path, limits=Limits(connections=8)) as world:
        silent = [await world.connect() for _ in range(100)]
        async with asyncio.timeout(10):
            for _ in range(5):
                assert (await world.say(f"{GET}Connection: close\r\n\r\n".encode())).startswith(b"HTTP/1.1 200")
        for _, writer in silent:
            writer.close()


async def test_requests_above_the_limit_get_429(tmp_path):
    async with scim_world(tmp_path, limits=Limits(requests=1), hold=True) as world:
        first = asyncio.create_task(world.ask("GET", "/scim/v2/Users"))
        await world.handler.started.wait()
        status, headers, _ = await world.ask("GET", "/scim/v2/Groups")
        assert (status, headers["Retry-After"]) == (429, "2")
        world.handler.go.set()
        assert (await first)[0] == 200
        assert (await world.ask("GET", "/scim/v2/Groups"))[0] == 200


async def test_the_work_continues_after_the_deadline_and_keeps_its_place(tmp_path):
    async with scim_world(tmp_path, limits=Limits(requests=1, deadline=0.05), hold=True) as world:
        status, headers, _ = await world.ask("GET", "/scim/v2/Users")
        assert (status, headers["Retry-After"]) == (429, "15")
        assert (await world.ask("GET", "/scim/v2/Users"))[1]["Retry-After"] == "2"
        world.handler.go.set()
        while world.handler.done == 0:
            await asyncio.sleep(0)
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200


@pytest.mark.parametrize(
    ("late", "words"),
    [(None, "ended after"), (ScimError(HTTPStatus.CONFLICT, "x"), "refused after"), (ValueError("x"), "failed after")],
)
async def test_a_stop_waits_for_work_after_its_deadline_and_the_log_has_its_end(tmp_path, caplog, late, words):
    caplog.set_level(logging.INFO, "teleport_okta")
    async with scim_world(tmp_path, limits=Limits(deadline=0.05), hold=True) as world:
        world.handler.answer = late or world.handler.answer
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 429
        asyncio.get_running_loop().call_later(0.05, world.handler.go.set)
    assert world.handler.done == 1
    assert words in caplog.text


async def test_a_stop_finishes_requests_in_flight_and_accepts_no_more(tmp_path):
    async with scim_world(tmp_path, hold=True) as world:
        reader, writer = await world.connect()
        idle_reader, idle_writer = await world.connect()
        writer.write(f"{GET}\r\n".encode())
        await world.handler.started.wait()
        asyncio.get_running_loop().call_later(0.05, world.handler.go.set)
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    assert await idle_reader.read() == b""
    writer.close()
    idle_writer.close()
    with pytest.raises(ConnectionError):
        await world.connect()


async def test_a_stop_does_not_wait_for_ever(tmp_path, caplog):
    async with scim_world(tmp_path, limits=Limits(deadline=0.05, drain=0.05), hold=True) as world:
        await world.ask("GET", "/scim/v2/Users")
    assert "are cancelled" in caplog.text
    assert world.handler.done == 0


async def test_a_client_that_leaves_does_not_cancel_the_work(tmp_path, caplog):
    async with scim_world(tmp_path, hold=True) as world:
        _, writer = await world.connect()
        writer.write(f"{GET}\r\n".encode())
        await world.handler.started.wait()
        writer.close()
        await writer.wait_closed()
        world.handler.go.set()
        while world.handler.done == 0:
            await asyncio.sleep(0)
        assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_address_that_is_taken_is_named(tmp_path):
    async with scim_world(tmp_path / "one") as world:
        taken = settings(listen=f"127.0.0.1:{world.bound.port}")
        with pytest.raises(ConfigError, match=r"scim\.listen: cannot listen at 127\.0\.0\.1:\d+"):
            async with scim_world(tmp_path / "two", configured=taken):
                pass
    with pytest.raises(ConfigError, match=r"scim\.listen"):
        async with scim_world(
            tmp_path / "three", configured=settings(listen="no.such.host.invalid:1", behind_proxy=True)
        ):
            pass


async def test_without_an_address_there_is_no_endpoint(tmp_path, caplog):
    async with scim_world(tmp_path, configured=settings(listen=None)) as world:
        assert world.server is None
    assert caplog.text == ""
