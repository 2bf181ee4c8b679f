"""What should become of an organisation's groups and apps: user groups, app servers, and candidates for access lists.

A candidate may have a list: it is a group or an app that passes the filters, with the people whom Okta shows in it.
`plan/access_lists.py` decides whether it gets one, because that depends on the objects in Teleport too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.import_labels import NO_LABELS, RuleLabels
from teleport_okta.model.directory_reasons import (
    AppInactive,
    AppNotLaunchable,
    AppOfOkta,
    DeletedInOkta,
    EveryoneNotNamed,
    NoAppFilter,
    NoGroupFilter,
    PushedGroupDeleted,
)
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.names import app_server_name, name_problem
from teleport_okta.model.problems import GrantsRefused, PeopleRefused, PeopleUnread, UnreadableRow, UnusableGroupId
from teleport_okta.model.provisioned import is_pushed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from teleport_okta.desired.import_labels import ImportLabels
    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.directory import Directory, OktaGroup, Roster
    from teleport_okta.model.okta import MalformedRow, OktaApp
    from teleport_okta.model.reasons import Reason

GROUP: Final = "group"
APP: Final = "app"
PUSHED_GROUP: Final = "pushed group"
ACCESS_LIST: Final = "access_list"

_PUSHED: Final = "(pushed through SCIM)"
_NO_ROSTER: Final = "it was not read"


@dataclass(frozen=True, slots=True)
class WantedApp:
    """An app that should be an app server of that name; `group_ids` are the groups that grant it."""

    app: OktaApp
    name: str
    rule_labels: RuleLabels = NO_LABELS
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantedGroup:
    """A group that should be a user group. `apps` are the wanted apps that it grants (None: they could not be read).

    `unlisted` are the ids of apps that it grants, and that are no usable rows of the listing of apps.
    """

    group: OktaGroup
    rule_labels: RuleLabels = NO_LABELS
    apps: tuple[WantedApp, ...] | None = ()
    unlisted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A group or an app (`of`) that passes the filter `why`. Pushed groups need no filter.

    `people` are the ids of the people who are in it, or have it individually. `unread` is why they are not known; then
    its list is left as found. `left` are people who left it according to an event. `app_ids` are the apps that its
    members get (None: not known). `unlisted` are apps that the group grants, and that are no usable rows of the listing
    of apps.
    """

    okta_id: str
    of: str
    name: str
    description: str
    why: str
    people: frozenset[str] = field(repr=False)
    app_ids: tuple[str, ...] | None
    unread: str = ""
    unlisted: frozenset[str] = frozenset()
    left: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def is_pushed(self) -> bool:
        """Whether a SCIM client pushed the group: the client decides its people, people its grants."""
        return self.of == PUSHED_GROUP


@dataclass(frozen=True, slots=True)
class DesiredDirectory:
    """The result of sorting one reading of groups and apps.

    `groups`, `apps` and `candidates` are by Okta id. `present` are the Okta ids of all groups and apps in the listings,
    usable or not: all others are absent. `left_out` has the reason why a present app is no app server, and `no_list`
    why a group or an app has no list; both have deleted ones too, which are not present. `doubted` are the listings
    (`desired/trust.py`) whose absences are not believed. With `is_pushed_alone`, only pushed groups are known.
    """

    groups: Mapping[str, WantedGroup]
    apps: Mapping[str, WantedApp]
    candidates: Mapping[str, Candidate]
    present: frozenset[str]
    left_out: Mapping[str, Reason] = field(default_factory=dict)
    no_list: Mapping[str, Reason] = field(default_factory=dict)
    quarantined: tuple[Quarantined, ...] = ()
    doubted: frozenset[str] = frozenset()
    is_pushed_alone: bool = False

    def is_unlisted(self, okta_id: str) -> bool:
        """Whether no listing shows a group or an app: then only a statement can prove that it is gone."""
        return self.is_pushed_alone or is_pushed(okta_id)

    def is_unknown(self, okta_id: str, listing: str) -> bool:
        """Whether the state of a group or an app is not known: its row is unreadable, or a doubted listing lacks it."""
        if self.is_unlisted(okta_id):
            return True
        is_missing = okta_id not in self.present and okta_id not in self.left_out
        return (is_missing and listing in self.doubted) or self.is_unreadable(okta_id)

    def is_unreadable(self, okta_id: str) -> bool:
        """Whether the row of a group or an app in the listings is unreadable: references to it stay."""
        is_known = okta_id in self.groups or okta_id in self.apps or okta_id in self.left_out
        return okta_id in self.present and not is_known


