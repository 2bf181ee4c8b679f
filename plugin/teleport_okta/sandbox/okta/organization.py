"""A small Okta organisation: its state, and the actions of an administrator in the console.

There is no I/O here. The HTTP server around it is :class:`~teleport_okta.sandbox.okta.server.OktaSandbox`; a test can
change the same organisation with these methods and then call the API.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.access_console import AccessConsole
from teleport_okta.sandbox.okta.app_defaults import as_object
from teleport_okta.sandbox.okta.app_kinds import ACTIVE_DIRECTORY, SAML, example_settings
from teleport_okta.sandbox.okta.apps import App, Apps
from teleport_okta.sandbox.okta.assignments import AppUser, Assignments
from teleport_okta.sandbox.okta.calls import Calls
from teleport_okta.sandbox.okta.dpop import Proofs
from teleport_okta.sandbox.okta.faults import Fault, FaultKind, Faults
from teleport_okta.sandbox.okta.group_rules import GroupRules
from teleport_okta.sandbox.okta.groups import OKTA_GROUP, WINDOWS_GROUP, Group, Groups
from teleport_okta.sandbox.okta.ids import IdFactory
from teleport_okta.sandbox.okta.log import SystemLog
from teleport_okta.sandbox.okta.log_access import AccessEvents
from teleport_okta.sandbox.okta.log_apps import AppEvents
from teleport_okta.sandbox.okta.log_groups import GroupEvents
from teleport_okta.sandbox.okta.log_recorder import Recorder
from teleport_okta.sandbox.okta.log_transactions import by_administrator, by_import, job, within
from teleport_okta.sandbox.okta.log_users import UserEvents
from teleport_okta.sandbox.okta.oauth import TokenEndpoint
from teleport_okta.sandbox.okta.provisioning.console import ProvisioningConsole
from teleport_okta.sandbox.okta.provisioning.state import Provisioning
from teleport_okta.sandbox.okta.rate_limits import RateLimiter
from teleport_okta.sandbox.okta.roles import AdminRole
from teleport_okta.sandbox.okta.rules_console import RulesConsole
from teleport_okta.sandbox.okta.saml_console import SamlConsole
from teleport_okta.sandbox.okta.settings import Settings
from teleport_okta.sandbox.okta.signing_keys import SigningKeys
from teleport_okta.sandbox.okta.timeline import Timeline
from teleport_okta.sandbox.okta.tokens import Tokens
from teleport_okta.sandbox.okta.user_search import SearchIndex, UserAttributes
from teleport_okta.sandbox.okta.user_views import UserKind
from teleport_okta.sandbox.okta.users import PASSWORD_EXPIRED, User, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from teleport_okta.sandbox.okta.app_groups import AppGroup


class OktaOrganization(AccessConsole, RulesConsole, ProvisioningConsole, SamlConsole):
    """The state of one organisation, and its admin console.

    Users, groups and apps are named by their id, users also by login; methods return the changed object, and raise
    :class:`~teleport_okta.sandbox.okta.error_bodies.OktaError` if the API would answer with an error.

    `now` returns epoch seconds and is the only clock; `rng` makes ids, secrets and random choices repeatable.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        now: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.settings = settings or Settings()
        rng = rng or random.Random()  # noqa: S311 - invented ids, not secrets
        delays = self.settings.delays
        self.timeline = Timeline(now, self.settings.clock_skew)
        self.ids = IdFactory(rng)
        self.id = self.ids.object("00o")
        self.created = self.timeline.stamp()
        self.user_kind = UserKind(self.ids.object("oty"), self.ids.object("osc"), self.ids.object("guo"))
        self.user_attributes = UserAttributes(self.user_kind.type_id, self.user_kind.realm_id)

        # A random source of its own: the ids of the organisation must not depend on the log.
        own_rng = random.Random(f"log of {self.id}")  # noqa: S311
        self.log = SystemLog(self.timeline, own_rng, most=self.settings.most_events)
        self.users = Users(self.timeline, self.ids, delays.transition)
        self.search_index = SearchIndex(self.timeline, delays.search)
        self.groups = Groups(self.timeline, self.ids, delays.membership_stamp, self.users)
        self.apps = Apps(self.timeline, self.ids, self.settings)
        recorder = Recorder(
            self.log,
            self.timeline,
            own_rng,
            users=self.users,
            apps=self.apps,
            administrator=lambda: self.admin,
        )
        # The log listens first, so that an event is written before those of its consequences.
        self.user_events = UserEvents(recorder)
        self.users.subscribe(self.user_events.changed)
        group_events = GroupEvents(recorder, users=self.users, groups=self.groups, apps=self.apps)
        self.groups.watch(group_events.changed)
        self.groups.subscribe(group_events.member_changed)
        app_events = AppEvents(recorder, self.log, users=self.users, groups=self.groups, apps=self.apps)
        self.apps.watch(app_events.changed)
        subdomain, generated = self.settings.subdomain, app_events.key_generated
        self.signing_keys = SigningKeys(self.timeline, self.ids, subdomain, on_generated=generated)
        self.assignments = Assignments(
            self.timeline, self.ids, delays, users=self.users, groups=self.groups, apps=self.apps
        )
        self.assignments.watch(app_events)
        self.users.subscribe(self.search_index.changed)
        self.users.subscribe(self.groups.user_changed)
        self.rules = GroupRules(
            self.timeline, self.ids, recorder, delays.group_job, users=self.users, groups=self.groups
        )

        self.provisioning = Provisioning(
            self.id,
            self.timeline,
            users=self.users,
            groups=self.groups,
            apps=self.apps,
            assignments=self.assignments,
        )

        self.faults = Faults(rng)
        self.limiter = RateLimiter(self.timeline, self.settings.edition, self.settings.share)
        self.calls = Calls()
        self.role = AdminRole()
        proofs = Proofs(self.timeline, self.ids)
        self.tokens = Tokens(self.timeline, self.ids, rng, users=self.users, proofs=proofs)
        self.token_endpoint = TokenEndpoint(self.timeline, self.tokens, proofs)
        self.access_events = AccessEvents(recorder, users=self.users, apps=self.apps, tokens=self.tokens)
        self.tokens.watch(self.access_events.token_revoked)
        self.apps.watch(self.tokens.app_changed)
        with self.log.paused():
            self.admin = self._first_admin()
        self.ssws_token = self.tokens.create_ssws(self.admin, self.role)

    @by_administrator
    def create_user(self, profile: Mapping[str, object], *, activate: bool = True, password: bool = True) -> User:
        """Add a user, ACTIVE by default; `login` defaults to `email` and vice versa."""
        self.timeline.settle()
        names = {"login": profile.get("email"), "email": profile.get("login")} | dict(profile)
        return self.users.create(names, activate=activate, password=password)

    @by_administrator
    def hire(self, first_name: str, last_name: str, **profile: object) -> User:
        """Add an ACTIVE user whose login is made of the name, and assign the Teleport app if there is one."""
        address = f"{first_name}.{last_name}@{self.settings.domain}".lower().replace(" ", "-")
        names = {"firstName": first_name, "lastName": last_name, "displayName": f"{first_name} {last_name}"}
        user = self.create_user(names | {"login": address, "email": address} | profile)
        app = self.app_labelled("Teleport")
        if app is not None:
            self.assignments.assign(app, user)
        return user

    @by_administrator
    def update_profile(self, user: str, **changes: object) -> User:
        """Change attributes of a user; ``None`` clears one."""
        found = self.user(user)
        return self.users.update(found, {**found.profile, **changes})

    @by_import
    def import_profile(self, user: str, **changes: object) -> User:
        """Change attributes as a directory import can, past the API's checks; ``None`` removes one, the login too."""
        found = self.user(user)
        profile = {**found.profile, **changes}
        return self.users.overwrite(found, {name: value for name, value in profile.items() if value is not None})

    @by_administrator
    def activate(self, user: str) -> User:
        """Activate a staged or deactivated user, with a password, so that the user is ACTIVE."""
        return self.users.set_password(self.users.activate(self.user(user)))

    @by_administrator
    def suspend(self, user: str) -> User:
        """Suspend an active user."""
        return self.users.suspend(self.user(user))

    @by_administrator
    def unsuspend(self, user: str) -> User:
        """End the suspension of a user."""
        return self.users.unsuspend(self.user(user))

    @by_administrator
    def unlock(self, user: str) -> User:
        """Unlock a locked-out user."""
        return self.users.unlock(self.user(user))

    def set_status(self, user: str, status: str) -> User:
        """Set any status of a user, such as LOCKED_OUT, or an unknown one.

        The actor is the system, as when a lockout expires. A password expires without an event.
        """
        found = self.user(user)
        with within(job(silent=status == PASSWORD_EXPIRED)):
            return self.users.set_status(found, status)

    @by_administrator
    def deactivate(self, user: str) -> User:
        """Deactivate a user. Assignments of active apps end, and group memberships stay."""
        return self.users.deactivate(self.user(user))

    @by_administrator
    def delete_user(self, user: str) -> None:
        """Delete a user, after a deactivation if needed."""
        found = self.user(user)
        if not self.users.delete(found):
            self.users.delete(self.users.require(found.id))

    @by_administrator
    def create_app(
        self,
        label: str,
        *,
        activate: bool = True,
        links: Iterable[str] | None = None,
        hidden: bool | None = None,
        note: str | None = None,
        **body: object,
    ) -> App:
        """Add a custom SAML app for a service provider of this label, or another kind of app.

        `body` overrides fields of the request: ``signOnMode`` chooses the kind, ``None`` makes it a directory. `links`
        names the links for users, instead of the one of its kind; `note` is the note for users.
        """
        self.timeline.settle()
        request = {"label": label, "signOnMode": SAML} | body
        if request["signOnMode"] is None:
            request["name"] = ACTIVE_DIRECTORY
        url = f"https://{label.lower().replace(' ', '-')}.{self.settings.domain}"
        request["settings"] = example_settings(request["signOnMode"], url) | as_object(body.get("settings"))
        app = self.apps.create(request, activate=activate, links=links)
        return self.apps.update(app, hidden=hidden, note=note)

    @by_administrator
    def add_internal_apps(self) -> list[App]:
        """Add the rest of Okta's own apps, which come with its further products; three are always there."""
        self.timeline.settle()
        return self.apps.add_later_apps()

    @by_administrator
    def update_app(
        self,
        app: str,
        *,
        label: str | None = None,
        links: Iterable[str] | None = None,
        hidden: bool | None = None,
        note: str | None = None,
    ) -> App:
        """Change label, links, visibility or note of an app; ``None`` leaves it as it is, an empty `note` clears it."""
        return self.apps.update(self.app(app), label=label, links=links, hidden=hidden, note=note)

    @by_administrator
    def activate_app(self, app: str) -> App:
        """Activate an app. A job updates the assignments through its groups."""
        found = self.app(app)
        after = self.apps.set_active(found, active=True)
        if after != found:
            self.assignments.app_activated(after.id)
        return after

    @by_administrator
    def deactivate_app(self, app: str) -> App:
        """Deactivate an app; its assignments stay listed."""
        return self.apps.set_active(self.app(app), active=False)

    @by_administrator
    def delete_app(self, app: str) -> None:
        """Delete an app, after a deactivation if needed."""
        found = self.deactivate_app(app)
        self.apps.delete(found)
        self.assignments.app_deleted(found.id)

    @by_administrator
    def assign(
        self, app: str, user: str, user_name: str | None = None, profile: Mapping[str, object] | None = None
    ) -> AppUser:
        """Assign a user to an app directly."""
        return self.assignments.assign(self.app(app), self.user(user), user_name, profile)

    @by_administrator
    def unassign(self, app: str, user: str) -> None:
        """Remove a user's assignment. Refused while a group grants the app."""
        self.assignments.unassign(self.app(app), self.user(user))

    @by_administrator
    def set_assignment_status(self, app: str, user: str, status: str) -> AppUser:
        """Set any status of an assignment, such as DEPROVISIONED, or an unknown one."""
        return self.assignments.set_status(self.app(app), self.user(user), status)

    @by_administrator
    def assign_group(self, app: str, group: str) -> AppGroup:
        """Assign a group to an app; its members become app users when the job has run."""
        return self.assignments.put_group(self.app(app), self.group(group))

    @by_administrator
    def unassign_group(self, app: str, group: str) -> None:
        """Remove a group's assignment. Its members lose the app when the job has run."""
        self.assignments.remove_group(self.app(app).id, self.group(group).id)

    @by_administrator
    def create_group(
        self, name: str, description: str | None = None, *, kind: str = OKTA_GROUP, source_app: str | None = None
    ) -> Group:
        """Add a group; of kind APP_GROUP as if imported from the app `source_app`."""
        self.timeline.settle()
        profile: dict[str, object] = {"name": name, "description": description}
        source = self.apps.all.get(source_app) if source_app is not None else None
        if source is None or source.name != ACTIVE_DIRECTORY:
            return self.groups.create(profile, kind=kind, source_app=source_app)
        profile |= {"windowsDomainQualifiedName": f"{source.label}\\{name}", "samAccountName": name}
        return self.groups.create(profile, kind=kind, source_app=source_app, object_class=WINDOWS_GROUP)

    @by_administrator
    def update_group(self, group: str, **changes: object) -> Group:
        """Change the name or other attributes of a group; of an APP_GROUP as an import does it."""
        found = self.group(group)
        return self.groups.update(found, {**found.profile, **changes}, imported=True)

    @by_administrator
    def make_administrative(self, group: str, *, administrative: bool = True) -> Group:
        """Give a group an admin role, or remove it. Its members then need the permission to see roles."""
        return self.groups.set_administrative(self.group(group), administrative=administrative)

    @by_administrator
    def delete_group(self, group: str) -> None:
        """Remove a group with its memberships and app assignments; an APP_GROUP as an import does it."""
        found = self.group(group)
        self.groups.delete(found, imported=True)
        self.assignments.group_deleted(found.id)

    @by_administrator
    def add_member(self, group: str, user: str) -> None:
        """Add a member to a group; of an APP_GROUP as an import does."""
        self.groups.add_member(self.group(group), self.user(user), imported=True)

    @by_administrator
    def remove_member(self, group: str, user: str) -> None:
        """Remove a member of a group; of an APP_GROUP as an import does."""
        self.groups.remove_member(self.group(group), self.user(user), imported=True)

    def skew_clock(self, seconds: float) -> None:
        """Set the difference of the organisation's clock to the injected time; below zero, it is behind."""
        self.timeline.skew = seconds

    def fail(
        self,
        kind: FaultKind | str,
        *,
        method: str = "*",
        path: str = "*",
        count: int | None = None,
        after: int = 0,
        probability: float = 1.0,
        seconds: float = 0.0,
        percent: int = 50,
    ) -> Fault:
        """Put a fault in force for the calls whose method and path match; see :class:`Fault`."""
        return self.faults.add(Fault(FaultKind(kind), method, path, count, after, probability, seconds, percent))

    def recover(self) -> None:
        """End all faults."""
        self.faults.clear()

    def mark(self) -> Calls:
        """Return the counts of calls so far, for :meth:`calls_since`."""
        return self.calls.copy()

    def calls_since(self, mark: Calls) -> Calls:
        """Return the counts of calls since `mark`."""
        return self.calls.since(mark)

    def user(self, identifier: str) -> User:
        """Return the current user of an id or login."""
        self.timeline.settle()
        return self.users.require(identifier)

    def app(self, app_id: str) -> App:
        """Return the current app of an id."""
        self.timeline.settle()
        return self.apps.require(app_id)

    def app_labelled(self, label: str) -> App | None:
        """Return the first app with a label."""
        self.timeline.settle()
        return next((app for app in self.apps.all if app.label == label), None)

    def group(self, group_id: str) -> Group:
        """Return the current group of an id."""
        self.timeline.settle()
        return self.groups.require(group_id)

    def _first_admin(self) -> str:
        """Create the administrator who owns the first token."""
        address = f"okta.admin@{self.settings.domain}"
        names = {"firstName": "Okta", "lastName": "Admin", "login": address, "email": address}
        user = self.users.create(names, activate=True, password=True)
        self.search_index.load(user)
        self.groups.enrol(self.groups.administrators, [user.id])
        return user.id
