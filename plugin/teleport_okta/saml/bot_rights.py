"""The permissions of the bot for an enrolment, read from the rules of its roles: trying one would write. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.saml.enrolment_errors import MissingRightsError

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.teleport.bot_rights import Rules


CREATE: Final = "create"


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on a kind of resource, and their purpose; a rule on one of the `aliases` of the kind grants the same."""

    kind: str
    verbs: tuple[str, ...]
    purpose: str
    aliases: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{', '.join(self.verbs)} `{self.kind}`"

    def creating(self) -> Right:
        """Return the same with the right to create, for a resource that does not exist yet."""
        return replace(self, verbs=(*self.verbs, CREATE))

    def may_look(self, rules: Rules) -> bool:
        """Whether the bot may list and read the resource."""
        looks = [verb for verb in self.verbs if verb in {"list", "read"}]
        return all(_allowed(rules, self, verb) is not _Allowed.NO for verb in looks)


CONNECTORS: Final = Right(
    "saml", ("read", "update"), "to make the SAML connector and to keep its metadata up to date", ("auth_connector",)
)
"""The right to create can be removed after an enrolment (`docs/reference/teleport.md` 4.5)."""

PLUGINS: Final = Right("plugin", ("list", "read", "update"), "to record the integration and to follow its settings")
"""One rule kind covers settings and status of a plugin (`docs/reference/teleport.md` 4.14)."""


def rights_needed(connector: object | None, plugin: object | None, *, has_plugins: bool) -> list[Right]:
    """Return the rights that an enrolment needs; a resource that is None must be created."""
    needed = [CONNECTORS if connector is not None else CONNECTORS.creating()]
    if has_plugins:
        needed.append(PLUGINS if plugin is not None else PLUGINS.creating())
    return needed


class _Allowed(IntEnum):
    NO = 0
    PERHAPS = 1
    """Only a rule with a condition covers it: whether it applies to an object shows when that is written."""

    YES = 2


def check_rights(rules: Rules, needed: Collection[Right]) -> tuple[str, ...]:
    """Return the rights that only the first use can prove, because rules with conditions grant or deny them.

    Raises MissingRightsError that names every right which no rule grants.
    """
    missing, conditional = [], []
    for right in needed:
        allowed = {verb: _allowed(rules, right, verb) for verb in right.verbs}
        missing += [f"{verb} `{right.kind}`" for verb in right.verbs if allowed[verb] is _Allowed.NO]
        conditional += [f"{verb} `{right.kind}`" for verb in right.verbs if allowed[verb] is _Allowed.PERHAPS]
    if missing:
        all_of_it = "; ".join(f"{right}, {right.purpose}" for right in needed)
        what = f"the bot's roles do not allow it to {', '.join(missing)}"
        remedy = f"an enrolment needs {all_of_it}: add it to the bot's role, as in docs/teleport-role.md"
        raise MissingRightsError(what, remedy=remedy)
    return tuple(conditional)


def _allowed(rules: Rules, right: Right, verb: str) -> _Allowed:
    """Return whether a verb is allowed. Each alias of the kind is checked by itself, as the server does."""
    return max(_allowed_on(rules, kind, verb) for kind in (right.kind, *right.aliases))


def _allowed_on(rules: Rules, kind: str, verb: str) -> _Allowed:
    denied = [rule for rule in rules.deny if rule.covers(kind, verb)]
    allowed = [rule for rule in rules.allow if rule.covers(kind, verb)]
    if not allowed or any(not rule.conditional for rule in denied):
        return _Allowed.NO
    if denied or all(rule.conditional for rule in allowed):
        return _Allowed.PERHAPS
    return _Allowed.YES