def launchable(app: OktaApp, left_out: frozenset[str]) -> Reason | None:
    """Return why an app becomes no app server; None if it becomes one."""
    if app.name in left_out:
        return AppOfOkta(app.name)
    if not app.is_active:
        return AppInactive(app.status)
    if not app.links:
        return AppNotLaunchable()
    return None


def lists_wanted(groups: Iterable[OktaGroup], apps: Iterable[OktaApp], imports: Imports) -> tuple[set[str], set[str]]:
    """Return the ids of the groups whose members, and of the apps whose people, must be known for access lists."""
    return (set(), set()) if imports.roles_off else rosters_wanted(groups, apps, imports)


def rosters_wanted(groups: Iterable[OktaGroup], apps: Iterable[OktaApp], imports: Imports) -> tuple[set[str], set[str]]:
    """Return the ids of the groups whose members, and of the apps whose people, must be known.

    If neither lists nor roles are kept, only those whose member role users still have from us.
    """
    if ACCESS_LIST in imports.unread:
        return set(), set()
    if imports.roles_off:
        held = imports.still_on_users
        groups, apps = [one for one in groups if one.id in held], [one for one in apps if one.id in held]
    return (
        {group.id for group in groups if _group_filter(group, imports) is not None},
        {
            app.id
            for app in apps
            if not launchable(app, imports.left_out) and imports.app_filters.why(app.label) is not None
        },
    )


def desired_directory(
    directory: Directory, imports: Imports, labels: ImportLabels, *, doubted: frozenset[str] = frozenset()
) -> DesiredDirectory:
    """Sort a reading of groups and apps. `doubted` are the listings whose absences are not believed."""
    return replace(_Sorting(directory, imports, labels).desired(), doubted=doubted)


def _group_filter(group: OktaGroup, imports: Imports) -> str | None:
    """Return the filter by which a group may have a list. The group Everyone needs a filter that is its exact name."""
    if group.is_everyone:
        return imports.group_filters.naming(group.name)
    return imports.group_filters.why(group.name)


