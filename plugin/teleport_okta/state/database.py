"""SQLite in one thread: every statement runs there, and waiting functions are committed together.

One transaction for many functions, because each commit waits for the disk. WAL with synchronous FULL: a commit that was
awaited survives a power failure.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

from teleport_okta.state.migrations import migrate
from teleport_okta.state.snapshot import copied
from teleport_okta.state.state_errors import StateError, explain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

_MOST_TOGETHER: Final = 512
"""Functions in one transaction. If one fails, all of them are repeated, so the number is limited."""


class _Job:
    """One function to run on the connection, with the future of its result."""

    def __init__(self, work: Callable[[sqlite3.Connection], object]) -> None:
        self._work = work
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[object] = self._loop.create_future()
        self._result: object = None

    def run(self, connection: sqlite3.Connection) -> None:
        self._result = self._work(connection)

    def succeed(self) -> None:
        self._settle(lambda: self.future.set_result(self._result))

    def fail(self, error: Exception) -> None:
        self._settle(lambda: self.future.set_exception(error))

    def _settle(self, settle: Callable[[], None]) -> None:
        def unless_cancelled() -> None:
            if not self.future.done():
                settle()

        self._loop.call_soon_threadsafe(unless_cancelled)


class Database:
    """One connection in its own thread; use `open`, and `close` at the end."""

    def __init__(self, path: Path, *, is_copy: bool = False) -> None:
        self._path = path
        self._is_copy = is_copy
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="state", daemon=True)
        self._opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self.rollbacks = 0
        """The number of transactions rolled back. A cache compares it, since what it read in one of them is void."""

    @classmethod
    async def open(cls, path: Path) -> Database:
        """Open or create the database and bring its schema up to date; raises StateError."""
        database = cls(path)
        database._thread.start()
        await database._opened
        return database

    @classmethod
    async def copy(cls, path: Path) -> Database:
        """Open a copy; writing into it does not change the database. Raises StateError."""
        database = cls(path, is_copy=True)
        database._thread.start()
        await database._opened
        return database

    async def close(self) -> None:
        """Finish what is queued, then close the file."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def submit(self, work: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        """Queue a function of the connection; its result is set when its transaction is durable.

        Functions that wait together share a transaction. If it fails, each of them is repeated in its own transaction,
        so that only those which cause the failure get a StateError.
        """
        job = _Job(work)
        self._jobs.put(job)
        return job.future  # type: ignore[return-value]  # a job's result is what its function returns

    def _serve(self) -> None:
        try:
            connection = self._connect()
        except (sqlite3.Error, StateError, OSError) as error:
            reported = error if isinstance(error, StateError) else self._explained(error)
            self._loop.call_soon_threadsafe(self._opened.set_exception, reported)
            return
        self._loop.call_soon_threadsafe(self._opened.set_result, None)
        with connection:
            while (first := self._jobs.get()) is not None:
                batch, ended = self._drain(first)
                self._commit(connection, batch)
                if ended:
                    break
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        if self._is_copy:
            copy = copied(self._path)
            migrate(copy, self._path)
            return copy
        connection = sqlite3.connect(self._path, isolation_level=None)
        self._path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # Temporary triggers must not need the disk: leavers must be locked also while it is full.
        connection.execute("PRAGMA temp_store = MEMORY")
        migrate(connection, self._path)
        return connection

    def _drain(self, first: _Job) -> tuple[list[_Job], bool]:
        batch = [first]
        while len(batch) < _MOST_TOGETHER:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return batch, True
            batch.append(job)
        return batch, False

    def _commit(self, connection: sqlite3.Connection, batch: list[_Job]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                job.run(connection)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the root of this thread: the waiting task must get the error
            self.rollbacks += 1
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            if len(batch) == 1:
                batch[0].fail(self._explained(error))
                return
            for job in batch:
                self._commit(connection, [job])
        else:
            for job in batch:
                job.succeed()

    def _explained(self, error: Exception) -> StateError:
        match error:
            case sqlite3.Error():
                return explain(error, self._path)
            case OSError():
                what = f"{self._path}: the state database cannot be opened: {error.strerror}"
                return StateError(what, remedy="check the owner and the permissions of the data directory")
            case _:
                what = f"{self._path}: the state cannot store or return this: {type(error).__name__}: {error}"
                return StateError(what, remedy="report this as a bug; nothing of it was written")
