"""Whether what Teleport tells of SCIM users, or groups, was taken over into this state.

A mark says so. Records do not: after a lost state a request may write some before a pass has read Teleport.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import sqlite3

USERS: Final = "scim users taken over"
GROUPS: Final = "scim groups taken over"


def is_marked(connection: sqlite3.Connection, mark: str) -> bool:
    """Whether users, or groups, were taken over."""
    return connection.execute("SELECT 1 FROM memory WHERE key = ?", (mark,)).fetchone() is not None


def set_mark(connection: sqlite3.Connection, mark: str) -> None:
    """Note that they were, within the transaction that writes them."""
    connection.execute("INSERT OR REPLACE INTO memory (key, value) VALUES (?, '1')", (mark,))
