"""What must stay after a pass on a reading that is not believed: what the reading lacks may still be in Okta."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role

from model.holdings import having, having_from_us, imported, ours

if TYPE_CHECKING:
    from model.holdings import Holdings
    from model.organisation import Organisation


@dataclass(frozen=True)
class DoubtModel:
    """`okta` is how things are; the reading lacks the objects of the ids in `missing`, or shows them malformed.

    Of the groups in `unread` it has no members that are believed, of those in `misread` wrong grants or members.
    """

    okta: Organisation
    missing: frozenset[str]
    unread: frozenset[str]
    misread: frozenset[str]
    before: Holdings
    after: Holdings

    def wrong(self):
        """Yield a sentence for each thing that ended for being absent from the reading."""
        for name in filter(self._may_pass, self.missing | self.unread):
            yield from self._lost_people(name)
        for name in self.missing:
            yield from self._lost_object(name)

    def _may_pass(self, name):
        """Whether nothing that was read says that a group fails the filters."""
        return name not in self.okta.groups or self.okta.groups[name].passes

    def _lost_people(self, name):
        role = member_role(name)
        staying = ours(self.after.users, self.okta.owner)
        given = having_from_us(self.before, name, self.okta.owner) & staying.keys()
        if lost := given - having(self.after, role) - by_list(self.after, name):
            yield f"{lost} lost the role of {name}"
        if self.after.has_lists and name in ours(self.before.lists, self.okta.owner):
            if lost := (imported(self.before, name) & staying.keys()) - imported(self.after, name):
                yield f"{lost} lost {name}"
            if name not in self.after.lists:
                yield f"the list {name} ended"

    def _lost_object(self, name):
        if self.after.user_groups.get(name) != self.before.user_groups.get(name):
            yield f"the user group {name} changed"
        if app_server_name(name) in self.before.app_servers.keys() - self.after.app_servers.keys():
            yield f"the app server of {name} ended"
        for group in self.okta.granting(name) & ours(self.before.lists, self.okta.owner).keys() - self.misread:
            is_kept = self._may_pass(group) and member_role(group) in self.before.roles and group in self.after.lists
            if is_kept and _grants(self.before, group) & {name} - _grants(self.after, group):
                yield f"the role of {group} lost {name}"


def by_list(holdings, name):
    """Return the names of the users who have a member role by a list that grants it."""
    found = holdings.lists.get(name)
    return set() if found is None or member_role(name) not in found.grants else set(holdings.members.get(name, {}))


def _grants(holdings, name):
    role = holdings.roles.get(member_role(name))
    return set(role.allow.app_labels.get(labels.APP_ID, ())) if role and role.allow else set()
