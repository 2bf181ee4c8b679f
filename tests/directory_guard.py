"""Sees every change of user groups, app servers, roles, lists and members, and whether anybody gave reason for it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from directory_oracle import is_imported, is_list
from teleport.legacy.types.types_pb2 import AppServerV3, UserGroupV1
from teleport_okta.model import labels
from teleport_okta.model.names import MEMBER_ROLE_PREFIX, app_server_name, member_role, reviewer_role

if TYPE_CHECKING:
    from directory_oracle import DirectoryOracle


@dataclass
class DirectoryGuard:
    """Follows a cluster from now on; `violations` is what must never be seen, at whatever moment.

    What goes must be unwanted by what the organisation says at that moment; what people added or made never goes, but
    with a list that does; what is not ours never changes. It looks away `while_people_act`.
    """

    oracle: DirectoryOracle
    violations: list[str] = field(default_factory=list)
    people_act: bool = False

    def __post_init__(self):
        cluster = self.oracle.cluster
        for store, metadata, may_go in (
            (cluster.user_groups, lambda one: one.Header.Metadata, self._user_group_may_go),
            (cluster.app_servers, lambda one: one.Metadata, self._app_server_may_go),
            (cluster.roles, lambda one: one.Metadata, self._role_may_go),
        ):
            store.followers.append(partial(self._changed, store.kind.name, metadata, may_go))
        cluster.access_lists.followers.append(self._list_changed)
        self._follow_members(cluster.list_members)
        if not self.oracle.has_lists:
            cluster.users.followers.append(self._user_changed)

    @contextmanager
    def while_people_act(self):
        """Look away while people do what they like; listings must have caught up when the block ends."""
        self.people_act = True
        yield
        self.catch_up()
        self.people_act = False

    def catch_up(self):
        """See what listings show by now."""
        cluster = self.oracle.cluster
        for store in cluster.stores.values():
            store.catch_up()
        tuple(cluster.list_members.all_stored())

    def _follow_members(self, members):
        """Follow the members of every list, those of later ones too."""
        of, followed = members.of, set()

        def followed_store(list_name):
            store = of(list_name)
            if list_name not in followed:
                followed.add(list_name)
                store.followers.append(partial(self._member_changed, list_name))
            return store

        members.of = followed_store
        for found in self.oracle.cluster.access_lists.all_stored():
            members.of(found.header.metadata.name)

    def _changed(self, kind, metadata, may_go, name, before, after):
        if self.people_act or before is None:
            return
        held = metadata(before).Labels
        if not self.oracle.is_ours(held):
            if after is None or before.SerializeToString(deterministic=True) != after.SerializeToString(
                deterministic=True
            ):
                self._object(f"the {kind} {name}, which is not ours, was changed")
        elif after is None:
            if not may_go(before):
                self._object(f"the {kind} {name} of {held.get(labels.OKTA_ID)} was deleted, and is wanted")
        elif lost := (_carried(before) - _carried(after)) & self._wanted(before, held.get(labels.OKTA_ID, "")):
            self._object(f"the {kind} {name} lost {lost}, which it should have")

    def _wanted(self, message, okta_id):
        """What of one of ours should be on it: the apps of a group, the groups of an app, the apps of a role.

        An app whose server has ended, as each does that nobody renews, is none that a user group must have.
        """
        oracle = self.oracle
        match message:
            case UserGroupV1():
                added = oracle.group_labels.get(oracle.groups.get(okta_id), {})
                servers = {one.Metadata.Name for one in oracle.cluster.app_servers.all_stored()}
                return {app_server_name(app_id) for app_id in oracle.granted(okta_id)} & servers | added.items()
            case AppServerV3():
                return {group_id for group_id in oracle.groups if okta_id in oracle.granted(group_id)}
            case _ if message.Metadata.Name == member_role(okta_id) and okta_id in oracle.groups:
                return oracle.granted(okta_id)
        return set()

    def _user_group_may_go(self, group):
        return group.Header.Metadata.Name not in self.oracle.groups

    def _app_server_may_go(self, server):
        is_over = 0 < server.Metadata.Expires.seconds <= self.oracle.cluster.now()
        return is_over or server.Metadata.Name not in map(app_server_name, self.oracle.apps)

    def _role_may_go(self, role):
        okta_id = role.Metadata.Labels[labels.OKTA_ID]
        assert role.Metadata.Name in (member_role(okta_id), reviewer_role(okta_id))
        return self._list_may_go(okta_id)

    def _list_may_go(self, name):
        """Whether nobody wants the list of a group or an app: it fails the filters, or nobody is in it."""
        oracle = self.oracle
        return not oracle.may_have_list(name) or not (oracle.people(name) or oracle.added(name))

    def _nested_may_go(self, name):
        """Whether a nested list is there no more, or nobody wants it."""
        oracle = self.oracle
        is_there = oracle.cluster.access_lists.stored(name) is not None
        return not is_there or (oracle.is_list_of_ours(name) and self._list_may_go(name))

    def _list_changed(self, name, before, after):
        if self.people_act or before is None:
            return
        if not self.oracle.is_ours(before.header.metadata.labels):
            if after is None or before.spec != after.spec:
                self._object(f"the list {name}, which is not ours, was changed")
        elif after is None:
            if not self._list_may_go(name):
                self._object(f"the list {name} was deleted, and is wanted")
        else:
            for part in ("owners", "audit", "membership_requires", "ownership_requires"):
                if getattr(before.spec, part) != getattr(after.spec, part):
                    self._object(f"the {part} of the list {name} were changed")

    def _member_changed(self, list_name, name, before, after):
        oracle = self.oracle
        if self.people_act or before is None:
            return
        is_of_ours = oracle.is_list_of_ours(list_name)
        if is_of_ours and is_imported(before):
            stays = oracle.may_have_list(list_name) and name in oracle.people(list_name)
            if after is None and stays:
                self._object(f"{name} is in {list_name} in Okta, and was taken out of the list")
            return
        if after is not None and before == after:
            return
        may_go = is_of_ours and (not oracle.may_have_list(list_name) or (is_list(before) and self._nested_may_go(name)))
        if after is not None or not may_go:
            self._object(f"{name}, whom people added to {list_name}, was changed or taken out")

    def _user_changed(self, name, before, after):
        """Object to a member role that somebody loses who is in the group or has the app."""
        oracle = self.oracle
        if self.people_act or before is None or after is None:
            return
        for role in set(before.Spec.Roles) - set(after.Spec.Roles):
            okta_id = role.removeprefix(MEMBER_ROLE_PREFIX)
            if okta_id == role:
                self._object(f"{name} lost the role {role}, which is no member role")
            elif oracle.may_have_list(okta_id) and name in oracle.people(okta_id):
                self._object(f"{name} is in {okta_id} in Okta, and lost its role")

    def _object(self, what):
        self.violations.append(what)


def _carried(message):
    """What one of ours carries that can be lost."""
    match message:
        case UserGroupV1():
            return {*message.Spec.Applications, *message.Header.Metadata.Labels.items()}
        case AppServerV3():
            return set(message.Spec.App.Spec.UserGroups)
    return set(
        message.Spec.Allow.AppLabels.Values[labels.APP_ID].Values
        if labels.APP_ID in message.Spec.Allow.AppLabels.Values
        else ()
    )
