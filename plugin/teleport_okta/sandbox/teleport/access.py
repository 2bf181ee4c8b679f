"""Permissions: rules by kind and verb, and labels, from the caller's roles on every call.

The permissions of the Okta service are in `docs/reference/teleport.md` 2.3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA

from .label_access import APP, EVERYTHING, NOTHING, USER_GROUP, Selector, selectors_of
from .refusal import Refusal, access_denied, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from teleport.legacy.types.types_pb2 import RoleV6
    from teleport.legacy.types.types_pb2 import Rule as RuleMessage

READ_WRITE: Final = frozenset({"list", "create", "read", "update", "delete"})
READ_ONLY: Final = frozenset({"list", "read"})
READ_NO_SECRETS: Final = frozenset({"list", "readnosecrets"})

_WHERE_LABEL: Final = re.compile(r'equals\(\s*resource\.metadata\.labels\["([^"]+)"\]\s*,\s*"([^"]*)"\s*\)')


@dataclass(frozen=True, slots=True)
class Rule:
    """Verbs on kinds, optionally limited to resources with a certain label. `*` stands for every kind or verb."""

    kinds: frozenset[str]
    verbs: frozenset[str]
    where_label: tuple[str, str] | None = None
    never: bool = False

    def allows(self, kind: str, verb: str, labels: Mapping[str, str] | None) -> bool:
        """Return whether the rule covers the action. `read` covers `readnosecrets`, but not the reverse."""
        if self.never or not (kind in self.kinds or "*" in self.kinds):
            return False
        if not (verb in self.verbs or "*" in self.verbs or (verb == "readnosecrets" and "read" in self.verbs)):
            return False
        if self.where_label is None:
            return True
        label, value = self.where_label
        return labels is not None and labels.get(label, "") == value


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one role, and the labels of the apps and user groups that it reaches."""

    allow: tuple[Rule, ...]
    deny: tuple[Rule, ...] = ()
    reach: Mapping[str, Selector] = field(default_factory=dict)
    out_of_reach: Mapping[str, Selector] = field(default_factory=dict)


OKTA_SERVICE: Final = RuleSet(
    allow=(
        Rule(
            frozenset({"semaphore", "event", "app_server", "user", "user_group", "okta_assignment", "lock"}), READ_WRITE
        ),
        Rule(
            frozenset(
                {
                    "cluster_name",
                    "cluster_networking_config",
                    "okta_import_rule",
                    "proxy",
                    "cluster_auth_preference",
                    "role",
                    "access_list",
                }
            ),
            READ_ONLY,
        ),
        Rule(frozenset({"cert_authority", "saml"}), READ_NO_SECRETS),
        Rule(frozenset({"role", "access_list"}), READ_WRITE, where_label=(ORIGIN, ORIGIN_OKTA)),
    ),
    reach={APP: EVERYTHING, USER_GROUP: EVERYTHING},
)
"""The permissions of a host certificate with the system role Okta."""


def rules_of(role: RoleV6) -> RuleSet:
    """Read the rules of a role resource.

    The only where-clause that the sandbox evaluates compares one label; a rule with another one never matches.
    """
    allow, deny = role.Spec.Allow, role.Spec.Deny
    return RuleSet(
        allow=tuple(map(_rule_of, allow.Rules)),
        deny=tuple(map(_rule_of, deny.Rules)),
        reach=selectors_of(allow, not_understood=NOTHING),
        out_of_reach=selectors_of(deny, not_understood=EVERYTHING),
    )


def _rule_of(rule: RuleMessage) -> Rule:
    where = _WHERE_LABEL.fullmatch(rule.Where.strip())
    return Rule(
        frozenset(rule.Resources),
        frozenset(rule.Verbs),
        where_label=(where[1], where[2]) if where else None,
        never=bool(rule.Where) and where is None,
    )


class Access:
    """The rules that apply to one caller at this moment."""

    __slots__ = ("_sets",)

    def __init__(self, sets: Sequence[RuleSet]) -> None:
        self._sets = sets

    def may(self, kind: str, verb: str, labels: Mapping[str, str] | None = None) -> bool:
        """Return whether the action is allowed: a deny rule wins over an allow rule."""
        if any(rule.allows(kind, verb, labels) for rules in self._sets for rule in rules.deny):
            return False
        return any(rule.allows(kind, verb, labels) for rules in self._sets for rule in rules.allow)

    def refusal(self, kind: str, verbs: Iterable[str], labels: Mapping[str, str] | None = None) -> Refusal | None:
        """Return the refusal that names the missing verbs, in their order; None if the caller has all."""
        missing = [verb for verb in verbs if not self.may(kind, verb, labels)]
        if not missing:
            return None
        return access_denied(
            ", ".join(f"access denied to perform action {quoted(v)} on {quoted(kind)}" for v in missing)
        )

    def require(self, kind: str, *verbs: str, labels: Mapping[str, str] | None = None) -> None:
        """Raise the refusal if a verb is missing."""
        refusal = self.refusal(kind, verbs, labels)
        if refusal is not None:
            raise refusal

    def reaches(self, kind: str, labels: Mapping[str, str]) -> bool:
        """Return whether the caller may access a resource (`app` or `user_group`) with these labels; deny wins."""
        if any(kind in rules.out_of_reach and rules.out_of_reach[kind].reaches(labels) for rules in self._sets):
            return False
        return any(kind in rules.reach and rules.reach[kind].reaches(labels) for rules in self._sets)

    def require_access(self, kind: str, labels: Mapping[str, str]) -> None:
        """Raise the refusal if the caller may not access it."""
        if not self.reaches(kind, labels):
            raise access_denied(f"access to {kind} denied. User does not have permissions. ")
