"""The people of the last readings, with their status in Okta."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from teleport_okta.state.database import Database


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """A person with the status at the last reading, and whether a user of ours stood for the person then."""

    okta_id: str
    name: str
    status: str
    at: datetime
    managed: bool


async def people_seen(database: Database) -> dict[str, SeenPerson]:
    """Return all stored people, by Okta id. Raises StateError."""

    def select(connection: sqlite3.Connection) -> dict[str, SeenPerson]:
        rows = connection.execute("SELECT okta_id, name, status, last_seen, managed FROM seen")
        return {
            okta_id: SeenPerson(okta_id, name, status, datetime.fromtimestamp(at, UTC), bool(managed))
            for okta_id, name, status, at, managed in rows
        }

    return await database.submit(select)
