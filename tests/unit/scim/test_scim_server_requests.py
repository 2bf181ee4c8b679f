"""From an HTTP request to an operation, and from its answer to the HTTP response."""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus

import pytest
from teleport_okta.scim.calls import ScimAnswer, ScimCall, Verb
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_client import AUTHORISED, ERROR_SCHEMA, TOKEN, scim_world
from yarl import URL

SCIM = "application/scim+json"


@pytest.fixture
async def world(tmp_path):
    async with scim_world(tmp_path) as world:
        yield world


def is_error(answer, status):
    code, headers, body = answer
    assert (code, body["status"], body["schemas"]) == (status, str(status), [ERROR_SCHEMA])
    assert headers["Content-Type"] == SCIM
    assert headers["Cache-Control"] == "no-store"
    return True


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/scim/v2/Users", ScimCall(Verb.LIST, "Users")),
        ("GET", "/v1/webapi/scim/okta/Users", ScimCall(Verb.LIST, "Users")),
        ("POST", "/scim/v2/Users", ScimCall(Verb.CREATE, "Users", body={"a": 1})),
        ("GET", "/scim/v2/Groups/1-a", ScimCall(Verb.GET, "Groups", "1-a")),
        ("PUT", "/scim/v2/Users/1", ScimCall(Verb.REPLACE, "Users", "1", body={"a": 1})),
        ("PATCH", "/scim/v2/Users/1", ScimCall(Verb.PATCH, "Users", "1", body={"a": 1})),
        ("DELETE", "/scim/v2/Users/1", ScimCall(Verb.DELETE, "Users", "1")),
        ("GET", "/scim/v2/ServiceProviderConfig", ScimCall(Verb.GET, "ServiceProviderConfig")),
        ("GET", "/scim/v2/ResourceTypes", ScimCall(Verb.LIST, "ResourceTypes")),
        ("GET", "/scim/v2/ResourceTypes/User", ScimCall(Verb.GET, "ResourceTypes", "User")),
        ("GET", "/scim/v2/Schemas/urn:a:core:2.0:User", ScimCall(Verb.GET, "Schemas", "urn:a:core:2.0:User")),
        ("GET", "/scim/v2/Schemas/urn%3Aa", ScimCall(Verb.GET, "Schemas", "urn:a")),
        ("POST", "/scim/v2/Users/.search", ScimCall(Verb.LIST, "Users", body={"a": 1})),
        ("GET", "//scim/v2//Users/", ScimCall(Verb.LIST, "Users")),
    ],
)
async def test_method_and_path_become_an_operation(world, method, path, call):
    options = {"json": {"a": 1}} if method in {"POST", "PUT", "PATCH"} else {}
    async with world.http.request(
        method, URL(f"{world.bound}{path}", encoded=True), headers=AUTHORISED, **options
    ) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == SCIM
        assert response.headers["Server"] == "teleport-okta"
    assert world.handler.calls == [call]


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/scim/v2", 404, None),
        ("GET", "/scim/v2/users", 404, None),
        ("GET", "/scim/v2/Users/1/2", 404, None),
        ("GET", "/scim/v2/Users/1%2F2", 404, None),
        ("GET", "/scim/v2/Users%2F1", 404, None),
        ("GET", "/scim/v2/Users/o'brien", 404, None),
        ("GET", f"/scim/v2/Users/{'x' * 129}", 404, None),
        ("GET", "/v1/webapi/scim/other/Users", 404, None),
        ("PUT", "/scim/v2/Users", 405, "GET, POST"),
        ("POST", "/scim/v2/Users/1", 405, "GET, PUT, PATCH, DELETE"),
        ("PROPFIND", "/scim/v2/Users", 405, "GET, POST"),
        ("POST", "/scim/v2/Schemas", 405, "GET"),
        ("GET", "/scim/v2/Users/.search", 405, "POST"),
        ("POST", "/scim/v2/.search", 501, None),
        ("GET", "/scim/v2/Me", 501, None),
        ("POST", "/scim/v2/Bulk", 501, None),
    ],
)
async def test_an_unsupported_request_gets_a_scim_error(world, method, path, status, allow):
    async with world.http.request(method, URL(f"{world.bound}{path}", encoded=True), headers=AUTHORISED) as response:
        assert is_error((response.status, response.headers, await response.json(content_type=SCIM)), status)
        assert response.headers.get("Allow") == allow
    assert world.handler.calls == []


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ("filter=userName%20eq%20%22a%2Bb%40x.io%22", {"filter": 'userName eq "a+b@x.io"'}),
        ("filter=userName+eq+%22%C3%A4%22&count=2", {"filter": 'userName eq "ä"', "count": "2"}),
        ("count=1&count=2", {"count": "2"}),
        ("aadOptscim062020", {"aadOptscim062020": ""}),
        ("a=b=c&&", {"a": "b=c"}),
    ],
)
async def test_the_query_is_decoded_once(world, raw, query):
    await world.say(
        f"GET /scim/v2/Users?{raw} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: bearer {TOKEN}\r\n\r\n".encode()
    )
    assert world.handler.calls[0].query == query


