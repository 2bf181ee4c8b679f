"""Groups and their members (`docs/reference/okta.md` 3.2). Everyone's membership is implicit: all users are in it.

Names are unique among Okta's own groups; a group that is imported from a directory keeps its name of there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.error_bodies import blank, not_found, refusal
from teleport_okta.sandbox.okta.users import DEPROVISIONED, User, Users

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.timeline import Timeline

OKTA_GROUP, APP_GROUP, BUILT_IN = "OKTA_GROUP", "APP_GROUP", "BUILT_IN"
USER_GROUP, WINDOWS_GROUP = "okta:user_group", "okta:windows_security_principal"

GroupProfile = Mapping[str, object]
MembershipListener = Callable[[str, str, bool], None]


@dataclass(frozen=True, slots=True)
class Group:
    """One group. ``last_membership_updated`` is the value in the API, which lags behind the members."""

    id: str
    type: str
    created: int
    last_updated: int
    last_membership_updated: int
    profile: GroupProfile
    object_class: str = USER_GROUP
    source_app: str | None = None
    administrative: bool = False
    """Whether it has an admin role: then not every principal may see its members (`docs/reference/okta.md` 1.4)."""

    @property
    def name(self) -> str:
        """The group's name."""
        return str(self.profile.get("name", ""))


GroupListener = Callable[[Group | None, Group | None], None]


