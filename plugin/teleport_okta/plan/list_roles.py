"""The two roles of an access list: the one that its members are granted, and the one of reviewers of requests for it.

A member of an app's list has that app. A member of a group's list has the user group and, app by app, what the group
grants in Okta (`docs/reference/teleport.md` 5.3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from teleport_okta.desired.groups_and_apps import GROUP
from teleport_okta.desired.import_labels import NO_LABELS
from teleport_okta.desired.trust import APPS, grants_of
from teleport_okta.model import labels
from teleport_okta.model.directory_reasons import RoleDiffers, RoleGrantsLess, RoleListEnds, RoleListGone, RoleWanted
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.problems import RoleLostLabels, RoleNotOurs, RoleOfListLostLabels
from teleport_okta.model.teleport import RoleAllow, TeleportRole
from teleport_okta.plan import object_labels
from teleport_okta.plan.changes import APP_SERVER, ROLE, Action, Change, Harm
from teleport_okta.plan.narrow import wider_first
from teleport_okta.plan.needs import ended, met_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Set

    from teleport_okta.desired.groups_and_apps import Candidate, DesiredDirectory
    from teleport_okta.desired.policy import Imports, Policy
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.model.problems import Problem
    from teleport_okta.plan.changes import Need


@dataclass(frozen=True, slots=True)
class ListRoles:
    """The steps about the roles of one list.

    `aside` reports why the roles cannot be ours; `is_unread`: roles could not be read. In both cases nothing is done to
    them, and no person may join the list, since it is not known what its members would be granted.
    """

    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    aside: Quarantined | None = None
    is_unread: bool = False

    @property
    def are_ready(self) -> bool:
        """Whether the roles are there, or are written by this plan, so that people may join the list."""
        return self.aside is None and not self.is_unread

    @property
    def reports(self) -> tuple[Quarantined, ...]:
        """The report why the roles cannot be ours, if there is one."""
        return () if self.aside is None else (self.aside,)

    @property
    def written(self) -> frozenset[str]:
        """The names of the roles for which others have to wait. A role that only loses an app was there before."""
        return frozenset(change.name for change in self.changes if met_by(change) is not None)


def taken_role(okta_id: str, roles: Mapping[str, TeleportRole], policy: Policy) -> str | None:
    """Return the name of a role that a list needs and that is not ours, if there is one."""
    for name in (member_role(okta_id), reviewer_role(okta_id)):
        if name in roles and labels.owner_of(roles[name].labels) != policy.owner:
            return name
    return None


def plan_roles(
    candidate: Candidate,
    title: str,
    roles: Mapping[str, TeleportRole],
    imports: Imports,
    *,
    desired: DesiredDirectory,
    ending_apps: frozenset[str],
    apps_unread: bool,
    present: TeleportAccessList | None = None,
    held_by: Collection[str] = (),
) -> ListRoles:
    """Plan both roles of a list that is wanted; `ending_apps` are the ids of apps whose app servers end in this.

    `present` is our list if there is one, and `held_by` are the users who have its member role directly. If app servers
    could not be read (`apps_unread`), a role keeps the apps that are wanted no more.
    """
    policy = imports.policy
    taken = taken_role(candidate.okta_id, roles, policy)
    if taken:
        problem = _problem_of_taken(candidate.name, roles[taken], policy.owner, present=present, held_by=held_by)
        return ListRoles(aside=Quarantined(ROLE, taken, candidate.okta_id, problem))
    changes: list[Change] = []
    unchanged = 0
    for name, allow in _allowed(candidate, roles, imports, desired, apps_unread=apps_unread).items():
        found = roles.get(name)
        base = found or TeleportRole(name)
        owned = object_labels.ours(candidate.okta_id, policy) | {labels.ROLE_NAME: title}
        content = replace(base, labels=object_labels.labelled(base.labels, owned, NO_LABELS, policy), allow=allow)
        changes += _writing(candidate, content, found, _Losses(desired, ending_apps))
        unchanged += content == found
    return ListRoles(tuple(changes), unchanged)


def _problem_of_taken(
    name: str, role: TeleportRole, owner: str, *, present: TeleportAccessList | None, held_by: Collection[str]
) -> Problem:
    """Return what is to be reported of a role without our label.

    Roles cannot be renamed, and Teleport refuses to delete a role that a list grants or a user has
    (`docs/reference/teleport-observed.md` 5.1). If our list or our users have the role, most likely it lost its labels.
    The host identity may change it only while it has the label of the origin too.
    """
    needed = {labels.OWNER: owner, labels.ORIGIN: labels.ORIGIN_OKTA}
    missing = tuple(f"{key}: {value}" for key, value in needed.items() if role.labels.get(key) != value)
    if held_by:
        return RoleLostLabels(role.name, name, missing)
    if present is not None and role.name in (*present.grants, *present.owner_grants):
        return RoleOfListLostLabels(role.name, name, missing, present.name)
    return RoleNotOurs(role.name, name)


def ending_roles(
    okta_id: str,
    title: str,
    roles: Mapping[str, TeleportRole],
    policy: Policy,
    *,
    harm: Harm | None = None,
    needs: tuple[Need, ...] = (),
) -> list[Change]:
    """Return the deletions of the roles of a list that ends, or is gone."""
    found = [roles[name] for name in (member_role(okta_id), reviewer_role(okta_id)) if name in roles]
    return [
        Change(
            action=Action.DELETE,
            kind=ROLE,
            name=role.name,
            subject=role.name,
            okta_id=okta_id,
            cause=(RoleListEnds if harm else RoleListGone)(title),
            found=role,
            needs=needs,
            harm=harm,
        )
        for role in found
        if labels.owner_of(role.labels) == policy.owner
    ]


def _allowed(
    candidate: Candidate,
    roles: Mapping[str, TeleportRole],
    imports: Imports,
    desired: DesiredDirectory,
    *,
    apps_unread: bool,
) -> dict[str, RoleAllow | None]:
    member = member_role(candidate.okta_id)
    found = roles.get(member)
    allow: RoleAllow | None
    if candidate.app_ids is None:
        allow = _granting(candidate, ()) if found is None else found.allow
    else:
        unknown = {app_id for app_id in candidate.unlisted & _apps(found) if desired.is_unreadable(app_id)}
        if apps_unread:
            unknown |= _apps(found) - desired.apps.keys()
        allow = _granting(candidate, unknown.union(candidate.app_ids))
    reviewer = reviewer_role(candidate.okta_id)
    return {member: allow, reviewer: RoleAllow(review=_reviewed(member, roles.get(reviewer), imports))}


def _reviewed(member: str, found: TeleportRole | None, imports: Imports) -> tuple[str, ...]:
    """Return the roles whose requests a reviewer role reviews; as found if it is not known whether it may review."""
    if imports.reviews is None:
        return found.allow.review if found is not None and found.allow is not None else ()
    return (member,) if imports.reviews else ()


def _granting(candidate: Candidate, app_ids: Iterable[str]) -> RoleAllow:
    ids = tuple(sorted(app_ids))
    return RoleAllow(
        app_labels={labels.APP_ID: ids} if ids else {},
        group_labels={labels.GROUP_ID: (candidate.okta_id,)} if candidate.of == GROUP else {},
    )


@dataclass(frozen=True, slots=True)
class _Losses:
    """The harm of a role that grants an app no more."""

    desired: DesiredDirectory
    ending_apps: frozenset[str]

    def harm(self, name: str, candidate: Candidate, lost: Set[str]) -> Harm | None:
        """Return the harm; None if all of the apps end anyway. Of several kinds of evidence, the weakest counts.

        If the group grants an app that is in no row, the listing of apps lacks it, unless an event says that it was
        deleted. If the group does not grant an app, the listing of its grants lacks it.
        """
        rest = lost - self.ending_apps
        if not rest:
            return None
        harmed = Harmed(ROLE, name, candidate.okta_id)
        if rest & candidate.unlisted - self.desired.left_out.keys():
            return Harm(harmed, Evidence.ABSENT, listing=APPS)
        if rest <= self.desired.left_out.keys():
            return Harm(harmed, Evidence.STATED)
        return Harm(harmed, Evidence.ABSENT, listing=grants_of(candidate.okta_id))


def _writing(candidate: Candidate, content: TeleportRole, found: TeleportRole | None, losses: _Losses) -> list[Change]:
    """Return the steps that write a role: everything that is no harm, then the loss of apps."""
    lost = _apps(found) - _apps(content)
    wider = content
    if lost:
        everything = {labels.APP_ID: tuple(sorted(_apps(content) | lost))}
        wider = replace(content, allow=replace(content.allow or RoleAllow(), app_labels=everything))
    return wider_first(
        partial(_step, candidate),
        content,
        found,
        wider=wider,
        needs=(ended(APP_SERVER, app_server_name(app_id)) for app_id in sorted(lost & losses.ending_apps)),
        cause=RoleGrantsLess(candidate.name, len(lost)),
        harm=losses.harm(content.name, candidate, lost),
    )


def _step(candidate: Candidate, content: TeleportRole, found: TeleportRole | None) -> Change:
    return Change(
        action=Action.UPDATE if found else Action.CREATE,
        kind=ROLE,
        name=content.name,
        subject=content.name,
        okta_id=candidate.okta_id,
        cause=(RoleDiffers if found else RoleWanted)(candidate.name),
        content=content,
        found=found,
    )


def _apps(role: TeleportRole | None) -> set[str]:
    if role is None or role.allow is None:
        return set()
    return set(role.allow.app_labels.get(labels.APP_ID, ()))
