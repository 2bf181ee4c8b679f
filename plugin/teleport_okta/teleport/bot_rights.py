"""The rights that the bot needs, and those that its role allows (`docs/teleport-role.md`).

The rules of the role are read: a right to write cannot be tested without writing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import grpc.aio
from google.protobuf.empty_pb2 import Empty

from teleport_okta.teleport.connection import CALL_DEADLINE
from teleport_okta.teleport.teleport_errors import rpc_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport.legacy.types import types_pb2

    from teleport_okta.teleport.connection import Connection

_ANY: Final = "*"


class Use(StrEnum):
    """The part of the product that needs a right."""

    SERVICE = "the service"
    MANAGED = "the service, where plugin.name is set"
    ENROLL = "`teleport-okta enroll`"
    CLEANUP = "`teleport-okta cleanup`"
    LATER = "later releases"


@dataclass(frozen=True, slots=True)
class BotNeed:
    """A kind of resource, the verbs that we use on it, the purpose, and the part of the product that uses them.

    A rule on one of the `aliases` of the kind grants the same. `enterprise`: Community clusters do not have the kind.
    """

    kind: str
    verbs: tuple[str, ...]
    purpose: str
    use: Use = Use.SERVICE
    aliases: tuple[str, ...] = ()
    enterprise: bool = False


_WATCH: Final = "to see changes by others at once"
_SAML_ALIASES: Final = ("auth_connector",)
"""Other names for the kind `saml` in a rule (`docs/reference/teleport.md` 4.0.5)."""

NEEDED_OF_BOT: Final = (
    BotNeed("user", ("read", "update", "delete"), "to adopt people who logged in before they were synced"),
    BotNeed("lock", ("read", "create", "update", "delete"), "to lock such people"),
    BotNeed("role", ("read",), _WATCH),
    BotNeed("app_server", ("read",), _WATCH),
    BotNeed("user_group", ("read",), _WATCH),
    BotNeed("access_list", ("read",), _WATCH, enterprise=True),
    BotNeed("access_list_member", ("read",), _WATCH, enterprise=True),
    BotNeed("okta_import_rule", ("read",), _WATCH, enterprise=True),
    BotNeed(
        "saml",
        ("read", "update"),
        "to keep the SAML connector in step with its app",
        aliases=_SAML_ALIASES,
        enterprise=True,
    ),
    BotNeed("plugin", ("list", "read"), "to read plugins: the one with our settings, and hosted ones", enterprise=True),
    BotNeed("plugin", ("update",), "to report the status in the plugin", Use.MANAGED, enterprise=True),
    BotNeed(
        "saml",
        ("create", "delete"),
        "to create and delete the SAML connector",
        Use.ENROLL,
        aliases=_SAML_ALIASES,
        enterprise=True,
    ),
    BotNeed(
        "plugin",
        ("create", "update", "delete"),
        "to create, change and delete the plugin",
        Use.ENROLL,
        enterprise=True,
    ),
    BotNeed("role", ("delete",), "to remove roles that are not of origin okta", Use.CLEANUP),
    BotNeed(
        "access_list", ("update", "delete"), "to remove lists that are not of origin okta", Use.CLEANUP, enterprise=True
    ),
    BotNeed("access_list_member", ("delete",), "to remove lists from lists that stay", Use.CLEANUP, enterprise=True),
    BotNeed("access_request", ("list", "read"), "to carry out access requests", Use.LATER),
    BotNeed(
        "okta_assignment",
        ("list", "create", "read", "update", "delete"),
        "to carry out assignments",
        Use.LATER,
        enterprise=True,
    ),
    BotNeed(
        "user_login_state",
        ("list", "create", "read", "update", "delete"),
        "to bring a change of roles into sessions",
        Use.LATER,
        enterprise=True,
    ),
)
"""The calls that are made as the bot; the host identity makes the rest (`teleport/identity_router.py`)."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a role. `conditional`: it applies to some objects only (a `where` clause)."""

    kinds: tuple[str, ...]
    verbs: tuple[str, ...]
    conditional: bool = False

    def covers(self, kind: str, verb: str) -> bool:
        """Whether the rule applies to this verb on this kind."""
        return not {kind, _ANY}.isdisjoint(self.kinds) and not {verb, _ANY}.isdisjoint(self.verbs)


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all roles of an identity together."""

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()

    def missing(self, need: BotNeed) -> tuple[str, ...]:
        """Return the verbs of a need that are not allowed, or denied for some object."""
        kinds = (need.kind, *need.aliases)
        return tuple(verb for verb in need.verbs if not any(self._allows(kind, verb) for kind in kinds))

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
