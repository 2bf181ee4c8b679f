"""The product without sockets and threads, which can be made to die at any write.

The channel hands every message to the sandbox's own services, as bytes, so that all rules of a server apply:
identities, origins, revisions. The database runs the product's SQL on a real file, in the caller's thread. Both count
their writes in one sequence, in which `Physics` strikes; everything is repeatable, so that a failing history shrinks.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from teleport_okta.observe.metrics import Metrics
from teleport_okta.sandbox.teleport.caller import Caller, CallerKind
from teleport_okta.sandbox.teleport.presets import BOT_ROLE, BOT_USER
from teleport_okta.sandbox.teleport.refusal import Refusal
from teleport_okta.sandbox.teleport.rpc import Call, declarations_of
from teleport_okta.state.migrations import migrate
from teleport_okta.state.store import Store
from teleport_okta.sync.full_pass import FullPass
from teleport_okta.teleport.channels import Channels
from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.connection import Connection
from teleport_okta.teleport.identity import Identity
from teleport_okta.teleport.route import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

READS = ("Get", "List", "Ping")


class Strike(Enum):
    """What happens at one write."""

    CRASH_BEFORE = "the process dies before it"
    CRASH_AFTER = "the process dies after it"
    LOST_REQUEST = "it never arrives, once"
    LOST_ANSWER = "its answer is lost, once"
    OUTAGE = "from here on the cluster cannot be reached"
    MEDDLING = "another client writes first"


@dataclass
class Physics:
    """What strikes one process, and at which of its writes (from 1 on)."""

    strike: Strike | None = None
    at: int = 0
    meddle: Callable[[], None] = lambda: None
    died: asyncio.Event = field(default_factory=asyncio.Event)
    unreachable: bool = False
    struck: bool = False

    @property
    def dead(self):
        return self.died.is_set()

    def arm(self, strike, at, meddle):
        self.strike, self.at, self.meddle = strike, at, meddle

    def disarm(self):
        self.strike, self.unreachable = None, False

    def strikes(self, *possible):
        """Count a write, and return what happens at it."""
        self.at -= 1
        if self.strike not in possible or self.at > 0 or self.struck:
            return None
        self.struck = True
        return self.strike


class MortalDatabase:
    """The product's database, without its thread: a function runs when it is submitted, in a transaction of its own."""

    def __init__(self, path, physics):
        self._physics = physics
        self.rollbacks = 0
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        migrate(self._connection, path)

    def submit(self, work):
        """Run a function. If the process dies at it, its future is never done."""
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if self._physics.dead:
            return future
        before = self._connection.total_changes
        self._connection.execute("BEGIN IMMEDIATE")
        result = work(self._connection)
        strike = None
        if self._connection.total_changes > before:
            strike = self._physics.strikes(Strike.CRASH_BEFORE, Strike.CRASH_AFTER)
        self._connection.execute("ROLLBACK" if strike is Strike.CRASH_BEFORE else "COMMIT")
        self.rollbacks += strike is Strike.CRASH_BEFORE
        if strike is None:
            loop.call_soon(lambda: future.done() or future.set_result(result))
        else:
            self._physics.died.set()
        return future

    def close(self):
        self._connection.close()


class Server:
    """The sandbox's services behind any number of channels. `watch` wraps every write that reaches them."""

    def __init__(self, cluster, services, watch):
        self.cluster = cluster
        self.watch = watch
        self._handlers = {
            f"/{declaration.path}": (declaration, handler)
            for service in services
            for declaration, handler in declarations_of(service)
        }

    def answer(self, caller, path, request):
        """Answer one call, or raise the refusal of the server."""
        declaration, handler = self._handlers[path]
        access = None if declaration.open else self.cluster.authorize(caller)
        received = type(request).FromString(request.SerializeToString())
        reply = handler(Call(caller, access, "127.0.0.1:1", ""), received)
        return type(reply).FromString(reply.SerializeToString())


class InProcessChannel:
    """The part of a gRPC channel that the product's stubs use."""

    def __init__(self, server, caller, physics):
        self._server = server
        self._caller = caller
        self._physics = physics

    def unary_unary(self, path, *_serializers, **_more):
        is_write = not path.rpartition("/")[2].startswith(READS)

        async def call(request, *, timeout, metadata):
            await self._reach()
            if not is_write:
                return self._answer(path, request)
            strike = self._physics.strikes(*Strike)
            match strike:
                case Strike.CRASH_BEFORE:
                    self._physics.died.set()
                case Strike.OUTAGE:
                    self._physics.unreachable = True
                case Strike.LOST_REQUEST:
                    raise _error(grpc.StatusCode.UNAVAILABLE, "the request was lost")
                case Strike.MEDDLING:
                    self._physics.meddle()
            await self._reach()
            with self._server.watch(path.rpartition("/")[2], request):
                reply = self._answer(path, request)
            if strike is Strike.CRASH_AFTER:
                self._physics.died.set()
                await self._reach()
            if strike is Strike.LOST_ANSWER:
                raise _error(grpc.StatusCode.UNAVAILABLE, "the answer was lost")
            return reply

        return call

    unary_stream = stream_stream = stream_unary = unary_unary

    async def close(self):
        pass

    async def _reach(self):
        """Let other tasks run; never return in a dead process."""
        await asyncio.sleep(0)
        if self._physics.dead:
            await asyncio.get_running_loop().create_future()
        if self._physics.unreachable:
            raise _error(grpc.StatusCode.UNAVAILABLE, "no answer")

    def _answer(self, path, request):
        try:
            return self._server.answer(self._caller, path, request)
        except Refusal as refusal:
            raise _error(refusal.code, refusal.text) from refusal


class InProcessConnection(Connection):
    """The product's connection over such a channel. It is not diagnosed: there is no network."""

    def __init__(self, channel, caller, clock):
        identity = Identity(
            source="in this process",
            key_pem=b"",
            certificate_pem=b"",
            ca_pems=(),
            ssh_certificate="",
            cluster=caller.cluster,
            subject=caller.name,
            roles=caller.roles,
            is_host=caller.kind is CallerKind.HOST,
            not_before=clock.now() - timedelta(days=1),
            not_after=clock.now() + timedelta(days=3650),
        )
        super().__init__(Channels(None, Path(), Channel(channel), identity), clock=clock, rng=random.Random(0))

    async def _diagnose(self, failures):
        pass


class Process:
    """One process of the product on a state file."""

    def __init__(self, *, path, okta, server, settings, clock):
        self.physics = Physics()
        self._database = MortalDatabase(path, self.physics)
        self.store = Store(self._database)
        name = server.cluster.name
        host = Caller(CallerKind.HOST, f"sidecar.{name}", ("Okta",), name)
        bot = Caller(CallerKind.USER, BOT_USER, (BOT_ROLE,), name)
        connections = [
            InProcessConnection(InProcessChannel(server, caller, self.physics), caller, clock) for caller in (host, bot)
        ]
        self.teleport = Teleport(*connections, clock=clock)
        self.full_pass = FullPass(
            okta=okta,
            teleport=self.teleport,
            store=self.store,
            settings=settings,
            metrics=Metrics(),
            clock=clock,
        )

    async def live(self, work):
        """Do a piece of work; return its result, or None if the process died. Raises what the work raises."""
        task = asyncio.ensure_future(work)
        death = asyncio.ensure_future(self.physics.died.wait())
        await asyncio.wait({task, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if not self.physics.dead:
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None

    def end(self):
        self._database.close()


def _error(code, text):
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=text)
