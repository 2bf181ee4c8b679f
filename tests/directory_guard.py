"""Judges every change of groups, apps, roles, lists and members in the Teleport sandbox (`model.changes`)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from model import stored
from model.changes import ChangeModel
from teleport_okta.model import labels

if TYPE_CHECKING:
    from directory_oracle import DirectoryOracle


@dataclass
class DirectoryGuard:
    """Follows a cluster from now on; `violations` is what must never be seen. It pauses `while_people_act`."""

    oracle: DirectoryOracle
    violations: list[str] = field(default_factory=list)
    people_act: bool = False

    def __post_init__(self):
        cluster = self.oracle.cluster
        judges = {
            cluster.user_groups: (stored.user_group, ChangeModel.user_group),
            cluster.app_servers: (stored.app_server, ChangeModel.app_server),
            cluster.roles: (stored.role, ChangeModel.role),
            cluster.access_lists: (stored.access_list, ChangeModel.access_list),
        }
        if not self.oracle.has_lists:
            cluster.users.followers.append(self._user_changed)
        for store, (read, judge) in judges.items():
            store.followers.append(partial(self._changed, read, judge))
        self._follow_members(cluster.list_members)

    @contextmanager
    def while_people_act(self):
        """Accept every change by people; listings must show all of them when the block ends."""
        self.people_act = True
        yield
        self.catch_up()
        self.people_act = False

    def catch_up(self):
        """Judge the changes that listings show by now."""
        cluster = self.oracle.cluster
        for store in cluster.stores.values():
            store.catch_up()
        tuple(cluster.list_members.all_stored())

    def _follow_members(self, members):
        """Follow the members of every list, including later lists."""
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

    def _changed(self, read, judge, _name, before, after):
        if before is not None and not self.people_act:
            self.violations += judge(self._model(), read(before), None if after is None else read(after))

    def _user_changed(self, _name, before, after):
        if after is not None:
            self._changed(stored.user, ChangeModel.user, "", before, after)

    def _member_changed(self, list_name, _name, before, after):
        judge = partial(self._judge_member, list_name)
        self._changed(stored.member, judge, "", before, after)

    def _judge_member(self, list_name, model, before, after):
        return model.member(list_name, before, after, is_of_ours=self._is_of_ours(list_name))

    def _is_of_ours(self, list_name):
        """Whether a list is ours; one that is gone already is, if it has the name of a group's or an app's list."""
        found = self.oracle.cluster.access_lists.stored(list_name)
        if found is None:
            return list_name.startswith(("00g", "0oa"))
        return labels.owner_of(found.header.metadata.labels) == self.oracle.okta.id

    def _model(self):
        now = datetime.fromtimestamp(self.oracle.cluster.now(), UTC)
        return ChangeModel(self.oracle.organisation(), stored.Live(self.oracle.cluster), now)
