"""The words for objects and for what is done to them, the same in text, Markdown, journal and log."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from teleport_okta.model.reason_text import quoted, without_call_ids
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, MEMBER, ROLE, USER, USER_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from teleport_okta.plan.view import ChangeView

KINDS: Final = (USER, LOCK, ROLE, USER_GROUP, APP_SERVER, ACCESS_LIST, MEMBER)
"""The kinds of objects that a plan changes, in the order in which they are counted."""

ACTIONS: Final = ("create", "update", "lock", "unlock", "delete")

_NOUNS: Final = {
    USER: ("user", "users"),
    LOCK: ("lock", "locks"),
    ROLE: ("role", "roles"),
    USER_GROUP: ("user group", "user groups"),
    APP_SERVER: ("app server", "app servers"),
    ACCESS_LIST: ("access list", "access lists"),
    MEMBER: ("membership", "memberships"),
}


def noun(kind: str, count: int = 1) -> str:
    """Return the noun for one object of a kind, or for several; a kind without a noun is its own."""
    one, many = _NOUNS.get(kind, (kind.replace("_", " "), f"{kind.replace('_', ' ')}s"))
    return one if count == 1 else many


def object_words(kind: str, label: str, okta_id: str = "", title: str = "") -> str:
    """Return an object in words: its kind, its name in quotes, and its ids in brackets.

    `label` is as in `Change.label`: `list/user` for a membership. `title` is the name that people use, if the name of
    the object is made of an Okta id; for a membership it is the title of the list.
    """
    if kind == MEMBER and "/" in label:
        list_name, _, user = label.partition("/")
        of_list = f"{quoted(title)} ({list_name})" if title else list_name
        return f"{noun(kind)} {quoted(user)}{_in_brackets(okta_id, user)} in {of_list}"
    if title and title != label:
        ids = label if okta_id in label else f"{label}, {okta_id}"
        return f"{noun(kind)} {quoted(title)} ({ids})"
    return f"{noun(kind)} {quoted(label)}{_in_brackets(okta_id, label)}"


def deed_words(action: str, kind: str, label: str, okta_id: str = "", title: str = "") -> str:
    """Return an action and its object: `lock user "eve" (00u1)`, `create access list "Engineering" (00g1)`."""
    return f"{action} {object_words(object_kind(action, kind), label, okta_id, title)}"


def without_own_names(text: str, name: str, okta_id: str) -> str:
    """Return the reason of an object with "…" for its name and id, and for the ids of calls.

    Objects with the same reason then have the same text.
    """
    if name:
        for own in (quoted(name), repr(name)):
            text = text.replace(own, "…")
    if okta_id:
        text = re.sub(rf"\b{re.escape(okta_id)}\b", "…", text)
    return without_call_ids(text)


def counts_of(changes: Iterable[ChangeView]) -> Mapping[str, Mapping[str, int]]:
    """Count changes by action, then by kind, in a fixed order."""
    counts = Counter((change.action, change.kind) for change in changes)
    kinds = [*KINDS, *sorted({kind for _, kind in counts} - set(KINDS))]
    actions = [*ACTIONS, *sorted({action for action, _ in counts} - set(ACTIONS))]
    return {
        action: {kind: counts[action, kind] for kind in kinds if counts[action, kind]}
        for action in actions
        if any(one == action for one, _ in counts)
    }


def counted(changes: Iterable[ChangeView]) -> list[str]:
    """Return a phrase for each action, such as "7 memberships and 1 user to delete"."""
    return [
        f"{_listed([f'{n} {noun(object_kind(action, kind), n)}' for kind, n in by_kind.items()])} to {action}"
        for action, by_kind in counts_of(changes).items()
    ]


def object_kind(action: str, kind: str) -> str:
    """Return the kind of the object of an action: a user is locked, not a lock."""
    return USER if action.strip() in {"lock", "unlock"} and kind == LOCK else kind


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _in_brackets(okta_id: str, name: str) -> str:
    return f" ({okta_id})" if okta_id not in {"", name} else ""