class Groups:
    """All groups and their members."""

    def __init__(self, timeline: Timeline, ids: IdFactory, stamp_delay: float, users: Users) -> None:
        self.all: Ordered[Group] = Ordered()
        self._users = users
        self._timeline = timeline
        self._ids = ids
        self._stamp_delay = stamp_delay
        self._members: dict[str, Ordered[str]] = {}
        self._of_user: dict[str, set[str]] = {}
        self._by_name: dict[str, str] = {}
        self._listeners: list[MembershipListener] = []
        self._watchers: list[GroupListener] = []
        self.everyone = self._add(BUILT_IN, {"name": "Everyone", "description": "All users in your organization"}).id
        self.administrators = self._add(
            BUILT_IN,
            {
                "name": "Okta Administrators",
                "description": "Okta manages this group, which contains all administrators in your organization.",
            },
            administrative=True,
        ).id

    def subscribe(self, listener: MembershipListener) -> None:
        """Call `listener` for each change of members, with the ids of group and user, and whether the user joined."""
        self._listeners.append(listener)

    def watch(self, watcher: GroupListener) -> None:
        """Call `watcher` for every change of a group itself, with the group before and after it."""
        self._watchers.append(watcher)

    def require(self, group_id: str) -> Group:
        """Return a group, or raise ``E0000007``."""
        group = self.all.get(group_id)
        if group is None:
            raise not_found(group_id, "UserGroup")
        return group

    def named(self, name: str) -> Group | None:
        """Return the group of a name."""
        return self.all.get(self._by_name.get(name.lower(), ""))

    def create(
        self,
        profile: GroupProfile,
        *,
        kind: str = OKTA_GROUP,
        source_app: str | None = None,
        object_class: str = USER_GROUP,
    ) -> Group:
        """Add a group; a second one of the same name is refused (``E0000055``), unless it is imported."""
        self._check(profile, kind, owner=None)
        group = self._add(kind, profile, source_app=source_app, object_class=object_class)
        self._tell(None, group)
        return group

    def update(self, group: Group, profile: GroupProfile, *, imported: bool = False) -> Group:
        """Write a group's profile. Only an import may change that of an APP_GROUP."""
        self._writable(group, imported=imported)
        self._check(profile, group.type, owner=group.id)
        self._forget_name(group)
        after = replace(group, profile=_described(profile), last_updated=self._timeline.stamp())
        self._know_name(after)
        self.all.put(after.id, after)
        self._tell(group, after)
        return after

    def set_administrative(self, group: Group, *, administrative: bool) -> Group:
        """Give a group an admin role, or remove it. No timestamp changes."""
        after = replace(group, administrative=administrative)
        self.all.put(after.id, after)
        self._tell(group, after)
        return after

    def delete(self, group: Group, *, imported: bool = False) -> None:
        """Remove a group and its memberships. Only an import may remove an APP_GROUP."""
        self._writable(group, imported=imported)
        self.all.remove(group.id)
        self._forget_name(group)
        for user_id in self._members.pop(group.id):
            self._of_user[user_id].discard(group.id)
        self._tell(group, None)

    def add_member(self, group: Group, user: User, *, imported: bool = False) -> None:
        """Add a member; nothing changes if the user is one. Only an import may change an APP_GROUP."""
        self._membership_writable(group, imported=imported)
        if user.status == DEPROVISIONED:
            raise refusal("E0000038")
        if user.id not in self._members[group.id]:
            self.enrol(group.id, [user.id])
            self._changed(group.id, user.id, joined=True)

    def remove_member(self, group: Group, user: User, *, imported: bool = False) -> None:
        """Remove a member; nothing changes if the user is none."""
        self._membership_writable(group, imported=imported)
        if self._members[group.id].remove(user.id) is not None:
            self._of_user[user.id].discard(group.id)
            self._changed(group.id, user.id, joined=False)

    def enrol(self, group_id: str, user_ids: Iterable[str]) -> None:
        """Add members without events and timestamps: seeding."""
        members = self._members[group_id]
        for user_id in user_ids:
            members.put(user_id, user_id)
            own = self._of_user.get(user_id)
            if own is None:
                self._of_user[user_id] = {group_id}
            else:
                own.add(group_id)

    def backdate(self, group: Group, stamp: int) -> None:
        """Set the creation time of a group, unchanged since: seeding."""
        dates = replace(group, created=stamp, last_updated=stamp, last_membership_updated=stamp)
        self.all.put(group.id, dates)

    def user_changed(self, before: User | None, after: User | None) -> None:
        """Remove the memberships of a deleted user. A deactivated user keeps them."""
        if before is None or after is None:
            self._stamp(self.everyone)
        if after is None and before is not None:
            for group_id in self._of_user.pop(before.id, set()):
                self._members[group_id].remove(before.id)

    def size(self, group_id: str) -> int:
        """Return the number of users in a group; zero if it does not exist."""
        if group_id == self.everyone:
            return len(self._users.all)
        return len(self._members.get(group_id, ()))

    def members(self, group_id: str) -> Ordered[str]:
        """Return the ids of a group's members in the order of joining; empty for Everyone, which has all users."""
        return self._members[group_id]

    def of_user(self, user_id: str) -> list[Group]:
        """Return the groups of an existing user, Everyone first."""
        groups = (self.require(group_id) for group_id in self.ids_of_user(user_id))
        return sorted(groups, key=lambda group: self._place(group.id))

    def ids_of_user(self, user_id: str) -> set[str]:
        """Return the ids of the groups of an existing user, including Everyone."""
        return self._of_user.get(user_id, set()) | {self.everyone}

    def _place(self, group_id: str) -> int:
        return self.all.position_of(group_id) or 0

    def _add(
        self,
        kind: str,
        profile: GroupProfile,
        *,
        source_app: str | None = None,
        object_class: str = USER_GROUP,
        administrative: bool = False,
    ) -> Group:
        stamp = self._timeline.stamp()
        group = Group(
            id=self._ids.object("00g"),
            type=kind,
            created=stamp,
            last_updated=stamp,
            last_membership_updated=stamp,
            profile=_described(profile),
            object_class=object_class,
            source_app=source_app,
            administrative=administrative,
        )
        self.all.put(group.id, group)
        self._members[group.id] = Ordered()
        self._know_name(group)
        return group

    def _know_name(self, group: Group) -> None:
        if group.type != APP_GROUP:
            self._by_name[group.name.lower()] = group.id

    def _forget_name(self, group: Group) -> None:
        if group.type != APP_GROUP:
            del self._by_name[group.name.lower()]

    def _tell(self, before: Group | None, after: Group | None) -> None:
        for watcher in self._watchers:
            watcher(before, after)

    def _changed(self, group_id: str, user_id: str, *, joined: bool) -> None:
        self._stamp(group_id)
        for listener in self._listeners:
            listener(group_id, user_id, joined)

    def _stamp(self, group_id: str) -> None:
        stamp = self._timeline.stamp()
        self._timeline.later(self._stamp_delay, lambda: self._show_stamp(group_id, stamp))

    def _show_stamp(self, group_id: str, stamp: int) -> None:
        group = self.all.get(group_id)
        if group is not None:
            self.all.put(group_id, replace(group, last_membership_updated=stamp))

    def _check(self, profile: GroupProfile, kind: str, owner: str | None) -> None:
        name = profile.get("name")
        if not isinstance(name, str) or not name.strip():
            raise blank("name")
        if kind != APP_GROUP and self._by_name.get(name.lower(), owner) != owner:
            raise refusal("E0000055", f"A group of the name {name} exists already")

    @staticmethod
    def _writable(group: Group, *, imported: bool = False) -> None:
        if group.type == APP_GROUP and not imported:
            raise refusal("E0000006")
        if group.type == BUILT_IN:
            raise refusal("E0000060")

    def _membership_writable(self, group: Group, *, imported: bool) -> None:
        if not (imported and group.id == self.administrators):
            self._writable(group, imported=imported)


def _described(profile: GroupProfile) -> GroupProfile:
    return {"name": profile["name"], "description": profile.get("description")} | dict(profile)
