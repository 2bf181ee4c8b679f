from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.okta import MalformedRow
from teleport_okta.okta.okta_errors import (
    NotAnOktaOrganizationError,
    OktaMalformedAnswerError,
    OktaUnavailableError,
)
from teleport_okta.okta.people_reader import OktaReads
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, raw, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

WELL_KNOWN = "/.well-known/okta-organization"
USERS = "/api/v1/users"


def user(name: str, status: str = "ACTIVE") -> dict[str, object]:
    return {"id": f"00u{name}", "status": status, "profile": {"login": f"{name}@example.com"}}


@pytest.fixture
async def reads(okta: ScriptedOkta) -> AsyncIterator[OktaReads]:
    async with okta.client() as client:
        yield OktaReads(client)


def two_pages(okta: ScriptedOkta, first: list[object], *then: Script) -> None:
    okta.on(f"{USERS}?limit=200", says(first, links={"next": f"{okta.url}{USERS}?after=1"}))
    okta.on(f"{USERS}?after=1", *then)


async def test_the_organisation_is_read_without_a_token(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on(WELL_KNOWN, says({"id": "00oAcme", "_links": {"organization": {"href": "https://acme.okta.com"}}}))
    assert (await reads.organization()).id == "00oAcme"
    assert "Authorization" not in okta.asked[0].headers


@pytest.mark.parametrize(
    "answer",
    [
        fails(404, "E0000008"),
        raw(b"nothing here", status=403, content_type="text/plain"),
        raw(b"<html>Welcome</html>", content_type="text/html"),
        says({}, status=301, headers={"Location": "https://www.example.com"}),
        says({"id": "x"}),
        says({"_links": {"organization": {"href": "https://acme.okta.com"}}}),
        says([]),
    ],
)
async def test_another_web_server_is_not_an_organisation(okta: ScriptedOkta, reads: OktaReads, answer: Script) -> None:
    okta.on(WELL_KNOWN, answer)
    with pytest.raises(NotAnOktaOrganizationError, match=r"okta\.org_url"):
        await reads.organization()


async def test_an_outage_does_not_mean_that_it_is_no_organisation(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on(WELL_KNOWN, raw(b"<html></html>", status=502, content_type="text/html"))
    with pytest.raises(OktaUnavailableError):
        await reads.organization()


async def test_links_may_lead_to_the_canonical_address_once_it_is_known(okta: ScriptedOkta, reads: OktaReads) -> None:
    canonical = okta.url.replace("127.0.0.1", "localhost")
    okta.on(WELL_KNOWN, says({"id": "00oAcme", "_links": {"organization": {"href": canonical}}}))
    okta.on(f"{USERS}?limit=200", says([user("ada")], links={"next": f"{canonical}{USERS}?after=1"}))
    okta.on(f"{USERS}?after=1", says([user("bob")]))
    await reads.organization()
    assert len((await reads.people_of_organization()).people) == 2


async def test_an_app_is_read_by_its_id_whatever_is_in_it(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on("/api/v1/apps/a%2F..%3Fb", says({"id": "a/..?b", "label": "Odd", "status": "ACTIVE"}))
    assert (await reads.app("a/..?b")).label == "Odd"


async def test_an_app_without_an_id_is_a_malformed_answer(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on("/api/v1/apps/0oaOne", says({"label": "Teleport"}))
    with pytest.raises(OktaMalformedAnswerError, match="there is no id"):
        await reads.app("0oaOne")


async def test_a_snapshot_is_complete_once_every_page_arrived(okta: ScriptedOkta, reads: OktaReads) -> None:
    asked_at = okta.clock.now()
    two_pages(okta, [user("ada")], fails(503, "E0000181"), says([user("bob")]))
    snapshot = await reads.people_of_organization()
    assert [person.name for person in snapshot.people] == ["ada@example.com", "bob@example.com"]
    assert snapshot.incomplete is None
    assert snapshot.read_at == asked_at
    assert okta.clock.now() > asked_at


async def test_of_a_row_that_repeats_the_later_one_counts(okta: ScriptedOkta, reads: OktaReads) -> None:
    two_pages(okta, [user("ada"), user("bob")], says([user("ada", status="SUSPENDED")]))
    snapshot = await reads.people_of_organization()
    assert [(person.okta_id, person.status) for person in snapshot.people] == [
        ("00uada", "SUSPENDED"),
        ("00ubob", "ACTIVE"),
    ]


async def test_a_listing_that_restarts_forgets_the_rows_before(okta: ScriptedOkta, reads: OktaReads) -> None:
    next_page = {"next": f"{okta.url}{USERS}?after=1"}
    okta.on(f"{USERS}?limit=200", says([user("ada")], links=next_page), says([user("bob")], links=next_page))
    okta.on(f"{USERS}?after=1", fails(400, "E0000029", "Invalid paging request."), says([user("cyd")]))
    snapshot = await reads.people_of_organization()
    assert [person.okta_id for person in snapshot.people] == ["00ubob", "00ucyd"]
    assert snapshot.incomplete is None


async def test_a_malformed_row_with_an_id_is_set_aside(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on(USERS, says([user("ada"), {"id": "00ubob", "profile": 7}]))
    snapshot = await reads.people_of_organization()
    assert snapshot.malformed == (MalformedRow("00ubob", "profile is not an object but int"),)
    assert snapshot.untrusted is None


async def test_a_row_without_an_id_makes_absences_untrusted(okta: ScriptedOkta, reads: OktaReads) -> None:
    okta.on(USERS, says([user("ada"), {"status": "ACTIVE"}, None]))
    snapshot = await reads.people_of_organization()
    assert len(snapshot.people) == 1
    assert [row.okta_id for row in snapshot.malformed] == [None, None]
    assert snapshot.untrusted == "2 rows of the listing have no id: there is no id"
