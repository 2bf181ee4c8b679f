"""Requests that are wrong, hostile, or sent twice at once (`docs/reference/scim.md` 19).

Each is answered with a SCIM error that names no other person and no inside of the service, and leaves the door, its
records and Teleport as they were. So cases that are refused alike are subtests of one world.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter

import pytest
from contract.scim.door import PATCH, USER, Answer
from yarl import URL

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
ADA = "00uADA45678901234567"
NO_ID = "010101001010101011001010101011"
SPEAKING = {"Traceback", "teleport_okta", "sqlite", "aiohttp", ".py", "Error:"}


@pytest.fixture
async def server(alone):
    """The door, with one user."""
    alone.ada = await alone.provision("ada@x.io", okta_id=ADA)
    return alone


async def send(door, method, path, data=b"", *, token=True, **headers):
    """Send bytes as they are."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        headers["Authorization"] = f"Bearer {door.token}"
    headers.setdefault("Content-Type", "application/scim+json")
    url = URL(door.url + path, encoded=True)
    async with door.session.request(method, url, data=data, headers=headers) as response:
        text = await response.text()
        assert response.content_type == "application/scim+json"
        return Answer(response.status, json.loads(text) if text else None, dict(response.headers))


async def seen(door):
    """All that a request could have changed: what is listed, and what is in Teleport."""
    listed = await door.ask("GET", "/Users?count=1000")
    locks = {name: lock.SerializeToString() for name, lock in door.world.locks().items()}
    users = {name: user.SerializeToString() for name, user in door.world.users().items()}
    return listed.body, users, locks


def assert_refused(answer, status, scim_type=None):
    assert answer.status == status, answer
    assert answer.body["schemas"] == [ERROR]
    assert answer.body["status"] == str(status)
    assert answer.body.get("scimType") == scim_type
    assert answer.detail
    assert not [word for word in SPEAKING if word in answer.detail]


def user(name, **attributes):
    return {"schemas": [USER], "userName": name, **attributes}


CREDENTIALS = {
    "none": None,
    "another token": "Bearer " + "a" * 64,
    "no scheme": "non-token",
    "another scheme": "Basic YWRhOnNlY3JldA==",
    "no credential": "Bearer ",
    "two": "Bearer a b",
    "no ASCII": "Bearer t\u00f6ken",
}
REQUESTS = [
    ("GET", "/Users"),
    ("GET", f"/Users/{NO_ID}"),
    ("GET", "/nothing/here"),
    ("POST", "/Users"),
    ("PUT", f"/Users/{NO_ID}"),
    ("PATCH", f"/Users/{NO_ID}"),
    ("DELETE", f"/Users/{NO_ID}"),
    ("GET", "/Schemas"),
]


@pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
async def test_without_a_good_token_every_request_looks_alike_and_nothing_happens(server, credential):
    before = await seen(server)
    headers = {} if credential is None else {"Authorization": credential}
    requests = [*REQUESTS, ("DELETE", f"/Users/{server.ada}")]
    answers = [
        await send(server, *request, b'{"userName": "eve@x.io"}', token=False, **headers) for request in requests
    ]
    for answer in answers:
        assert_refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
        assert answer.body == answers[0].body
    assert await seen(server) == before


