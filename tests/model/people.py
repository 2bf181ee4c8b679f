"""What users and locks must be after a pass whose reading of people is believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from teleport_okta.model import labels

if TYPE_CHECKING:
    from collections.abc import Mapping

CLOCKS_DIFFER = timedelta(minutes=3)
"""How much the end of a lock may differ from the time of the harm that was seen.

The crash sweep dates a harm by the clock of the world, which stands while a process follows: for a minute of the
process's own clock at least, and longer on a busy machine. A process that dies is started again a minute later.
"""

SOME_END = "some end"
"""In place of the end of a lock: a lock that ends at any time."""


@dataclass(frozen=True)
class Wanted:
    """A user who must stand for a person, without an end. A trait of None must be absent; others are not judged."""

    okta_id: str
    traits: Mapping[str, str | None]
    roles: frozenset[str] = frozenset({"okta-requester"})


def wrong_users(found, wanted):
    """Say where the users of ours differ from those that are wanted; both by name."""
    ids = {name: labels.okta_id_of(user.labels) for name, user in found.items()}
    expected = {name: one.okta_id for name, one in wanted.items()}
    if ids != expected:
        yield f"users: {ids} instead of {expected}"
    for name in found.keys() & wanted.keys():
        yield from wrong_user(found[name], wanted[name])


def wrong_user(user, wanted):
    """Say what of a user is not as it is wanted."""
    if labels.okta_id_of(user.labels) != wanted.okta_id:
        yield f"{user.name} stands for {labels.okta_id_of(user.labels)} instead of {wanted.okta_id}"
    traits = {trait: user.traits.get(trait, ()) for trait in wanted.traits}
    expected = {trait: () if value is None else (value,) for trait, value in wanted.traits.items()}
    if traits != expected:
        yield f"{user.name} has the traits {traits} instead of {expected}"
    if missing := wanted.roles - set(user.roles):
        yield f"{user.name} has the roles {user.roles}, without {sorted(missing)}"
    if user.expires is not None:
        yield f"{user.name} ends at {user.expires}"


def wrong_locks(found, wanted):
    """Say where the locks in force differ from those that are wanted.

    Both have (name of the user, Okta id) as keys. Of `found` the values are lists of ends (None: no end), of `wanted`
    the only end: a time, None or SOME_END.
    """
    for about in found.keys() | wanted.keys():
        ends = found.get(about, [])
        if about not in wanted:
            yield f"locks on {about}: {ends} instead of none"
        elif len(ends) != 1 or not _is_as_wanted(ends[0], wanted[about]):
            yield f"locks on {about}: {ends} instead of {wanted[about]}"


def _is_as_wanted(end, wanted):
    if wanted == SOME_END:
        return end is not None
    if not isinstance(end, datetime) or wanted is None:
        return end is wanted
    return abs(end - wanted) <= CLOCKS_DIFFER
