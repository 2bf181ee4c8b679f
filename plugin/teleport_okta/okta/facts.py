"""Okta's JSON as facts: what we use of it, unchanged, and nothing else.

Okta adds fields and statuses, and sends null or leaves out (`reference/okta.md` 2.1), so only what cannot be done
without is demanded. Profiles keep non-empty values with their types.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.okta import (
    STATUS_NOT_GIVEN,
    MalformedRow,
    OktaApp,
    OktaAppUser,
    OktaOrganization,
    OktaUser,
    PersonFacts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from teleport_okta.model.okta import ProfileValue


class UnreadableFactError(TeleportOktaError):
    """An object lacks what we cannot do without, or has it in another shape. The row is set aside, with this reason."""


def organization(body: Mapping[str, object]) -> OktaOrganization:
    """Read the answer of `/.well-known/okta-organization`."""
    link = _object(_object(body, "_links"), "organization")
    return OktaOrganization(id=_demanded(body, "id"), url=_demanded(link, "href").rstrip("/"))


def app(body: Mapping[str, object]) -> OktaApp:
    """Read an application."""
    return OktaApp(
        id=_demanded(body, "id"),
        name=_text(body, "name") or "",
        label=_text(body, "label") or "",
        status=_text(body, "status") or STATUS_NOT_GIVEN,
        sign_on_mode=_text(body, "signOnMode"),
    )


def user(body: Mapping[str, object]) -> OktaUser:
    """Read a user."""
    profile = _profile(body)
    login = profile.get("login")
    return OktaUser(
        id=_demanded(body, "id"),
        status=_text(body, "status") or STATUS_NOT_GIVEN,
        login=login if isinstance(login, str) else None,
        profile=profile,
    )


def app_user(body: Mapping[str, object]) -> OktaAppUser:
    """Read an assignment; the person comes with it where it was read with `expand=user`, else only their id."""
    user_id = _demanded(body, "id")
    embedded = _object(_object(body, "_embedded"), "user")
    person = user(embedded) if embedded else OktaUser(user_id, STATUS_NOT_GIVEN, None)
    if person.id != user_id:
        what = f"the assignment is of {user_id}, but the person that came with it is {person.id}"
        raise UnreadableFactError(what)
    return OktaAppUser(
        user=person,
        status=_text(body, "status") or STATUS_NOT_GIVEN,
        scope=_text(body, "scope") or "",
        user_name=_text(_object(body, "credentials"), "userName"),
        profile=_profile(body),
    )


def person_of_user(row: Mapping[str, object]) -> PersonFacts:
    """Read a row of the organisation's users as a person."""
    who = user(row)
    return PersonFacts(
        okta_id=who.id,
        name=who.login,
        status=who.status,
        assignment_status=None,
        profile=who.profile,
        app_profile={},
    )


def person_of_app_user(row: Mapping[str, object]) -> PersonFacts:
    """Read a row of an app's users as a person."""
    assignment = app_user(row)
    return PersonFacts(
        okta_id=assignment.user.id,
        name=assignment.user_name,
        status=assignment.user.status,
        assignment_status=assignment.status,
        profile=assignment.user.profile,
        app_profile=assignment.profile,
    )


def person_or_malformed(row: object, read: Callable[[Mapping[str, object]], PersonFacts]) -> PersonFacts | MalformedRow:
    """Read a row of a listing, or say why it cannot be read, with its id where at least that is there."""
    if not isinstance(row, dict):
        return MalformedRow(None, f"a row is no object but {type(row).__name__}")
    try:
        return read(row)
    except UnreadableFactError as error:
        okta_id = row.get("id")
        return MalformedRow(okta_id if isinstance(okta_id, str) and okta_id else None, error.what)


def _profile(body: Mapping[str, object]) -> dict[str, ProfileValue]:
    """Return the non-empty values. Names are interned, as thousands of people share them."""
    return {
        sys.intern(name): _value(name, value)
        for name, value in _object(body, "profile").items()
        if value not in (None, "", [], {})
    }


def _value(name: str, value: object) -> ProfileValue:
    match value:
        case _ if not _is_unicode(name):
            pass
        case str() if _is_unicode(value):
            return value
        case bool() | int() | float():
            return value
        case list() | dict() if _is_unicode(json.dumps(value, ensure_ascii=False)):
            return value
    what = f"profile.{name!a} is not valid Unicode"
    raise UnreadableFactError(what)


def _is_unicode(text: str) -> bool:
    """Whether the text can be written at all: JSON may escape halves of characters."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _demanded(body: Mapping[str, object], name: str) -> str:
    text = _text(body, name)
    if not text:
        what = f"there is no {name}"
        raise UnreadableFactError(what)
    return text


def _text(body: Mapping[str, object], name: str) -> str | None:
    match body.get(name):
        case None | "":
            return None
        case str() as text if _is_unicode(text):
            return text
        case str():
            what = f"{name} is not valid Unicode"
        case other:
            what = f"{name} is no text but {type(other).__name__}"
    raise UnreadableFactError(what)


def _object(body: Mapping[str, object], name: str) -> Mapping[str, object]:
    match body.get(name):
        case None:
            return {}
        case dict() as value:
            return value
        case other:
            what = f"{name} is no object but {type(other).__name__}"
            raise UnreadableFactError(what)
