"""What the SAML apps of an organisation answer, where it is not as it should be."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.okta.okta_errors import (
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaOutcomeUnknownError,
)
from teleport_okta.okta.saml_apps import MOST_METADATA, SamlApps
from unit.okta.scripted_okta import Script, ScriptedOkta, fails, raw, says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

APPS, GROUPS = "/api/v1/apps", "/api/v1/groups"
ONE = f"{APPS}/0oaOne"
METADATA = f"{ONE}/sso/saml/metadata"
APP = SamlApp("0oaOne", "acme_teleport_1", "Teleport", "ACTIVE", "SAML_2_0", signing_kid="kid-_1")
DOCUMENT = b'<?xml version="1.0"?><md:EntityDescriptor entityID="http://www.okta.com/exk1"></md:EntityDescriptor>'


@pytest.fixture
async def apps(okta: ScriptedOkta) -> AsyncIterator[SamlApps]:
    async with okta.client() as client:
        yield SamlApps(client)


def xml(body: bytes, *, content_type: str = "application/xml") -> Script:
    return raw(body, content_type=content_type)


def padded(length: int) -> bytes:
    """Return metadata of exactly so many bytes."""
    return DOCUMENT.replace(b"></md:", b">" + b" " * (length - len(DOCUMENT)) + b"</md:")


@pytest.mark.parametrize("media_type", ["application/xml", "text/xml", "application/samlmetadata+xml"])
async def test_metadata_is_asked_for_as_xml_with_the_key_and_comes_as_it_is(
    okta: ScriptedOkta, apps: SamlApps, media_type: str
) -> None:
    okta.on(METADATA, xml(DOCUMENT, content_type=media_type))
    assert await apps.metadata(APP) == DOCUMENT
    [asked] = okta.asked
    assert (asked.headers["Accept"], asked.path_qs) == ("application/xml", f"{METADATA}?kid=kid-_1")


async def test_an_app_without_a_key_is_asked_without_one(okta: ScriptedOkta, apps: SamlApps) -> None:
    okta.on(METADATA, xml(DOCUMENT))
    await apps.metadata(SamlApp("0oaOne", "", "Teleport", "ACTIVE", "SAML_2_0"))
    assert okta.asked[0].path_qs == METADATA


async def test_metadata_of_a_mebibyte_is_the_longest(okta: ScriptedOkta, apps: SamlApps) -> None:
    okta.on(METADATA, xml(padded(MOST_METADATA)), xml(padded(MOST_METADATA + 1)))
    assert len(await apps.metadata(APP)) == MOST_METADATA
    with pytest.raises(OktaMalformedAnswerError, match="answered more than 1,048,576 bytes"):
        await apps.metadata(APP)
    assert len(okta.asked) == 2


async def test_a_document_without_end_is_not_read_to_its_end(okta: ScriptedOkta, apps: SamlApps) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 65_536

    okta.on(METADATA, lambda _: web.Response(body=endless(), content_type="application/xml"))
    with pytest.raises(OktaMalformedAnswerError, match="answered more than"):
        await apps.metadata(APP)
    assert sent < 400  # what the sockets of both sides hold comes on top of the 16 that are read


async def test_the_length_counts_after_decompression(okta: ScriptedOkta, apps: SamlApps) -> None:
    def packed(body: bytes) -> Script:
        return raw(gzip.compress(body), content_type="application/xml", headers={"Content-Encoding": "gzip"})

    okta.on(METADATA, packed(DOCUMENT), packed(padded(64 * MOST_METADATA)))
    assert await apps.metadata(APP) == DOCUMENT
    with pytest.raises(OktaMalformedAnswerError, match="answered more than"):
        await apps.metadata(APP)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raw(b"<html></html>", content_type="text/html"), r"answered with text/html.*okta\.org_url"),
        (says({"id": "0oaOne"}), "answered with application/json"),
        (xml(DOCUMENT[:60]), "60 bytes that are not complete metadata"),
        (xml(b""), "0 bytes that are not complete metadata"),
        (says("", status=302, headers={"Location": "https://evil.example/metadata"}), "redirected to evil.example"),
        (says("", status=307, headers={"Location": "/elsewhere"}), "was redirected, but"),
    ],
)
async def test_an_answer_that_is_not_metadata_is_refused(
    okta: ScriptedOkta, apps: SamlApps, answer: Script, words: str
) -> None:
    okta.on(METADATA, answer)
    with pytest.raises(OktaMalformedAnswerError, match=f"GET {METADATA} .*{words}"):
        await apps.metadata(APP)
    assert {asked.path_qs.partition("?")[0] for asked in okta.asked} == {METADATA}


async def test_metadata_that_was_cut_off_is_asked_for_again(okta: ScriptedOkta, apps: SamlApps) -> None:
    okta.on(METADATA, xml(DOCUMENT[:60]), xml(DOCUMENT))
    assert await apps.metadata(APP) == DOCUMENT


@pytest.mark.parametrize(
    "answer",
    [
        fails(404, "E0000008", "The requested path was not found"),
        raw(b"<html>", status=404, content_type="text/html"),
        says({"status": 404, "message": "Resource not found"}, status=404),
    ],
)
async def test_a_404_that_is_not_about_the_object_does_not_mean_that_it_is_gone(
    okta: ScriptedOkta, apps: SamlApps, answer: Script
) -> None:
    for path in (ONE, f"{ONE}/groups/00gOne", f"{ONE}/lifecycle/deactivate"):
        okta.on(path, answer)
    for call in (
        apps.get("0oaOne"),
        apps.has_group("0oaOne", "00gOne"),
        apps.deactivate("0oaOne"),
        apps.delete("0oaOne"),
    ):
        with pytest.raises(OktaNotFoundError):
            await call


async def test_an_app_that_cannot_be_read_is_an_error_and_a_new_one_may_exist(
    okta: ScriptedOkta, apps: SamlApps
) -> None:
    okta.on(ONE, says({"label": "Teleport"}))
    okta.on(APPS, says({"label": "Teleport"}))
    with pytest.raises(OktaMalformedAnswerError, match="answered no app: there is no id"):
        await apps.get("0oaOne")
    with pytest.raises(OktaOutcomeUnknownError, match="there is no id"):
        await apps.create({"label": "Teleport"})


async def test_an_app_of_the_label_that_cannot_be_read_is_not_passed_over(okta: ScriptedOkta, apps: SamlApps) -> None:
    other = {"id": "0oaTwo", "label": "Teleport two", "settings": "odd"}
    okta.on(APPS, says([other]), says([other, {"id": "0oaOne", "label": "Teleport", "settings": "odd"}]))
    assert await apps.labelled("Teleport") == ()
    with pytest.raises(OktaMalformedAnswerError, match="settings is not an object"):
        await apps.labelled("Teleport")


async def test_ids_do_not_lead_out_of_their_path(okta: ScriptedOkta, apps: SamlApps) -> None:
    path = f"{APPS}/..%2Fusers%3Fa/groups/%2F"
    okta.on(path, says({}))
    await apps.assign_group("../users?a", "/")
    assert [asked.path_qs for asked in okta.asked] == [path]


async def test_everyone_is_the_built_in_group_of_that_name(okta: ScriptedOkta, apps: SamlApps) -> None:
    def group(group_id: str, name: object, kind: str = "BUILT_IN") -> dict[str, object]:
        return {"id": group_id, "type": kind, "profile": {"name": name}}

    administrators, everyone = group("00gAdmins", "Okta Administrators"), group("00gAll", "Everyone")
    impostor, odd = group("00gFalse", "Everyone", "OKTA_GROUP"), group("00gOdd", 7)
    okta.on(
        GROUPS,
        says([administrators, impostor, odd, everyone]),
        says([administrators, impostor]),
        says([administrators, odd]),
    )
    assert await apps.everyone() == "00gAll"
    assert await apps.everyone() is None
    with pytest.raises(OktaMalformedAnswerError, match="answered a group that cannot be read"):
        await apps.everyone()
