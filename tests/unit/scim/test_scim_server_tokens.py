"""Authentication: without a valid token no body is read and no answer differs, and tokens cannot be tried out."""

from __future__ import annotations

import logging

import bcrypt
import pytest
from teleport_okta.scim.client_address import ClientAddresses
from teleport_okta.scim.limits import Limits
from unit.scim.scim_client import TOKEN, scim_world, settings

WRONG = {"Authorization": f"Bearer {'cd' * 32}"}


@pytest.fixture
async def world(tmp_path):
    async with scim_world(tmp_path) as world:
        yield world


@pytest.mark.parametrize(
    "headers",
    [
        {},
        WRONG,
        {"Authorization": "non-token"},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN} {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN}, Bearer {TOKEN}"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer gr\u00fcn"},
    ],
)
async def test_without_the_token_every_request_is_the_same_401(world, headers):
    answers = [
        await world.ask(method, path, headers=headers)
        for method, path in (("GET", "/scim/v2/ServiceProviderConfig"), ("GET", "/nowhere"), ("PUT", "/scim/v2/Users"))
    ]
    assert {status for status, _, _ in answers} == {401}
    assert answers[0][2] == answers[1][2] == answers[2][2]
    assert answers[0][1]["WWW-Authenticate"] == 'Bearer realm="teleport-okta"'
    assert answers[0][1]["Cache-Control"] == "no-store"
    assert world.handler.calls == []


@pytest.mark.parametrize("credentials", [[TOKEN, TOKEN], [TOKEN, "x"]])
async def test_two_headers_are_no_credential(world, credentials):
    headers = "".join(f"Authorization: Bearer {one}\r\n" for one in credentials)
    answer = await world.say(f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode())
    assert not answer.startswith(b"HTTP/1.1 200")


async def test_bytes_that_are_not_utf8_are_a_wrong_token(world):
    answer = await world.say(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_the_scheme_has_no_case(world):
    for scheme in ("bearer", "BEARER", "Bearer "):
        assert (await world.ask("GET", "/scim/v2/Users", headers={"Authorization": f"{scheme} {TOKEN}"}))[0] == 200


async def test_the_body_is_not_awaited_without_a_token(tmp_path):
    async with scim_world(tmp_path, limits=Limits(linger=0.05)) as world:
        answer = await world.say(b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_revoked_token_is_refused_at_once_and_a_new_one_accepted(world):
    await world.make_token("cd" * 32)
    assert (await world.ask("GET", "/scim/v2/Users", headers=WRONG))[0] == 200
    await world.revoke()
    assert (await world.ask("GET", "/scim/v2/Users"))[0] == 401


async def test_no_token_is_logged(world, caplog):
    caplog.set_level(logging.DEBUG)
    await world.ask("GET", "/scim/v2/Users")
    await world.ask("GET", f"/nowhere?token={'cd' * 32}", headers=WRONG)
    assert TOKEN not in caplog.text
    assert "cd" * 32 not in caplog.text


async def test_ten_failures_in_a_minute_block_wrong_tokens_from_the_address_for_a_minute(world, caplog):
    statuses = [(await world.ask("GET", "/scim/v2/Users", headers=WRONG))[0] for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert caplog.text.count("had no valid token") == 1
    world.clock.advance(20)
    status, headers, _ = await world.ask("GET", "/scim/v2/Users", headers={})
    assert (status, headers["Retry-After"]) == (429, "40")
    assert (await world.ask("GET", "/scim/v2/Users"))[0] == 200
    world.clock.advance(41)
    assert (await world.ask("GET", "/scim/v2/Users", headers=WRONG))[0] == 401


async def test_failures_are_forgotten_after_a_minute(world):
    for _ in range(3):
        for _ in range(9):
            assert (await world.ask("GET", "/scim/v2/Users", headers=WRONG))[0] == 401
        world.clock.advance(61)


async def test_no_bcrypt_hash_is_computed_for_a_blocked_address(tmp_path, monkeypatch):
    token_hash = bcrypt.hashpw(b"teleports", bcrypt.gensalt(4)).decode()
    async with scim_world(tmp_path, configured=settings(token_hash=token_hash)) as world:
        for _ in range(10):
            await world.ask("GET", "/scim/v2/Users", headers=WRONG)
        monkeypatch.setattr(bcrypt, "checkpw", None)
        assert (await world.ask("GET", "/scim/v2/Users", headers=WRONG))[0] == 429


async def test_behind_a_trusted_proxy_clients_are_distinguished(tmp_path):
    configured = settings(behind_proxy=True, trusted_proxies=("127.0.0.1", "10.0.0.0/8"))
    async with scim_world(tmp_path, configured=configured) as world:
        for number in range(12):
            headers = WRONG | {"X-Forwarded-For": f"192.0.2.{number}, 203.0.113.7, 10.1.2.3"}
            status, _, _ = await world.ask("GET", "/scim/v2/Users", headers=headers)
        assert status == 429
        other = WRONG | {"X-Forwarded-For": "203.0.113.8"}
        assert (await world.ask("GET", "/scim/v2/Users", headers=other))[0] == 401


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", ["203.0.113.7"], "198.51.100.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.7", "10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["203.0.113.7, nonsense"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("", ["203.0.113.7"], ""),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(peer, forwarded, client):
    assert ClientAddresses(["10.0.0.0/8"]).of(peer, forwarded) == client
