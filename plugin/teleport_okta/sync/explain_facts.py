"""The facts for an explanation: people and their users, the objects of Okta and Teleport, and the state.

A running service has all of them in its registry. Without one, there is only what was last seen: then the members whom
people added to lists, and what roles grant, are not known.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.groups_and_apps import desired_directory
from teleport_okta.desired.import_labels import ImportLabels
from teleport_okta.desired.policy import Imports, Policy
from teleport_okta.model.access import ListMembers
from teleport_okta.model.directory import Directory
from teleport_okta.model.findings import Findings
from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import DEFAULT_ROLE, app_server_name
from teleport_okta.plan.nesting import Nesting
from teleport_okta.sync.policy import NO_LISTS, NO_OWNERS
from teleport_okta.sync.scim_records import provisioned_as

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.model.directory import OktaGroup, Roster
    from teleport_okta.model.hint import Hint
    from teleport_okta.model.inheritance import LeftMembership
    from teleport_okta.model.okta import OktaApp
    from teleport_okta.model.provisioned import ProvisionedUser
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.settings import Settings
    from teleport_okta.state.groups_and_apps import SeenList
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.state.people_seen import SeenPerson
    from teleport_okta.state.store import QuarantineEntry, Store
    from teleport_okta.sync.registry import Registry

_PAST: Final = 200
"""How many journal entries of a name are read to find out what it was the name of."""

_HINTS: Final = 10_000
_HAS_NO_LISTS: Final = "the cluster has no access lists"
_NOBODY: Final = ListMembers()


@dataclass(frozen=True)
class Facts:
    """The facts at the time `now`.

    `people` by Okta id, `users` maps the names of users of ours to Okta ids, `others` are the names of all other users,
    as far as is known. `okta` is None where groups and apps were never read, `actual` where this process has not read
    what Teleport holds of them. `source_app` is the id of the app that people come from; None: everybody is a user.
    `past` are journal entries of the name that was asked for.
    """

    now: datetime
    is_live: bool
    imports: Imports
    imports_directory: bool = True
    source_app: str | None = None
    people: Mapping[str, SeenPerson] = field(default_factory=dict)
    provisioned: Mapping[str, ProvisionedUser] = field(default_factory=dict)
    is_scim_alone: bool = False
    users: Mapping[str, str] = field(default_factory=dict)
    others: frozenset[str] = frozenset()
    okta: Directory | None = None
    actual: ActualDirectory | None = None
    seen_lists: Mapping[str, SeenList] = field(default_factory=dict)
    quarantine: tuple[QuarantineEntry, ...] = ()
    findings: Findings = field(default_factory=Findings)
    hints: tuple[Hint, ...] = ()
    left: tuple[LeftMembership, ...] = ()
    past: tuple[JournalEntry, ...] = ()
    seen_at: datetime | None = None

    @property
    def owner(self) -> str:
        """The Okta organisation for which we write."""
        return self.imports.policy.owner

    @cached_property
    def groups(self) -> dict[str, OktaGroup]:
        """The groups of Okta by id."""
        return {} if self.okta is None else {group.id: group for group in self.okta.groups.rows}

    @cached_property
    def apps(self) -> dict[str, OktaApp]:
        """The apps of Okta by id."""
        return {} if self.okta is None else {app.id: app for app in self.okta.apps.rows}

    @cached_property
    def managed(self) -> frozenset[str]:
        """The Okta ids of the people who are users of ours."""
        return frozenset(self.users.values()) - {""}

    @cached_property
    def nesting(self) -> Nesting:
        """The lists in which each list is nested."""
        if self.actual is None:
            return Nesting({}, {}, self.now)
        return Nesting(self.actual.access_lists, self.actual.members, self.now)

    def unread(self, *kinds: str) -> str:
        """Return why the objects of these kinds in Teleport are not known; empty if they are."""
        if self.actual is None:
            return "not known: this process has not read what Teleport holds"
        reasons = {**self.imports.unread, **self.actual.unread}
        return next((f"not known, it could not be read: {reasons[kind]}" for kind in kinds if kind in reasons), "")

    def names_of(self, okta_id: str) -> list[str]:
        """Return the users of ours who stand for a person."""
        return sorted(name for name, holder in self.users.items() if okta_id and holder == okta_id)

    def members(self, list_name: str) -> ListMembers:
        """Return the members of a list, as far as this process has read them."""
        return _NOBODY if self.actual is None else self.actual.members.get(list_name, _NOBODY)

    def has_list(self, list_name: str) -> bool:
        """Whether there is a list of a name."""
        return list_name in self.seen_lists if self.actual is None else list_name in self.actual.access_lists

    def gives_role(self, okta_id: str) -> bool:
        """Whether the people of a group or an app must have its member role directly."""
        desired = self.desired(okta_id) if self.imports.gives_roles else None
        return desired is not None and okta_id in desired.candidates and not self.imports.roles_off

    def title(self, list_name: str) -> str:
        """Return the title of a list, or its name if the list is not known."""
        if self.actual is not None and list_name in self.actual.access_lists:
            return self.actual.access_lists[list_name].title
        return self.seen_lists[list_name].title if list_name in self.seen_lists else list_name

    def desired(self, okta_id: str) -> DesiredDirectory | None:
        """Return the desired objects of a single group or app, by the filters."""
        if self.okta is None:
            return None
        group, app = self.groups.get(okta_id), self.apps.get(okta_id)
        alone = Directory(
            groups=replace(self.okta.groups, rows=(group,) if group else (), malformed=()),
            apps=replace(self.okta.apps, rows=(app,) if app else (), malformed=()),
            members=_only(self.okta.members, okta_id),
            grants=_only(self.okta.grants, okta_id),
            direct=_only(self.okta.direct, okta_id),
        )
        return desired_directory(alone, self.imports, ImportLabels(()))

    def app_of_server(self, server_name: str) -> str:
        """Return the id of the app of an app server; empty if Okta has no such app."""
        return next((app_id for app_id in self.apps if app_server_name(app_id) == server_name), "")


def _only(rosters: Mapping[str, Roster], okta_id: str) -> dict[str, Roster]:
    return {okta_id: rosters[okta_id]} if okta_id in rosters else {}


async def gathered(store: Store, settings: Settings, registry: Registry | None, asked: str, now: datetime) -> Facts:
    """Gather the facts; without a registry from the state only. `asked` is the name in question.

    Raises StateError.
    """
    users = await store.user_names.there()
    facts = Facts(
        now=now,
        is_live=registry is not None,
        imports=_imports(settings),
        imports_directory=settings.sync.apps_and_groups,
        source_app=settings.okta.app_id if settings.sync.source == "saml_app" else None,
        people=await store.people(),
        provisioned=await provisioned_as(store, settings, asked),
        is_scim_alone=settings.sync.source == "scim",
        users=users,
        quarantine=tuple(await store.quarantine()),
        findings=await store.findings(),
        hints=tuple(await store.hints.due(now, most=_HINTS, latest=timedelta())),
        left=tuple(await store.left.all()),
        past=tuple(await store.journal.history(limit=_PAST, name=asked)),
        seen_at=await store.last_success(),
    )
    if registry is not None and registry.users.owned:
        facts = replace(facts, users={**registry.users.owned, **registry.names()}, others=registry.users.others)
    known = None if registry is None else registry.directory
    if known is not None:
        return replace(facts, okta=known.okta, actual=known.actual, imports=known.imports)
    seen = await store.directory.last_seen()
    if seen is None:
        return facts
    if seen.roles is not None and settings.access_lists.enabled:
        facts = replace(facts, imports=replace(facts.imports, lists_off=_HAS_NO_LISTS, gives_roles=True))
    return replace(facts, okta=seen.directory, seen_lists=seen.lists)


def _imports(settings: Settings) -> Imports:
    """Return what is imported, as far as that is known without the organisation and the cluster."""
    lists, roles = settings.access_lists, settings.sync.default_roles
    return Imports(
        policy=Policy(
            owner="",
            organization_url="",
            connector=None,
            default_roles=(DEFAULT_ROLE,) if roles is None else roles,
            create_unactivated=settings.sync.create_unactivated,
        ),
        host_id="",
        lists_off=NO_LISTS if not lists.enabled else "" if lists.default_owners else NO_OWNERS,
        group_filters=NameFilters.of(lists.group_filters),
        app_filters=NameFilters.of(lists.app_filters),
        left_out=frozenset(settings.apps.leave_out),
    )