@pytest.mark.parametrize(
    ("raw", "status"),
    [("a=%FF", 400), ("a=%00", 400), ("&".join("a=b" for _ in range(40)), 400), ("a=" + "x" * 6100, 414)],
)
async def test_a_query_that_cannot_be_used_is_refused(world, raw, status):
    answer = await world.say(
        f"GET /scim/v2/Users?{raw} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == str(status)


@pytest.mark.parametrize(
    "content_type", [SCIM, "Application/JSON; charset=utf-8", 'application/scim+json; charset="UTF-8"', None]
)
async def test_a_body_is_json_by_its_media_type_or_without_one(world, content_type):
    headers = AUTHORISED | ({"Content-Type": content_type} if content_type else {})
    skip = () if content_type else ("Content-Type",)
    assert (await world.ask("POST", "/scim/v2/Users", data=b"[1]", headers=headers, skip_auto_headers=skip))[0] == 200
    assert world.handler.calls[0].body == [1]


@pytest.mark.parametrize("headers", [{"Content-Type": "text/xml"}, {"Content-Encoding": "gzip"}])
async def test_another_media_type_is_415(world, headers):
    # Half a gzip header: nothing may try to unpack it.
    answer = await world.ask("POST", "/scim/v2/Users", data=b"\x1f\x8b", headers=AUTHORISED | headers)
    assert is_error(answer, 415)


async def test_a_body_that_is_no_json_is_400(world):
    for content in (b"{", b""):
        answer = await world.ask("POST", "/scim/v2/Users", data=content, headers=AUTHORISED | {"Content-Type": SCIM})
        assert is_error(answer, 400)
    assert world.handler.calls == []


async def test_a_created_resource_has_its_location(world):
    world.handler.answer = ScimAnswer(HTTPStatus.CREATED, {"id": "1", "name": "ä\ud800"}, "https://x/scim/v2/Users/1")
    status, headers, body = await world.ask("POST", "/scim/v2/Users", json={})
    assert (status, headers["Location"], body["name"]) == (201, "https://x/scim/v2/Users/1", "ä\ud800")


async def test_204_has_no_body(world):
    world.handler.answer = ScimAnswer(HTTPStatus.NO_CONTENT)
    status, headers, body = await world.ask("DELETE", "/scim/v2/Users/1")
    assert (status, body, headers["Cache-Control"]) == (204, None, "no-store")


async def test_an_error_of_the_handler_arrives(world):
    world.handler.answer = ScimError(HTTPStatus.CONFLICT, "There is one.", ScimType.UNIQUENESS)
    answer = await world.ask("POST", "/scim/v2/Users", json={})
    assert is_error(answer, 409)
    assert (answer[2]["scimType"], answer[2]["detail"]) == ("uniqueness", "There is one.")


@pytest.mark.parametrize(("given", "sent"), [(None, "5"), (7, "7")])
async def test_429_says_when_to_try_again(world, given, sent):
    world.handler.answer = ScimError(HTTPStatus.TOO_MANY_REQUESTS, "Later.", retry_after=given)
    answer = await world.ask("GET", "/scim/v2/Users")
    assert is_error(answer, 429)
    assert answer[1]["Retry-After"] == sent


async def test_an_unexpected_error_is_short_for_the_client_and_complete_in_the_log(world, caplog):
    world.handler.answer = RuntimeError("inner secret")
    answer = await world.ask("GET", "/scim/v2/Users")
    assert is_error(answer, 500)
    assert "inner" not in json.dumps(answer[2])
    assert "RuntimeError: inner secret" in caplog.text


async def test_one_line_about_a_request_names_no_person_and_no_secret(world, caplog):
    caplog.set_level(logging.DEBUG, "teleport_okta")
    headers = AUTHORISED | {"User-Agent": "Okta SCIM Client 1.0.0 " + "x" * 200}
    await world.ask("POST", "/scim/v2/Users/.search?filter=ada", json={"filter": "ada"}, headers=headers)
    (line,) = [record for record in caplog.records if "answered" in record.message]
    assert line.levelno == logging.INFO
    assert line.message.startswith("SCIM list Users answered 200 in ")
    assert "Okta SCIM Client 1.0.0" in line.message
    assert "x" * 80 not in line.message
    assert "ada" not in caplog.text
    assert TOKEN not in caplog.text


async def test_control_characters_of_a_user_agent_are_escaped_in_the_log(world, caplog):
    caplog.set_level(logging.DEBUG, "teleport_okta")
    await world.say(
        f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nConnection: close\r\nUser-Agent: a\xc2\x9b\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode("latin-1")
    )
    assert "(a\\x9b)" in caplog.text


async def test_a_target_may_name_its_host(world):
    await world.say(
        f"GET http://x/scim/v2/Users/1?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    assert world.handler.calls == [ScimCall(Verb.GET, "Users", "1", {"a": "b"})]


async def test_many_requests_share_a_connection(world):
    reader, writer = await world.connect()
    for _ in range(3):
        writer.write(f"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    writer.close()
    assert len(world.handler.calls) == 3


async def test_a_client_that_expects_100_continue_gets_it(world):
    reader, writer = await world.connect()
    writer.write(
        f"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode()
    )
    async with asyncio.timeout(5):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    writer.close()