async def test_a_client_that_tries_out_tokens_is_blocked_and_one_with_a_token_is_not(server):
    answers = [await send(server, "GET", "/Users", token=False) for _ in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    assert (await server.ask("GET", "/Users")).status == 200
    server.world.clock.advance(61)
    assert (await send(server, "GET", "/Users", token=False)).status == 401


MALFORMED = {
    "nothing": b"",
    "spaces": b"  \n",
    "half": b'{"userName": "eve@x.io"',
    "no JSON": b"userName=eve@x.io",
    "no UTF-8": b'{"userName": "\xff\xfe@x.io"}',
    "a list": b'[{"userName": "eve@x.io"}]',
    "a text": b'"eve@x.io"',
    "null": b"null",
    "a number": b"7",
    "NaN": b'{"userName": "eve@x.io", "x": NaN}',
    "schemas as a text": b'{"schemas": "User", "userName": "eve@x.io"}',
    "deep lists": b'{"userName": "eve@x.io", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"userName": "eve@x.io", "x": ' + b'{"x":' * 50 + b"1" + b"}" * 50 + b"}",
}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body_that_cannot_be_read_is_400(server, method, subtests):
    before = await seen(server)
    path = "/Users" if method == "POST" else f"/Users/{server.ada}"
    for what, data in MALFORMED.items():
        with subtests.test(what):
            answer = await send(server, method, path, data)
            assert answer.status == 400
            assert answer.body["scimType"] in {"invalidSyntax", "invalidValue"}
            assert_refused(answer, 400, answer.body["scimType"])
            assert await seen(server) == before


UNCLEAN = {"NUL": "\\u0000", "escape": "\\u001b[2J", "half a pair": "\\ud800", "other half": "\\udc00x"}


@pytest.mark.parametrize("place", ["userName", "displayName", "externalId", "x:unknown"])
async def test_text_that_cannot_be_stored_is_400(server, place, subtests):
    before = await seen(server)
    for what, text in UNCLEAN.items():
        with subtests.test(what):
            body = json.dumps(user("eve@x.io") | {place: "eve@x.io"}).replace('"eve@x.io"}', f'"eve{text}@x.io"}}')
            assert_refused(await send(server, "POST", "/Users", body.encode()), 400, "invalidValue")
            assert await seen(server) == before


async def test_five_megabytes_are_413(server):
    before = await seen(server)
    body = json.dumps(user("eve@x.io", displayName="x" * 5_000_000)).encode()
    assert_refused(await send(server, "POST", "/Users", body), 413)
    assert_refused(await send(server, "PUT", f"/Users/{server.ada}", body), 413)
    assert await seen(server) == before


async def test_another_media_type_is_415(server, subtests):
    body = json.dumps(user("eve@x.io")).encode()
    for media in ("text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"):
        with subtests.test(media):
            assert_refused(await send(server, "POST", "/Users", body, Content_Type=media), 415)
            assert set(server.world.owned()) == {"ada@x.io"}


UNKNOWN_IDS = [
    NO_ID,
    "9f0c5f5e-0000-4000-8000-000000000000",
    "ada@x.io",
    ADA,
    "..",
    "%2e%2e%2fUsers",
    "%00",
    "%0d%0aX-Evil:%201",
    "'%20OR%201=1--",
    "%25s%25n",
    "x" * 2000,
    "%ff%fe",
]


async def test_an_unknown_id_is_404_on_every_verb(server, subtests):
    for scim_id in UNKNOWN_IDS:
        with subtests.test(scim_id):
            await assert_unknown(server, scim_id)


async def assert_unknown(server, scim_id):
    before = await seen(server)
    bodies = {
        "GET": None,
        "PUT": user("eve@x.io"),
        "PATCH": {"schemas": [PATCH], "Operations": [{"op": "replace", "value": {"active": False}}]},
        "DELETE": None,
    }
    for method, body in bodies.items():
        answer = await server.ask(method, f"/Users/{scim_id}", body)
        assert_refused(answer, 404)
        assert "X-Evil" not in answer.headers
    assert await seen(server) == before


async def test_the_id_of_a_deleted_user_is_404_on_every_verb(server):
    assert (await server.ask("DELETE", f"/Users/{server.ada}")).status == 204
    await assert_unknown(server, server.ada)


HOSTILE = [
    "x'; DROP TABLE scim_users; --",
    '" or "" = "',
    "../../etc/passwd",
    "..",
    "%s%s%n{0}{__class__}",
    "${jndi:ldap://x/a}",
    "$(reboot)`reboot`",
    "<script>alert(1)</script>",
    "eve@x.io bob@x.io",
    "eve/x",
    "eve\\x",
    "o'brien@x.io",
    "\u00e9ve@x.io",
    "eve\u202e@x.io",
    "\u212aim@x.io",
]


async def test_a_name_that_teleport_cannot_hold_is_400_before_anything_is_written(server, subtests):
    before = await seen(server)
    path = f"/Users/{server.ada}"
    for name in HOSTILE:
        with subtests.test(name):
            replace = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "userName", "value": name}]}
            for answer in (
                await server.ask("POST", "/Users", user(name)),
                await server.ask("PUT", path, user(name)),
                await server.ask("PATCH", path, replace),
            ):
                assert_refused(answer, 400, "invalidValue")
                assert answer.detail.startswith("userName")
            assert await seen(server) == before


async def test_the_refusal_names_the_character(server):
    answer = await server.ask("POST", "/Users", user("o'brien@x.io"))
    assert '"\'"' in answer.detail


async def test_a_name_that_differs_in_case_alone_is_looked_at_as_well(server):
    kim = await server.provision("kim@x.io")
    answer = await server.ask("PUT", f"/Users/{kim}", user("\u212aim@x.io"))
    assert_refused(answer, 400, "invalidValue")


async def test_a_name_of_no_visible_text_is_400(server, subtests):
    before = await seen(server)
    for name in ("", " ", "\t", "eve\n@x.io", "eve\r\n2026 ERROR forged", None, 7, ["eve"], {"a": 1}):
        with subtests.test(repr(name)):
            assert_refused(await server.ask("POST", "/Users", user(name)), 400, "invalidValue")
            assert await seen(server) == before


