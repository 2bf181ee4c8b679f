"""Which roles can be removed: those without a user that is kept.

The server refuses to delete a role that a user has or that a list grants to members or demands. It does not look at
what a list grants to owners, at other roles and at SAML connectors; there, requests and logins fail afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.holdings import CONNECTOR
from teleport_okta.cleanup.values import Kept
from teleport_okta.plan.changes import ACCESS_LIST, ROLE, USER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set

    from teleport_okta.cleanup.holdings import Holdings

_NAMED: Final = 3


def kept_roles(
    claimed: Set[str], holdings: Holdings, *, removed_lists: Set[str], roles_of_users: Mapping[str, Iterable[str]]
) -> list[Kept]:
    """Return the claimed roles that must be kept. `roles_of_users` has the users who are kept, with their roles."""
    for kind in (USER, ACCESS_LIST, CONNECTOR):
        if holdings.is_unread(kind):
            why = f"it may be in use, which could not be read: {holdings.unread[kind]}"
            return [Kept(ROLE, name, why, is_left=True) for name in sorted(claimed)]
    uses: dict[str, list[str]] = defaultdict(list)
    for user, roles in roles_of_users.items():
        _note(uses, claimed, roles, f"user {user}")
    for name, found in holdings.access_lists.items():
        if name not in removed_lists:
            demanded = holdings.demanded.get(name, frozenset())
            _note(uses, claimed, {*found.grants, *found.owner_grants, *demanded}, f"access list {found.title} ({name})")
    claimed_subjects = {f"role {name}" for name in claimed}
    for subject, roles in holdings.named.items():
        if subject not in claimed_subjects:
            _note(uses, claimed, roles, subject)
    return [
        Kept(ROLE, name, f"it is in use by {_some(sorted(subjects))}", "remove it from there", is_left=True)
        for name, subjects in sorted(uses.items())
    ]


def _note(uses: dict[str, list[str]], claimed: Set[str], roles: Iterable[str], subject: str) -> None:
    for role in claimed & set(roles):
        uses[role].append(subject)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED])
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"
