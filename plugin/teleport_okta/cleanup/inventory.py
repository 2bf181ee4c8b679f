"""Which objects of a cluster are removed, which are kept, and why: by their labels and by what depends on them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.hand_back import handed_back
from teleport_okta.cleanup.leftovers import by_kind
from teleport_okta.cleanup.nesting import NEEDS_BOT, SET_IDENTITY, NestedLists
from teleport_okta.cleanup.ownership import BOT, Claim, Provenance
from teleport_okta.cleanup.roles import kept_roles
from teleport_okta.cleanup.values import Kept, Removal
from teleport_okta.model import labels
from teleport_okta.model.names import member_role, reviewer_role
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, ROLE, USER, USER_GROUP
from teleport_okta.plan.owned import people_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Set
    from datetime import datetime

    from teleport_okta.cleanup.holdings import Holdings
    from teleport_okta.cleanup.values import Detachment
    from teleport_okta.model.access import ListMembers, TeleportAccessList, TeleportAppServer
    from teleport_okta.model.teleport import TeleportLock, TeleportUser

_DIGEST_LENGTH: Final = 16

ORDER: Final = (ACCESS_LIST, ROLE, USER_GROUP, APP_SERVER, USER, LOCK)
"""The kinds in the order of their removal (`docs/reference/teleport.md` 6.5)."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options: take removed lists out of lists that are kept (`detach`); remove `locks` that are in force."""

    detach: bool = False
    locks: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects to remove by kind, the lists to take out of others, the objects that are kept.

    `outer_lists` maps each list to remove to the lists that must be deleted before it. `unread` maps kinds that could
    not be read to the reason.
    """

    removals: Mapping[str, tuple[Removal, ...]]
    detachments: tuple[Detachment, ...]
    kept: tuple[Kept, ...]
    outer_lists: Mapping[str, tuple[str, ...]]
    warnings: tuple[str, ...]
    unread: Mapping[str, str]


def take_inventory(
    holdings: Holdings,
    claim: Claim,
    options: Options,
    *,
    default_roles: Iterable[str],
    host_id: str,
    has_bot: bool,
    now: datetime,
) -> Inventory:
    """Decide about every object of a cluster.

    `default_roles` are those of users of ours, `host_id` is the host of our app servers. `has_bot`: objects that are
    not of origin okta can be changed.
    """
    taking = _Taking(
        holdings, claim, options, default_roles=frozenset(default_roles), host_id=host_id, has_bot=has_bot, now=now
    )
    return taking.inventory()


class _Taking:
    def __init__(
        self,
        holdings: Holdings,
        claim: Claim,
        options: Options,
        *,
        default_roles: frozenset[str],
        host_id: str,
        has_bot: bool,
        now: datetime,
    ) -> None:
        self._holdings = holdings
        self._claim = claim
        self._options = options
        self._default_roles = default_roles
        self._host_id = host_id
        self._now = now
        self._has_bot = has_bot
        self._removals: dict[str, list[Removal]] = {kind: [] for kind in ORDER}
        self._kept: list[Kept] = []

    def inventory(self) -> Inventory:
        nested = NestedLists(self._holdings, detach=self._options.detach, has_bot=self._has_bot)
        self._keep_unclaimed()
        lists = self._take_lists(nested)
        self._take_users()
        self._take_roles(lists)
        self._take_user_groups()
        self._take_app_servers()
        self._take_locks()
        return Inventory(
            removals={kind: tuple(sorted(rows, key=lambda row: row.name)) for kind, rows in self._removals.items()},
            detachments=tuple(nested.detachments(lists)),
            kept=tuple(sorted(self._kept)),
            outer_lists={name: tuple(nested.outer_lists(name, lists)) for name in lists},
            warnings=tuple(self._warnings(lists)),
            unread=self._holdings.unread,
        )

    def _keep_unclaimed(self) -> None:
        for kind, held in by_kind(self._holdings).items():
            for one in held:
                why = self._claim.why_not(one.labels)
                if why is not None:
                    self._kept.append(Kept(kind, one.name, *why))

    def _take_lists(self, nested: NestedLists) -> set[str]:
        """Decide about lists; return the names of those that are removed."""
        claimed = {}
        for name, found in self._holdings.access_lists.items():
            made_by = self._claim.provenance(found.labels)
            if made_by is not None:
                claimed[name] = self._removal_of_list(found, made_by)
        removed, kept = nested.settle({name for name, one in claimed.items() if self._may_write(one)})
        self._kept += kept
        self._removals[ACCESS_LIST] += [claimed[name] for name in removed]
        return removed

    def _removal_of_list(self, found: TeleportAccessList, made_by: Provenance) -> Removal:
        members = self._holdings.members_of(found.name)
        more = (_digest_of(members),)
        if made_by is Provenance.OURS:
            note, people = self._note_on_list(found), people_of(members)
        else:
            note, people = f"{found.title}; members: {len(members)}", max(1, len(members))
        return Removal(ACCESS_LIST, found.name, found, made_by, note=note, more=more, people=people)

    def _note_on_list(self, found: TeleportAccessList) -> str:
        """Return what people added to a list of ours, which is removed with the list."""
        members = self._holdings.members_of(found.name)
        added = [other for other in members.others.values() if not other.is_imported]
        nested = sorted(other.name for other in added if other.is_list)
        parts = [f"{found.title}; imported members: {members.imports}"]
        if len(added) > len(nested):
            parts.append(f"members added by people: {len(added) - len(nested)}")
        if nested:
            parts.append(f"nested lists: {', '.join(nested)}")
        added_roles = sorted(
            {*found.grants, *found.owner_grants} - {member_role(found.name), reviewer_role(found.name)}
        )
        if added_roles:
            parts.append(f"roles added by people: {', '.join(added_roles)}")
        return "; ".join(parts)

    def _take_users(self) -> None:
        unread = self._holdings.unread.get(LOCK)
        for name, user in self._holdings.users.items():
            made_by = self._claim.provenance(user.labels)
            if made_by is None:
                continue
            if unread is not None:
                self._kept.append(Kept(USER, name, f"its locks could not be read: {unread}", is_left=True))
            elif BOT in user.labels:
                self._kept.append(Kept(USER, name, "it is the user of a bot", is_left=made_by is Provenance.OURS))
            elif labels.is_of_okta(user.labels):
                self._removals[USER].append(Removal(USER, name, user, made_by))
            elif made_by is Provenance.OURS:
                self._hand_back(user)
            else:
                self._kept.append(Kept(USER, name, "people or a login made this user, not the integration"))

    def _hand_back(self, user: TeleportUser) -> None:
        becomes = handed_back(user, default_roles=self._default_roles, now=self._now)
        note = "a login or people made this user; only what we own of it is removed"
        removal = Removal(USER, user.name, user, Provenance.OURS, note=note, becomes=becomes)
        if self._may_write(removal):
            self._removals[USER].append(removal)

    def _take_roles(self, removed_lists: Set[str]) -> None:
        claimed = {
            name: made_by
            for name, role in self._holdings.roles.items()
            if (made_by := self._claim.provenance(role.labels))
        }
        removed_users = {one.name for one in self._removals[USER]}
        kept_users = {name: user.roles for name, user in self._holdings.users.items() if name not in removed_users}
        kept_users |= {one.name: one.becomes.roles for one in self._removals[USER] if one.becomes is not None}
        kept = kept_roles(claimed.keys(), self._holdings, removed_lists=removed_lists, roles_of_users=kept_users)
        self._kept += kept
        for name in claimed.keys() - {one.name for one in kept}:
            role = self._holdings.roles[name]
            # People may have added rules to it, which its content here does not show.
            note, more = role.labels.get(labels.ROLE_NAME, ""), (role.revision,)
            removal = Removal(ROLE, name, role, claimed[name], note=note, more=more)
            if self._may_write(removal):
                self._removals[ROLE].append(removal)

    def _take_user_groups(self) -> None:
        gate = self._holdings.gated.get(USER_GROUP)
        for name, group in self._holdings.user_groups.items():
            made_by = self._claim.provenance(group.labels)
            if made_by is not None and gate is not None:
                self._kept.append(Kept(USER_GROUP, name, gate, "then run cleanup again", is_left=True))
            elif made_by is not None:
                note = group.labels.get(labels.GROUP_NAME, "")
                self._removals[USER_GROUP].append(Removal(USER_GROUP, name, group, made_by, note=note))

    def _take_app_servers(self) -> None:
        for server in self._holdings.app_servers:
            made_by = self._claim.provenance(server.labels)
            if made_by is not None:
                label, note = _label_of(server, self._host_id), server.labels.get(labels.APP_NAME, "")
                self._removals[APP_SERVER].append(
                    Removal(APP_SERVER, server.name, server, made_by, label=label, note=note)
                )

    def _take_locks(self) -> None:
        """Keep locks that are in force, unless the options say otherwise.

        The locks of users who are removed now are left out: they are set again. So is the lock of a suspended user who
        is handed back, if it has no end.
        """
        deleted = {(one.name, labels.okta_id_of(one.content.labels)) for one in self._removals[USER] if not one.becomes}
        handed = {(one.name, labels.okta_id_of(one.content.labels)) for one in self._removals[USER] if one.becomes}
        for lock in self._holdings.locks.values():
            made_by = self._claim.provenance(lock.labels)
            about = lock.user or "", labels.okta_id_of(lock.labels)
            is_set_anew = about in deleted or (about in handed and lock.expires is None)
            if made_by is None or (made_by is Provenance.OURS and is_set_anew):
                continue
            if self._options.locks:
                removal = Removal(LOCK, lock.name, lock, made_by, label=lock.user or "", note=_end_of(lock))
                if self._may_write(removal):
                    self._removals[LOCK].append(removal)
            elif lock.in_force(self._now):
                self._kept.append(_kept_lock(lock))

    def _may_write(self, removal: Removal) -> bool:
        """Whether one of our identities may change an object; otherwise it is kept."""
        if self._has_bot or labels.is_of_okta(removal.content.labels):
            return True
        name = removal.label if removal.kind == LOCK else removal.name
        self._kept.append(Kept(removal.kind, name, NEEDS_BOT, SET_IDENTITY, is_left=True))
        return False

    def _warnings(self, removed_lists: Set[str]) -> Iterator[str]:
        """Warn of lists that are kept and name users who are deleted: a new user of such a name gets their access."""
        deleted = {one.name for one in self._removals[USER] if one.becomes is None}
        for name, found in sorted(self._holdings.access_lists.items()):
            if name not in removed_lists:
                members = self._holdings.members_of(name)
                people = {*members.imported, *(one for one, other in members.others.items() if not other.is_list)}
                people |= {owner.name for owner in found.owners if not owner.is_list}
                count = len(people & deleted)
                if count:
                    yield (
                        f"access list {found.title} ({name}) is kept and names {count} of the deleted users as members "
                        "or owners: a later user of the same name gets what it grants; remove them there"
                    )


def _digest_of(members: ListMembers) -> str:
    """Return a digest of the members of a list."""
    text = json.dumps([sorted(members.imported), sorted((one, it.is_list) for one, it in members.others.items())])
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]


def _label_of(server: TeleportAppServer, host_id: str) -> str:
    """Return a unique name of an app server: two hosts may have app servers of the same name."""
    return server.name if server.host_id == host_id else f"{server.host_id}/{server.name}"


def _kept_lock(lock: TeleportLock) -> Kept:
    name = lock.user or lock.name
    if lock.expires is None:
        why = "it is the lock of a suspension: it has no end, and no sync removes it any more"
        return Kept(LOCK, name, why, "--locks removes it", is_left=True)
    why = "certificates of this user may still be valid; the lock ends by itself"
    return Kept(LOCK, name, why, "--locks removes it at once", detail=_end_of(lock))


def _end_of(lock: TeleportLock) -> str:
    return "without an end" if lock.expires is None else f"until {moment(lock.expires)}"


def moment(at: datetime) -> str:
    """Return a moment as text, to the second, in UTC."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
