"""What the bot's role must allow, and what it does allow, by its own rules (`docs/teleport-role.md`).

Rules are read rather than tried, since a right to write cannot be tried without writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc.aio
from google.protobuf.empty_pb2 import Empty

from teleport_okta.teleport.connection import CALL_DEADLINE
from teleport_okta.teleport.errors import rpc_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport.legacy.types import types_pb2

    from teleport_okta.teleport.connection import Connection

READ: Final = ("list", "read")
WRITE: Final = ("list", "create", "read", "update", "delete")

_ANY: Final = "*"


@dataclass(frozen=True, slots=True)
class BotNeed:
    """A kind of resource, the verbs that we use on it, and what for; `now`: this release does, not a later one."""

    kind: str
    verbs: tuple[str, ...]
    purpose: str
    now: bool = False


NEEDED_OF_BOT: Final = (
    BotNeed("user", WRITE, "to adopt people who logged in before they were synced", now=True),
    BotNeed("lock", WRITE, "to lock such people", now=True),
    BotNeed("saml", WRITE, "to make the SAML connector"),
    BotNeed("role", WRITE, "to make roles for apps and groups"),
    BotNeed("app_server", WRITE, "to show Okta apps"),
    BotNeed("user_group", WRITE, "to show Okta groups"),
    BotNeed("access_list", WRITE, "to keep access lists"),
    BotNeed("access_list_member", WRITE, "to keep and watch the members of access lists"),
    BotNeed("plugin", WRITE, "to follow the plugin's settings and report its status"),
    BotNeed("okta_import_rule", READ, "to read import rules"),
    BotNeed("okta_assignment", WRITE, "to carry out assignments"),
    BotNeed("user_login_state", WRITE, "to bring a change of roles into sessions"),
    BotNeed("semaphore", READ, "to see who writes"),
    BotNeed("access_request", READ, "to carry out access requests"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a role. `conditional`: it holds for some objects only."""

    kinds: tuple[str, ...]
    verbs: tuple[str, ...]
    conditional: bool = False

    def covers(self, kind: str, verb: str) -> bool:
        """Whether it speaks of this verb on this kind at all."""
        return not {kind, _ANY}.isdisjoint(self.kinds) and not {verb, _ANY}.isdisjoint(self.verbs)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all roles of an identity together."""

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    def missing(self, need: BotNeed) -> tuple[str, ...]:
        """Return the verbs of a need that are not allowed, or denied for some object."""
        return tuple(verb for verb in need.verbs if not self._allows(need.kind, verb))

    def _allows(self, kind: str, verb: str) -> bool:
        allowed = any(rule.covers(kind, verb) and not rule.conditional for rule in self.allow)
        return allowed and not any(rule.covers(kind, verb) for rule in self.deny)


async def own_rules(connection: Connection) -> Rules:
    """Read the rules of the connection's user, which needs no permission; raises RpcError."""
    allow: list[Rule] = []
    deny: list[Rule] = []
    try:
        async for role in connection.auth.GetCurrentUserRoles(Empty(), timeout=CALL_DEADLINE):
            allow += _rules(role.Spec.Allow.Rules)
            deny += _rules(role.Spec.Deny.Rules)
    except grpc.aio.AioRpcError as error:
        raise rpc_error(error, method="AuthService/GetCurrentUserRoles", subject="our own roles") from error
    return Rules(tuple(allow), tuple(deny))


def _rules(messages: Iterable[types_pb2.Rule]) -> list[Rule]:
    return [Rule(tuple(rule.Resources), tuple(rule.Verbs), bool(rule.Where)) for rule in messages]
