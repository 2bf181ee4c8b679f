"""The SAML app of an enrolment: create it, assign Everyone, read its metadata (`docs/reference/okta.md` 4.1 to 4.3).

The app is created complete and never replaced: `PUT /apps/{id}` resets the provisioning that an administrator has
switched on by hand (4.4).

Reads use the client's ordinary tokens. Writes use tokens with the scope for writing, asked for at the first write: once
the scope is taken away after the enrolment, reads still work.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote

from teleport_okta.okta import facts
from teleport_okta.okta.collect import RowsSeen
from teleport_okta.okta.fields import UnreadableFactError, text_if_readable
from teleport_okta.okta.needs import CREATE_APP
from teleport_okta.okta.okta_errors import (
    AppLabelTakenError,
    Failure,
    OktaBadRequestError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport_okta.model.directory import Listing, OktaGroup
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.answers import Answer
    from teleport_okta.okta.client import OktaClient

APPS_A_PAGE: Final = 200
GROUPS_A_PAGE: Final = 200

MOST_METADATA: Final = 1 << 20
"""Bytes of metadata, decompressed. Okta's has 3 kB."""

_APPS: Final = "/api/v1/apps"
_GROUPS: Final = "/api/v1/groups"
_XML: Final = frozenset({"application/xml", "text/xml", "application/samlmetadata+xml"})
_END_OF_METADATA: Final = re.compile(rb"</(?:[\w.-]+:)?EntityDescriptor\s*>")

_NO_SUCH_OBJECT: Final = "E0000007"
_LABEL_TAKEN: Final = "E0000040"
_STILL_ACTIVE: Final = "E0000056"

T = TypeVar("T")


class SamlApps:
    """Okta's apps, for an enrolment. Each method makes one call unless its docstring says more; raises OktaError."""

    def __init__(self, client: OktaClient) -> None:
        self._client = client
        self._writing = client.limited_to((CREATE_APP.scope,))

    async def create(self, body: Mapping[str, object]) -> SamlApp:
        """Create an active app; `saml.app_body` makes the body.

        Raises OktaOutcomeUnknownError if it is unknown whether the app was created. A second attempt could create a
        second app, so look for the first one with `labelled`, after a while: Okta may still be creating it. Raises
        AppLabelTakenError if the organisation accepts no second app with the label.
        """
        try:
            return await self._writing.write(
                "POST", _APPS, _app, query={"activate": "true"}, body=body, repeatable=False
            )
        except OktaBadRequestError as error:
            if error.failure.code != _LABEL_TAKEN:
                raise
            says = f"was refused, because the label {body.get('label')!r} is taken"
            raise AppLabelTakenError(error.failure, says) from error

    async def get(self, app_id: str) -> SamlApp | None:
        """Read an app; None if Okta says that there is none of this id."""
        try:
            return _app_of(await self._client.get(_path(app_id)), Failure("GET", _path(app_id)))
        except OktaNotFoundError as error:
            _check_is_gone(error)
            return None

    async def labelled(self, label: str) -> tuple[SamlApp, ...]:
        """List the apps with exactly this label, including inactive ones and those without SAML.

        Makes a call for each 200 apps whose label or name begins with it. Apps that are hidden from our admin role are
        not among them.
        """
        query = {"q": label, "limit": str(APPS_A_PAGE)}
        listing = await self._walk(_APPS, query, lambda row: _if_labelled(row, label))
        if listing.malformed:
            raise _unreadable(_APPS, "an app", listing)
        return tuple(app for app in listing.rows if app is not None)

    async def everyone(self) -> str | None:
        """Return the id of the group Everyone; None if it is hidden from our admin role."""
        query = {"filter": 'type eq "BUILT_IN"', "limit": str(GROUPS_A_PAGE)}
        listing: Listing[OktaGroup] = await self._walk(_GROUPS, query, facts.group)
        everyone = next((group.id for group in listing.rows if group.is_everyone), None)
        if everyone is None and listing.malformed:
            raise _unreadable(_GROUPS, "a group", listing)
        return everyone

    async def assign_group(self, app_id: str, group_id: str) -> None:
        """Assign a group to an app. If it is assigned already, nothing changes.

        An Okta job assigns the people of the group later.
        """
        await self._writing.write("PUT", _path(app_id, "groups", group_id), _nothing, body={})

    async def has_group(self, app_id: str, group_id: str) -> bool:
        """Read whether a group is assigned to an app; False if there is no such app."""
        try:
            await self._client.get(_path(app_id, "groups", group_id))
        except OktaNotFoundError as error:
            _check_is_gone(error)
            return False
        return True

    async def metadata(self, app: SamlApp) -> bytes:
        """Read the unverified IdP metadata with the app's signing key, as XML.

        Raises OktaMalformedAnswerError if the answer is longer than 1 MiB, is not XML, or is a redirect.
        """
        query = {"kid": app.signing_kid} if app.signing_kid is not None else {}
        path = _path(app.id, "sso", "saml", "metadata")
        return await self._client.document(path, query, metadata_of, accept="application/xml", most_bytes=MOST_METADATA)

    async def deactivate(self, app_id: str) -> None:
        """Deactivate an app: people can no longer sign in to it, and it can be deleted. Does nothing if it is gone."""
        try:
            await self._writing.write("POST", _path(app_id, "lifecycle", "deactivate"), _nothing)
        except OktaNotFoundError as error:
            _check_is_gone(error)

    async def delete(self, app_id: str) -> None:
        """Delete an app, which must be inactive, with its assignments. Does nothing if it is gone."""
        try:
            await self._writing.write("DELETE", _path(app_id), _nothing)
        except OktaNotFoundError as error:
            _check_is_gone(error)
        except OktaForbiddenError as error:
            if error.failure.code != _STILL_ACTIVE:
                raise
            says = "was refused, because the app is active"
            raise OktaForbiddenError(error.failure, says, remedy="deactivate the app first") from error

    async def _walk(self, path: str, query: Mapping[str, str], read: Callable[[Mapping[str, object]], T]) -> Listing[T]:
        """Read a listing to its end. Raises the error of any page: an incomplete listing must not look complete."""
        read_at = self._client.clock.now()
        seen = RowsSeen(read)
        async for page in self._client.pages(path, query):
            if page.restarted:
                seen = RowsSeen(read)
            seen.add(page.rows)
        return seen.listing(read_at, None)