async def test_other_text_is_data(server, subtests):
    for number, text in enumerate(HOSTILE):
        with subtests.test(text):
            login = f"eve{number}@x.io"
            answer = await server.post_user(
                login, displayName=text, title=text, name={"givenName": text, "familyName": text}
            )
            assert answer.status == 201
            shown = (await server.ask("GET", f"/Users/{answer.body['id']}")).body
            assert (shown["displayName"], shown["title"], shown["name"]["givenName"]) == (text, text, text)
            assert server.world.users()[login].Spec.Traits.Values["okta/title"].Values == [text]


async def test_a_filter_s_value_is_data(server, subtests):
    for text in HOSTILE:
        with subtests.test(text):
            encoded = URL.build(query={"filter": f"userName eq {json.dumps(text)}"}).raw_query_string
            answer = await server.ask("GET", f"/Users?{encoded}")
            assert (answer.status, answer.body["totalResults"]) == (200, 0)


FILTERS = {
    'userName eq "x" or password pr': (403, "sensitive"),
    'password eq "thrown-away"': (403, "sensitive"),
    "userName eq": (400, "invalidFilter"),
    "userName gt true": (400, "invalidFilter"),
    'nothing eq "x"': (400, "invalidFilter"),
    "(" * 2000 + "active pr": (400, "invalidFilter"),
    " and ".join(["active pr"] * 300): (400, "invalidFilter"),
    'userName eq "' + "x" * 5000 + '"': (400, "invalidFilter"),
}


async def test_a_filter_that_asks_too_much_is_refused(server, subtests):
    for text, refusal in FILTERS.items():
        with subtests.test(text[:40]):
            encoded = URL.build(query={"filter": text}).raw_query_string
            assert_refused(await server.ask("GET", f"/Users?{encoded}"), *refusal)


async def test_text_with_line_ends_forges_no_line_of_the_log(server, caplog):
    caplog.set_level(logging.DEBUG, "teleport_okta")
    forged = "eve\r\n2026-01-01 ERROR forged"
    await server.post_user("eve@x.io", displayName=forged, title=forged)
    await server.post_user(forged)
    await server.ask("GET", "/Users?filter=userName%20eq%20%22eve%0D%0Aforged%22")
    await server.ask("GET", "/Users/eve%0D%0Aforged", **{"User-Agent": "curl"})
    assert not [
        record for record in caplog.records if "\nforged" in record.getMessage() or "\n2026" in record.getMessage()
    ]


PAGES = {
    "startIndex=0&count=1": (1, 1),
    "startIndex=-7&count=1": (1, 1),
    "startIndex=-99999999999999999999999&count=1": (1, 1),
    "startIndex=1&count=-1": (1, 0),
    "startIndex=1&count=0": (1, 0),
    "startIndex=1&count=99999999999999999999999999": (1, 3),
    "startIndex=4&count=10": (4, 0),
    "startIndex=9223372036854775808&count=10": (2**31 - 1, 0),
    "startIndex=2&count=9": (2, 2),
}


async def test_paging_out_of_range_is_the_nearest_that_is_not(server, subtests):
    await server.provision("bob@x.io")
    await server.provision("eve@x.io")
    for query, page in PAGES.items():
        for rest in ("", "&filter=active%20eq%20true"):
            with subtests.test(query + rest):
                body = (await server.ask("GET", f"/Users?{query}{rest}")).body
                assert (body["startIndex"], body["itemsPerPage"], len(body["Resources"])) == (page[0], page[1], page[1])
                assert body["totalResults"] == 3


async def test_paging_that_is_no_number_is_400(server, subtests):
    for query in ("startIndex=x", "count=1.5", "count=1e3", "count=%D9%A3"):
        with subtests.test(query):
            assert_refused(await server.ask("GET", f"/Users?{query}"), 400, "invalidValue")


@pytest.mark.parametrize("name", ["bob@x.io", "BOB@x.io"])
@pytest.mark.parametrize("bob_is", ["active", "inactive"])
async def test_a_rename_to_a_taken_name_is_409_and_changes_nothing(server, name, bob_is):
    bob = await server.provision("bob@x.io")
    if bob_is == "inactive":
        assert (await server.set_active(bob, active=False)).status == 200
    before = await seen(server)
    assert_refused(await server.ask("PUT", f"/Users/{server.ada}", user(name)), 409, "uniqueness")
    assert await seen(server) == before


async def test_a_rename_to_the_name_of_a_local_user_is_409_and_changes_nothing(server):
    server.world.teleport.administrator.create_user("root@x.io")
    before = await seen(server)
    assert_refused(await server.ask("PUT", f"/Users/{server.ada}", user("root@x.io")), 409, "uniqueness")
    assert await seen(server) == before


