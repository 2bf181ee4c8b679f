"""Okta calls of a full pass against the floor: the pages of people there are, and one read of what else is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.passes import LEAVING, ORGANIZATION, SAML_APP
from tests.bench.results import Row, exactly

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.passes import Pass

SECTION = "Okta calls"

APP_USERS_A_PAGE = 500
USERS_A_PAGE = 200
"""The most that Okta gives in one page (`docs/reference/okta.md` 6.1)."""


def floor(source: str, people: int) -> int:
    """Return the fewest calls with which a pass can know everybody; that there is nobody takes a page too.

    The organisation is read once, and so is the app where its people are the source.
    """
    read_once, page = {SAML_APP: (2, APP_USERS_A_PAGE), ORGANIZATION: (1, USERS_A_PAGE)}[source]
    return read_once + max(1, -(-people // page))


def rows(passes: Iterable[Pass]) -> list[Row]:
    """Return one row a pass: calls that the sandbox counted, divided by the floor for the people who are listed."""
    return [
        exactly(
            SECTION,
            f"{found.source}, {found.people:,} people, {found.which} pass",
            found.okta_calls / floor(found.source, found.people),
            "of the floor",
            1.0,
            calls=found.okta_calls,
            floor=floor(found.source, found.people),
        )
        for found in passes
        if found.which != LEAVING
    ]
