"""The schema of the state, as numbered steps. Each is applied once and never edited: databases have it already."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Final

from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from pathlib import Path

_FIRST: Final = """
CREATE TABLE memory (            -- single values: counts of the last believed listing, the last pass
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL          -- JSON
) WITHOUT ROWID;

CREATE TABLE journal (           -- everything that was done to Teleport, or tried
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    time REAL NOT NULL,          -- seconds since 1970, UTC
    trigger TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    okta_id TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    before_digest TEXT NOT NULL,
    after_digest TEXT NOT NULL,
    outcome TEXT NOT NULL,
    error TEXT NOT NULL
);
CREATE INDEX journal_by_name ON journal (name, sequence);

CREATE TABLE seen (              -- the people of the last listing, as Okta gave them
    okta_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    digest TEXT NOT NULL,
    last_seen REAL NOT NULL
) WITHOUT ROWID;

CREATE TABLE quarantine (        -- rows and objects that are left alone
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    okta_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    remedy TEXT NOT NULL,
    since REAL NOT NULL,
    PRIMARY KEY (kind, name, okta_id)
) WITHOUT ROWID;

CREATE TABLE plans (             -- plans that were shown, so that a later one can be compared with them
    digest TEXT PRIMARY KEY,
    time REAL NOT NULL,
    changes TEXT NOT NULL        -- JSON: a list of one-line changes
) WITHOUT ROWID;
"""

_SECOND: Final = """
ALTER TABLE journal ADD COLUMN harm TEXT NOT NULL DEFAULT '';        -- kind of the object that is harmed; or ''
ALTER TABLE journal ADD COLUMN evidence TEXT NOT NULL DEFAULT '';    -- of a harm: stated, absent
ALTER TABLE journal ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;   -- whether it uses up some of the hour's limit
ALTER TABLE journal ADD COLUMN approval TEXT NOT NULL DEFAULT '';    -- the digest under which it was admitted
CREATE INDEX journal_of_harm ON journal (time) WHERE harm != '';
CREATE INDEX journal_open ON journal (sequence) WHERE outcome = 'begun';

ALTER TABLE quarantine ADD COLUMN next_try REAL NOT NULL DEFAULT 0;
ALTER TABLE quarantine ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;  -- how often its change was refused in a row
ALTER TABLE quarantine ADD COLUMN attempt TEXT NOT NULL DEFAULT '';  -- digest of the change that was refused; or ''

CREATE TABLE held_sets (         -- what the brake held, so that it can be approved by its digest
    digest TEXT PRIMARY KEY,
    time REAL NOT NULL,          -- when it was last held
    harmed TEXT NOT NULL         -- JSON: a list of [kind, name, okta_id]
) WITHOUT ROWID;

CREATE TABLE approvals (         -- what an operator approved, one row an object
    digest TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    okta_id TEXT NOT NULL,
    expires REAL NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (digest, kind, name, okta_id)
) WITHOUT ROWID;
"""

_THIRD: Final = """
CREATE TABLE directory (         -- groups and apps of the last listings
    kind TEXT NOT NULL,          -- group, app
    okta_id TEXT NOT NULL,
    name TEXT NOT NULL,
    detail TEXT NOT NULL,        -- JSON: what a preview needs of it
    PRIMARY KEY (kind, okta_id)
) WITHOUT ROWID;

CREATE TABLE rosters (           -- who was in a group, or had an app directly, when that was last read
    kind TEXT NOT NULL,          -- members, direct
    okta_id TEXT NOT NULL,       -- of the group or the app
    changed REAL NOT NULL,       -- Okta's stamp of the last change of a group's members
    read_at REAL NOT NULL,
    listed INTEGER NOT NULL,     -- rows in all: more than ids where some have an app through a group
    ids TEXT NOT NULL,           -- of people, separated by blanks
    PRIMARY KEY (kind, okta_id)
);

ALTER TABLE seen ADD COLUMN managed INTEGER NOT NULL DEFAULT 0;      -- whether a user of ours stands for the person

