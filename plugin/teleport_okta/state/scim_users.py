"""The users of SCIM clients, as a client last sent them.

There is one record for each Okta id. It stays after its resource was deleted, because its denial must last, and a new
resource of the same person must get another id.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from teleport_okta.model.provisioned import ProvisionedUser
from teleport_okta.state.hints import write_hints

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from teleport_okta.model.hint import Hint
    from teleport_okta.state.database import Database

_ASKED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class UsersPage:
    """Some users of a listing, and the total number."""

    total: int
    users: tuple[ProvisionedUser, ...]


@dataclass(frozen=True, slots=True)
class UserCounts:
    """How many people a client provisioned, and how many it denies (without deleted resources)."""

    active: int
    denied: int


def folded(user_name: str) -> str:
    """Return the form of a name for comparison: without case (RFC 7643 §4.1.1)."""
    return user_name.casefold()


class ScimUsers:
    """Reads and writes the users of SCIM clients. Every method raises StateError."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, scim_id: str) -> ProvisionedUser | None:
        """Return a user by SCIM id; None if there is none, or it was deleted."""
        return await self._one("id = ? AND NOT is_deleted", scim_id)

    async def named(self, user_name: str) -> ProvisionedUser | None:
        """Return the user with a name, compared without case; None if there is none."""
        return await self._one("folded = ? AND NOT is_deleted", folded(user_name))

    async def of_person(self, okta_id: str) -> ProvisionedUser | None:
        """Return the record of a person by Okta id, also if its resource was deleted."""
        return await self._one("okta_id = ?", okta_id)

    async def with_external_id(self, external_id: str) -> list[ProvisionedUser]:
        """Return the users with an external id, in the order of their creation."""
        return await self._some("external_id = ? AND NOT is_deleted ORDER BY number", (external_id,))

    async def page(self, *, skip: int, most: int) -> UsersPage:
        """Return at most `most` users in the order of their creation, after the first `skip`."""

        def select(connection: sqlite3.Connection) -> UsersPage:
            (total,) = connection.execute("SELECT count(*) FROM scim_users WHERE NOT is_deleted").fetchone()
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM scim_users WHERE NOT is_deleted ORDER BY number LIMIT ? OFFSET ?",  # noqa: S608
                (most, min(skip, total)),
            )
            return UsersPage(total, tuple(map(_user, rows)))

        return await self._database.submit(select)

    async def counts(self) -> UserCounts:
        """Return how many users there are."""

        def select(connection: sqlite3.Connection) -> UserCounts:
            row = connection.execute(
                "SELECT count(*) FILTER (WHERE denied_at IS NULL), count(*) FILTER (WHERE denied_at IS NOT NULL) "
                "FROM scim_users WHERE NOT is_deleted"
            ).fetchone()
            return UserCounts(*row)

        return await self._database.submit(select)

    async def are_known(self) -> bool:
        """Whether there is any record, also of a deleted resource."""
        return bool(await self._some("1 LIMIT 1", ()))

    async def some(self, okta_ids: Collection[str]) -> dict[str, ProvisionedUser]:
        """Return the records of these people, by Okta id."""
        found: dict[str, ProvisionedUser] = {}
        ids = sorted(okta_ids)
        for start in range(0, len(ids), _ASKED_AT_ONCE):
            some = ids[start : start + _ASKED_AT_ONCE]
            marks = ", ".join("?" * len(some))
            found |= {user.okta_id: user for user in await self._some(f"okta_id IN ({marks})", some)}
        return found

    async def everybody(self) -> dict[str, ProvisionedUser]:
        """Return every record, by Okta id, including those of deleted resources."""
        return {user.okta_id: user for user in await self._some("1 ORDER BY number", ())}

    async def with_ids(self, scim_ids: Collection[str]) -> dict[str, str]:
        """Return the Okta ids of these users, by SCIM id; unknown ids are left out.

        Only ids are read: whole records of a group of thousands would block the database for other requests.
        """
        wanted = sorted(scim_ids)

        def select(connection: sqlite3.Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for start in range(0, len(wanted), _ASKED_AT_ONCE):
                some = wanted[start : start + _ASKED_AT_ONCE]
                marks = ", ".join("?" * len(some))
                found.update(
                    connection.execute(
                        f"SELECT id, okta_id FROM scim_users WHERE id IN ({marks}) AND NOT is_deleted",  # noqa: S608
                        some,
                    )
                )
            return found

        return await self._database.submit(select)

    async def put(self, user: ProvisionedUser, *, hints: Iterable[Hint] = (), at: datetime) -> None:
        """Write or replace the record of a person, with hints, in one durable transaction."""
        rows = list(hints)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute(_PUT, _values(user))
            write_hints(connection, rows, at)

        await self._database.submit(write)

    async def put_all(self, users: Iterable[ProvisionedUser]) -> None:
        """Write records in one transaction."""
        rows = [_values(user) for user in users]
        await self._database.submit(lambda connection: connection.executemany(_PUT, rows))

    async def bind(self, user: ProvisionedUser, okta_id: str) -> ProvisionedUser:
        """Set the Okta id of a record that had none, and return the record."""
        await self._database.submit(
            lambda connection: connection.execute(
                "UPDATE scim_users SET okta_id = ? WHERE okta_id = ?", (okta_id, user.okta_id)
            )
        )
        return replace(user, okta_id=okta_id)

    async def forget(self, okta_id: str) -> None:
        """Delete the record of a person that was written for a request that failed."""
        await self._database.submit(
            lambda connection: connection.execute("DELETE FROM scim_users WHERE okta_id = ?", (okta_id,))
        )

    async def _one(self, where: str, value: str) -> ProvisionedUser | None:
        found = await self._some(where, (value,))
        return found[0] if found else None

    async def _some(self, where: str, values: Iterable[str]) -> list[ProvisionedUser]:
        bound = tuple(values)

        def select(connection: sqlite3.Connection) -> list[ProvisionedUser]:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM scim_users WHERE {where}", bound)  # noqa: S608 - constants
            return [_user(row) for row in rows]

        return await self._database.submit(select)


_COLUMNS = (
    "id, okta_id, user_name, external_id, attributes, created, modified, denied_at, is_deleted, is_answered, "
    "incarnation, spelling"
)
_PUT = (
    f"INSERT INTO scim_users ({_COLUMNS}, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608 - constants
    "ON CONFLICT (okta_id) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in (*_COLUMNS.split(", "), "folded") if name != "okta_id")
)


def _values(user: ProvisionedUser) -> tuple[object, ...]:
    return (
        user.id,
        user.okta_id,
        user.user_name,
        user.external_id,
        json.dumps(user.attributes, ensure_ascii=False, separators=(",", ":")),
        user.created.timestamp(),
        user.modified.timestamp(),
        None if user.denied_at is None else user.denied_at.timestamp(),
        user.is_deleted,
        user.is_answered,
        user.incarnation,
        user.spelling,
        folded(user.user_name),
    )


def _user(
    row: tuple[str, str, str, str | None, str, float, float, float | None, int, int, int, str],
) -> ProvisionedUser:
    scim_id, okta_id, name, external_id, attributes, *_ = row
    *_, created, modified, denied_at, is_deleted, is_answered, number, spelling = row
    return ProvisionedUser(
        id=scim_id,
        okta_id=okta_id,
        user_name=name,
        external_id=external_id,
        attributes=json.loads(attributes),
        created=datetime.fromtimestamp(created, UTC),
        modified=datetime.fromtimestamp(modified, UTC),
        denied_at=None if denied_at is None else datetime.fromtimestamp(denied_at, UTC),
        is_deleted=bool(is_deleted),
        is_answered=bool(is_answered),
        incarnation=number,
        spelling=spelling,
    )
