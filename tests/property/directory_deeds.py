"""What people do to groups, apps and lists in random days of an organisation, in Okta and in Teleport.

A deed that is impossible at the moment, or that a server refuses, does nothing.
"""

from __future__ import annotations

from contextlib import suppress

from directory_guard import DirectoryGuard
from directory_oracle import DirectoryOracle
from model import stored
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.sandbox.okta.error_bodies import OktaError
from teleport_okta.sandbox.teleport.refusal import Refusal

OBJECTS = 4
"""Two groups and two apps, which are replaced when they are deleted."""

GROUPS, APPS = ("Looms", "Mills"), ("Figma", "Wiki")

GROUP_FILTERS = {(): "", ("Looms*",): "Looms", ("^Mills.*$",): "Mills"}
APP_FILTERS = {(): "", ("Figma*",): "Figma", ("^Nothing$",): "Nothing"}
"""Filters, and how the names that pass them begin."""

FILTERS = [(groups, apps) for groups in GROUP_FILTERS for apps in APP_FILTERS]

THEIRS = "theirs"

IN_OKTA = ["join", "join", "leave", "grant", "take back", "rename", "replace", "switch the app", "assign", "unassign"]
IN_TELEPORT = ["add", "add for a day", "retitle", "give away", "nest", "nest theirs", "take out", "delete the list"]
IN_TELEPORT += ["edit the grants", "delete the role", "delete the user group", "delete the app server"]


class DirectoryDeeds:
    """Groups, apps and lists of one world; `users` returns the names and Okta ids of those who should be users."""

    def __init__(self, world, users, *, has_lists=True):
        self.world = world
        self.okta = world.okta
        self.people = world.teleport.administrator.lists
        self.resources = world.teleport.administrator.resources
        self.cluster = world.teleport.cluster
        self.filters = FILTERS[0]
        self.ids = [self.okta.create_group(name).id for name in GROUPS]
        self.ids += [self.okta.create_app(label).id for label in APPS]
        self.people.create(THEIRS)
        self.oracle = DirectoryOracle(self.okta, self.cluster, users=users, passes=self._passes, has_lists=has_lists)
        self.guard = DirectoryGuard(self.oracle)
        self._made = 0

    def _passes(self, name):
        groups, apps = self.filters
        is_group = name in {group.name for group in self.okta.groups.all}
        return name.startswith(GROUP_FILTERS[groups] if is_group else APP_FILTERS[apps])

    def play(self, deed, what, person):
        """Do a deed to one of the objects, with a person."""
        okta_id = self.ids[what % OBJECTS]
        group, app = self.ids[what % 2], self.ids[2 + what // 2 % 2]
        with suppress(KeyError, OktaError, Refusal):
            self._play(deed, okta_id, group, app, person)

    def _play(self, deed, okta_id, group, app, person):
        okta, people = self.okta, self.people
        match deed:
            case "join":
                okta.add_member(group, person.id)
            case "leave":
                okta.remove_member(group, person.id)
            case "grant":
                okta.assign_group(app, group)
            case "take back":
                okta.unassign_group(app, group)
            case "assign":
                okta.assign(app, person.id)
            case "unassign":
                okta.unassign(app, person.id)
            case "rename" if okta_id == group:
                okta.update_group(group, name=self._name(group))
            case "rename":
                okta.update_app(app, label=self._name(app))
            case "replace" if okta_id == group:
                okta.delete_group(group)
                self.ids[self.ids.index(group)] = okta.create_group(self._name(group)).id
            case "replace":
                okta.delete_app(app)
                self.ids[self.ids.index(app)] = okta.create_app(self._name(app)).id
            case "switch the app":
                (okta.deactivate_app if okta.app(app).status == "ACTIVE" else okta.activate_app)(app)
            case "add" | "add for a day" if person.login not in stored.members(self.cluster, okta_id):
                end = None if deed == "add" else self.cluster.now() + 24 * 3600
                people.add_member(okta_id, person.login, expires=end, reason="by hand")
            case "retitle":
                people.edit(okta_id, title="Ours")
            case "give away":
                people.edit(okta_id, owners=["zoe@x.io"])
            case "nest" if okta_id == group:
                people.nest(group, app)
            case "nest":
                people.nest(app, group)
            case "nest theirs":
                people.nest(okta_id, THEIRS)
            case "take out":
                people.remove_member(okta_id, person.login)
            case "delete the list":
                people.delete(okta_id)
            case "edit the grants":
                people.edit(okta_id, grants=["access"], owner_grants=[])
            case "delete the role":
                self.cluster.roles.delete(member_role(okta_id))
            case "delete the user group":
                self.resources.delete_user_group(group)
            case "delete the app server":
                host_id = self.world.parts.teleport.app_servers.host_id
                self.resources.delete_app_server(host_id, app_server_name(app))

    def _name(self, okta_id):
        """Return another name; every second one passes other filters."""
        self._made += 1
        names = GROUPS if okta_id.startswith("00g") else APPS
        return f"{names[self._made % 2]} {self._made}"
