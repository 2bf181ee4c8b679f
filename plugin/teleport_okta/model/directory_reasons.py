"""Why a change of a user group, an app server, an access list, a role or a membership is planned.

`model/reasons.py` explains these types.
"""

from __future__ import annotations

from dataclasses import dataclass

from teleport_okta.model.reasons import Reason

# Why a group or an app has no object in Teleport.


@dataclass(frozen=True, slots=True)
class NotInOkta(Reason):
    """Okta does not list the group or the app any more."""


@dataclass(frozen=True, slots=True)
class DeletedInOkta(Reason):
    """An event says that the group or the app was deleted."""


@dataclass(frozen=True, slots=True)
class PushedGroupDeleted(Reason):
    """The SCIM client that pushed the group deleted it."""


@dataclass(frozen=True, slots=True)
class AppOfOkta(Reason):
    """The setting `apps.leave_out` names the app."""

    app: str


@dataclass(frozen=True, slots=True)
class AppInactive(Reason):
    """The app has a status in which it cannot be launched."""

    status: str


@dataclass(frozen=True, slots=True)
class AppNotLaunchable(Reason):
    """Okta has no address for the app, or hides it."""


@dataclass(frozen=True, slots=True)
class NoGroupFilter(Reason):
    """The group passes no filter."""


@dataclass(frozen=True, slots=True)
class NoAppFilter(Reason):
    """The app passes no filter."""


@dataclass(frozen=True, slots=True)
class EveryoneNotNamed(Reason):
    """The group Everyone passes only a filter that is its exact name."""


@dataclass(frozen=True, slots=True)
class ListWouldBeEmpty(Reason):
    """The list of a group or an app that passes would have no members."""


# Why a user group or an app server is written or deleted.


@dataclass(frozen=True, slots=True)
class GroupListed(Reason):
    """Okta lists the group, and there is no user group of it."""

    name: str


@dataclass(frozen=True, slots=True)
class GroupDiffers(Reason):
    """The user group differs from the group in Okta."""

    name: str


@dataclass(frozen=True, slots=True)
class GroupGone(Reason):
    """Okta does not list the group any more."""

    name: str


@dataclass(frozen=True, slots=True)
class AppListed(Reason):
    """Okta lists the app, and there is no app server of it."""

    name: str


@dataclass(frozen=True, slots=True)
class AppDiffers(Reason):
    """The app server differs from the app in Okta."""

    name: str


@dataclass(frozen=True, slots=True)
class AppGone(Reason):
    """Okta does not list the app any more."""

    name: str


@dataclass(frozen=True, slots=True)
class AppLeftOut(Reason):
    """The app is there, and gets no app server for another reason."""

    name: str
    cause: Reason


# Why an access list is written or deleted.


@dataclass(frozen=True, slots=True)
class ListPassesFilter(Reason):
    """The group or the app passes a filter, and has no list. `people` is how many members it begins with."""

    name: str
    filter: str
    people: int


@dataclass(frozen=True, slots=True)
class ListPushed(Reason):
    """A SCIM client pushed the group, and it has no list. `people` is how many members it begins with."""

    name: str
    people: int


@dataclass(frozen=True, slots=True)
class ListMadeAgain(Reason):
    """Another client deleted the list after the last pass."""

    name: str


@dataclass(frozen=True, slots=True)
class ListDiffers(Reason):
    """An owned field of the list differs."""

    name: str


@dataclass(frozen=True, slots=True)
class ListEmpty(Reason):
    """The list has no member any more."""

    name: str


@dataclass(frozen=True, slots=True)
class HeldList(Reason):
    """Why a list would be deleted whose end is held. The name of a list is an Okta id; people know its title."""

    list_title: str
    cause: Reason


@dataclass(frozen=True, slots=True)
class NestedListEnds(Reason):
    """The list is a member of another one, and ends."""

    cause: Reason


# What a plan warns of.


@dataclass(frozen=True, slots=True)
class ListDeletedByOthers(Reason):
    """Another client deleted a list of ours that is wanted."""

    list_name: str
    cause: Reason


@dataclass(frozen=True, slots=True)
class NoRoomForLists(Reason):
    """The licence of the cluster allows fewer lists than are wanted."""

    limit: int
    lists: int
    first: str


# Why a role is written or deleted.


@dataclass(frozen=True, slots=True)
class RoleWanted(Reason):
    """The list of the group or the app needs the role."""

    list_title: str


@dataclass(frozen=True, slots=True)
class RoleDiffers(Reason):
    """The role grants something else than the group or the app in Okta."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleGrantsLess(Reason):
    """The group grants fewer apps in Okta."""

    name: str
    apps: int


@dataclass(frozen=True, slots=True)
class RoleListEnds(Reason):
    """The list of the role ends."""

    list_title: str


@dataclass(frozen=True, slots=True)
class RoleListGone(Reason):
    """The list of the role does not exist."""

    list_title: str


# Why a membership begins or ends.


@dataclass(frozen=True, slots=True)
class InGroup(Reason):
    """Okta shows the person in a group, or with an app."""

    name: str


@dataclass(frozen=True, slots=True)
class InPushedGroup(Reason):
    """A SCIM client says that the person is in a group that it pushed."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleOnUser(Reason):
    """As `InGroup`, where the cluster has no access lists."""

    name: str


@dataclass(frozen=True, slots=True)
class NoLongerInGroup(Reason):
    """Okta does not show the person in a group, or with an app, any more."""

    name: str


@dataclass(frozen=True, slots=True)
class NoLongerInPushedGroup(Reason):
    """A SCIM client took the person out of a group that it pushed."""

    name: str


@dataclass(frozen=True, slots=True)
class RoleByList(Reason):
    """The member role on the user itself is no longer needed: the access list grants it."""


@dataclass(frozen=True, slots=True)
class MemberLeft(Reason):
    """The person left, and this membership began after the departure was planned."""


@dataclass(frozen=True, slots=True)
class MemberNotOurs(Reason):
    """The user of the member's name is not one of ours any more."""


@dataclass(frozen=True, slots=True)
class MemberWithoutUser(Reason):
    """There is no user of the member's name any more."""


@dataclass(frozen=True, slots=True)
class NestedListGone(Reason):
    """The member is an access list that does not exist any more."""
