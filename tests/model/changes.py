"""What must never happen to an object of groups, apps and access lists, at whatever moment.

An object of ours ends, or loses something, only if what Okta says at that moment does not want it. What people added or
decided stays, except with a list that ends. Objects of others never change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.model import labels
from teleport_okta.model.names import MEMBER_ROLE_PREFIX, app_server_name, member_role

from model.holdings import added, extra_labels

if TYPE_CHECKING:
    from datetime import datetime

    from model.holdings import Holdings
    from model.organisation import Organisation


@dataclass(frozen=True)
class ChangeModel:
    """Judges single changes by what Okta says and the cluster holds just after each.

    Every method has one object before the change and after it (None: it is gone), and yields a sentence for each fault.
    """

    okta: Organisation
    held: Holdings
    now: datetime

    def user_group(self, before, after):
        """Judge a change of a user group. It need not have an app whose server has ended."""
        name = before.name
        wanted = {app_server_name(app) for app in self.okta.granted(name)} & self.held.app_servers.keys()
        wanted |= self.okta.groups[name].labels.items() if name in self.okta.groups else set()
        return self._object(
            "user group", before, after, wanted, lambda one: {*one.applications, *extra_labels(one.labels).items()}
        )

    def app_server(self, before, after):
        """Judge a change of an app server, which may end by itself."""
        if after is None and before.expires is not None and before.expires <= self.now:
            return ()
        wanted = self.okta.granting(self._id_of(before))
        return self._object("app server", before, after, wanted, lambda one: set(one.user_groups))

    def role(self, before, after):
        """Judge a change of a role."""
        okta_id = self._id_of(before)
        is_of_group = before.name == member_role(okta_id) and okta_id in self.okta.groups
        wanted = self.okta.granted(okta_id) if is_of_group else set()
        return self._object("role", before, after, wanted, lambda one: set(one.allow.app_labels.get(labels.APP_ID, ())))

    def access_list(self, before, after):
        """Judge a change of a list."""
        if not self._is_ours(before):
            if after != before:
                yield f"the list {before.name}, which is not ours, was changed"
        elif after is None:
            if not self._list_may_end(before.name):
                yield f"the list {before.name} was deleted, and is wanted"
        elif (before.owners, before.raw) != (after.owners, after.raw):
            yield f"the owners, audit or requirements of the list {before.name} were changed"

    def member(self, list_name, before, after, *, is_of_ours):
        """Judge a change of a member of a list; the list may be gone by now."""
        is_unwanted = is_of_ours and not self.okta.may_have_list(list_name)
        if is_of_ours and before.is_imported:
            if after is None and not is_unwanted and before.name in self.okta.people(list_name):
                yield f"{before.name} is in {list_name} in Okta, and was taken out of the list"
            return
        may_end = is_unwanted or (is_of_ours and before.is_list and self._nested_may_end(before.name))
        if before != after and (after is not None or not may_end):
            yield f"{before.name}, whom people added to {list_name}, was changed or taken out"

    def user(self, before, after):
        """Judge the loss of roles by a user who stays, in a cluster without lists."""
        for role in set(before.roles) - set(after.roles):
            okta_id = role.removeprefix(MEMBER_ROLE_PREFIX)
            if okta_id == role:
                yield f"{before.name} lost the role {role}, which is no member role"
            elif self.okta.may_have_list(okta_id) and before.name in self.okta.people(okta_id):
                yield f"{before.name} is in {okta_id} in Okta, and lost its role"

    def _object(self, kind, before, after, wanted, carried):
        """Judge an object that is made of a group or an app: of what it carries it may lose only what is not wanted."""
        okta_id = self._id_of(before)
        if not self._is_ours(before):
            if after is None or before.raw != after.raw:
                yield f"the {kind} {before.name}, which is not ours, was changed"
        elif after is None:
            is_wanted = not self._list_may_end(okta_id) if kind == "role" else self.okta.find(okta_id) is not None
            if is_wanted:
                yield f"the {kind} {before.name} of {okta_id} was deleted, and is wanted"
        elif lost := (carried(before) - carried(after)) & wanted:
            yield f"the {kind} {before.name} lost {lost}, which it should have"

    def _list_may_end(self, name):
        """Whether the list of a group or an app is not wanted: it fails the filters, or has no members to be."""
        return not self.okta.may_have_list(name) or not (self.okta.people(name) or added(self.held, name))

    def _nested_may_end(self, name):
        """Whether a nested list is gone, or is one of ours that is not wanted."""
        found = self.held.lists.get(name)
        return found is None or (self._is_ours(found) and self._list_may_end(name))

    def _is_ours(self, one):
        return labels.owner_of(one.labels) == self.okta.owner

    @staticmethod
    def _id_of(one):
        return labels.okta_id_of(one.labels) or ""
