"""Why a row or an object is set aside: one small type for each problem that there is.

As with `model/reasons.py`, the English is in `model/reason_text.py`: the problem, and its remedy.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleport_okta.model.reasons import Reason


@dataclass(frozen=True, slots=True)
class Problem(Reason):
    """A problem of any type. The fields of a type are the names and numbers that its text or its remedy mentions."""


@dataclass(frozen=True, slots=True)
class Named:
    """An object in a text: what people call it, and its id."""

    name: str
    okta_id: str


@dataclass(frozen=True, slots=True)
class VerbatimProblem(Problem):
    """A problem of which only the text is known, because it was stored or received."""

    text: str
    remedy: str


# Rows of Okta.


@dataclass(frozen=True, slots=True)
class UnreadablePerson(Problem):
    """A row of a listing of people lacks what every row has, or has it in another shape."""

    detail: str


@dataclass(frozen=True, slots=True)
class UnreadableRow(Problem):
    """As `UnreadablePerson`, of a group or an app."""

    detail: str


@dataclass(frozen=True, slots=True)
class NoStatus(Problem):
    """Okta gives no status `of` a person or an assignment."""

    of: str


@dataclass(frozen=True, slots=True)
class UnknownStatus(Problem):
    """The status `of` a person or an assignment is none that we know."""

    of: str
    status: str


@dataclass(frozen=True, slots=True)
class NoLogin(Problem):
    """A user cannot be named, because the person has no login."""


@dataclass(frozen=True, slots=True)
class UnusableLogin(Problem):
    """Teleport refuses a user of the person's login."""

    detail: str


@dataclass(frozen=True, slots=True)
class CollidingLogins(Problem):
    """Logins that Okta takes for one, or that differ in case only; Teleport takes them for several."""

    others: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class UnusableGroupId(Problem):
    """Teleport refuses an object named by the group's id."""

    detail: str


@dataclass(frozen=True, slots=True)
class GrantsRefused(Problem):
    """Okta does not show us which apps a group grants."""

    detail: str


@dataclass(frozen=True, slots=True)
class PeopleUnread(Problem):
    """The roster of a group or an app (`of`) could not be read this time."""

    of: str
    detail: str


@dataclass(frozen=True, slots=True)
class PeopleRefused(Problem):
    """Okta does not show us the roster of a group or an app (`of`)."""

    of: str
    detail: str


# Users and locks in Teleport.


@dataclass(frozen=True, slots=True)
class UserNotOurs(Problem):
    """A user of the person's name exists, without an owner label."""


@dataclass(frozen=True, slots=True)
class UserOfAnother(Problem):
    """A user of the person's name exists, with the label of another organisation."""

    owner: str


@dataclass(frozen=True, slots=True)
class NameInUse(Problem):
    """The user of the person's name still stands for the person who had the login before."""

    okta_id: str


@dataclass(frozen=True, slots=True)
class NameLocked(Problem):
    """Locks about former holders of the name are in force; they would lock the new person out."""

    name: str
    okta_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NameHasMemberships(Problem):
    """Memberships of the former holder of the name are left: the new person would have their access."""

    name: str
    former: str
    lists: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class OriginNotOkta(Problem):
    """Only the bot may change a user of this origin, and we have no identity of a bot that may."""

    remedy: str


@dataclass(frozen=True, slots=True)
class OrphanedLock(Problem):
    """The lock of a suspension, which has no end, is about a user who is gone or not ours any more."""

    name: str


@dataclass(frozen=True, slots=True)
class RecordReplaced(Problem):
    """A login replaced the record of a leaver's user, and with it our labels."""

    name: str
    cause: Reason


@dataclass(frozen=True, slots=True)
class RecordReplacedAndUnlockable(Problem):
    """As `RecordReplaced`, where no identity of ours may set the lock; `detail` says why."""

    name: str
    cause: Reason
    detail: str


# Groups, apps and lists in Teleport.


@dataclass(frozen=True, slots=True)
class UserGroupNotOurs(Problem):
    """A user group named by the id of the group exists, without our owner label."""

    name: str
    okta_id: str


@dataclass(frozen=True, slots=True)
class AppServerNotOurs(Problem):
    """Our host has an app server of the name for the app, without our owner label."""

    name: str


@dataclass(frozen=True, slots=True)
class ListNotOurs(Problem):
    """An access list named by the id of the group or the app exists, without our owner label."""

    list_title: str


@dataclass(frozen=True, slots=True)
class ListHeld(Problem):
    """A list should end, and lists that we may not change have it as a member or an owner."""

    cause: Reason
    lists: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class RoleNotOurs(Problem):
    """A role that a list needs exists, without our owner label."""

    role: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleLostLabels(Problem):
    """As `RoleNotOurs`, and users of ours have the role: most likely it lost the labels that are `missing`."""

    role: str
    name: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleOfListLostLabels(Problem):
    """As `RoleLostLabels`, where our list grants the role."""

    role: str
    name: str
    missing: tuple[str, ...]
    list_name: str


# Memberships and roles in Teleport.


@dataclass(frozen=True, slots=True)
class MembershipExpired(Problem):
    """A membership has an end that people set, and Okta still shows the person in the group."""

    list_title: str


@dataclass(frozen=True, slots=True)
class AddedMembershipLeft(Problem):
    """A name without a user is a member of a list of ours, because people added it."""

    name: str
    list_title: str


@dataclass(frozen=True, slots=True)
class ImportedMembershipLeft(Problem):
    """A name without a user is a member of a list of ours whose group or app cannot be read."""

    name: str
    list_title: str


@dataclass(frozen=True, slots=True)
class RoleStillHeld(Problem):
    """Teleport refuses to delete a role that users have; others gave it to them."""

    title: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepairsUndone(Problem):
    """Another client changes the same `fields` back after each of so many repairs."""

    times: int
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreationsUndone(Problem):
    """Another client deletes the object after each of so many creations."""

    times: int


@dataclass(frozen=True, slots=True)
class ChangeRefused(Problem):
    """Teleport refused a change, or did not answer."""

    action: str
    kind: str
    detail: str


# Import rules.


@dataclass(frozen=True, slots=True)
class UnusableImportRule(Problem):
    """A rule cannot be compiled, or sets a label that no rule may set."""

    detail: str
