"""The English of every reason: one entry for each type of `reasons`, `directory_reasons`, `doubts` and `problems`.

In a text `{name}` is a field as it is; of a field that is a reason itself, its text. `{name:q}` is in quotation marks,
`{name:some}` too, and cut to the first few; `{name:shell}` is quoted as a shell wants it; `{name:person}` is an Okta id
or, if it is empty, an unknown person; `{count:has}` is a number with its verb. Of a field with several values, each is
formatted like this.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Final

from teleport_okta.model import directory_reasons, doubts, problems, reasons
from teleport_okta.model.problems import Named, Problem
from teleport_okta.model.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NARROWED: Final = "a narrowed admin role or resource set looks like this"
_LOOK_AT_ROW: Final = "look at this row in Okta's API"
_ROLE_TAKEN: Final = "its role {role:q} exists and is not ours, so no list grants {name:q}"
_LABEL_AGAIN: Final = "put back on the role: {missing} (labels, by `tctl edit role/{role:shell}`)"
_RELEASE: Final = "`teleport-okta release {name:shell}`"

TEXTS: Final[Mapping[type[Reason], str]] = {
    reasons.Verbatim: "{text}",
    reasons.AssignedInOkta: "assigned in Okta",
    reasons.ProvisionedByScim: "provisioned through SCIM",
    reasons.Returned: "returned",
    reasons.TakenOver: "taken over",
    reasons.TakenOverFromLogin: "taken over from an SSO login",
    reasons.UserDiffers: "differs from Okta",
    reasons.AttributesLost: "no longer has in Okta: {names:q}",
    reasons.DeactivatedInOkta: "deactivated in Okta",
    reasons.PersonDeleted: "deleted in Okta",
    reasons.AssignmentEnded: "the assignment to the app is {status}",
    reasons.NoLongerAssigned: "no longer assigned in Okta",
    reasons.DeprovisionedByScim: "deprovisioned through SCIM",
    reasons.RenamedInOkta: "renamed to {name:q} in Okta",
    reasons.SuspendedInOkta: "suspended in Okta",
    reasons.ActiveInOkta: "active in Okta",
    reasons.ProvisionedAgain: "provisioned again",
    reasons.CertificatesExpired: "every certificate issued before has expired",
    reasons.ReleasedByOperator: "released by an operator",
    directory_reasons.NotInOkta: "it is no longer in Okta",
    directory_reasons.DeletedInOkta: "it was deleted in Okta",
    directory_reasons.PushedGroupDeleted: "the group was deleted through SCIM",
    directory_reasons.AppOfOkta: "an app of Okta's own ({app}), left out by apps.leave_out",
    directory_reasons.AppInactive: "the app is {status} in Okta",
    directory_reasons.AppNotLaunchable: "the app has no link to launch it, or is hidden, in Okta",
    directory_reasons.NoGroupFilter: "no filter of access_lists.group_filters lets it pass",
    directory_reasons.NoAppFilter: "no filter of access_lists.app_filters lets it pass",
    directory_reasons.EveryoneNotNamed: "Everyone has no list unless a filter names it exactly",
    directory_reasons.ListWouldBeEmpty: "no user of ours is in it, and no member was added in Teleport",
    directory_reasons.GroupListed: "the group {name:q} is in Okta",
    directory_reasons.GroupDiffers: "the group {name:q} differs from Okta",
    directory_reasons.GroupGone: "the group {name:q} is no longer in Okta",
    directory_reasons.AppListed: "the app {name:q} is in Okta",
    directory_reasons.AppDiffers: "the app {name:q} differs from Okta",
    directory_reasons.AppGone: "the app {name:q} is no longer in Okta",
    directory_reasons.AppLeftOut: "{name:q}: {cause}",
    directory_reasons.ListPassesFilter: "{name:q} passes the filter {filter:q}; synced people in it: {people}",
    directory_reasons.ListPushed: "{name:q} was pushed through SCIM; synced people in it: {people}",
    directory_reasons.ListMadeAgain: "the list of {name:q} was there after the last pass, and is gone",
    directory_reasons.ListDiffers: "the list of {name:q} differs from what it should grant, or from Okta's name",
    directory_reasons.ListEmpty: "no user of ours is in {name:q} any more, and no member was added in Teleport",
    directory_reasons.HeldList: "{list_title:q}: {cause}",
    directory_reasons.NestedListEnds: "the nested list ends: {cause}",
    directory_reasons.ListDeletedByOthers: (
        "access list {list_name}: {cause}: it was deleted in Teleport; it is made again"
    ),
    directory_reasons.NoRoomForLists: (
        "the cluster's licence allows {limit} access lists: {lists} that are wanted are not made, the first of them "
        "{first:q}; users, groups and apps are synced"
    ),
    directory_reasons.RoleWanted: "the list {list_title:q} is wanted",
    directory_reasons.RoleDiffers: "what {name:q} grants differs from Okta",
    directory_reasons.RoleGrantsLess: "{name:q} grants fewer apps in Okta; apps lost: {apps}",
    directory_reasons.RoleListEnds: "its list {list_title:q} ends",
    directory_reasons.RoleListGone: "its list {list_title:q} is gone",
    directory_reasons.InGroup: "in {name:q} in Okta",
    directory_reasons.InPushedGroup: "in {name:q} by SCIM",
    directory_reasons.RoleOnUser: "in {name:q} in Okta; without access lists, the user itself has the member role",
    directory_reasons.NoLongerInGroup: "no longer in {name:q} in Okta",
    directory_reasons.NoLongerInPushedGroup: "no longer in {name:q} by SCIM",
    directory_reasons.RoleByList: "the access list grants the role now",
    directory_reasons.MemberLeft: "the user of this name left",
    directory_reasons.MemberNotOurs: "the user of this name is not ours",
    directory_reasons.MemberWithoutUser: "there is no user of this name",
    directory_reasons.NestedListGone: "the nested list does not exist any more, and would make other writes fail",
    reasons.LockedWhileSuspended: "{cause}; locked until that ends",
    reasons.LockedUntilExpiry: "{cause}; locked until every certificate issued before has expired",
    reasons.LockedUntilProvisioned: "{cause}; locked until provisioned again",
    reasons.LeftIn: "{title:q} ({list_name})",
    reasons.ImportLeftIn: "{list_name} (until it is taken out)",
    doubts.LimitReached: "the limit is {limit} an hour",
    doubts.LimitUsed: "the limit is {limit} an hour, {used} of it used",
    doubts.ListingIncomplete: "the listing is incomplete: {detail}",
    doubts.ListingEmpty: f"the listing is empty, where it had {{before}} {{of}}: {_NARROWED}",
    doubts.ListingShrunk: f"the listing has {{listed}} {{of}}, where it had {{before}}: {_NARROWED}",
    doubts.AssignmentsDoNotCount: "the app {app:q} ({okta_id}) is {status}, so its assignments do not show who left",
    doubts.RosterLacks: (
        f"the listing of the {{roster}} ({{name:q}}) {{listed:has}}, where Okta counts {{counted}}: {_NARROWED}"
    ),
    doubts.RosterExceeds: (
        "the listing of the {roster} ({name:q}) {listed:has}, where Okta counts {counted}: these contradict each other"
    ),
    doubts.RosterShrunk: (
        f"the listing of the {{roster}} ({{name:q}}) {{listed:has}}, where it had {{before}}: {_NARROWED}"
    ),
    doubts.AttributesLostByMany: (
        "many people lose the same attribute at once: {losses}: a changed mapping looks like this"
    ),
    doubts.AttributeLoss: "{name:q} ({losing} of {having})",
    doubts.NotReadById: "they have not been read by id yet",
    doubts.ReadByIdUnanswered: (
        "{people} people whom the listing lacks could not be read by id yet ({examples}); the next pass reads more"
    ),
    doubts.ReadByIdInconclusive: (
        "a read by id failed or did not find the person, whom the last listing had: the next full pass decides"
    ),
    doubts.OnlyReadById: (
        "a read by id does not distinguish what is gone from what is hidden: the next full pass decides"
    ),
    doubts.AndOthers: "{first} (and so for {others} more)",
    doubts.NoUserLeaves: "no user is removed for being absent in this pass: {doubt}",
    doubts.OnlyApprovedUsersLeave: "no user but those approved is removed for being absent in this pass: {doubt}",
    doubts.NothingEnds: "nothing ends for being absent in this pass: {doubt}",
    doubts.OnlyApprovedEnds: "nothing but what is approved ends for being absent in this pass: {doubt}",
    reasons.RemovedByCleanup: "the integration is removed (teleport-okta cleanup)",
    reasons.LeftoverRemoved: "leftovers of another Okta integration are removed (teleport-okta cleanup)",
}

PROBLEMS: Final[Mapping[type[Problem], tuple[str, str]]] = {
    problems.VerbatimProblem: ("{text}", "{remedy}"),
    problems.UnreadablePerson: (
        "{detail}",
        f"{_LOOK_AT_ROW}; its statuses count if they could be read, and nothing else of it does",
    ),
    problems.UnreadableRow: ("{detail}", f"{_LOOK_AT_ROW}; nothing ends because of it"),
    problems.NoStatus: (
        "Okta gives no status of the {of}",
        "left as found; look at the {of} in Okta's API, where it has none",
    ),
    problems.UnknownStatus: (
        "the {of} has the unknown status {status:q}",
        "left as found; report the status, so that a later release can handle it",
    ),
    problems.NoLogin: ("there is no login to name the user by", "set the username of the assignment in Okta"),
    problems.UnusableLogin: ("{detail}", "change the login, or the app's username format, in Okta"),
    problems.CollidingLogins: (
        "the name differs only in case, or not at all, from that of {others}",
        "give one of them another login in Okta",
    ),
    problems.UnusableGroupId: ("{detail}", "report it: the user group is named by the id"),
    problems.GrantsRefused: (
        "which apps the group grants cannot be read, so what it grants is left as it is: {detail}",
        "give our admin role the permission okta.apps.read for every app that the group grants",
    ),
    problems.PeopleUnread: (
        "who is in the {of} cannot be read, so its members are left as they are: {detail}",
        "it is read again in the next pass",
    ),
    problems.PeopleRefused: (
        "who is in the {of} cannot be read, so its members are left as they are: {detail}",
        (
            "add it to the resource set of our admin role, with the right to view admin assignments if it carries an "
            "admin role itself; or leave it out by access_lists.{of}_filters"
        ),
    ),
    problems.UserNotOurs: (
        "Teleport has a user of this name that is not ours",
        "rename or delete that user, or give this person another login",
    ),
    problems.UserOfAnother: (
        "Teleport has a user of this name that belongs to the organisation {owner}",
        "rename or delete that user, or give this person another login",
    ),
    problems.NameInUse: (
        "the user of this name stands for {okta_id}, who had the login before",
        "wait: that person is locked and removed first, and the lock must run out",
    ),
    problems.NameLocked: (
        "the name is locked for its former holder {okta_ids:person}, whose certificates the lock still stops",
        f"wait until the lock has run out, or use {_RELEASE}",
    ),
    problems.NameHasMemberships: (
        "{former:person} had this name before, and it is still a member of {lists}",
        f"remove that member in Teleport, or let this person have it: {_RELEASE}",
    ),
    problems.OriginNotOkta: ("the user's origin is not okta, so only the bot's identity may change it", "{remedy}"),
    problems.OrphanedLock: (
        "the lock of a suspension has no end, and its user was deleted, or taken from us, in Teleport",
        f"it is taken off when every certificate has expired; sooner by {_RELEASE}",
    ),
    problems.RecordReplaced: (
        "{cause}; a login replaced the user's record, so it is locked, and not deleted",
        "the record ends by itself; to end it now: tctl users rm {name:shell}",
    ),
    problems.RecordReplacedAndUnlockable: (
        "{cause}; a login replaced the user's record, and it cannot be locked: {detail}",
        "the record ends by itself; to end it now: tctl users rm {name:shell}",
    ),
    problems.UserGroupNotOurs: (
        "Teleport has a user group of this name that is not ours ({name:q})",
        "delete it with `tctl rm user_group/{okta_id:shell}`, or keep it and live without this one",
    ),
    problems.AppServerNotOurs: (
        "this host has an app server of this name that is not ours ({name:q})",
        "remove it",
    ),
    problems.ListNotOurs: (
        "Teleport has an access list of this name that is not ours ({list_title:q})",
        "delete that list, or live without ours",
    ),
    problems.ListHeld: (
        "{cause}; but it is a member or an owner of {lists}, and Teleport refuses to delete it while it is",
        "take it out of there; then it is deleted by itself",
    ),
    problems.RoleNotOurs: (_ROLE_TAKEN, "delete that role"),
    problems.RoleLostLabels: (_ROLE_TAKEN, _LABEL_AGAIN),
    problems.RoleOfListLostLabels: (
        _ROLE_TAKEN,
        (
            f"{_LABEL_AGAIN}; or delete the access list {{list_name}}, then the role: both are made again, without the "
            "members that people added"
        ),
    ),
    problems.MembershipExpired: (
        (
            "the membership of {list_title:q} has ended in Teleport, and Okta still shows the person there: an import "
            "makes no temporary grant permanent"
        ),
        "remove the member in Teleport if Okta is to decide, or take the person out in Okta",
    ),
    problems.AddedMembershipLeft: (
        "there is no user {name:q}, and the name is a member of {list_title:q}: people gave it",
        f"remove the member in Teleport: another person who gets the name waits until it is gone, or until {_RELEASE}",
    ),
    problems.ImportedMembershipLeft: (
        (
            "there is no user {name:q}, and the name is a member of {list_title:q}: we imported it, and who is in the "
            "list cannot be read"
        ),
        f"remove the member in Teleport: another person who gets the name waits until it is gone, or until {_RELEASE}",
    ),
    problems.RoleStillHeld: (
        (
            "nothing needs the role of {title:q} any more, and it stays, because users have it to whom others gave it: "
            "{users:some}"
        ),
        "remove it from them in Teleport; then it is deleted by itself",
    ),
    problems.RepairsUndone: (
        "repaired {times} times within an hour, and changed again by another client each time: {fields}",
        "find out who changes it (Teleport's audit log says so); `teleport-okta apply` repairs it at once",
    ),
    problems.CreationsUndone: (
        "repaired {times} times within an hour, and deleted again by another client each time",
        "find out who changes it (Teleport's audit log says so); `teleport-okta apply` repairs it at once",
    ),
    problems.ChangeRefused: (
        "{action} {kind}: {detail}",
        "correct what the message names; it is tried again by itself",
    ),
    problems.UnusableImportRule: (
        "{detail}",
        "correct the rule; until then it adds nothing, and labels that it added stay",
    ),
}
"""The text of each problem, and of its remedy."""

_NAMED_AT_MOST: Final = 3


# A plan of a large organisation has tens of thousands of changes, and most of them share a few hundred reasons.
@lru_cache(maxsize=4096)
def text_of(reason: Reason) -> str:
    """Return the text of a reason."""
    return _filled(PROBLEMS[type(reason)][0] if isinstance(reason, Problem) else TEXTS[type(reason)], reason)


def remedy_of(problem: Problem) -> str:
    """Return the text of the remedy of a problem."""
    return _filled(PROBLEMS[type(problem)][1], problem)


def quoted(name: str) -> str:
    """Return a name in quotation marks, so that its end and its blanks are seen."""
    escaped = name.replace('"', '\\"')
    return f'"{escaped}"'


def without_call_ids(text: str) -> str:
    """Return an error with "…" for the ids that Okta gives to each answer: a lasting failure then has one text."""
    return _IDS_OF_CALLS.sub(r"\1 …", text)


_IDS_OF_CALLS: Final = re.compile(r"\b(request id|error id) \S+?(?=[],]|$)")
"""As `okta_errors.Failure` writes them."""


def some_of(names: Sequence[str], most: int | None, *, option: str = "") -> str:
    """Join at most `most` names (None: all), and add how many more there are, and the option that shows them."""
    if most is None or len(names) <= most:
        return ", ".join(names)
    how = f" ({option} shows all)" if option else ""
    return f"{', '.join(names[:most])} and {len(names) - most} more{how}"


_FORMATS: Final[Mapping[str, Callable[[str], str]]] = {
    "": str,
    "q": quoted,
    "shell": shlex.quote,
    "person": lambda okta_id: okta_id or "an unknown person",
    "has": lambda count: "is empty" if count == "0" else f"has {count}",
}


class _Words(Formatter):
    """Formats the fields of reasons."""

    def format_field(self, value: object, format_spec: str) -> str:
        match value:
            case Reason():
                return text_of(value)
            case Named():
                return f"{quoted(value.name)} ({value.okta_id})"
            case tuple() if format_spec == "some":
                return some_of([quoted(str(one)) for one in value], _NAMED_AT_MOST)
            case tuple():
                return ", ".join(self.format_field(one, format_spec) for one in value)
        return _FORMATS[format_spec](str(value))


_WORDS: Final = _Words()


def _filled(template: str, reason: Reason) -> str:
    return _WORDS.vformat(template, (), {one.name: getattr(reason, one.name) for one in fields(reason)})
