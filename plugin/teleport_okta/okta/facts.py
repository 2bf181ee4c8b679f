"""Makes facts of Okta's JSON: only the fields that we use, with unchanged values.

Okta adds fields and statuses, and may send null or omit a field (`docs/reference/okta.md` 2.1), so only indispensable
fields are required. Profiles keep non-empty values with their types.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.directory import OktaGroup, Roster
from teleport_okta.model.okta import (
    APP_USER_ENDED,
    STATUS_NOT_GIVEN,
    MalformedRow,
    OktaApp,
    OktaAppUser,
    OktaOrganization,
    OktaUser,
    PersonFacts,
)
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.okta.fields import (
    DEEPEST,
    UnreadableFactError,
    demanded,
    is_deep,
    is_unicode,
    nested,
    objects,
    text,
    text_if_readable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.okta import ProfileValue, Snapshot

DIRECT: Final = "USER"
"""The scope of a person's own assignment to an app; the other is GROUP (`docs/reference/okta.md` 3.4)."""


_ADMINISTRATIVE: Final = ("hasAdminPrivilege", "hasAdminPrivlege")
"""Okta's own SDKs use both spellings."""


def organization(body: Mapping[str, object]) -> OktaOrganization:
    """Read the answer of `/.well-known/okta-organization`."""
    link = nested(nested(body, "_links"), "organization")
    return OktaOrganization(id=demanded(body, "id"), url=demanded(link, "href").rstrip("/"))


def app(body: Mapping[str, object]) -> OktaApp:
    """Read an application."""
    return OktaApp(
        id=demanded(body, "id"),
        name=text(body, "name") or "",
        label=text(body, "label") or "",
        status=text(body, "status") or STATUS_NOT_GIVEN,
        sign_on_mode=text(body, "signOnMode"),
        description=text(nested(nested(body, "settings"), "notes"), "enduser") or "",
        links=_links_shown(body),
    )


def saml_app(body: Mapping[str, object]) -> SamlApp:
    """Read an application with its SAML settings; these are None for an app that does not use SAML."""
    sign_on = nested(nested(body, "settings"), "signOn")
    return SamlApp(
        id=demanded(body, "id"),
        name=text(body, "name") or "",
        label=text(body, "label") or "",
        status=text(body, "status") or STATUS_NOT_GIVEN,
        sign_on_mode=text(body, "signOnMode"),
        acs_url=text(sign_on, "ssoAcsUrl"),
        recipient=text(sign_on, "recipient"),
        destination=text(sign_on, "destination"),
        audience=text(sign_on, "audience"),
        signing_kid=text(nested(nested(body, "credentials"), "signing"), "kid"),
    )


def group(body: Mapping[str, object]) -> OktaGroup:
    """Read a group; it has counts if it was listed with `expand=stats`."""
    profile = nested(body, "profile")
    stats = nested(nested(body, "_embedded"), "stats")
    return OktaGroup(
        id=sys.intern(demanded(body, "id")),
        type=sys.intern(text(body, "type") or ""),
        name=demanded(profile, "name"),
        description=text(profile, "description") or "",
        membership_changed=_moment(text(body, "lastMembershipUpdated")),
        users_count=_count(stats.get("usersCount")),
        apps_count=_count(stats.get("appsCount")),
        is_administrative=any(stats.get(name) is True for name in _ADMINISTRATIVE),
    )


def user(body: Mapping[str, object]) -> OktaUser:
    """Read a user."""
    profile = _profile(body)
    login = profile.get("login")
    return OktaUser(
        id=demanded(body, "id"),
        status=text(body, "status") or STATUS_NOT_GIVEN,
        login=login if isinstance(login, str) else None,
        profile=profile,
    )


def app_user(body: Mapping[str, object]) -> OktaAppUser:
    """Read an assignment, with the person if it was read with `expand=user`, otherwise with the person's id only."""
    user_id = demanded(body, "id")
    embedded = nested(nested(body, "_embedded"), "user")
    person = user(embedded) if embedded else OktaUser(user_id, STATUS_NOT_GIVEN, None)
    if person.id != user_id:
        what = f"the assignment is for {user_id}, but the person in it is {person.id}"
        raise UnreadableFactError(what)
    return OktaAppUser(
        user=person,
        status=text(body, "status") or STATUS_NOT_GIVEN,
        scope=text(body, "scope") or "",
        user_name=text(nested(body, "credentials"), "userName"),
        profile=_profile(body),
    )


