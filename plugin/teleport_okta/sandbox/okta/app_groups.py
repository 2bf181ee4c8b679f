"""The assignments of groups to apps, indexed by both (`docs/reference/okta.md` 3.5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.collection import Ordered

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class AppGroup:
    """One group's assignment to one app."""

    group_id: str
    last_updated: int
    priority: int
    profile: Mapping[str, object]


def _priority(entry: AppGroup) -> int:
    return entry.priority


class AppGroups:
    """The assignments of all groups. A read for one app or one group costs no more if there are many others."""

    def __init__(self) -> None:
        self._of_app: dict[str, dict[str, AppGroup]] = {}
        self._by_priority: dict[str, list[AppGroup]] = {}
        self._of_group: dict[str, Ordered[str]] = {}
        self._none: Ordered[str] = Ordered()

    def of_app(self, app_id: str) -> Sequence[AppGroup]:
        """Return the groups of an app, by priority."""
        return self._by_priority.get(app_id, ())

    def of_group(self, group_id: str) -> Ordered[str]:
        """Return the ids of a group's apps, in the order of their assignment."""
        return self._of_group.get(group_id, self._none)

    def get(self, app_id: str, group_id: str) -> AppGroup | None:
        """Return a group's assignment to an app, if there is one."""
        return self._of_app.get(app_id, {}).get(group_id)

    def best_of(self, app_id: str, group_ids: Iterable[str]) -> AppGroup | None:
        """Return the one of these groups that grants an app with the highest priority, if any."""
        entries = self._of_app.get(app_id)
        if not entries:
            return None
        return min((entries[group_id] for group_id in group_ids if group_id in entries), key=_priority, default=None)

    def put(self, app_id: str, entry: AppGroup) -> None:
        """Add or replace an assignment; the priorities of others move on if they must."""
        entries, order = self._of_app.setdefault(app_id, {}), self._by_priority.setdefault(app_id, [])
        known = entries.get(entry.group_id)
        if known is not None:
            order.remove(known)
        entries[entry.group_id] = entry
        self._of_group.setdefault(entry.group_id, Ordered()).put(app_id, app_id)
        if not order or order[-1].priority < entry.priority:
            order.append(entry)
        else:
            self._by_priority[app_id] = self._with_room(entries, order, entry)

    def end_of(self, app_id: str) -> int:
        """Return the priority that comes after all others of an app."""
        order = self._by_priority.get(app_id)
        return order[-1].priority + 1 if order else 0

    def remove(self, app_id: str, group_id: str) -> bool:
        """Remove an assignment; ``False`` if there was none."""
        entry = self._of_app.get(app_id, {}).pop(group_id, None)
        if entry is None:
            return False
        self._by_priority[app_id].remove(entry)
        self._of_group[group_id].remove(app_id)
        return True

    def remove_app(self, app_id: str) -> None:
        """Remove all assignments of an app."""
        for group_id in self._of_app.pop(app_id, {}):
            self._of_group[group_id].remove(app_id)
        self._by_priority.pop(app_id, None)

    @staticmethod
    def _with_room(entries: dict[str, AppGroup], order: list[AppGroup], entry: AppGroup) -> list[AppGroup]:
        """Return the order with `entry` in it; the assignment that has its priority moves on by one, and so forth."""
        taken = entry.priority
        for other in order:
            if other.priority == taken:
                taken += 1
                entries[other.group_id] = replace(other, priority=taken)
        return sorted(entries.values(), key=_priority)
