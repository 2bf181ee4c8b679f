"""Comparing the cluster with the fingerprints of its objects, and making hints of those that other clients changed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.desired.import_labels import KIND as IMPORT_RULE
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.provisioned import is_person_id
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.plan import fingerprints
from teleport_okta.plan.actual import ActualDirectory
from teleport_okta.plan.changes import LOCK, USER
from teleport_okta.state.journal_entry import Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.plan.actual import ActualUsers
    from teleport_okta.plan.fingerprints import Fingerprint
    from teleport_okta.state.fingerprints import Fingerprints
    from teleport_okta.sync.registry import Registry

CAUSE: Final = "changed in Teleport"

RULES_SETTLE: Final = 15.0
"""Seconds until a full pass after an import rule changed: several are often changed together."""

_MOST_PEOPLE: Final = 100
"""If more people have changed, a full pass costs fewer calls than reading each of them."""


def users_after(actual: ActualUsers, outcomes: Iterable[Outcome], now: datetime) -> ActualUsers:
    """Return users and locks as they are after changes that were applied `now`."""
    users, locks = dict(actual.users), dict(actual.locks)
    for outcome in outcomes:
        change = outcome.change
        content = change.content or change.found
        if outcome.result is not Result.DONE or not isinstance(content, TeleportUser | TeleportLock):
            continue
        kept: dict[str, Any] = users if isinstance(content, TeleportUser) else locks
        if change.content is None:
            kept.pop(content.name, None)
        elif isinstance(content, TeleportLock) and change.lock_for is not None:
            kept[content.name] = replace(content, expires=now + change.lock_for)
        else:
            kept[content.name] = content
    return replace(actual, users=users, locks=locks)


async def fingerprints_of(
    users: ActualUsers, directory: ActualDirectory | None, *, owner: str, replaced: Mapping[str, str]
) -> tuple[list[Fingerprint], frozenset[str]]:
    """Return the fingerprints of the objects that were read, and the kinds that were read completely.

    `replaced` maps the names of users whose label a login took away to the Okta ids that they stand for.
    """
    found_users, locks = list(users.users.values()), list(users.locks.values())
    kinds = {USER} | (set() if users.locks_unread else {LOCK})
    read = ActualDirectory()
    if directory is not None:
        kinds |= fingerprints.kinds_read(directory)
        # A copy, because the registry changes while a thread makes the digests.
        read = ActualDirectory(
            roles=dict(directory.roles),
            user_groups=dict(directory.user_groups),
            app_servers=dict(directory.app_servers),
            access_lists=dict(directory.access_lists),
            members=dict(directory.members),
            direct_roles=dict(directory.direct_roles),
            import_rules=directory.import_rules,
        )

    def made() -> list[Fingerprint]:
        return [
            *fingerprints.of_users(found_users, owner, replaced),
            *fingerprints.of_locks(locks, owner),
            *fingerprints.of_directory(read),
            *fingerprints.of_rules(read.import_rules),
        ]

    return await asyncio.to_thread(made), frozenset(kinds)


async def hints_of_differences(
    memory: Fingerprints,
    users: ActualUsers,
    directory: ActualDirectory | None,
    *,
    owner: str,
    replaced: Mapping[str, str],
    now: datetime,
) -> list[Hint]:
    """Return hints of the objects that other clients changed; none before the first full pass.

    Raises StateError.
    """
    if not await memory.are_settled():
        return []
    found, kinds = await fingerprints_of(users, directory, owner=owner, replaced=replaced)
    return _hints(fingerprints.differing(await memory.all(), found, kinds=kinds, now=now))


def with_their_lists(hints: Iterable[Hint], registry: Registry) -> list[Hint]:
    """Add hints of the lists of the people of some hints: a person may have got a user only now."""
    found = {hint.key: hint for hint in hints}
    for hint in tuple(found.values()):
        for okta_id in registry.rosters_with(hint.of) if hint.kind is HintKind.PERSON else ():
            follows = Hint(HintKind.OBJECT, okta_id, cause=hint.cause)
            found.setdefault(follows.key, follows)
    return list(found.values())


def _hints(different: Sequence[Fingerprint]) -> list[Hint]:
    people = {one.okta_id: one for one in different if is_person_id(one.okta_id)}
    objects = {one.okta_id: one for one in different if one.okta_id and one.okta_id not in people}
    hints = [Hint(HintKind.OBJECT, okta_id, cause=_cause(one)) for okta_id, one in sorted(objects.items())]
    # This happens, for example, when a script has edited all users.
    if len(people) > _MOST_PEOPLE:
        return [*hints, Hint(HintKind.ALL, cause=f"{len(people)} users were {CAUSE}")]
    hints += [Hint(HintKind.PERSON, okta_id, cause=_cause(one)) for okta_id, one in sorted(people.items())]
    rules = [one for one in different if one.kind == IMPORT_RULE]
    return hints + [Hint(HintKind.ALL, cause=_cause(rule), delay=RULES_SETTLE) for rule in rules[:1]]


def _cause(one: Fingerprint) -> str:
    return f"{one.kind.replace('_', ' ')} {one.name} was {CAUSE}"