class _Sorting:
    def __init__(self, directory: Directory, imports: Imports, labels: ImportLabels) -> None:
        self._directory = directory
        self._imports = imports
        self._labels = labels
        self._aside: list[Quarantined] = list(labels.quarantined)
        self._candidates: dict[str, Candidate] = {}
        self._left_out: dict[str, Reason] = {}
        self._no_list: dict[str, Reason] = {}

    def desired(self) -> DesiredDirectory:
        groups, apps = self._directory.groups, self._directory.apps
        self._set_malformed_aside("user_group", groups.malformed)
        self._set_malformed_aside("app_server", apps.malformed)
        wanted_apps = self._apps()
        wanted_groups = {group.id: self._group(group, wanted_apps) for group in groups.rows if self._is_usable(group)}
        deleted = dict.fromkeys(self._directory.deleted, DeletedInOkta())
        self._left_out |= deleted
        self._no_list |= deleted
        self._no_list |= dict.fromkeys(self._directory.unpushed, PushedGroupDeleted())
        for pushed in self._directory.pushed.values():
            name, people = pushed.list_name, pushed.people
            self._candidates[name] = Candidate(name, PUSHED_GROUP, pushed.name, "", _PUSHED, people, ())
        present = {row.id for row in groups.rows} | {row.id for row in apps.rows}
        unreadable = {row.okta_id for row in (*groups.malformed, *apps.malformed) if row.okta_id}
        return DesiredDirectory(
            groups=wanted_groups,
            apps=wanted_apps,
            candidates=self._candidates,
            present=frozenset(present | unreadable),
            left_out=self._left_out,
            no_list=self._no_list,
            quarantined=tuple(sorted(self._aside)),
            is_pushed_alone=self._imports.pushed_alone,
        )

    def _apps(self) -> dict[str, WantedApp]:
        granting: dict[str, list[str]] = defaultdict(list)
        for group_id, roster in self._directory.grants.items():
            for app_id in () if roster.problem else roster.ids:
                granting[app_id].append(group_id)
        for app_id, roster in self._directory.granting.items():
            granting[app_id] = sorted(roster.ids)
        wanted = {}
        for app in self._directory.apps.rows:
            cause = launchable(app, self._imports.left_out)
            if cause is not None:
                self._left_out[app.id] = self._no_list[app.id] = cause
                continue
            rule_labels = self._labels.of_app(app.id, app.label)
            wanted[app.id] = WantedApp(app, app_server_name(app.id), rule_labels, tuple(sorted(granting[app.id])))
            self._weigh_app(app)
        return wanted

    def _weigh_app(self, app: OktaApp) -> None:
        why = self._imports.app_filters.why(app.label)
        if why is None:
            self._no_list[app.id] = NoAppFilter()
            return
        roster = self._directory.direct.get(app.id)
        self._add(
            Candidate(
                app.id,
                APP,
                app.label or app.id,
                app.description,
                why,
                _ids(roster),
                (app.id,),
                _unread(roster),
                left=_left(roster),
            ),
            roster,
        )

    def _group(self, group: OktaGroup, apps: Mapping[str, WantedApp]) -> WantedGroup:
        grants = self._directory.grants.get(group.id)
        granted = None if _unread(grants) else tuple(apps[one] for one in sorted(_ids(grants)) if one in apps)
        if grants is not None and grants.refused:
            self._aside.append(Quarantined("user_group", group.name, group.id, GrantsRefused(grants.problem)))
        unlisted = frozenset() if granted is None else _ids(grants) - apps.keys() - self._left_out.keys()
        wanted = WantedGroup(group, self._labels.of_group(group.id, group.name), granted, unlisted)
        self._weigh_group(wanted)
        return wanted

    def _weigh_group(self, wanted: WantedGroup) -> None:
        group = wanted.group
        why = _group_filter(group, self._imports)
        if why is None:
            self._no_list[group.id] = EveryoneNotNamed() if group.is_everyone else NoGroupFilter()
            return
        roster = self._directory.members.get(group.id)
        candidate = Candidate(
            group.id,
            GROUP,
            group.name or group.id,
            group.description,
            why,
            _ids(roster),
            None if wanted.apps is None else tuple(one.app.id for one in wanted.apps),
            _unread(roster),
            wanted.unlisted,
            _left(roster),
        )
        self._add(candidate, roster)

    def _add(self, candidate: Candidate, roster: Roster | None) -> None:
        if roster is not None and candidate.unread and not roster.gone:
            problem = (PeopleRefused if roster.refused else PeopleUnread)(candidate.of, candidate.unread)
            self._aside.append(Quarantined(ACCESS_LIST, candidate.name, candidate.okta_id, problem))
        self._candidates[candidate.okta_id] = candidate

    def _is_usable(self, group: OktaGroup) -> bool:
        problem = name_problem(group.id)
        if problem:
            self._aside.append(Quarantined("user_group", group.name, group.id, UnusableGroupId(problem)))
        return not problem

    def _set_malformed_aside(self, kind: str, rows: Iterable[MalformedRow]) -> None:
        self._aside += [Quarantined(kind, "", row.okta_id or "", UnreadableRow(row.reason)) for row in rows]


def _ids(roster: Roster | None) -> frozenset[str]:
    return frozenset() if roster is None else roster.ids


def _unread(roster: Roster | None) -> str:
    return _NO_ROSTER if roster is None else roster.problem


def _left(roster: Roster | None) -> frozenset[str]:
    return frozenset() if roster is None else roster.left