async def test_a_patch_of_which_one_operation_fails_changes_nothing(server):
    before = await seen(server)
    operations = [
        {"op": "replace", "path": "title", "value": "Countess"},
        {"op": "replace", "path": "active", "value": False},
        {"op": "replace", "path": "id", "value": NO_ID},
    ]
    answer = await server.ask("PATCH", f"/Users/{server.ada}", {"schemas": [PATCH], "Operations": operations})
    assert_refused(answer, 400, "mutability")
    assert await seen(server) == before


async def test_another_id_inside_a_patch_is_refused(server):
    bob = await server.provision("bob@x.io")
    operation = {"op": "replace", "value": {"id": bob, "active": False}}
    answer = await server.ask("PATCH", f"/Users/{server.ada}", {"schemas": [PATCH], "Operations": [operation]})
    assert_refused(answer, 400, "mutability")
    assert set(server.world.owned()) == {"ada@x.io", "bob@x.io"}


async def test_a_user_never_becomes_another_person(server):
    answer = await server.ask("PUT", f"/Users/{server.ada}", user("ada@x.io", externalId="00uEVE45678901234567"))
    assert_refused(answer, 400, "mutability")


DUPLICATES = {
    "the same": [("eve@x.io", "00uEVE45678901234567")] * 6,
    "without an external id": [("eve@x.io", None)] * 6,
    "other people of one name": [("eve@x.io", f"00uEVE4567890123456{number}") for number in range(6)],
    "one person of other names": [(f"eve{number}@x.io", "00uEVE45678901234567") for number in range(6)],
    "names that differ in case": [("eve@x.io", None), ("EVE@x.io", None), ("Eve@X.io", None)],
}


@pytest.mark.parametrize("people", DUPLICATES.values(), ids=DUPLICATES)
async def test_of_creations_at_the_same_time_one_succeeds_and_there_is_one_user(server, people):
    answers = await asyncio.gather(*(server.post_user(name, okta_id=okta_id) for name, okta_id in people))
    assert Counter(answer.status for answer in answers) == {201: 1, 409: len(people) - 1}
    assert {answer.body["scimType"] for answer in answers if answer.status == 409} == {"uniqueness"}
    (made,) = [answer.body["userName"] for answer in answers if answer.status == 201]
    assert set(server.world.owned()) == {"ada@x.io", made}
    listed = (await server.ask("GET", "/Users")).body
    assert [one["userName"] for one in listed["Resources"]] == ["ada@x.io", made]


async def test_a_creation_and_a_rename_at_the_same_time_do_not_wait_for_each_other(server):
    posts = [server.post_user("countess@x.io", okta_id=ADA) for _ in range(3)]
    puts = [server.ask("PUT", f"/Users/{server.ada}", user("countess@x.io", externalId=ADA)) for _ in range(3)]
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*(one for pair in zip(posts, puts, strict=True) for one in pair))
    assert sorted(answer.status for answer in answers) == [200] * 3 + [409] * 3
    assert set(server.world.owned()) == {"countess@x.io"}


async def test_two_people_who_swap_names_at_the_same_time_are_refused(server):
    bob = await server.provision("bob@x.io")
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            server.ask("PUT", f"/Users/{server.ada}", user("bob@x.io")),
            server.ask("PUT", f"/Users/{bob}", user("ada@x.io")),
        )
    assert [answer.status for answer in answers] == [409, 409]
    assert set(server.world.owned()) == {"ada@x.io", "bob@x.io"}


async def test_a_name_may_be_the_okta_id(server):
    async with asyncio.timeout(10):
        answer = await server.post_user("00ueve45678901234567", okta_id="00ueve45678901234567")
    assert answer.status == 201
    assert set(server.world.owned()) == {"ada@x.io", "00ueve45678901234567"}


async def test_deactivations_and_activations_at_the_same_time_leave_what_is_shown(server):
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*(server.set_active(server.ada, active=bool(one % 2)) for one in range(8)))
    assert {answer.status for answer in answers} <= {200, 429}
    shown = (await server.ask("GET", f"/Users/{server.ada}")).body["active"]
    assert (set(server.world.owned()) == {"ada@x.io"}) is shown
    assert (set(server.world.locks()) == {"ada@x.io"}) is not shown


async def test_a_deletion_and_a_creation_at_the_same_time_leave_one_user_or_none(server):
    async with asyncio.timeout(10):
        deleted, created = await asyncio.gather(
            server.ask("DELETE", f"/Users/{server.ada}"), server.post_user("ada@x.io", okta_id=ADA)
        )
    assert deleted.status == 204
    assert created.status in {201, 409}
    assert set(server.world.owned()) == ({"ada@x.io"} if created.status == 201 else set())
