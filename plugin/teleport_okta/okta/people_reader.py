"""What the engine asks Okta: the organisation, the app, and complete snapshots of people.

A snapshot costs the fewest calls there are (`docs/reference/okta.md` 6.1): the people of an app come with their
assignments in pages of 500, those of an organisation in pages of 200.
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
_SOMEBODY_ELSE: Final = (
    OktaBadRequestError,
    OktaForbiddenError,
    OktaMalformedAnswerError,
    OktaNotFoundError,
    OktaUnauthorizedError,
)
"""What only another server answers there, where Okta wants neither a token nor anything else."""


class OktaReads:
    """Reads of one organisation, as facts."""

    def __init__(self, client: OktaClient) -> None:
        self._client = client

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests went out so far, retries included, by rate-limit bucket. Keep it as a mark."""
        return self._client.calls

    def calls_since(self, mark: Mapping[str, int]) -> Mapping[str, int]:
        """Return how many requests went out, by bucket, since `calls` was `mark`."""
        return self._client.calls_since(mark)

    async def organization(self) -> OktaOrganization:
        """Read which organisation this is; needs no permission. Links may lead to its canonical address from now on.

        Raises NotAnOktaOrganizationError where something else answers, other OktaErrors where nothing does.
        """
        try:
            found = facts.organization(await self._client.get(_WELL_KNOWN, signed=False))
        except _SOMEBODY_ELSE as error:
            if isinstance(error, OktaMalformedAnswerError) and error.cut_off:
                raise
            raise self._not_okta(error.failure) from error
        except UnreadableFactError as error:
            raise self._not_okta(Failure("GET", _WELL_KNOWN, summary=error.what)) from error
        with contextlib.suppress(OrganizationUrlError):  # such an address is never followed, and said so when met
            self._client.address.trust(found.url)
        return found

    async def app(self, app_id: str) -> OktaApp:
        """Read an app. Raises UnknownAppError where it is not there, or hidden from us; other OktaErrors."""
        path = f"/api/v1/apps/{quote(app_id, safe='')}"
        try:
            return facts.app(await self._client.get(path))
        except OktaNotFoundError as error:
            raise _unknown_app(app_id, error) from error
        except UnreadableFactError as error:
            raise OktaMalformedAnswerError(Failure("GET", path, summary=error.what), "answered no app") from error

    async def people_of_app(self, app_id: str) -> Snapshot:
        """List the people who are assigned to an app, with their assignments.

        Raises what the first page raises, UnknownAppError among it; an error on a later page makes the snapshot
        incomplete.
        """
        path = f"/api/v1/apps/{quote(app_id, safe='')}/users"
        query = {"limit": str(APP_USERS_A_PAGE), "expand": "user"}
        try:
            return await self._people(path, query, facts.person_of_app_user)
        except OktaNotFoundError as error:
            raise _unknown_app(app_id, error) from error

    async def person_of_app(self, app_id: str, okta_id: str) -> PersonFacts | MalformedRow | None:
        """Read one assignment to an app, with its person; None when there is none, or it is hidden from us."""
        path = f"/api/v1/apps/{quote(app_id, safe='')}/users/{quote(okta_id, safe='')}"
        return await self._person(path, {"expand": "user"}, facts.person_of_app_user)

    async def person_of_organization(self, okta_id: str) -> PersonFacts | MalformedRow | None:
        """Read one person of the organisation; None when there is none, or they are hidden from us."""
        return await self._person(f"/api/v1/users/{quote(okta_id, safe='')}", {}, facts.person_of_user)

    async def people_of_organization(self) -> Snapshot:
        """List everybody in the organisation but the deactivated, whom Okta leaves out (`docs/reference/okta.md` 3.1).

        Raises what the first page raises; an error on a later page makes the snapshot incomplete.
        """
        return await self._people("/api/v1/users", {"limit": str(USERS_A_PAGE)}, facts.person_of_user)

    async def changed_since(self, moment: datetime) -> list[str]:
        """List the ids of the people who were changed since a moment, deactivated ones among them. Raises OktaError."""
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
            f"at {self._client.address} is not answered by an Okta organisation",
            remedy="set okta.org_url to the address at which people sign in to Okta",
        )


def _unknown_app(app_id: str, error: OktaNotFoundError) -> UnknownAppError:
    return UnknownAppError(
        error.failure,
        f"found no app {app_id!r}",
        remedy="check okta.app_id: it stands in the address bar of the app's page in the admin console (0oa…); "
        "if it is right, add the app to the resource set of our admin role",
    )
