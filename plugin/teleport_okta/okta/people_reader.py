"""Reads the organisation, the app, single people, and complete snapshots of people.

A snapshot takes the fewest calls possible (`docs/reference/okta.md` 6.1): pages have 500 people of an app, with their
assignments, or 200 people of an organisation.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from teleport_okta.model.okta import MalformedRow, Snapshot
from teleport_okta.okta import facts
from teleport_okta.okta.collect import collect
from teleport_okta.okta.fields import UnreadableFactError, demanded, fact_or_malformed, written
from teleport_okta.okta.okta_errors import (
    Failure,
    NotAnOktaOrganizationError,
    OktaBadRequestError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaUnauthorizedError,
    OrganizationUrlError,
    UnknownAppError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from teleport_okta.model.directory import Listing
    from teleport_okta.model.okta import OktaApp, OktaOrganization, PersonFacts
    from teleport_okta.okta.client import OktaClient

APP_USERS_A_PAGE: Final = 500
USERS_A_PAGE: Final = 200

_WELL_KNOWN: Final = "/.well-known/okta-organization"
_FROM_ANOTHER_SERVER: Final = (
    OktaBadRequestError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaUnauthorizedError,
)
"""Errors that Okta never answers at this path, because it needs neither a token nor parameters."""


class OktaReads:
    """Reads one organisation and its people as facts."""

    def __init__(self, client: OktaClient) -> None:
        self._client = client

    @property
    def calls(self) -> Mapping[str, int]:
        """The number of requests sent so far, retries included, by rate-limit bucket. See `calls_since`."""
        return self._client.calls

    def calls_since(self, mark: Mapping[str, int]) -> Mapping[str, int]:
        """Return the number of requests sent since `calls` was `mark`, by bucket."""
        return self._client.calls_since(mark)

    async def organization(self) -> OktaOrganization:
        """Read the organisation; needs no permission. From now on, links may lead to its canonical address.

        Raises NotAnOktaOrganizationError if another server answers, other OktaErrors if none does.
        """
        try:
            found = facts.organization(await self._client.get(_WELL_KNOWN, signed=False))
        except _FROM_ANOTHER_SERVER as error:
            if isinstance(error, OktaMalformedAnswerError) and error.cut_off:
                raise
            raise self._not_okta(error.failure) from error
        except UnreadableFactError as error:
            raise self._not_okta(Failure("GET", _WELL_KNOWN, summary=error.what)) from error
        with contextlib.suppress(OrganizationUrlError):  # a link to such an address is an error when it is met
            self._client.address.trust(found.url)
        return found

    async def app(self, app_id: str) -> OktaApp:
        """Read an app. Raises UnknownAppError if it does not exist or is hidden, or another OktaError."""
        path = f"/api/v1/apps/{quote(app_id, safe='')}"
        try:
            return facts.app(await self._client.get(path))
        except OktaNotFoundError as error:
            raise _unknown_app(app_id, error) from error
        except UnreadableFactError as error:
            raise OktaMalformedAnswerError(Failure("GET", path, summary=error.what), "answered no app") from error

    async def people_of_app(self, app_id: str) -> Snapshot:
        """List the people who are assigned to an app, with their assignments.

        Raises the OktaError of the first page, such as UnknownAppError; an error on a later page makes the snapshot
        incomplete.
        """
        path = f"/api/v1/apps/{quote(app_id, safe='')}/users"
        query = {"limit": str(APP_USERS_A_PAGE), "expand": "user"}
        try:
            return await self._people(path, query, facts.person_of_app_user)
        except OktaNotFoundError as error:
            raise _unknown_app(app_id, error) from error

    async def person_of_app(self, app_id: str, okta_id: str) -> PersonFacts | MalformedRow | None:
        """Read one assignment to an app, with its person; None if there is none, or it is hidden."""
        path = f"/api/v1/apps/{quote(app_id, safe='')}/users/{quote(okta_id, safe='')}"
        return await self._person(path, {"expand": "user"}, facts.person_of_app_user)

    async def person_of_organization(self, okta_id: str) -> PersonFacts | MalformedRow | None:
        """Read one person of the organisation; None if there is none, or the person is hidden."""
        return await self._person(f"/api/v1/users/{quote(okta_id, safe='')}", {}, facts.person_of_user)

    async def people_of_organization(self) -> Snapshot:
        """List all people of the organisation except deactivated ones, which Okta omits (`docs/reference/okta.md` 3.1).

        Raises the OktaError of the first page; an error on a later page makes the snapshot incomplete.
        """
        return await self._people("/api/v1/users", {"limit": str(USERS_A_PAGE)}, facts.person_of_user)

    async def changed_since(self, moment: datetime) -> list[str]:
        """List the ids of the people who were changed since a moment, including deactivated ones. Raises OktaError."""
        query = {"limit": str(USERS_A_PAGE), "filter": f'lastUpdated ge "{written(moment)}"'}
        listing: Listing[str] = await collect(self._client, "/api/v1/users", query, lambda row: demanded(row, "id"))
        return list(listing.rows)

    async def _person(
        self, path: str, query: Mapping[str, str], read: Callable[[Mapping[str, object]], PersonFacts | MalformedRow]
    ) -> PersonFacts | MalformedRow | None:
        try:
            row = await self._client.get(path, query)
        except OktaNotFoundError:
            return None
        fact = fact_or_malformed(row, read)
        return fact if isinstance(fact, MalformedRow) else replace(fact, as_of=facts.as_of(row))

    async def _people(
        self, path: str, query: Mapping[str, str], read: Callable[[Mapping[str, object]], PersonFacts | MalformedRow]
    ) -> Snapshot:
        listing: Listing[PersonFacts] = await collect(self._client, path, query, read)
        return Snapshot(
            people=listing.rows,
            malformed=listing.malformed,
            read_at=listing.read_at,
            incomplete=listing.incomplete,
            untrusted=listing.untrusted,
        )

    def _not_okta(self, failure: Failure) -> NotAnOktaOrganizationError:
        return NotAnOktaOrganizationError(
            failure,
            f"was not answered by an Okta organisation at {self._client.address}",
            remedy="set okta.org_url to the address at which people sign in to Okta",
        )


def _unknown_app(app_id: str, error: OktaNotFoundError) -> UnknownAppError:
    return UnknownAppError(
        error.failure,
        f"found no app {app_id!r}",
        remedy="check okta.app_id (or app_id of the plugin): it is in the address of the app's page in the admin "
        "console (0oa…); if it is right, add the app to the resource set of our admin role",
    )
