"""The criteria of a user listing, and the search index with its lag (`docs/reference/okta.md` 3.1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.error_bodies import refusal
from teleport_okta.sandbox.okta.filters import EQUAL, ORDER, Field, Kind, compile_filter
from teleport_okta.sandbox.okta.users import DEPROVISIONED, User

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.timeline import Timeline

Matches = Callable[[User], bool]

_SEARCH_TEXT = frozenset({"eq", "gt", "ge", "lt", "le", "sw", "pr", "co"})
_SEARCH_ORDER = ORDER | {"pr"}

_FILTER_FIELDS: dict[str, Field] = {
    "status": Field(Kind.TEXT, EQUAL),
    "id": Field(Kind.ID, EQUAL),
    "lastUpdated": Field(Kind.DATE, ORDER),
    "profile.login": Field(Kind.TEXT, EQUAL),
    "profile.email": Field(Kind.TEXT, EQUAL),
    "profile.firstName": Field(Kind.TEXT, EQUAL),
    "profile.lastName": Field(Kind.TEXT, EQUAL),
}
_SEARCH_FIELDS: dict[str, Field] = {
    "status": Field(Kind.TEXT, _SEARCH_ORDER | {"sw"}),
    "id": Field(Kind.ID, _SEARCH_ORDER | {"sw"}),
    "type.id": Field(Kind.ID, _SEARCH_ORDER | {"sw"}),
    "realmId": Field(Kind.ID, _SEARCH_ORDER | {"sw"}),
    "created": Field(Kind.DATE, _SEARCH_ORDER),
    "activated": Field(Kind.DATE, _SEARCH_ORDER),
    "statusChanged": Field(Kind.DATE, _SEARCH_ORDER),
    "lastUpdated": Field(Kind.DATE, _SEARCH_ORDER),
}
_PROFILE_SEARCH = Field(Kind.TEXT, _SEARCH_TEXT)


_USER_FIELDS = {
    "id": "id",
    "status": "status",
    "created": "created",
    "activated": "activated",
    "statusChanged": "status_changed",
    "lastUpdated": "last_updated",
}


class UserAttributes:
    """Reads a user's attributes by their names in filters."""

    def __init__(self, type_id: str, realm_id: str) -> None:
        self._constants = {"type.id": type_id, "realmId": realm_id}

    def read(self, user: User, name: str) -> object:
        """Return the value of an attribute, ``None`` if the user has none."""
        if name.startswith("profile."):
            return user.profile.get(name.removeprefix("profile."))
        if name in self._constants:
            return self._constants[name]
        return getattr(user, _USER_FIELDS[name])


class SearchIndex:
    """The index of ``search``, which has each change after the delay."""

    def __init__(self, timeline: Timeline, delay: float) -> None:
        self.users: Ordered[User] = Ordered()
        self._timeline = timeline
        self._delay = delay

    def changed(self, before: User | None, after: User | None) -> None:
        """Add a change, which shows after the delay."""
        if after is not None:
            self._timeline.later(self._delay, lambda: self.users.put(after.id, after))
        elif before is not None:
            self._timeline.later(self._delay, lambda: self._forget(before.id))

    def load(self, user: User) -> None:
        """Add a user at once: seeding."""
        self.users.put(user.id, user)

    def _forget(self, user_id: str) -> None:
        self.users.remove(user_id)


def criteria(query: Mapping[str, str], attributes: UserAttributes) -> Matches:
    """Return the criterion of a listing; the default is all users who are not deactivated."""
    if "search" in query and "filter" in query:
        raise refusal("E0000033")
    if "search" in query:
        predicate = compile_filter(query["search"], _searchable)
    elif "filter" in query:
        predicate = compile_filter(query["filter"], _FILTER_FIELDS.get)
    elif query.get("q"):
        return _starting_with(query["q"].lower())
    else:
        return lambda user: user.status != DEPROVISIONED
    return lambda user: predicate(lambda name: attributes.read(user, name))


def sort_key(query: Mapping[str, str], attributes: UserAttributes) -> Callable[[User], tuple[bool, str]] | None:
    """Return the sort key of a search with ``sortBy``, or ``None`` without it."""
    name = query.get("sortBy")
    if not name:
        return None
    if _searchable(name) is None:
        raise refusal("E0000031", f"Unsupported sort: {name}")

    def key(user: User) -> tuple[bool, str]:
        value = attributes.read(user, name)
        return value is None, str(value).lower()

    return key


def _searchable(name: str) -> Field | None:
    return _PROFILE_SEARCH if name.startswith("profile.") else _SEARCH_FIELDS.get(name)


def _starting_with(text: str) -> Matches:
    def matches(user: User) -> bool:
        if user.status == DEPROVISIONED:
            return False
        names = (str(user.profile.get(name) or "").lower() for name in ("firstName", "lastName", "email"))
        return any(name.startswith(text) for name in names)

    return matches
