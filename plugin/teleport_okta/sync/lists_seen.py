"""Which lists of ours there are after a pass, for the preview of filters."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportMember
from teleport_okta.plan.changes import ACCESS_LIST, Action
from teleport_okta.state.directory import SeenList
from teleport_okta.state.journal import Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.apply.outcome import Outcome
    from teleport_okta.plan.actual import ActualDirectory

_NOBODY = ListMembers()


def lists_after(actual: ActualDirectory, owner: str, outcomes: Iterable[Outcome]) -> list[SeenList]:
    """Return the lists of an owner as they were read, with what was done to them since."""
    lists = {name: found for name, found in actual.access_lists.items() if labels.owner_of(found.labels) == owner}
    imported = Counter({name: actual.members.get(name, _NOBODY).imports for name in lists})
    others = Counter({name: actual.members.get(name, _NOBODY).additions for name in lists})
    for outcome in outcomes:
        change = outcome.change
        if outcome.result is not Result.DONE:
            continue
        if change.kind == ACCESS_LIST and change.action is Action.DELETE:
            lists.pop(change.name, None)
        elif isinstance(change.content, TeleportAccessList):
            lists[change.name] = change.content
            imported[change.name] += len(change.members)
        elif isinstance(change.content, TeleportMember):
            imported[change.subject] += 1
        elif isinstance(change.found, TeleportMember):
            (imported if change.found.is_imported else others)[change.subject] -= 1
    return [SeenList(name, found.title, imported[name], others[name]) for name, found in sorted(lists.items())]