ALTER TABLE journal ADD COLUMN harmed TEXT NOT NULL DEFAULT '';      -- name of what a harm is about; '': the same name
"""

_FOURTH: Final = """
ALTER TABLE journal ADD COLUMN boot TEXT NOT NULL DEFAULT '';        -- which boot of the machine it was; '': unknown
ALTER TABLE journal ADD COLUMN elapsed REAL NOT NULL DEFAULT 0;      -- seconds since that boot, when `time` was
ALTER TABLE journal ADD COLUMN object TEXT NOT NULL DEFAULT '';      -- the object's own name, where `name` is another
CREATE INDEX journal_of_harm_by_boot ON journal (boot, elapsed) WHERE harm != '';
"""

_FIFTH: Final = """
CREATE TABLE left_memberships (  -- members of lists of ours in the names of users who are gone
    name TEXT NOT NULL,
    list_name TEXT NOT NULL,
    title TEXT NOT NULL,
    imported INTEGER NOT NULL,
    has_user INTEGER NOT NULL,   -- whether somebody else's user has the name
    released_at REAL,            -- since when the next person of the name may have it; NULL: may not
    PRIMARY KEY (name, list_name)
) WITHOUT ROWID;
"""

_SIXTH: Final = """
ALTER TABLE journal ADD COLUMN who TEXT NOT NULL DEFAULT '';         -- the person behind it, where it was one's command

DELETE FROM memory WHERE key = 'findings';

CREATE TABLE held (              -- harm that the brake holds, by object
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    okta_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    evidence TEXT NOT NULL,
    approvable INTEGER NOT NULL,
    why TEXT NOT NULL,           -- why it is held
    "of" INTEGER NOT NULL,       -- of how many there are of the kind
    "limit" INTEGER NOT NULL,    -- what an hour may bring, and what was used of it
    used INTEGER NOT NULL,
    seen REAL NOT NULL,          -- when it was last planned
    PRIMARY KEY (kind, name, okta_id)
) WITHOUT ROWID;

