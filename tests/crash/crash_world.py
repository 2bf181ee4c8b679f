"""Both sandboxes around a victim, in one virtual time. The victim can be killed at each of their answers."""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import grpc
from crash.crash_clock import SharedClock
from processes import ENVIRONMENT
from teleport_okta.clock import VirtualClock
from teleport_okta.sandbox.okta.error_bodies import OktaError
from teleport_okta.sandbox.okta.gateway import Gateway
from teleport_okta.sandbox.okta.messages import Answer
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.calls import CallCounter
from teleport_okta.sandbox.teleport.cluster import ListingLag
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

VICTIM = Path(__file__).with_name("crash_victim.py")
LISTED = ("Looms", "Mills", "Pits", "Quays", "Wiki")
"""The names of the groups and the app that may have a list."""

LIMIT = 2
"""How much harm of each kind and evidence an hour may bring in these worlds."""

ANY_HARM = 1000


class Zygote:
    """The process of which victims are forked; see `crash_victim`."""

    def __enter__(self):
        self._control, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, str(VICTIM), str(theirs.fileno())]
            self._process = subprocess.Popen(command, env=ENVIRONMENT, pass_fds=[theirs.fileno()])
        return self

    def __exit__(self, *_):
        self._control.close()
        self._process.wait(30)

    async def fork(self):
        """Start a victim."""
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [b"f"], [theirs.fileno()])
        reader, writer = await asyncio.open_connection(sock=ours)
        return Victim(int(await reader.readline()), reader, writer)


class Victim:
    """One forked process of the product."""

    def __init__(self, pid, reader, writer):
        self._pidfd = os.pidfd_open(pid)
        self._reader = reader
        self._writer = writer
        self.door = ""
        """Where a SCIM client finds it while it serves."""

    async def ask(self, meanwhile=None, **command):
        """Give a command and return its answer; None when the victim died of it.

        One that says when it has begun is carried out until something that is done `meanwhile` has been done.
        """
        self._writer.write(json.dumps(command).encode() + b"\n")
        if meanwhile is not None and (begun := await self._hear()) is not None:
            self.door = begun["door"]
            await meanwhile()
            self._writer.write(b"\n")
        return await self._hear()

    async def _hear(self):
        try:
            line = await self._reader.readline()
        except ConnectionError:
            line = b""
        return json.loads(line) if line else None

    def kill(self):
        """SIGKILL; returns when the process is dead."""
        try:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        except ProcessLookupError:
            return
        end = select.poll()
        end.register(self._pidfd, select.POLLIN)
        end.poll()

    def bury(self):
        """Kill the process if it lives, and close its sockets."""
        self.kill()
        os.close(self._pidfd)
        self._writer.close()


@dataclass
class Answers:
    """Counts the answers to a command, and kills the victim when one of them is about to leave."""

    witness: object = None
    victim: Victim | None = None
    count: int = 0
    cut: int | None = None

    def watch(self, victim, cut):
        """Begin to count anew."""
        self.victim, self.cut, self.count = victim, cut, 0

    on_leaving: object = None
    """What else is done before an answer leaves."""

    def leaving(self, call):
        """Note an answer that is ready, when the call has taken effect."""
        if self.on_leaving is not None:
            self.on_leaving()
        if self.witness is not None:
            self.witness.look(call)
        self.count += 1
        if self.count == self.cut:
            self.victim.kill()


class WatchedCalls(CallCounter):
    """Teleport's counter of calls, which every answer passes."""

    def __init__(self, answers):
        super().__init__()
        self._answers = answers

    @contextmanager
    def during(self, path):
        with super().during(path):
            try:
                yield
            except grpc.aio.AbortError:
                self._answers.leaving(path)
                raise
        self._answers.leaving(path)


_ALL_GROUPS = {"limit": "200", "expand": "stats"}

_ONE_PERSON = re.compile(r"/api/v1/(users/\w{20}(/groups)?|apps/\w{20}/users/\w{20}|groups/\w{20}/users)")
"""Reads of a person or of a group's people, which may be older than the event because of which they are made."""


