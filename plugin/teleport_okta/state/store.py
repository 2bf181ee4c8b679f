"""The store: the state of one process, by subject. Every method raises StateError if the file cannot be used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter

from teleport_okta.model.cost import PassCost
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.part_result import PartResult
from teleport_okta.model.plugin import OktaPluginSettings
from teleport_okta.model.scope import EVERYTHING
from teleport_okta.plan.scope_filter import covers
from teleport_okta.state.approvals import Approvals
from teleport_okta.state.database import Database
from teleport_okta.state.findings import FindingsMemory
from teleport_okta.state.fingerprints import Fingerprints
from teleport_okta.state.groups_and_apps import DirectoryMemory
from teleport_okta.state.hints import Hints
from teleport_okta.state.journal import Journal
from teleport_okta.state.left_memberships import LeftMemberships
from teleport_okta.state.people_seen import people_seen
from teleport_okta.state.scim_groups import ScimGroups
from teleport_okta.state.scim_tokens import ScimTokenStore
from teleport_okta.state.scim_users import ScimUsers
from teleport_okta.state.user_names import UserNames

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterable, Sequence
    from pathlib import Path

    from teleport_okta.model.findings import Findings
    from teleport_okta.model.okta import PersonFacts
    from teleport_okta.model.scope import Scope
    from teleport_okta.state.people_seen import SeenPerson

FILE_NAME: Final = "state.db"

BASELINE: Final = "believed count"
"""The key of the baseline: the size of the last listing of people whose absences were believed."""

_COST: Final = "cost"
_LAST_SUCCESS: Final = "last success"
_WHOLE: Final = "whole pass"
_ASKED: Final = "asked what changed of {}"
_PLUGIN: Final = "settings of plugin {}"
_ENROLLED: Final = "app of connector {}"
_AUDITED: Final = "audited up to"
_PARTS: Final = "results by part"
_PART_RESULTS: Final = TypeAdapter(list[PartResult])
_PLANS_KEPT: Final = 20


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A quarantined row, with the time since which it has this reason, and the time of the next try.

    `tries` counts how often its change was refused in a row, and `attempt` is the digest of that change; both are unset
    for a row that is in quarantine for another reason than a refused change.
    """

    row: Quarantined
    since: datetime
    next_try: datetime
    tries: int = 0
    attempt: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Kind, name and Okta id."""
        return self.row.kind, self.row.name, self.row.okta_id


@dataclass(frozen=True, slots=True)
class WholePass:
    """The last full pass, if it read and applied everything.

    `terms` is a digest of its conditions: the settings, the organisation, the features of the cluster. `lost_traits`
    are the attributes that too many users would have lost by it, and `doubt` is the message about that.
    """

    started: datetime
    finished: datetime
    terms: str
    lost_traits: tuple[str, ...] = ()
    doubt: str = ""


class Store:
    """The state of one process.

    Its parts: `journal` and `approvals`; `directory` (groups and apps as last read); `left` (left memberships);
    `user_names` (the last person of each user name); `hints`; `fingerprints`; and the tokens, users and groups of SCIM
    clients (`scim_tokens`, `scim_users`, `scim_groups`).
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.journal = Journal(database)
        self.approvals = Approvals(database)
        self.directory = DirectoryMemory(database)
        self.left = LeftMemberships(database)
        self.user_names = UserNames(database)
        self.hints = Hints(database)
        self.fingerprints = Fingerprints(database)
        self.scim_tokens = ScimTokenStore(database)
        self.scim_users = ScimUsers(database)
        self.scim_groups = ScimGroups(database)
        self._findings = FindingsMemory(database)

    @classmethod
    async def open(cls, data_dir: Path) -> Store:
        """Open the state of a data directory that is held (`state.lock`)."""
        return cls(await Database.open(data_dir / FILE_NAME))

    @classmethod
    async def open_copy(cls, data_dir: Path) -> Store:
        """Open a copy of the state, to read it while another process holds it; writes into it are not kept."""
        return cls(await Database.copy(data_dir / FILE_NAME))

    async def close(self) -> None:
        """Write the waiting entries of the journal, and close."""
        try:
            await self.journal.flush()
        finally:
            await self._database.close()

    async def baseline(self) -> int | None:
        """The size of the last complete listing of people whose absences were believed; None if there was none."""
        text = await self._recall(BASELINE)
        return None if text is None else int(text)

    async def last_success(self) -> datetime | None:
        """The end of the last pass without a failure; None if there was none."""
        text = await self._recall(_LAST_SUCCESS)
        return datetime.fromisoformat(text) if text else None

    async def remember_pass_end(
        self, *, success: datetime | None = None, whole: WholePass | None = None, asked: Iterable[str] = ()
    ) -> None:
        """Store the end of a full pass in one transaction: no process may find the success and not the pass.

        `success` is when it ended, if it had no failure; `whole` is the pass, if a process can continue from it.
        `asked` are the questions about recent changes that the reading of that pass has answered.
        """
        values = {} if success is None else {_LAST_SUCCESS: success.isoformat()}
        if whole is not None:
            times = [whole.started.isoformat(), whole.finished.isoformat()]
            values[_WHOLE] = json.dumps([*times, whole.terms, whole.lost_traits, whole.doubt])
            # A later question about recent changes need not go back further than the beginning of the pass.
            values |= {_ASKED.format(what): whole.started.isoformat() for what in asked}

        def write(connection: sqlite3.Connection) -> None:
            for key, value in values.items():
                _put(connection, key, value)

        await self._database.submit(write)

    async def whole_pass(self) -> WholePass | None:
        """Return the last full pass if it read and applied everything; otherwise, and during a pass, None."""
        text = await self._recall(_WHOLE)
        if not text:
            return None
        started, finished, terms, traits, doubt = json.loads(text)
        return WholePass(datetime.fromisoformat(started), datetime.fromisoformat(finished), terms, tuple(traits), doubt)

    async def forget_whole_pass(self) -> None:
        """Store that no process can continue from the last full pass: another one begins, or objects were removed."""
        await self._memorise(_WHOLE, "")

    async def asked(self, what: str) -> datetime | None:
        """When Okta was last asked for changes of `what`; None: never."""
        text = await self._recall(_ASKED.format(what))
        return datetime.fromisoformat(text) if text else None

    async def remember_asked(self, what: str, at: datetime) -> None:
        """Store that Okta was asked for changes of `what`."""
        await self._memorise(_ASKED.format(what), at.isoformat())

    async def plugin_settings(self, name: str) -> OktaPluginSettings | None:
        """Return the settings of a plugin resource as last read; None if they never were, or it was deleted."""
        text = await self._recall(_PLUGIN.format(name))
        return OktaPluginSettings.from_json(text) if text else None

    async def remember_plugin_settings(self, name: str, settings: OktaPluginSettings | None) -> None:
        """Store the settings of a plugin resource; None: there is no such plugin."""
        await self._memorise(_PLUGIN.format(name), "" if settings is None else settings.as_json())

    async def enrolled_app(self, connector: str) -> str | None:
        """Return the id of the Okta app that an enrolment created for a SAML connector; None if none is known."""
        return await self._recall(_ENROLLED.format(connector)) or None

    async def remember_enrolled_app(self, connector: str, app_id: str) -> None:
        """Store the Okta app that was created for a SAML connector; an empty id: it was deleted."""
        await self._memorise(_ENROLLED.format(connector), app_id)

    async def audited(self) -> int | None:
        """Return the last journal entry that was sent to Teleport's audit log; None if none was."""
        text = await self._recall(_AUDITED)
        return None if text is None else int(text)

    async def remember_audited(self, sequence: int) -> None:
        """Store the last journal entry that was sent to Teleport's audit log."""
        await self._memorise(_AUDITED, str(sequence))

    async def part_results(self) -> tuple[PartResult, ...]:
        """Return the result of each part in its last full pass; a part without one is left out."""
        text = await self._recall(_PARTS)
        return tuple(_PART_RESULTS.validate_json(text)) if text else ()

    async def remember_part_results(self, results: Sequence[PartResult]) -> None:
        """Store the result of each part."""
        await self._memorise(_PARTS, _PART_RESULTS.dump_json(list(results)).decode())

    async def remember_people(
        self,
        people: Sequence[PersonFacts],
        *,
        at: datetime,
        settled: int | None,
        managed: Container[str] = (),
        left: Iterable[str] = (),
    ) -> None:
        """Store the people who were read, and which of them have a user with our label (`managed`, by Okta id).

        `left` are the ids of people without a user now, whether they were read or not. `settled` is the size of a
        listing whose absences are believed: it is the new baseline, and all other people are deleted. None: no absence
        is believed.
        """
        rows = [
            (
                person.okta_id,
                person.name or "",
                person.status,
                at.timestamp(),
                person.okta_id in managed,
            )
            for person in people
        ]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "INSERT INTO seen (okta_id, name, status, last_seen, managed) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (okta_id) DO UPDATE SET name = excluded.name, status = excluded.status, "
                "last_seen = excluded.last_seen, managed = excluded.managed",
                rows,
            )
            connection.executemany("UPDATE seen SET managed = 0 WHERE okta_id = ?", [(one,) for one in left])
            if settled is not None:
                connection.execute("DELETE FROM seen WHERE last_seen < ?", (at.timestamp(),))
                _put(connection, BASELINE, str(settled))

        await self._database.submit(write)

    async def managed(self) -> frozenset[str]:
        """Return the Okta ids of the people who had a user of ours after the last pass."""

        def select(connection: sqlite3.Connection) -> frozenset[str]:
            return frozenset(okta_id for (okta_id,) in connection.execute("SELECT okta_id FROM seen WHERE managed"))

        return await self._database.submit(select)

    async def people(self) -> dict[str, SeenPerson]:
        """Return all stored people, by Okta id."""
        return await people_seen(self._database)

    async def settle_quarantine(self, entries: Iterable[QuarantineEntry], *, scope: Scope = EVERYTHING) -> None:
        """Replace the entries of the quarantine in a scope by these; entries outside the scope stay."""
        wanted = {entry.key: entry for entry in entries if covers(scope, *entry.key)}.values()

        def write(connection: sqlite3.Connection) -> None:
            known = connection.execute("SELECT kind, name, okta_id FROM quarantine").fetchall()
            connection.executemany(
                "DELETE FROM quarantine WHERE kind = ? AND name = ? AND okta_id = ?",
                [key for key in known if covers(scope, *key)],
            )
            connection.executemany(
                "INSERT INTO quarantine (kind, name, okta_id, reason, remedy, since, next_try, tries, attempt) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        *entry.row.as_json().values(),
                        entry.since.timestamp(),
                        entry.next_try.timestamp(),
                        entry.tries,
                        entry.attempt,
                    )
                    for entry in wanted
                ],
            )

        await self._database.submit(write)

    async def quarantine(self) -> list[QuarantineEntry]:
        """Return the whole quarantine."""
        return await self._database.submit(_quarantine)

    async def settle_findings(self, findings: Findings, *, at: datetime, scope: Scope = EVERYTHING) -> None:
        """Replace the findings in a scope by these, from a plan of `at`."""
        await self._findings.settle(findings, at=at, scope=scope)

    async def findings(self) -> Findings:
        """Return all held harm and all leftovers."""
        return await self._findings.read()

    async def remember_cost(self, cost: PassCost) -> None:
        """Store the cost of the last reading, for `status`."""
        await self._memorise(_COST, json.dumps(cost.as_json()))

    async def cost(self) -> PassCost | None:
        """Return the cost of the last reading, and the forecast for the next one."""
        text = await self._recall(_COST)
        return None if text is None else PassCost(**json.loads(text))

    async def remember_plan(self, digest: str, changes: Sequence[str], *, at: datetime) -> None:
        """Store the changes of a shown plan, one line each; only the latest few plans are kept."""
        text = json.dumps(changes, ensure_ascii=False)

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO plans VALUES (?, ?, ?)", (digest, at.timestamp(), text))
            connection.execute(
                "DELETE FROM plans WHERE digest NOT IN (SELECT digest FROM plans ORDER BY time DESC LIMIT ?)",
                (_PLANS_KEPT,),
            )

        await self._database.submit(write)

    async def remembered_plan(self, digest: str) -> list[str] | None:
        """Return the lines of a shown plan; None if it is no longer stored."""

        def select(connection: sqlite3.Connection) -> list[str] | None:
            row = connection.execute("SELECT changes FROM plans WHERE digest = ?", (digest,)).fetchone()
            return None if row is None else [str(line) for line in json.loads(row[0])]

        return await self._database.submit(select)

    async def _recall(self, key: str) -> str | None:
        def select(connection: sqlite3.Connection) -> str | None:
            row = connection.execute("SELECT value FROM memory WHERE key = ?", (key,)).fetchone()
            return None if row is None else str(json.loads(row[0]))

        return await self._database.submit(select)

    async def _memorise(self, key: str, value: str) -> None:
        await self._database.submit(lambda connection: _put(connection, key, value))


def _put(connection: sqlite3.Connection, key: str, value: str) -> None:
    connection.execute("INSERT OR REPLACE INTO memory VALUES (?, ?)", (key, json.dumps(value)))


def _quarantine(connection: sqlite3.Connection) -> list[QuarantineEntry]:
    rows = connection.execute(
        "SELECT kind, name, okta_id, reason, remedy, since, next_try, tries, attempt FROM quarantine ORDER BY 1, 2, 3"
    )
    return [
        QuarantineEntry(
            Quarantined.from_text(*row),
            datetime.fromtimestamp(since, UTC),
            datetime.fromtimestamp(next_try, UTC),
            tries,
            attempt,
        )
        for *row, since, next_try, tries, attempt in rows
    ]
