"""The part of the admin console about group rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.group_rules import Condition, GroupRule, GroupRules, equals
from teleport_okta.sandbox.okta.log_transactions import by_administrator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.sandbox.okta.timeline import Timeline


class RulesConsole:
    """The administrator's actions on group rules; a base class of the organisation, which has the state."""

    timeline: Timeline
    rules: GroupRules

    @by_administrator
    def create_group_rule(
        self, name: str, groups: Iterable[str], condition: Condition | tuple[str, object]
    ) -> GroupRule:
        """Add an INACTIVE rule for the groups of these ids.

        `condition` is a function of a user, or an attribute of the profile with the value that it must have.
        """
        self.timeline.settle()
        test = equals(*condition) if isinstance(condition, tuple) else condition
        return self.rules.create(name, groups, test)

    @by_administrator
    def activate_rule(self, rule: str) -> GroupRule:
        """Activate a rule; users who match are in its groups when the job has run."""
        self.timeline.settle()
        return self.rules.activate(self.rules.require(rule))

    @by_administrator
    def deactivate_rule(self, rule: str) -> GroupRule:
        """Deactivate a rule; the users that it added are removed when the job has run."""
        self.timeline.settle()
        return self.rules.deactivate(self.rules.require(rule))