class WatchedGateway(Gateway):
    """Okta's gateway, which every answer passes."""

    def __init__(self, org, answers):
        super().__init__(org)
        self._answers = answers
        self._read = {}
        self._before = {}
        self._stale = {}
        self.full_listings = 0
        """How often all groups were listed, as a full pass does and nothing else."""

    @contextmanager
    def serve(self, request):
        with super().serve(request) as response:
            self.full_listings += request.path == "/api/v1/groups" and request.query == _ALL_GROUPS
            self._answers.leaving(request.path)
            yield self._as_before(request, response)

    def remember(self):
        """Note what every read of a person, or of a group's people, would show now."""
        self._before = {target: self._body(request) for target, request in self._read.items()}

    def answer_from_before(self):
        """Let the next of each of these reads show what was noted."""
        self._stale = dict(self._before)

    def answer_as_it_is(self):
        """Let every read show how things are."""
        self._stale = {}

    def _body(self, request):
        endpoint = next(found for found in self._endpoints(request) if found.method == request.method)
        try:
            answer = self._dispatch(request, endpoint, self._caller(request), set(), "before")
        except OktaError as error:
            answer = Answer(error.status, error.body("before"))
        return answer.status, json.dumps(answer.body).encode()

    def _as_before(self, request, response):
        if not _ONE_PERSON.fullmatch(request.path):
            return response
        self._read[request.target] = request
        if response.status not in {200, 404} or request.target not in self._stale:
            return response
        status, body = self._stale.pop(request.target)
        return replace(response, status=status, body=body)


@dataclass
class World:
    """An organisation with an app, a cluster, and an installation that is started, cut and started again."""

    okta: OktaOrganization
    app_id: str
    teleport: TeleportSandbox
    clock: VirtualClock
    settings: dict
    zygote: Zygote
    answers: Answers
    gateway: WatchedGateway
    limit: int = LIMIT
    victim: Victim | None = None
    last: dict = field(default_factory=dict)

    async def do(self, what, *, write_cut=None, answer_cut=None, meanwhile=None):
        """Give the victim a command, starting one where there is none; returns False when it died of it.

        `meanwhile` is what a SCIM client does while the victim serves.
        """
        if self.victim is None:
            self.victim = await self.zygote.fork()
            if what not in {"open", "start", "follow", "serve"}:
                assert await self.do("open"), "a victim died by itself"
        self.answers.watch(self.victim, answer_cut)
        now = self.clock.now().isoformat()
        shared = {"clock": str(self.clock.path)} if isinstance(self.clock, SharedClock) else {}
        command = {"do": what, "now": now, "cut": write_cut, "settings": self.settings, **shared}
        answer = await self.victim.ask(meanwhile, **command)
        if answer is None:
            self.end()
            return False
        self.last = answer
        self.clock.advance((datetime.fromisoformat(answer["now"]) - self.clock.now()).total_seconds())
        assert not answer["error"], f"{what}: {answer['error']}"
        return True

    def end(self):
        """End the victim, if there is one."""
        if self.victim is not None:
            self.victim.bury()
            self.victim = None

    def hire(self, login):
        """Add a person who is assigned to the app; return the Okta id."""
        user = self.okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login})
        self.okta.assign(self.app_id, user.id)
        return user.id


@asynccontextmanager
async def built_world(zygote, directory, *, followed=False):
    """Build a world with nobody in it. Listings lag behind writes, and no time passes between a death and a start.

    One that is `followed` shares its clock with the victim, and lets an hour bring any harm.
    """
    limit, ratio = (ANY_HARM, 1.0) if followed else (LIMIT, 0.01)
    began = datetime.now(UTC)
    clock = SharedClock.made(directory / "clock", began) if followed else VirtualClock(began)

    def now():
        return clock.now().timestamp()

    okta = OktaOrganization(now=now, rng=random.Random(7))
    app_id = okta.create_app("Teleport").id
    answers = Answers()
    okta_server = OktaSandbox(okta)
    gateway = okta_server._gateway = WatchedGateway(okta, answers)
    teleport = TeleportSandbox(directory / "teleport", now=now, sleep=clock.sleep, lag=ListingLag.observed())
    teleport.calls = WatchedCalls(answers)
    answers.on_leaving = teleport.cluster.watches.catch_up
    async with okta_server, teleport:
        settings = {
            "teleport": {
                "addr": teleport.address,
                "identity": str(teleport.identity_path),
                "join_token": teleport.join_token,
            },
            "okta": {"org_url": okta_server.url, "api_token": okta.ssws_token, "app_id": app_id},
            "access_lists": {"default_owners": ["owner@x.io"], "group_filters": LISTED[:4], "app_filters": LISTED[4:]},
            "brake": {"floor": limit, "absent_ratio": ratio, "stated_ratio": ratio},
            "storage": {"data_dir": str(directory / "data")},
        }
        world = World(okta, app_id, teleport, clock, settings, zygote, answers, gateway, limit)
        try:
            yield world
        finally:
            world.end()