def person_of_user(row: Mapping[str, object]) -> PersonFacts | MalformedRow:
    """Read a row of the organisation's users as a person; a malformed row still has its status, if it can be read."""
    okta_id = demanded(row, "id")
    try:
        who = user(row)
    except UnreadableFactError as error:
        return MalformedRow(okta_id, error.what, status=_status(row))
    return PersonFacts(
        okta_id=who.id,
        name=who.login,
        status=who.status,
        assignment_status=None,
        profile=who.profile,
        app_profile={},
    )


def person_of_app_user(row: Mapping[str, object]) -> PersonFacts | MalformedRow:
    """Read a row of an app's users as a person; a malformed row still has its statuses, if they can be read."""
    okta_id = demanded(row, "id")
    try:
        assignment = app_user(row)
    except UnreadableFactError as error:
        return _malformed_assignment(row, okta_id, error.what)
    return PersonFacts(
        okta_id=assignment.user.id,
        name=assignment.user_name,
        status=assignment.user.status,
        assignment_status=assignment.status,
        profile=assignment.user.profile,
        app_profile=assignment.profile,
        scope=assignment.scope,
        assigned_at=_moment(text_if_readable(row, "created")),
    )


def as_of(row: Mapping[str, object]) -> datetime | None:
    """Return the later of the last change of the person's status and the time of the assignment; None if unknown."""
    embedded = row.get("_embedded")
    who = embedded.get("user") if isinstance(embedded, dict) else None
    if isinstance(who, dict):
        written = (text_if_readable(who, "statusChanged"), text_if_readable(row, "created"))
    else:
        written = (text_if_readable(row, "statusChanged"), None)
    return max((moment for moment in map(_moment, written) if moment is not None), default=None)


def is_direct(assignment: Mapping[str, object]) -> bool:
    """Whether a row of an app's users is a person's own assignment, not a group's, and has not ended."""
    return text(assignment, "scope") == DIRECT and text(assignment, "status") not in APP_USER_ENDED


def is_assigned_directly(person: PersonFacts) -> bool:
    """Whether a person has the app by their own assignment, which has not ended."""
    return person.scope == DIRECT and person.assignment_status not in APP_USER_ENDED


def direct_people(people: Snapshot) -> Roster:
    """Return the people who have an app by their own assignment, from the listing of all its people."""
    unreadable = f"{len(people.malformed)} of its people could not be read" if people.malformed else ""
    return Roster(
        ids=frozenset(person.okta_id for person in people.people if is_assigned_directly(person)),
        read_at=people.read_at,
        problem=people.incomplete or people.untrusted or unreadable,
        listed=len(people.people) + len(people.malformed),
    )


def _malformed_assignment(row: Mapping[str, object], okta_id: str, what: str) -> MalformedRow:
    """Return the row with its statuses; without them if the row has the ids of two people, so contradicts itself."""
    embedded = row.get("_embedded")
    who = embedded.get("user") if isinstance(embedded, dict) else None
    person: Mapping[str, object] = who if isinstance(who, dict) else {}
    if person.get("id") not in (None, okta_id):
        return MalformedRow(okta_id, what, assignment_status=STATUS_NOT_GIVEN)
    return MalformedRow(okta_id, what, status=_status(person), assignment_status=_status(row))


def _status(body: Mapping[str, object]) -> str:
    return text_if_readable(body, "status") or STATUS_NOT_GIVEN


def _links_shown(body: Mapping[str, object]) -> tuple[str, ...]:
    """Return the links that launch an app: none if the app is hidden, and no link that is hidden by its name."""
    visibility = nested(body, "visibility")
    named = nested(visibility, "appLinks")
    links = objects(nested(body, "_links"), "appLinks")
    if nested(visibility, "hide").get("web") is True:
        return ()
    return tuple(demanded(link, "href") for link in links if named.get(text(link, "name") or "") is not False)


def _moment(written: str | None) -> datetime | None:
    """Return a time in UTC; None if there is none, or it is invalid or has no time zone."""
    try:
        moment = datetime.fromisoformat(written) if written else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _profile(body: Mapping[str, object]) -> dict[str, ProfileValue]:
    """Return the non-empty values. Names are interned, because thousands of people share them."""
    return {
        sys.intern(name): _value(name, value)
        for name, value in nested(body, "profile").items()
        if value not in (None, "", [], {})
    }


def _value(name: str, value: object) -> ProfileValue:
    match value:
        case _ if not is_unicode(name):
            pass
        case str() if is_unicode(value):
            return value
        case bool() | int() | float():
            return value
        case list() | dict() if is_deep(value):
            what = f"profile.{name!a} is nested more than {DEEPEST} deep"
            raise UnreadableFactError(what)
        case list() | dict() if is_unicode(json.dumps(value, ensure_ascii=False)):
            return value
    what = f"profile.{name!a} is not valid Unicode"
    raise UnreadableFactError(what)
