"""Group rules: jobs that keep people with certain attributes in certain groups (`docs/reference/okta.md` 5.4 and 5.5).

A rule adds the users who match it to its groups, and removes those who no longer match. When it is deactivated, the
users that it added are removed. Deactivated users stay. A user who is removed by hand is excluded from the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.error_bodies import not_found
from teleport_okta.sandbox.okta.log_targets import group_target, user_target
from teleport_okta.sandbox.okta.log_transactions import Target, job, within
from teleport_okta.sandbox.okta.users import DEPROVISIONED, User, Users

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.sandbox.okta.groups import Groups
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.log_recorder import Recorder
    from teleport_okta.sandbox.okta.timeline import Timeline

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"

Condition = Callable[[User], bool]


@dataclass(frozen=True, slots=True)
class GroupRule:
    """One rule. A new one is INACTIVE."""

    id: str
    name: str
    group_ids: tuple[str, ...]
    condition: Condition
    status: str = INACTIVE
    excluded: frozenset[str] = frozenset()
    """The ids of users that it ignores."""


class GroupRules:
    """All rules. Jobs apply them, some time after a change."""

    def __init__(
        self,
        timeline: Timeline,
        ids: IdFactory,
        recorder: Recorder,
        delay: float,
        *,
        users: Users,
        groups: Groups,
    ) -> None:
        self.silent = False
        """Whether the jobs write no events."""

        self._timeline = timeline
        self._ids = ids
        self._recorder = recorder
        self._delay = delay
        self._users = users
        self._groups = groups
        self._rules: dict[str, GroupRule] = {}
        self._placed: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        self._working = False
        users.subscribe(self._user_changed)
        groups.subscribe(self._member_changed)

    def require(self, rule_id: str) -> GroupRule:
        """Return a rule, or raise ``E0000007``."""
        rule = self._rules.get(rule_id)
        if rule is None:
            raise not_found(rule_id, "GroupRule")
        return rule

    def create(self, name: str, group_ids: Iterable[str], condition: Condition) -> GroupRule:
        """Add a rule, INACTIVE."""
        groups = tuple(self._groups.require(group_id).id for group_id in group_ids)
        return self._put(GroupRule(self._ids.object("0pr"), name, groups, condition))

    def activate(self, rule: GroupRule) -> GroupRule:
        """Activate a rule; a job adds all users who match."""
        if rule.status == ACTIVE:
            return rule

        def work() -> None:
            self._write("trigger", rule.id)
            for user in self._users.all:
                self._apply(rule.id, user)

        after = self._put(replace(rule, status=ACTIVE))
        self._job(work)
        return after

    def deactivate(self, rule: GroupRule) -> GroupRule:
        """Deactivate a rule; a job removes the users that it added."""
        if rule.status == INACTIVE:
            return rule

        def work() -> None:
            self._write("deactivated", rule.id)
            for group_id in rule.group_ids:
                for user_id in sorted(self._placed[rule.id, group_id]):
                    self._take_out(rule.id, group_id, user_id)

        after = self._put(replace(rule, status=INACTIVE))
        self._job(work)
        return after

    def _put(self, rule: GroupRule) -> GroupRule:
        self._rules[rule.id] = rule
        return rule

    def _job(self, work: Callable[[], None]) -> None:
        def run() -> None:
            self._working = True
            try:
                with within(job(silent=self.silent)):
                    work()
            finally:
                self._working = False

        self._timeline.later(self._delay, run)

    def _apply(self, rule_id: str, user: User) -> None:
        rule = self._rules[rule_id]
        if rule.status != ACTIVE or user.status == DEPROVISIONED or user.id in rule.excluded:
            return
        matches = rule.condition(user)
        for group_id in rule.group_ids:
            group = self._groups.all.get(group_id)
            if group is None:
                continue
            if not matches:
                self._take_out(rule_id, group_id, user.id)
            elif user.id not in self._groups.members(group_id):
                self._placed[rule_id, group_id].add(user.id)
                self._groups.add_member(group, user)

    def _take_out(self, rule_id: str, group_id: str, user_id: str) -> None:
        placed = self._placed[rule_id, group_id]
        if user_id not in placed:
            return
        placed.discard(user_id)
        group, user = self._groups.all.get(group_id), self._users.all.get(user_id)
        if group is not None and user is not None:
            self._groups.remove_member(group, user)

    def _user_changed(self, _: User | None, after: User | None) -> None:
        if after is None or not any(rule.status == ACTIVE for rule in self._rules.values()):
            return
        user_id = after.id

        def work() -> None:
            user = self._users.all.get(user_id)
            if user is not None:
                for rule_id in self._rules:
                    self._apply(rule_id, user)

        self._job(work)

    def _member_changed(self, group_id: str, user_id: str, joined: bool) -> None:
        if joined or self._working:
            return
        for rule in list(self._rules.values()):
            if user_id in self._placed[rule.id, group_id]:
                self._placed[rule.id, group_id].discard(user_id)
                self._put(replace(rule, excluded=rule.excluded | {user_id}))
                self._write("add_exclusion", rule.id, user_target(self._users.require(user_id)))

    def _write(self, verb: str, rule_id: str, *more: Target) -> None:
        rule = self._rules[rule_id]
        named = (self._groups.all.get(group_id) for group_id in rule.group_ids)
        groups = [group_target(group) for group in named if group is not None]
        target = Target(rule.id, "GroupRule", "unknown", rule.name)
        self._recorder.write(f"group.user_membership.rule.{verb}", target, *(more or groups))


def equals(attribute: str, value: object) -> Condition:
    """Return the condition that an attribute of the profile has a value."""
    return lambda user: user.profile.get(attribute) == value
