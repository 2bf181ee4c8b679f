"""Groups and their members (reference/okta.md 3.2). Everyone's membership is implicit: all users are in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.errors import blank, not_found, refusal
from teleport_okta.sandbox.okta.users import DEPROVISIONED, User

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.timeline import Timeline

OKTA_GROUP, APP_GROUP, BUILT_IN = "OKTA_GROUP", "APP_GROUP", "BUILT_IN"

GroupProfile = Mapping[str, object]
MembershipListener = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Group:
    """One group. ``last_membership_updated`` is what the API shows: it lags behind the members."""

    id: str
    type: str
    created: int
    last_updated: int
    last_membership_updated: int
    profile: GroupProfile
    object_class: str = "okta:user_group"
    source_app: str | None = None

    @property
    def name(self) -> str:
        """The group's name."""
        return str(self.profile.get("name", ""))


class Groups:
    """All groups, and who is in them."""

    def __init__(self, timeline: Timeline, ids: IdFactory, stamp_delay: float) -> None:
        self.all: Ordered[Group] = Ordered()
        self._timeline = timeline
        self._ids = ids
        self._stamp_delay = stamp_delay
        self._members: dict[str, Ordered[str]] = {}
        self._of_user: dict[str, set[str]] = {}
        self._by_name: dict[str, str] = {}
        self._listeners: list[MembershipListener] = []
        self.everyone = self._add(BUILT_IN, {"name": "Everyone", "description": "All users in your organization"}).id
        self.administrators = self._add(
            BUILT_IN,
            {
                "name": "Okta Administrators",
                "description": "Okta manages this group, which contains all administrators in your organization.",
            },
        ).id

    def subscribe(self, listener: MembershipListener) -> None:
        """Tell `listener` the ids of group and user whenever somebody joins or leaves a group by hand."""
        self._listeners.append(listener)

    def require(self, group_id: str) -> Group:
        """Return a group, or raise ``E0000007``."""
        group = self.all.get(group_id)
        if group is None:
            raise not_found(group_id, "UserGroup")
        return group

    def named(self, name: str) -> Group | None:
        """Return the group of a name."""
        return self.all.get(self._by_name.get(name.lower(), ""))

    def create(self, profile: GroupProfile, *, kind: str = OKTA_GROUP, source_app: str | None = None) -> Group:
        """Add a group; a second one of the same name is refused (``E0000055``)."""
        self._check(profile, owner=None)
        return self._add(kind, profile, source_app)

    def update(self, group: Group, profile: GroupProfile) -> Group:
        """Write a group's profile."""
        self._writable(group)
        self._check(profile, owner=group.id)
        del self._by_name[group.name.lower()]
        after = replace(group, profile=_described(profile), last_updated=self._timeline.stamp())
        self._by_name[after.name.lower()] = after.id
        self.all.put(after.id, after)
        return after

    def delete(self, group: Group) -> None:
        """Remove a group and its memberships."""
        self._writable(group)
        self.all.remove(group.id)
        del self._by_name[group.name.lower()]
        for user_id in self._members.pop(group.id):
            self._of_user[user_id].discard(group.id)

    def add_member(self, group: Group, user: User, *, imported: bool = False) -> None:
        """Put a user into a group; again is no change. Only an import may change an APP_GROUP."""
        self._membership_writable(group, imported=imported)
        if user.status == DEPROVISIONED:
            raise refusal("E0000038")
        if user.id not in self._members[group.id]:
            self.enrol(group.id, [user.id])
            self._changed(group.id, user.id)

    def remove_member(self, group: Group, user: User, *, imported: bool = False) -> None:
        """Take a user out of a group; of a non-member it is no change."""
        self._membership_writable(group, imported=imported)
        if self._members[group.id].remove(user.id) is not None:
            self._of_user[user.id].discard(group.id)
            self._changed(group.id, user.id)

    def enrol(self, group_id: str, user_ids: Iterable[str]) -> None:
        """Put users into a group without a trace in time: seeding."""
        members = self._members[group_id]
        for user_id in user_ids:
            members.put(user_id, user_id)
            self._of_user.setdefault(user_id, set()).add(group_id)

    def user_changed(self, _before: User | None, after: User | None) -> None:
        """Forget the memberships of a user who is gone; deactivation keeps them."""
        if after is None and _before is not None:
            for group_id in self._of_user.pop(_before.id, set()):
                self._members[group_id].remove(_before.id)

    def members(self, group_id: str) -> Ordered[str]:
        """Return the ids of a group's members in the order of joining; empty for Everyone, who are all users."""
        return self._members[group_id]

    def is_member(self, group_id: str, user_id: str) -> bool:
        """Return whether a user who exists is in the group."""
        return group_id == self.everyone or user_id in self._members.get(group_id, ())

    def of_user(self, user_id: str) -> list[Group]:
        """Return the groups of a user who exists, Everyone first."""
        own = self._of_user.get(user_id, set()) | {self.everyone}
        return sorted((self.require(group_id) for group_id in own), key=lambda group: self._place(group.id))

    def _place(self, group_id: str) -> int:
        return self.all.position_of(group_id) or 0

    def _add(self, kind: str, profile: GroupProfile, source_app: str | None = None) -> Group:
        stamp = self._timeline.stamp()
        group = Group(
            id=self._ids.object("00g"),
            type=kind,
            created=stamp,
            last_updated=stamp,
            last_membership_updated=stamp,
            profile=_described(profile),
            source_app=source_app,
        )
        self.all.put(group.id, group)
        self._members[group.id] = Ordered()
        self._by_name[group.name.lower()] = group.id
        return group

    def _changed(self, group_id: str, user_id: str) -> None:
        stamp = self._timeline.stamp()
        self._timeline.later(self._stamp_delay, lambda: self._show_stamp(group_id, stamp))
        for listener in self._listeners:
            listener(group_id, user_id)

    def _show_stamp(self, group_id: str, stamp: int) -> None:
        group = self.all.get(group_id)
        if group is not None:
            self.all.put(group_id, replace(group, last_membership_updated=stamp))

    def _check(self, profile: GroupProfile, owner: str | None) -> None:
        name = profile.get("name")
        if not isinstance(name, str) or not name.strip():
            raise blank("name")
        if self._by_name.get(name.lower(), owner) != owner:
            raise refusal("E0000055", f"A group of the name {name} exists already")

    @staticmethod
    def _writable(group: Group) -> None:
        if group.type == APP_GROUP:
            raise refusal("E0000006")
        if group.type == BUILT_IN:
            raise refusal("E0000060")

    def _membership_writable(self, group: Group, *, imported: bool) -> None:
        if group.type == BUILT_IN and group.id == self.administrators and imported:
            return
        if not (imported and group.type == APP_GROUP):
            self._writable(group)


def _described(profile: GroupProfile) -> GroupProfile:
    return {"name": profile["name"], "description": profile.get("description")} | dict(profile)