CREATE TABLE leftovers (         -- objects of another integration
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    organization TEXT NOT NULL,
    seen REAL NOT NULL,
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;

ALTER TABLE quarantine ADD COLUMN seen REAL NOT NULL DEFAULT 0;      -- when it was last planned
"""

_SEVENTH: Final = """
ALTER TABLE journal ADD COLUMN people INTEGER NOT NULL DEFAULT 1;    -- how many a harm counts for
ALTER TABLE held ADD COLUMN people INTEGER NOT NULL DEFAULT 1;
"""

_EIGHTH: Final = """
ALTER TABLE journal ADD COLUMN repair TEXT NOT NULL DEFAULT '';      -- digest of what a repair sets; '': no repair
CREATE INDEX journal_of_repairs ON journal (kind, name, repair, time) WHERE repair != '';
CREATE INDEX journal_of_deeds ON journal (time) WHERE harm = '' AND who = '';
"""

_NINTH: Final = """
CREATE TABLE user_names (        -- whom the name of a user of ours stood for last
    name TEXT PRIMARY KEY,
    okta_id TEXT NOT NULL,
    seen REAL NOT NULL,          -- the last pass in which the user was there
    is_there INTEGER NOT NULL    -- whether that was the last pass of all
) WITHOUT ROWID;

INSERT OR IGNORE INTO user_names SELECT name, okta_id, 0, 1 FROM seen WHERE managed AND name != '';
"""

_TENTH: Final = """
CREATE TABLE hints (             -- what may be out of date, and waits to be looked at
    kind TEXT NOT NULL,
    about TEXT NOT NULL,         -- what it is about: an Okta id, or nothing
    with_id TEXT NOT NULL,       -- the other id of a pair
    claim TEXT NOT NULL,         -- what the event says has come about
    published REAL,              -- when Okta says that it did
    cause TEXT NOT NULL,
    generation INTEGER NOT NULL, -- grows with every hint
    tries INTEGER NOT NULL,
    looks INTEGER NOT NULL,      -- reads that contradicted the claim
    due REAL NOT NULL,
    is_urgent INTEGER NOT NULL,
    PRIMARY KEY (kind, about, with_id)
) WITHOUT ROWID;
CREATE INDEX hints_due ON hints (due);

CREATE TABLE log_position (      -- where the System Log is read on
    one INTEGER PRIMARY KEY CHECK (one = 1),
    url TEXT NOT NULL,
    epoch TEXT NOT NULL,
    polled_at REAL NOT NULL,
    published REAL
);
"""

_ELEVENTH: Final = """
CREATE TABLE fingerprints (      -- what the cluster was seen to hold, so that a later process knows what was changed
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    okta_id TEXT NOT NULL,       -- whom or what it is about; '': an import rule, which is about everything
    digest TEXT NOT NULL,        -- of those parts that we keep
    until REAL,                  -- when the cluster drops it by itself; NULL: never
    at REAL NOT NULL,            -- when it was read
    PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE INDEX fingerprints_of ON fingerprints (okta_id);

ALTER TABLE rosters ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;   -- the last reading did not show it, or not so

DELETE FROM directory;           -- rows have more details now; the next pass writes them
"""

_TWELFTH: Final = """
CREATE TABLE scim_tokens (       -- bearer tokens of SCIM clients, two at the most
    digest TEXT PRIMARY KEY,     -- SHA-256 of the token, hexadecimal
    created REAL NOT NULL,
    last_used REAL               -- to the hour; NULL: never
) WITHOUT ROWID;
"""

_THIRTEENTH: Final = """
CREATE TABLE scim_users (        -- people as a SCIM client last described them
    number INTEGER PRIMARY KEY,  -- the order of creation
    okta_id TEXT NOT NULL UNIQUE,
    id TEXT NOT NULL UNIQUE,     -- the SCIM id
    user_name TEXT NOT NULL,
    folded TEXT NOT NULL,        -- the name as it is compared
    external_id TEXT,
    attributes TEXT NOT NULL,    -- JSON
    created REAL NOT NULL,
    modified REAL NOT NULL,
    denied_at REAL,              -- since when the person must not have a user, by Okta's clock; NULL: they shall
    is_deleted INTEGER NOT NULL, -- the client deleted the resource; what it denies stays denied
    is_answered INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    spelling TEXT NOT NULL       -- of the name in Teleport, where it differs from the client's in case
);
CREATE UNIQUE INDEX scim_users_by_name ON scim_users (folded) WHERE NOT is_deleted;
CREATE INDEX scim_users_by_external_id ON scim_users (external_id);
"""

_FOURTEENTH: Final = """
CREATE TABLE scim_groups (       -- groups as a SCIM client last described them
    number INTEGER PRIMARY KEY,  -- the order of creation
    id TEXT NOT NULL UNIQUE,     -- the SCIM id
    display_name TEXT NOT NULL,
    folded TEXT NOT NULL,        -- the name as it is compared
    first_name TEXT NOT NULL,    -- the name, likewise, that it was made with
    external_id TEXT,
    created REAL NOT NULL,
    modified REAL NOT NULL,
    okta_id TEXT NOT NULL,       -- the Okta group that it is; '': it has an access list of its own
    is_deleted INTEGER NOT NULL, -- the client deleted it; its id is never used again
    is_answered INTEGER NOT NULL
);
CREATE UNIQUE INDEX scim_groups_by_name ON scim_groups (folded) WHERE NOT is_deleted;
CREATE INDEX scim_groups_by_first_name ON scim_groups (first_name);

CREATE TABLE scim_members (
    group_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    UNIQUE (group_id, user_id)
);
CREATE INDEX scim_members_by_user ON scim_members (user_id);
"""

_FIFTEENTH: Final = """
ALTER TABLE journal ADD COLUMN title TEXT NOT NULL DEFAULT '';   -- what people call the object
ALTER TABLE journal ADD COLUMN members TEXT NOT NULL DEFAULT ''; -- JSON: the users whom a new list began with
"""

_SIXTEENTH: Final = """
ALTER TABLE seen DROP COLUMN digest;         -- nothing read these three
ALTER TABLE leftovers DROP COLUMN seen;
ALTER TABLE quarantine DROP COLUMN seen;
"""

STEPS: Final = (
    _FIRST,
    _SECOND,
    _THIRD,
    _FOURTH,
    _FIFTH,
    _SIXTH,
    _SEVENTH,
    _EIGHTH,
    _NINTH,
    _TENTH,
    _ELEVENTH,
    _TWELFTH,
    _THIRTEENTH,
    _FOURTEENTH,
    _FIFTEENTH,
    _SIXTEENTH,
)
"""Step n brings the schema from version n to n + 1; the version is SQLite's `user_version`."""


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a database to the newest schema, one transaction a step. An empty one gets it in a single transaction.

    Raises StateError for a database that a newer release wrote.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(STEPS):
        what = f"{path}: the state has schema {version}, but this release supports up to {len(STEPS)}"
        raise StateError(what, remedy="run the newer release, or move the file away")
    if version == 0 and _is_empty(connection):
        with closing(sqlite3.connect(":memory:")) as newest:
            newest.deserialize(newest_schema())
            newest.backup(connection)
    else:
        _take_steps(connection, version)


@functools.cache
def newest_schema() -> bytes:
    """Return a database without rows of the newest schema, in SQLite's file format.

    It is made once: SQLite parses the whole schema after each ALTER TABLE, so that the steps take 10 ms.
    """
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        _take_steps(connection, 0)
        return connection.serialize()


def _take_steps(connection: sqlite3.Connection, version: int) -> None:
    for number, step in enumerate(STEPS[version:], start=version + 1):
        connection.executescript(f"BEGIN IMMEDIATE; {step} PRAGMA user_version = {number}; COMMIT;")


def _is_empty(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
