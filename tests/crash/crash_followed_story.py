"""The history that is cut under a process that follows: what administrators of both systems do in half an hour.

Each act is done once, also if the process dies. After each of them everything must be right again without a full pass,
so the next act comes when the product has followed the one before.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from crash.crash_story import HOUR, Play
from hands import edit_user
from model.people import Wanted
from teleport_okta.model.harm import Evidence
from teleport_okta.model.names import app_server_name, member_role
from teleport_okta.state.store import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable


class FollowedPlay(Play):
    """The acts of the history, and what must be true after each."""

    def opening(self):
        super().opening()
        self.group("Pits", "ada", "jo", "kit")
        self.app("Miro")
        self.app("Wall")

    def hires(self, who):
        self.ids[who] = self.world.hire(f"{who}@x.io")
        self.users[f"{who}@x.io"] = self.ids[who]

    def hires_without_the_app(self, who):
        profile = {"firstName": "A", "lastName": "B", "login": f"{who}@x.io", "email": f"{who}@x.io"}
        self.ids[who] = self.okta.create_user(profile).id

    def assigns(self, who):
        self.okta.assign(self.world.app_id, self.ids[who])
        self.users[f"{who}@x.io"] = self.ids[who]

    def deactivates(self, who):
        self.okta.deactivate(self.ids[who])
        if f"{who}@x.io" in self.users:
            self.leaves(who, Evidence.STATED)

    def deletes(self, who):
        self.okta.delete_user(self.ids[who])

    def joins(self, who, *groups):
        for name in groups:
            self.okta.add_member(self.made[name], self.ids[who])

    def parts(self, who, *groups):
        for name in groups:
            self.okta.remove_member(self.made[name], self.ids[who])

    def renames_group(self, name, new):
        self.okta.update_group(self.made[name], name=new)

    def deletes_group(self, name):
        self.okta.delete_group(self.made.pop(name))

    def renames_app(self, label, new):
        self.okta.update_app(self.made[label], label=new)

    def deletes_app(self, label):
        self.okta.delete_app(self.made.pop(label))

    def gives_app(self, label, *people):
        for who in people:
            self.okta.assign(self.made[label], self.ids[who])

    def takes_app(self, label, *people):
        for who in people:
            self.okta.unassign(self.made[label], self.ids[who])

    def grants(self, group, label):
        self.okta.assign_group(self.made[label], self.made[group])

    def grants_no_more(self, group, label):
        self.okta.unassign_group(self.made[label], self.made[group])

    def hires_again(self, who):
        self.ids[f"new {who}"] = self.world.hire(f"{who}@x.io")

    def renamed_one_leaves(self, who):
        self.witness.pairs.clear()
        self.unassigned(who)

    def name_is_free(self, who):
        self.world.end()
        self.users[f"{who}@x.io"] = self.ids[f"new {who}"]

    def group_for_a_moment(self):
        self.group("Yards", "ada")
        self.parts("ada", "Yards")

    def profile_twice(self, who):
        for department in ("Looms", "Mills"):
            self.okta.update_profile(self.ids[who], department=department)

    def user_deleted_by_hand(self, who):
        self.administrator.delete_user(f"{who}@x.io")

    def list_deleted_by_hand(self, name):
        self.administrator.lists.delete(self.made[name])

    def unlocked_by_hand(self, who):
        name = f"{who}@x.io"
        found = [one.Metadata.Name for one in self.cluster.locks.all_stored() if one.Spec.Target.User == name]
        for lock in found:
            self.administrator.delete_lock(lock)

    def app_server_deleted(self, label):
        name = app_server_name(self.made[label])
        for server in tuple(self.cluster.app_servers.all_stored()):
            if server.Metadata.Name == name:
                self.cluster.app_servers.delete(f"{server.Spec.HostID}/{name}")

    def taken_out(self, group, who):
        self.people.remove_member(self.made[group], f"{who}@x.io")

    @property
    def people(self):
        return self.administrator.lists

    @property
    def okta(self):
        return self.world.okta

    @property
    def cluster(self):
        return self.world.teleport.cluster

    @property
    def administrator(self):
        return self.world.teleport.administrator

    def begin(self, step):
        super().begin(step)
        self.witness.people_acted()

    listings = 0
    """How often all groups may have been listed by the end of the present act."""

    has_passed = False
    """Whether a full pass had ended by then."""

    def note_death(self):
        """Note that the process has died, and judge what it left."""
        self.witness.look("the cut")
        if not self.has_passed:
            self.listings = self.world.gateway.full_listings
            self.has_passed = self._passed()

    def listed_too_often(self, act):
        """Whether there was a full pass without a reason."""
        is_counted = not act.may_pass or (act is ACTS[0] and self.has_passed)
        return is_counted and self.world.gateway.full_listings > self.listings

    def _passed(self):
        path = Path(self.world.settings["storage"]["data_dir"]) / FILE_NAME
        if not path.exists():
            return False
        with closing(sqlite3.connect(path)) as state:
            try:
                return bool(state.execute("SELECT 1 FROM memory WHERE key = 'last success'").fetchall())
            except sqlite3.OperationalError:
                return False  # it died before it had made its tables

    def wrong(self):
        """Say what is wrong when nothing is left to do."""
        return [*self.wrong_users(), *self.wrong_locks(), *self.oracle.wrong(self.found)]

    def wanted(self, name, okta_id):
        return Wanted(
            okta_id, {"okta/login": name, "okta/department": self.okta.user(okta_id).profile.get("department")}
        )


@dataclass(frozen=True)
class Act:
    """Some time passes, and an administrator does something."""

    title: str
    deed: Callable[[FollowedPlay], object]
    after: timedelta = timedelta(seconds=10)
    may_pass: bool = False
    """Whether a full pass may follow."""


ACTS = (
    Act("the first start: a join, a new database, the first pass", FollowedPlay.opening, timedelta(), may_pass=True),
    Act("a person is hired", lambda p: p.hires("mia")),
    Act("a person is hired, not yet for Teleport", lambda p: p.hires_without_the_app("ned")),
    Act("he joins a group", lambda p: p.joins("ned", "Looms")),
    Act("he is assigned", lambda p: p.assigns("ned")),
    Act("a member comes into a group", lambda p: p.joins("cy", "Looms")),
    Act("a member leaves a group", lambda p: p.parts("ada", "Looms")),
    Act("a person is unassigned", lambda p: p.unassigned("bea")),
    Act("a person is suspended", lambda p: p.suspended("eve")),
    Act("the lock of the suspended is taken off by hand", lambda p: p.unlocked_by_hand("eve")),
    Act("the suspended is let in again", lambda p: p.unsuspended("eve")),
    Act("a profile changes", lambda p: p.okta.update_profile(p.ids["ada"], department="Looms")),
    Act("an app is given to a group", lambda p: p.grants("Pits", "Miro")),
    Act("an app is given to two people", lambda p: p.gives_app("Miro", "fay", "gil")),
    Act("a user is deleted by hand", lambda p: p.user_deleted_by_hand("hal")),
    Act("a list is deleted by hand", lambda p: p.list_deleted_by_hand("Mills")),
    Act("a person joins a list by hand", lambda p: p.people.add_member(p.made["Looms"], "local@x.io")),
    Act("a group is made, with members", lambda p: p.group("Quays", "ada", "jo", "kit")),
    Act("an app is made", lambda p: p.app("Nova")),
    Act("the new app is given to the new group", lambda p: p.grants("Quays", "Nova")),
    Act("the new app is given to a person", lambda p: p.gives_app("Nova", "fay")),
    Act("the server of the new app is deleted by hand", lambda p: p.app_server_deleted("Nova")),
    Act("a member of the new group is taken out by hand", lambda p: p.taken_out("Quays", "jo")),
    Act("a group is renamed, and loses its list", lambda p: p.renames_group("Mills", "Attic")),
    Act("it gets its name back", lambda p: p.renames_group("Mills", "Mills")),
    Act("an app is renamed", lambda p: p.renames_app("Figma", "Sketch")),
    Act("a person is deactivated", lambda p: p.deactivates("cy")),
    Act("and deleted", lambda p: p.deletes("cy")),
    Act("a person is renamed", lambda p: p.renamed("dan", "daniel")),
    Act("two join two groups", lambda p: (p.joins("lou", "Looms", "Pits"), p.joins("mia", "Looms", "Pits"))),
    Act("an imported member is taken out by hand", lambda p: p.taken_out("Pits", "jo")),
    Act("one who left returns", lambda p: p.assigns("bea")),
    Act("the app is taken from a group", lambda p: p.grants_no_more("Looms", "Figma")),
    Act("the app is taken from a person", lambda p: p.takes_app("Wiki", "fay")),
    Act("a user group is deleted by hand", lambda p: p.cluster.user_groups.delete(p.made["Looms"])),
    Act("an app server is deleted by hand", lambda p: p.app_server_deleted("Miro")),
    Act("a role is deleted by hand", lambda p: p.cluster.roles.delete(member_role(p.made["Looms"]))),
    Act("a second one is suspended", lambda p: p.suspended("fay")),
    Act("the suspended joins a group", lambda p: p.joins("fay", "Mills")),
    Act("the suspended is unassigned", lambda p: p.unassigned("fay")),
    Act("a group without members is made", lambda p: p.group("Yards")),
    Act("it gets a member", lambda p: p.joins("ida", "Yards")),
    Act("it is deleted", lambda p: p.deletes_group("Yards")),
    Act("a list gets another title by hand", lambda p: p.people.edit(p.made["Looms"], title="Our looms")),
    Act("its group is described", lambda p: p.okta.update_group(p.made["Looms"], description="All the looms")),
    Act("many join a group at once", lambda p: [p.joins(who, "Mills") for who in ("ada", "gil", "ida", "jo", "kit")]),
    Act("one of them is deleted by hand", lambda p: p.user_deleted_by_hand("gil")),
    Act("a person is suspended and let in again", lambda p: (p.suspended("kit"), p.unsuspended("kit"))),
    Act("an app is deleted that a group grants", lambda p: p.deletes_app("Miro")),
    Act("an app is given to a group and a person", lambda p: (p.gives_app("Wall", "mia"), p.grants("Pits", "Wall"))),
    Act("an app is made and given at once", lambda p: (p.app("Nest", "mia"), p.grants("Mills", "Nest"))),
    Act("a group is deleted that has a list", lambda p: p.deletes_group("Pits")),
    Act("an assignment ends", lambda p: p.assignment_ended("lou")),
    Act("a group is made, filled and emptied", lambda p: p.group_for_a_moment()),
    Act("a profile changes twice", lambda p: p.profile_twice("gil")),
    Act("an app with a list is deleted", lambda p: p.deletes_app("Wiki")),
    Act("an app gets its name back", lambda p: p.renames_app("Figma", "Figma")),
    Act("a third one is suspended", lambda p: p.suspended("jo")),
    Act("and deactivated", lambda p: p.deactivates("jo")),
    Act("a person is hired and deactivated", lambda p: (p.hires_without_the_app("oz"), p.deactivates("oz"))),
    Act("one who was renamed is unassigned", lambda p: p.renamed_one_leaves("daniel")),
    Act("a user of ours gets other roles by hand", lambda p: edit_user(p.administrator, "ada@x.io", roles=["access"])),
    Act("the last members leave a group", lambda p: [p.parts(who, "Mills") for who in ("ada", "gil", "ida", "kit")]),
    Act("an app is given to everybody who is left", lambda p: p.gives_app("Wall", "ada", "gil", "ida", "kit")),
    Act("the name of a leaver is given to a new person", lambda p: p.hires_again("cy")),
    Act(
        "the process ends, and begins when every leaver's lock is over",
        lambda p: p.name_is_free("cy"),
        31 * HOUR,
        may_pass=True,
    ),
)
"""The history. The first act ends with the first full pass."""
