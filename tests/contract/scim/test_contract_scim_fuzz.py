"""Requests that are nearly right, at random, against the running door.

Contract: no request makes the service fail: no status from 500 on but 501, which says what is not offered. Every
refusal is a SCIM error body and nothing else. Whatever was accepted is afterwards listed, and in Teleport.

`HISTORIES` says how many requests are tried.
"""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from contract.scim.door import ALONE, PATCH, USER, built_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from yarl import URL

HISTORIES = int(os.environ.get("HISTORIES", "") or "250")
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ROOMY = {"brake": {"floor": 10_000, "stated_ratio": 1.0}}
SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in "#\\")

IDS = ["{ada}", "{bob}", "9f0c5f5e-0000-4000-8000-000000000000", "ada@x.io", "..", "%2e%2e", "%00", "x" * 129]
ENDPOINTS = [
    "Users",
    "users",
    "Groups",
    "Schemas",
    "ResourceTypes",
    "ServiceProviderConfig",
    "Me",
    "Bulk",
    ".search",
    "x",
]
METHODS = st.sampled_from(["GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
PATHS = st.one_of(
    st.sampled_from(["/Users"] * 4 + ["/Users/{ada}", "/Users/{bob}"] * 2),
    st.builds("/{}".format, st.sampled_from(ENDPOINTS)),
    st.builds("/{}/{}".format, st.sampled_from(ENDPOINTS), st.sampled_from(IDS)),
    st.builds("/{}/{}/{}".format, st.sampled_from(ENDPOINTS), st.sampled_from(IDS), st.sampled_from(ENDPOINTS)),
    st.text(SAFE, max_size=12).map("/".__add__),
)

NAMES = st.sampled_from(
    ["ada@x.io", "BOB@x.io", "eve@x.io", "kim@x.io", "o'brien", "", " ", "..", "\u212aim@x.io", "\ud800"]
)
FILTERS = st.one_of(
    st.builds(
        '{} {} "{}"'.format,
        st.sampled_from(["userName", "externalId", "id", "emails.value", "password", "x"]),
        st.sampled_from(["eq", "co", "sw", "gt", "ne", "in"]),
        NAMES,
    ),
    st.sampled_from(["active eq true", 'emails[type eq "work"]', "not (active pr)", "(", "userName", 'a[b[c eq "d"]]']),
    st.text(max_size=20),
)
NUMBERS = st.one_of(st.integers().map(str), st.sampled_from(["", "x", "1.5", "-0", "9" * 30, "\u0663"]))
QUERIES = st.one_of(
    st.just({}),
    st.just({}),
    st.fixed_dictionaries(
        {},
        optional={
            "filter": FILTERS,
            "startIndex": NUMBERS,
            "count": NUMBERS,
            "attributes": st.sampled_from(["userName", "emails.type", "x", "", ",", f"{ENTERPRISE}:manager.value"]),
            "excludedAttributes": st.sampled_from(["groups", "userName", "id", "meta"]),
            "sortBy": st.sampled_from(["userName", ""]),
        },
    ),
).map(lambda query: str(URL.build(query=_printable(query)).raw_query_string))

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | NAMES
    | st.just("True"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["value", "type", "primary", "display", "$ref", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            "id",
            "meta",
            "groups",
            "externalId",
            "active",
            "name",
            "emails",
            "phoneNumbers",
            "roles",
            "title",
            "schemas",
            "password",
            "name.givenName",
            ENTERPRISE,
            f"{ENTERPRISE}:manager",
            'emails[type eq "work"].value',
            "urn:x:y",
        ]
    ),
    VALUES,
    max_size=4,
)
USERS = st.builds(lambda name, more: {"schemas": [USER], "userName": name} | more, NAMES, ATTRIBUTES)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "move"])},
    optional={
        "path": st.sampled_from(
            [
                "active",
                "userName",
                "name",
                "title",
                "emails",
                'emails[type eq "work"].value',
                "emails[",
                "id",
                "groups",
                ENTERPRISE,
                f"{ENTERPRISE}:manager",
                "x",
                "",
                "externalId",
                "schemas",
                "password",
                'active[value eq "x"]',
            ]
        ),
        "value": VALUES | ATTRIBUTES | NAMES,
    },
)
PATCHES = st.builds(lambda found: {"schemas": [PATCH], "Operations": found}, st.lists(OPERATIONS, max_size=4))
BODIES = st.one_of(
    USERS.map(json.dumps).map(str.encode),
    PATCHES.map(json.dumps).map(str.encode),
    VALUES.map(json.dumps).map(str.encode),
    st.sampled_from([b"", b"{", b"null", b"[]", b"\xff", b'{"userName": NaN}', b"[" * 5000]),
)
MEDIA = st.sampled_from(["application/scim+json", "application/json; charset=utf-8", "application/json", "text/plain"])


def _printable(query):
    return {name: value.encode(errors="replace").decode() for name, value in query.items()}


@pytest.fixture
async def server(tmp_path):
    async with built_door(tmp_path, settings={**ALONE, **ROOMY}) as built:
        built.ids = {"ada": await built.provision("ada@x.io", title="x"), "bob": await built.provision("bob@x.io")}
        yield built


async def send(door, method, path, query, data, media):
    for name, scim_id in door.ids.items():
        path = path.replace(f"{{{name}}}", scim_id)
    url = URL(f"{door.url}{path.replace('{', '%7B').replace('}', '%7D')}?{query}", encoded=True)
    headers = {"Authorization": f"Bearer {door.token}", "Content-Type": media}
    door.world.clock.advance(3601)  # so that the brake counts nothing of before
    async with door.session.request(method, url, data=data, headers=headers, allow_redirects=False) as response:
        return response.status, response.content_type, await response.read()


def assert_is_proper(method, status, media, content):
    assert status < 500 or status == 501, (status, content)
    if method == "HEAD" or status == 204:
        assert content == b""
        return
    assert media == "application/scim+json"
    body = json.loads(content)
    if status >= 400:
        assert body["schemas"] == [ERROR]
        assert body.keys() <= {"schemas", "status", "scimType", "detail"}
        assert body["status"] == str(status)
        assert body["detail"]


async def test_no_request_makes_the_service_fail(server):
    loop = asyncio.get_running_loop()

    @settings(max_examples=HISTORIES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(METHODS, PATHS, QUERIES, BODIES, MEDIA)
    def tried(method, path, query, data, media):
        sent = None if method in {"GET", "HEAD", "DELETE", "OPTIONS"} else data
        request = asyncio.run_coroutine_threadsafe(send(server, method, path, query, sent, media), loop)
        assert_is_proper(method, *request.result(timeout=20))

    await asyncio.to_thread(tried)
    listed = (await server.ask("GET", "/Users?count=1000")).body["Resources"]
    assert {one["userName"] for one in listed if one["active"]} == set(server.world.owned())
    assert not set(server.world.owned()) & set(server.world.locks())
