"""What the fault sweep lets go wrong: which call, from when on, how, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import grpc
from contract.sync.sweep_story import PATIENCE
from pydantic import SecretStr
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.teleport.connection import CALL_DEADLINE, WRITE_DEADLINE

_NO_ANSWER = 3 * PATIENCE.sock_read
"""Real seconds after which an answer comes, when the client has stopped waiting."""

_PLACEHOLDER = re.compile(r"\{\w+\}")
_LENGTH_OF_IDS = 20
"""Characters of every id of Okta's: what a glob must say, so that the path of an object is not taken for one below."""

TELEPORT_FAULTS = {
    "unavailable": {"code": grpc.StatusCode.UNAVAILABLE},
    "reset": {"reset": True},
    "reset-after": {"reset": True, "applied": True},
    "deadline": {"code": grpc.StatusCode.DEADLINE_EXCEEDED},
    "deadline-after": {"code": grpc.StatusCode.DEADLINE_EXCEEDED, "applied": True},
    "exhausted": {"code": grpc.StatusCode.RESOURCE_EXHAUSTED},
    "unknown": {"code": grpc.StatusCode.UNKNOWN},
    "denied": {"code": grpc.StatusCode.PERMISSION_DENIED},
}
"""`after` means that the call takes effect and only its answer is lost."""

OKTA_FAULTS = {
    "reset": "reset",
    "no-answer": "slow",
    "429-remaining-0": "rate_limit",
    "429-limit-0": "concurrency",
    "429-without-limits": "edge_limit",
    "500-E0000009": "internal_error",
    "500-page": "error_page",
    "502-page": "bad_gateway",
    "503-page": "unavailable",
    "truncated": "truncated",
    "403": "forbidden",
    "401-revoked": "revoked",
}
"""By the kind of the sandbox's faults."""

_NEEDED_FOR_LOCKS = {
    # the way in
    "/proto.AuthService/GenerateHostCerts",
    "/proto.AuthService/GetClusterCACert",
    "/proto.AuthService/Ping",
    "/proto.JoinService/RegisterUsingToken",
    "/teleport.trust.v1.TrustService/GetCertAuthority",
    "/webapi/find",
    "/webapi/host/credentials",
    # the lease to write
    "/proto.AuthService/AcquireSemaphore",
    "/proto.AuthService/GetSemaphores",
    "/proto.AuthService/KeepAliveSemaphoreLease",
    # people
    "POST /oauth2/v1/token",
    "GET /.well-known/okta-organization",
    "GET /api/v1/apps/{id}",
    "GET /api/v1/apps/{id}/users",
    "GET /api/v1/apps/{id}/users/{user}",
    "GET /api/v1/users",
    "GET /api/v1/users/{id}",
    # users, and the lock itself
    "/teleport.users.v1.UsersService/GetUser",
    "/teleport.users.v1.UsersService/ListUsers",
    "/proto.AuthService/UpsertLock",
}
"""The calls without which no user can be locked. If another call fails, leavers are locked in the same pass."""

STATE_FAULTS = ("full",)
"""What goes wrong with a write to the state."""

_STATE = "state.db"

_WRITES = ("Create", "Update", "Upsert", "Delete")


class Call(NamedTuple):
    """A call as the sandboxes count it: an RPC's path, a path of the proxy, or method and template of Okta's API.

    `WRITE_TO_STATE` is a transaction of the product that changes its state.
    """

    name: str
    is_okta: bool

    def __str__(self):
        return self.name

    @property
    def faults(self):
        """The names of what can go wrong with it."""
        if self == WRITE_TO_STATE:
            return STATE_FAULTS
        return tuple(OKTA_FAULTS if self.is_okta else TELEPORT_FAULTS)

    @property
    def words(self):
        """The words by which an error may name this call."""
        if not self.is_okta:
            return (self.name.rpartition("/")[2],)
        return tuple(part for part in _PLACEHOLDER.split(self.name.partition(" ")[2]) if part.strip("/"))


WRITE_TO_STATE = Call(_STATE, is_okta=False)


@dataclass(frozen=True)
class Trouble:
    """One fault at one call: the `nth` of a step's command alone, or from there to the end of the command."""

    telling: str
    step: int
    call: Call
    nth: int
    fault: str
    lasts: bool

    def __str__(self):
        lasting = "always" if self.lasts else "once"
        return f"{self.telling}:{self.step}:{self.call}:{self.nth}:{self.fault}:{lasting}"

    @property
    def named(self):
        """The call that an error may name: whichever comes first after a token was revoked."""
        return Call("any /api/v1/", is_okta=True) if self.fault == "401-revoked" else self.call

    @property
    def spares_people(self):
        """Whether people, users and the lease to write can be had all the same, and locks be set."""
        return self.fault != "401-revoked" and self.call.name not in _NEEDED_FOR_LOCKS

    def begin(self, play):
        """Begin the fault; return the sandbox's own value of it."""
        world = play.world
        if self.call == WRITE_TO_STATE:
            play.disk.full_at, play.disk.lasts = play.disk.writes + self.nth, self.lasts
            return None
        order = {"after": self.nth - 1, "count": None if self.lasts else 1}
        if self.call.is_okta:
            method, _, template = self.call.name.partition(" ")
            path = _PLACEHOLDER.sub("?" * _LENGTH_OF_IDS, template)
            kind = OKTA_FAULTS[self.fault]
            seconds = _NO_ANSWER if kind == "slow" else 0.0
            return world.okta.fail(kind, method=method, path=path, seconds=seconds, **order)
        how = TELEPORT_FAULTS[self.fault]
        is_write = self.call.name.rpartition("/")[2].startswith(_WRITES)
        latency = (WRITE_DEADLINE if is_write else CALL_DEADLINE) if "deadline" in self.fault else 0.0
        fault = Fault(self.call.name, latency=latency, **how, **order)
        world.teleport.faults.add(fault)
        return fault

    def was_met(self, fault, made):
        """Whether the sandbox's fault hit a call, of which so many were made by name."""
        return fault.hits > 0 if self.call.is_okta else made.get(self.call, 0) >= self.nth

    async def end(self, play):
        """End the fault. A revoked API token does not come back: the administrator makes a new one and restarts."""
        world = play.world
        world.teleport.faults.clear()
        world.okta.recover()
        play.disk.full_at = None
        settings = world.settings.okta
        if self.fault == "401-revoked" and settings.api_token is not None:
            token = SecretStr(world.okta.tokens.create_ssws(world.okta.admin, world.okta.role))
            world.settings = world.settings.model_copy(
                update={"okta": settings.model_copy(update={"api_token": token})}
            )
            await play.restart()


class Counted:
    """How often each call was made since this was made, as both sandboxes counted."""

    def __init__(self, play):
        self._play = play
        self._writes = play.disk.writes
        self._teleport = play.world.teleport.calls.calls
        self._okta = play.world.okta.mark()

    def calls(self):
        """Each call with its number."""
        world = self._play.world
        teleport = world.teleport.calls.calls
        made = {Call(name, False): count - self._teleport.get(name, 0) for name, count in teleport.items()}
        okta = world.okta.calls_since(self._okta).endpoints
        made |= {Call(name, True): count for name, count in okta.items()}
        made[WRITE_TO_STATE] = self._play.disk.writes - self._writes
        return {call: count for call, count in made.items() if count}
