"""The process that is killed: the real product on a real data directory, doing one command at a time.

Run as a program this module is a zygote. It imports the product once, starts no thread, event loop or channel, and
forks a victim for every socket that it is sent: a victim costs milliseconds instead of the start of an interpreter.

A victim reads commands and writes answers, one JSON object a line: `open` (hold the data directory, join, connect),
`pass` (one full pass), `approve` (what the last pass held), `start` (run the engine with what follows both systems, and
open the SCIM door, as `teleport-okta start` does), `follow` (go on until nothing is left to do) and `serve` (answer
SCIM requests until an empty line comes). Each says what time it is, or where the clock is that the victim shares with
its world, and may say at which durable write the victim is to kill itself: every change of a file has two such points,
just before and just after it. The durable writes are the transactions of SQLite that change something, the creation
of the schema among them, and the files of the host identity. The product is not changed for this: SQLite's connection
and the writing of files are wrapped here.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import json
import logging
import os
import signal
import socket
import sqlite3
import sys
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crash_clock import DrivenClock
from teleport_okta import app
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.errors import TeleportOktaError
from teleport_okta.state.migrations import newest_schema
from teleport_okta.sync.engine import Engine
from teleport_okta.teleport import host_identity


class DurableWrites:
    """Counts the points just before and just after the durable writes of a command, and dies at one of them."""

    def __init__(self):
        self.points = 0
        self.cut = None

    @contextmanager
    def around(self):
        self._pass_by()
        yield
        self._pass_by()

    def _pass_by(self):
        self.points += 1
        if self.points == self.cut:
            os.kill(os.getpid(), signal.SIGKILL)


WRITES = DurableWrites()


class WatchedConnection(sqlite3.Connection):
    """A connection whose commits are durable writes, unless they commit nothing."""

    def execute(self, sql, *parameters):
        if sql == "BEGIN IMMEDIATE":
            self.changes_before = self.total_changes
        if sql != "COMMIT" or self.total_changes == self.changes_before:
            return super().execute(sql, *parameters)
        with WRITES.around():
            return super().execute(sql, *parameters)

    def executescript(self, script):
        with WRITES.around():
            return super().executescript(script)

    def backup(self, target):
        with WRITES.around():
            super().backup(target)


def watch_durable_writes():
    """Wrap what the product writes files with."""
    write_private = host_identity.write_private

    def watched(path, data):
        with WRITES.around():
            write_private(path, data)

    host_identity.write_private = watched
    sqlite3.connect = functools.partial(sqlite3.connect, factory=WatchedConnection)


class Victim:
    """The product in one process, from its first command to its end."""

    def __init__(self, stack, reader, writer):
        self._stack = stack
        self._reader = reader
        self._writer = writer
        self._clock = None
        self._parts = None
        self._engine = None
        self._door = ""

    async def obey(self, command):
        """Do one command; return its result."""
        self._clock = self._clock or _clock_of(command)
        work = getattr(self, f"_{command['do']}")(command)
        WRITES.points, WRITES.cut = 0, command["cut"]
        try:
            if isinstance(self._clock, DrivenClock):
                answer = await self._clock.drive(work)
            else:
                self._clock.advance((datetime.fromisoformat(command["now"]) - self._clock.now()).total_seconds())
                answer = await work
        except TeleportOktaError as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        now = self._clock.now().isoformat()
        return {"error": "", "points": WRITES.points, "now": now, "door": self._door, **answer}

    async def say(self, answer):
        self._writer.write(json.dumps(answer).encode() + b"\n")
        await self._writer.drain()

    async def _open(self, command):
        opened = app.opened(parse(command["settings"]), clock=self._clock)
        self._parts = await self._stack.enter_async_context(opened)
        return {}

    async def _pass(self, _command):
        report = await self._parts.full_pass.run(trigger="cut sweep")
        open_records = await self._parts.store.journal.open_entries()
        return {
            "changes": [f"{change.action} {change.kind} {change.subject}" for change in report.plan.changes],
            "held": [[held.kind, held.name, held.okta_id] for held in report.plan.findings.held],
            "failed": [outcome.error for outcome in report.outcomes if outcome.result != "done"],
            "quarantined": [row.name for row in report.plan.quarantined],
            "open": [f"{entry.action} {entry.name}" for entry in open_records],
        }

    async def _approve(self, _command):
        findings = await self._parts.store.findings()
        await self._parts.store.approvals.approve(findings.held_digest, at=self._clock.now())
        return {}

    async def _follow(self, command):
        if self._engine is None:
            await self._start(command)
        if self._engine.follower is None:
            await self._engine.apply("")
        began = self._clock.now()
        await self._clock.sleep(_AT_LEAST)
        while left := await self._left(since=began) or await self._told_meanwhile(began):
            if (self._clock.now() - began).total_seconds() > _PATIENCE:
                return {"error": f"after {_PATIENCE} s there is still {left}"}
            await self._clock.sleep(1)
        return {}

    async def _told_meanwhile(self, began):
        """What a watch tells arrives in real time."""
        await self._clock.stand_still(asyncio.sleep(_WATCHED_WITHIN))
        return await self._left(since=began)

    async def _serve(self, command):
        """Answer from the start on where nothing was started yet: the first pass and the clients do not wait."""
        if self._engine is None:
            await self._start(command)
        await self.say({"door": self._door})
        await self._clock.stand_still(self._reader.readline())
        return {}

    async def _start(self, command):
        """Do what `app._run` does, without its sockets and signals, but with the SCIM door."""
        if self._parts is None:
            await self._open(command)
        parts, settings = self._parts, parse(command["settings"])
        self._engine = Engine(
            full_pass=parts.full_pass,
            store=parts.store,
            clock=parts.clock,
            interval=settings.sync.interval,
            audit_interval=settings.sync.audit_interval,
        )
        if settings.sync.follow_log:
            self._engine.follower = app.follower_of(settings, parts, self._engine.reconcile)
            self._engine.follower.hold_looks()
        await self._stack.enter_async_context(app.with_background_tasks(parts, self._engine.follower))
        self._door = str(await self._stack.enter_async_context(app.provisioned(settings, parts)) or "")
        self._running = asyncio.ensure_future(self._engine.run())
        self._stack.callback(self._running.cancel)
        return {}

    async def _left(self, since):
        """Say what is left to do; empty when nothing is, and the log was read some seconds after a moment."""
        if self._running.done():
            return f"no engine: {self._running.exception()}"
        status = await self._engine.status()
        last = status.last_pass
        left = {
            "state": "" if status.state == "idle" else f"{status.state}: {status.last_error}",
            "pass": "" if status.last_success else "no success yet",
            "held": [f"{held.kind} {held.name}" for held in status.findings.held],
            "failed": [] if last is None else [one.error for one in last.outcomes if one.result != "done"],
        }
        if self._engine.follower is not None:
            left |= await self._left_by(self._engine.follower, since)
        return {what: found for what, found in left.items() if found}

    async def _left_by(self, follower, since):
        hints = self._parts.store.hints
        every = await hints.due(datetime.max.replace(tzinfo=UTC), most=99, latest=timedelta())
        soon = {hint.key for hint in await hints.due(self._clock.now() + _SOON, most=99, latest=timedelta(days=1))}
        waiting = [hint for hint in every if hint.tries or hint.key in soon]
        return {
            "hints": [f"{hint.kind} {hint.of} {hint.with_} ({hint.cause})" for hint in waiting],
            "log": "" if follower.health.is_following else f"{follower.health.state}: {follower.health.reason}",
            "position": "" if self._has_polled(follower.health, since) else f"of {follower.health.polled_at}",
            "watch": follower.cluster.problem,
        }

    def _has_polled(self, health, since):
        return health.polled_at is not None and (health.polled_at - since).total_seconds() > _AT_LEAST / 2


_AT_LEAST = 8.0
"""Seconds for which a victim follows at least: some polls, and what a listing shows late."""

_WATCHED_WITHIN = 0.06
"""Seconds of real time within which an event that is due arrives: the sandbox looks every 20 ms."""

_SOON = timedelta(minutes=10)
"""A hint that is due later waits for a known time, unless it failed before."""

_PATIENCE = 1200.0
"""Seconds after which there must be nothing left to do."""


def _clock_of(command):
    if "clock" in command:
        return DrivenClock(Path(command["clock"]))
    return VirtualClock(datetime.fromisoformat(command["now"]))


async def live(connection):
    """Do commands until the other end is closed."""
    reader, writer = await asyncio.open_connection(sock=connection)
    writer.write(f"{os.getpid()}\n".encode())
    async with AsyncExitStack() as stack:
        victim = Victim(stack, reader, writer)
        while line := await reader.readline():
            await victim.say(await victim.obey(json.loads(line)))
    writer.close()


def zygote(control):
    """Fork a victim for every socket that comes, until the other end is closed."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    logging.getLogger().addHandler(logging.NullHandler())
    if "CRASH_LOG" in os.environ:
        logging.basicConfig(filename=os.environ["CRASH_LOG"], level=logging.INFO, force=True)
    newest_schema()  # made once for all victims
    watch_durable_writes()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            asyncio.run(live(socket.socket(fileno=descriptors[0])))
            return
        os.close(descriptors[0])


if __name__ == "__main__":
    zygote(socket.socket(fileno=int(sys.argv[1])))
