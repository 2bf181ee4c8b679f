"""The groups, apps and lists of the fault sweep's story, which come, change and go.

Deeds are what people do in Okta and in Teleport; `DirectoryOracle` says what must follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from contract.sync.office import ROOMY
from directory_oracle import DirectoryOracle

if TYPE_CHECKING:
    from contract.sync.sweep_story import Play

LISTED = ("Looms", "Mills", "Mills of old", "Pits", "Wiki")
"""The names of the groups and the apps that may have a list."""

SETTINGS = {
    "sync": {"apps_and_groups": True},
    "access_lists": {"default_owners": ["owner@x.io"], "group_filters": LISTED[:4], "app_filters": LISTED[4:]},
    **ROOMY,
}
HELPER = "local@x.io"
"""A user whom people add to lists by hand."""

THEIRS = "theirs"
"""The name of a list, a user group and an app server that are not ours."""

_LABELLED = {"Looms": {"env": "prod"}}


@dataclass
class Reach:
    """The groups and apps of one performance, by their names in the story."""

    play: Play
    ids: dict[str, str] = field(default_factory=dict)
    oracle: DirectoryOracle = field(init=False)

    def __post_init__(self):
        play = self.play
        self.oracle = DirectoryOracle(
            play.world.okta,
            play.world.teleport.cluster,
            users=lambda: {name: play.ids.get(who, "") for name, who in play.users.items()},
            passes=LISTED.__contains__,
            group_labels=_LABELLED,
        )
        self.okta = play.world.okta
        self.lists = play.world.teleport.administrator.lists
        self.resources = play.world.teleport.administrator.resources

    def first_day(self):
        """Others have a list, a user group and an app server, and there is an import rule."""
        self.lists.create(THEIRS, grants=["access"])
        self.lists.add_member(THEIRS, HELPER)
        self.resources.create_user_group(THEIRS, applications=["wiki"])
        self.resources.create_app_server(THEIRS, host_id="another-host", uri="https://wiki.example.com")
        match = {"group_name_regexes": ["^Looms$"]}
        self.resources.create_import_rule("rule", mappings=[{"match": [match], "add_labels": _LABELLED["Looms"]}])

    def arrivals(self):
        """Three lists come, and an app that one of their groups grants."""
        self._group("Looms", "ada", "bea", "cy")
        self._group("Mills", "dan")
        self._app("Figma")
        self.okta.assign_group(self.ids["Figma"], self.ids["Looms"])
        self._app("Wiki", "ada", "dan")

    def changes(self):
        """People join and leave, names and grants change, and people edit a list and add a member to it."""
        looms, mills = self.ids["Looms"], self.ids["Mills"]
        self.lists.edit(looms, title="Our looms", owners=[HELPER])
        self.lists.add_member(looms, HELPER, reason="helps out")
        self.okta.add_member(mills, self.play.ids["eve"])
        self.okta.unassign(self.ids["Wiki"], self.play.ids["ada"])
        self.okta.update_group(mills, name="Mills of old")
        self.okta.update_app(self.ids["Figma"], label="Penpot")
        self.okta.assign_group(self.ids["Figma"], mills)

    def meddling(self):
        """An app goes with its list, another list loses its last member, people delete one and nest another."""
        self.lists.nest(self.ids["Looms"], THEIRS)
        self.lists.delete(self.ids["Mills"])
        self.okta.remove_member(self.ids["Looms"], self.play.ids["ada"])
        self.okta.delete_app(self.ids["Wiki"])

    def newcomer(self):
        """A list comes, and a group grants an app no more."""
        self._group("Pits", "fay")
        self.okta.unassign_group(self.ids["Figma"], self.ids["Looms"])

    def renewals(self):
        """The last list loses its only person; the app servers have ended long ago."""
        self.okta.remove_member(self.ids["Pits"], self.play.ids["fay"])

    def closing(self):
        """A group goes, with its list."""
        self.okta.delete_group(self.ids["Mills"])

    def _group(self, name, *people):
        self.ids[name] = self.okta.create_group(name).id
        for who in people:
            self.okta.add_member(self.ids[name], self.play.ids[who])

    def _app(self, label, *people):
        self.ids[label] = self.okta.create_app(label).id
        for who in people:
            self.okta.assign(self.ids[label], self.play.ids[who])