def _path(app_id: str, *under: str) -> str:
    return "/".join((_APPS, *(quote(part, safe="") for part in (app_id, *under))))


def _app(answer: Answer) -> SamlApp:
    return _app_of(answer.json_object(), answer.failure())


def _app_of(body: Mapping[str, object], failure: Failure) -> SamlApp:
    try:
        return facts.saml_app(body)
    except UnreadableFactError as error:
        said = Failure(failure.method, failure.path, failure.status, summary=error.what, request_id=failure.request_id)
        raise OktaMalformedAnswerError(said, "answered no app") from error


def _unreadable(path: str, what: str, listing: Listing[T]) -> OktaMalformedAnswerError:
    failure = Failure("GET", path, summary=listing.malformed[0].reason)
    return OktaMalformedAnswerError(failure, f"answered {what} that cannot be read")


def _if_labelled(row: Mapping[str, object], label: str) -> SamlApp | None:
    return facts.saml_app(row) if text_if_readable(row, "label") == label else None


def metadata_of(answer: Answer) -> bytes:
    """Return the unchanged metadata in an answer. Raises OktaMalformedAnswerError if it is not XML, or was cut off."""
    if answer.media_type and answer.media_type not in _XML:
        raise answer.other_than_asked(answer.media_type[:80])
    if _END_OF_METADATA.search(answer.body) is None:
        says = f"answered {len(answer.body)} bytes that are not complete metadata"
        raise OktaMalformedAnswerError(answer.failure(), says, cut_off=True)
    return answer.body


def _nothing(_: Answer) -> None:
    """Ignore the body of an answer."""


def _check_is_gone(error: OktaNotFoundError) -> None:
    """Raise a 404 again unless it is Okta's own answer for an object that does not exist."""
    if error.failure.code != _NO_SUCH_OBJECT:
        raise error
