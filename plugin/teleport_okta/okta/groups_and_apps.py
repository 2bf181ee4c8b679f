"""Reads groups and apps: both listings, and the rosters under each object (`docs/reference/okta.md` 3.2 to 3.5).

Listings work as those of people do. A failure that concerns one object is a problem of its roster, and is not raised,
so that the rest is still read. Only failures that every other roster would have too are raised.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from teleport_okta.model.directory import Roster
from teleport_okta.okta import facts
from teleport_okta.okta.collect import RowsSeen, collect
from teleport_okta.okta.fields import demanded, written
from teleport_okta.okta.okta_errors import (
    HttpProxyRefusedError,
    OktaError,
    OktaForbiddenError,
    OktaNotFoundError,
    OktaRateLimitedError,
    OktaTlsError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    OktaUnreachableError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from teleport_okta.model.directory import Listing, OktaGroup
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.okta.client import OktaClient

GROUPS_A_PAGE: Final = 200
"""Okta allows more, but advises against it with `expand=stats` (`docs/reference/okta.md` 2.2)."""

APPS_A_PAGE: Final = 200
MEMBERS_A_PAGE: Final = 1000
GRANTS_A_PAGE: Final = 200
GROUPS_OF_APP_A_PAGE: Final = 200
APP_USERS_A_PAGE: Final = 500
GROUPS_OF_PERSON_A_PAGE: Final = 200

NOT_FOUND: Final = "not found"
"""The problem of a roster whose object was listed, but was then deleted or hidden from us."""

_CONCERNS_ALL: Final = (
    HttpProxyRefusedError,
    OktaRateLimitedError,
    OktaTlsError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
    OktaUnreachableError,
)
"""Errors that do not concern the object that was read, but every call."""


class DirectoryReads:
    """Reads an organisation's groups and apps as facts. Ids are interned, because many rosters contain the same."""

    def __init__(self, client: OktaClient) -> None:
        self.client = client

    async def groups(self) -> Listing[OktaGroup]:
        """List the groups with their counts. Raises the OktaError of the first page."""
        query = {"limit": str(GROUPS_A_PAGE), "expand": "stats"}
        return await collect(self.client, "/api/v1/groups", query, facts.group)

    async def groups_changed_since(self, moment: datetime) -> tuple[OktaGroup, ...]:
        """List the groups that were changed, or whose members were changed, since a moment. Raises OktaError."""
        since = written(moment)
        either = f'lastUpdated gt "{since}" or lastMembershipUpdated gt "{since}"'
        query = {"limit": str(GROUPS_A_PAGE), "expand": "stats", "filter": either}
        return (await collect(self.client, "/api/v1/groups", query, facts.group)).rows

    async def apps(self) -> Listing[OktaApp]:
        """List the apps, including inactive ones. Raises the OktaError of the first page."""
        return await collect(self.client, "/api/v1/apps", {"limit": str(APPS_A_PAGE)}, facts.app)

    async def group(self, group_id: str) -> Listing[OktaGroup]:
        """Read one group with its counts, as a listing; the listing is empty if the group is gone or hidden."""
        query = {"limit": "1", "expand": "stats", "filter": f'id eq "{group_id}"'}
        return await collect(self.client, "/api/v1/groups", query, facts.group)

    async def app(self, app_id: str) -> Listing[OktaApp]:
        """Read one app, as a listing; the listing is empty if the app is gone or hidden."""
        asked_at = self.client.clock.now()
        seen = RowsSeen(facts.app)
        with suppress(OktaNotFoundError):
            seen.add([await self.client.get(f"/api/v1/apps/{quote(app_id, safe='')}")])
        return seen.listing(asked_at, None)

    async def members(self, group_id: str) -> Roster:
        """Read the ids of the people in a group, with any status; Okta also lists deactivated ones."""
        return await self._roster("groups", group_id, "users", MEMBERS_A_PAGE, _id)

    async def grants(self, group_id: str) -> Roster:
        """Read the ids of the apps that a group grants; each page is a call of the groups bucket."""
        return await self._roster("groups", group_id, "apps", GRANTS_A_PAGE, _id)

    async def groups_of_app(self, app_id: str) -> Roster:
        """Read the ids of the groups that grant an app; each page is a call of the apps bucket."""
        return await self._roster("apps", app_id, "groups", GROUPS_OF_APP_A_PAGE, _id)

    async def direct(self, app_id: str) -> Roster:
        """Read the ids of the people who have an app directly; Okta lists also those who have it by a group."""
        return await self._roster("apps", app_id, "users", APP_USERS_A_PAGE, _id_if_direct)

    async def groups_of_person(self, okta_id: str) -> Roster:
        """Read the ids of the groups that a person is in."""
        return await self._roster("users", okta_id, "groups", GROUPS_OF_PERSON_A_PAGE, _id)

    async def has_directly(self, app_id: str, okta_id: str) -> bool:
        """Read whether a person has an app directly; False if either is not found. Raises OktaError."""
        path = f"/api/v1/apps/{quote(app_id, safe='')}/users/{quote(okta_id, safe='')}"
        try:
            return facts.is_direct(await self.client.get(path))
        except OktaNotFoundError:
            return False

    async def _roster(
        self, kind: str, okta_id: str, under: str, limit: int, read: Callable[[Mapping[str, object]], str | None]
    ) -> Roster:
        asked_at = self.client.clock.now()
        path = f"/api/v1/{kind}/{quote(okta_id, safe='')}/{under}"
        try:
            return _roster_of(await collect(self.client, path, {"limit": str(limit)}, read))
        except _CONCERNS_ALL:
            raise
        except OktaNotFoundError:
            return replace(_unread(asked_at, NOT_FOUND), gone=True)
        except OktaForbiddenError as error:
            return _unread(asked_at, str(error), refused=True)
        except OktaError as error:
            return _unread(asked_at, str(error))


def _roster_of(listing: Listing[str | None]) -> Roster:
    unreadable = ""
    if listing.malformed:
        first = listing.malformed[0]
        unreadable = (
            f"{len(listing.malformed)} of its rows could not be read, the first {first.okta_id or 'without an id'}: "
            f"{first.reason} (check these rows in Okta's API; they remove no member)"
        )
    return Roster(
        ids=frozenset(okta_id for okta_id in listing.rows if okta_id is not None),
        read_at=listing.read_at,
        problem=listing.incomplete or unreadable,
        listed=len(listing.rows) + len(listing.malformed),
    )


def _unread(asked_at: datetime, problem: str, *, refused: bool = False) -> Roster:
    return Roster(frozenset(), asked_at, problem=problem, refused=refused)


def _id(row: Mapping[str, object]) -> str:
    return sys.intern(demanded(row, "id"))


def _id_if_direct(row: Mapping[str, object]) -> str | None:
    return _id(row) if facts.is_direct(row) else None
