"""The history of requests about SCIM groups that is cut: apps push groups, and the state is lost now and then.

What a client was told by a 2xx must be so in Teleport from then on: a group has one list, `scim-<SCIM id>`, with its
title and with exactly those of its members who have a user, and none after a DELETE. While a request is under way the
list may be as before, as after, or between. A group of list sync (`KEPT`) has the list of that, and no other.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crash.crash_scim_story import ALONE, CAST, CATALOG, CUSTOM, Request, ScimPlay, ScimWitness
from teleport_okta.model import labels
from teleport_okta.sandbox.okta.provisioning.attributes import GROUP
from teleport_okta.sandbox.okta.provisioning.client import ScimError
from teleport_okta.sandbox.okta.provisioning.group_requests import (
    added,
    change_members,
    find_or_create,
    removed,
    rename,
    write,
)
from teleport_okta.state.store import FILE_NAME

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.provisioning.settings import Style

BOTH_WITH_GROUPS = {"audit_interval": "168h"}
"""Settings of `sync`: people come from Okta's API as well, and groups are imported."""

KEPT = "Looms"
"""The name of the group that list sync keeps where groups are imported."""

PEOPLE = ("ada", "bea", "cy", "dan", "eve", "gil")
LATE = "hal"
"""A person who is provisioned later."""

OWNER = "owner@x.io"
UNKNOWN = "0b4c5d5e-0000-4000-8000-000000000000"


class Group(NamedTuple):
    """A group as a client has it, or wants it: `edited` and `added` are what people did to its list by hand."""

    name: str
    members: frozenset[str] = frozenset()
    scim_id: str = ""
    list_name: str = ""
    edited: str = ""
    added: frozenset[str] = frozenset()

    @property
    def title(self):
        """The title of its list."""
        return self.edited or self.name


class ListPromise(NamedTuple):
    """What must be true of a list: its title is in `titles`, all of `must` are members, and all members are in `may`.

    `is_there` is None while the list may exist or not.
    """

    list_name: str
    is_there: bool | None
    titles: frozenset[str] = frozenset()
    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


@dataclass
class GroupWitness(ScimWitness):
    """Judges after every call also whether the lists are what clients were told.

    `unnamed` is the promise about a list that is being made, whose name no client has yet.
    """

    lists: list[ListPromise] = field(default_factory=list)
    unnamed: ListPromise | None = None

    def look(self, call):
        super().look(call)
        others = self.pushed().keys() - {promise.list_name for promise in self.lists}
        made = [self.unnamed._replace(list_name=name) for name in others] if self.unnamed is not None else []
        if len(others) != len(made) or len(made) > 1:
            self._object(call, f"there are lists of which no client was told: {sorted(others)}")
        for promise in (*self.lists, *made):
            for what in self._broken_list(promise):
                self._object(call, what)

    def pushed(self):
        """The lists of pushed groups by name, as stored."""
        found = {one.header.metadata.name: one for one in self.world.teleport.cluster.access_lists.all_stored()}
        return {name: one for name, one in found.items() if name.startswith("scim-")}

    def members(self, list_name):
        """The members of a list by name, as stored."""
        found = self.world.teleport.administrator.lists.members(list_name)
        return {member.header.metadata.name: member for member in found}

    def _broken_list(self, promise):
        found = self.world.teleport.cluster.access_lists.stored(promise.list_name)
        if found is None:
            if promise.is_there:
                yield f"{promise} was promised, and there is no list"
            return
        if promise.is_there is False:
            yield f"{promise} was promised, and there is a list"
            return
        names = self.members(promise.list_name).keys()
        if not promise.must <= names <= promise.may:
            yield f"{promise} was promised, and members are {sorted(names)}"
        if found.spec.title not in promise.titles:
            yield f"{promise} was promised, and the title is {found.spec.title}"


@dataclass
class GroupPlay(ScimPlay):
    """One performance: the groups by a word for each, as clients want them, and as the answers said that they are."""

    wanted: dict[str, Group] = field(default_factory=dict)
    told: dict[str, Group] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    kept: dict[str, Group] = field(default_factory=dict)
    """The groups of list sync, as their members are in Okta; `kept_before` as they were before the present act."""

    kept_before: dict[str, Group] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    """People about whom the lists of list sync are right at rest, and may be wrong before."""

    group_ids: dict[str, str] = field(default_factory=dict)
    """The SCIM ids of groups in answers, with the group of each."""

    act: Request | None = None

    def __post_init__(self):
        super().__post_init__()
        self.witness = self.world.answers.witness = GroupWitness(self.world)

    # What is wanted, and what was told

    def begin(self, act):
        self.act = act
        self.kept_before = dict(self.kept)
        super().begin(act)
        self.unsure |= {act.who} - {""}
        self._promise_lists()

    def note_rest(self):
        self.unsure.clear()
        self._promise_lists()

    def _note_answer(self, act):
        super()._note_answer(act)
        if act.of and not act.refused:
            self._tell(act.of)
        if act.deletes:
            for groups in (self.wanted, self.told):
                groups.update({of: one._replace(members=one.members - {act.who}) for of, one in groups.items()})
        self.kept_before = dict(self.kept)
        self._promise_lists()

    def _tell(self, of):
        if of not in self.wanted:
            self._forget(self.told.pop(of))
            return
        self.told[of] = self.wanted[of]

    def _forget(self, group):
        if not self._is_kept(group):
            self.gone.add(group.list_name)

    def _promise_lists(self):
        self.witness.lists = [ListPromise(name, is_there=False) for name in self.gone]
        self.witness.unnamed = None
        for of in self.told.keys() | self.wanted.keys():
            before, after = self.told.get(of), self.wanted.get(of)
            if self._is_kept(before or after):
                continue
            promise = self._promised(before, after, self._leaving())
            if promise.list_name:
                self.witness.lists.append(promise)
            else:
                self.witness.unnamed = promise
        for of, after in self.kept.items():
            self.witness.lists.append(self._promised(self.kept_before.get(of), after, self.unsure))

    def _promised(self, before, after, unsure):
        some = [one for one in (before, after) if one is not None]
        names = [self._names(one, unsure) for one in some]
        may = frozenset().union(*(may for _, may in names))
        titles = frozenset(one.title for one in some)
        if len(some) == 1:
            return ListPromise(some[0].list_name, None, titles, some[0].added, may)
        must = frozenset.intersection(*(must for must, _ in names))
        return ListPromise(after.list_name, True, titles, must, may)

    def _names(self, group, unsure):
        """Return which names must be in the list of a group, and which may: of a person being changed, both names."""
        must, may = set(group.added), set(group.added)
        for who in group.members:
            promise = self.witness.promises.get(who)
            if promise is None or who in unsure:
                may |= {self.mapped[who]["userName"], *([self.before.name] if self.before is not None else [])}
            elif promise.is_active:
                must.add(promise.name)
        return frozenset(must), frozenset(must | may)

    def _leaving(self):
        """With both doors, the people denied since the last rest: a look that began before may add them once more."""
        promises = self.witness.promises
        active = {who for who in self.unsure if who not in promises or promises[who].is_active}
        return frozenset() if self.sync is ALONE else frozenset(self.unsure - active)

    def _is_kept(self, group):
        return group.name in self.kept

    # What people do in Okta and in Teleport

    def opening(self, _of):
        people = self.world.teleport.administrator
        for name in (OWNER, "local@x.io"):
            people.create_user(name, roles=["access"])
            self.witness.keep_foreign(name)
        looms = self.world.okta.create_group(KEPT).id
        for who in (*PEOPLE, LATE):
            profile = {"firstName": who.title(), "lastName": "B", "login": f"{who}@x.io", "email": f"{who}@x.io"}
            self.ids[who] = self.world.okta.create_user(profile | {"title": "Clerk"}).id
            self.assigns(who)
        self.unassigns(LATE)
        if self.sync is not ALONE:
            self.kept[KEPT] = Group(KEPT, list_name=looms)
            self.kept_members(KEPT, {"ada", "bea"})
            self.unsure |= set(PEOPLE)

    def kept_members(self, name, members):
        group = self.kept[name]
        for who in members - group.members:
            self.world.okta.add_member(group.list_name, self.ids[who])
        for who in group.members - members:
            self.world.okta.remove_member(group.list_name, self.ids[who])
        self.kept[name] = group._replace(members=frozenset(members))

    def is_made(self, of, name, *members):
        """A group is to be pushed."""
        self.wanted[of] = self.told.get(of, Group(name))._replace(name=name, members=frozenset(members))
        if name in self.kept:
            self.kept_members(name, set(members))

    def changes(self, of, *, name=None, members=None):
        group = self.wanted[of]
        self.wanted[of] = group._replace(
            name=name or group.name, members=group.members if members is None else frozenset(members)
        )
        if group.name in self.kept and members is not None:
            self.kept_members(group.name, set(members))

    def ends(self, of):
        del self.wanted[of]

    def edited_by_hand(self, of, *, title, added_member, name):
        """In Teleport the list gets another title and a member; in Okta the group gets another name."""
        lists, group = self.world.teleport.administrator.lists, self.told[of]
        lists.edit(group.list_name, title=title)
        lists.add_member(group.list_name, added_member)
        self.told[of] = group._replace(edited=title, added=frozenset({added_member}))
        self.wanted[of] = self.told[of]._replace(name=name)

    def deleted_by_hand(self, of):
        """In Teleport a person deletes the list; it is made again when the group is pushed, or sooner."""
        self.world.teleport.administrator.lists.delete(self.told[of].list_name)
        del self.told[of]

    def loses_state(self, _of=""):
        """The process ends, and the state is lost, with the inactive members of groups and the groups of list sync."""
        self.world.end()
        data = Path(self.world.settings["storage"]["data_dir"])
        for file in data.glob(f"{FILE_NAME}*"):
            file.unlink()
        inactive = {who for who, promise in self.witness.promises.items() if not promise.is_active}
        for groups in (self.told, self.wanted):
            for of, group in list(groups.items()):
                if self._is_kept(group):
                    del groups[of]
                else:
                    groups[of] = group._replace(members=group.members - inactive)

    def loses_state_and(self, subject, deed, *given, **named):
        """The state is lost, and a deed is done before anything is taken over."""
        self.loses_state()
        deed(self, subject, *given, **named)

    # What clients ask

    async def provisions_everybody(self, _of):
        for who in PEOPLE:
            await self.provisions(who)
            self._promise(Act("", who, ScimPlay.nothing))

    def learn_group(self, of, scim_id):
        """Remember the SCIM id of a group."""
        group = self.wanted[of]
        list_name = self.kept[group.name].list_name if self._is_kept(group) else f"scim-{scim_id}"
        self.wanted[of] = group._replace(scim_id=scim_id, list_name=list_name)
        self.group_ids[scim_id] = of
        self.gone.discard(list_name)
        self._promise_lists()

    def shown(self, of, members=None):
        """The members of a group, as a client names them."""
        members = self.wanted[of].members if members is None else members
        return [{"value": self.scim_ids[who], "display": self.mapped[who]["userName"]} for who in sorted(members)]

    async def pushes_group(self, of):
        """Look the group up, create it empty if it is not there, and write its members, as Okta does."""
        group = self.wanted[of]
        scim_id, _ = await find_or_create(self.client, group.name)
        self.learn_group(of, scim_id)
        await write(self.client, scim_id, group.name, self.shown(of))

    async def posts_group(self, of):
        """Create the group with its members, again while there is no answer; push it where it turns out to be there."""
        body = {"schemas": [GROUP], "displayName": self.wanted[of].name, "members": self.shown(of)}
        try:
            scim_id = await self.client.create("/Groups", body, "group")
        except ScimError as error:
            if error.status != 409 or self.is_first:
                raise
            await self.pushes_group(of)
        else:
            self.learn_group(of, scim_id)

    async def posts_taken_name(self, of):
        body = {"schemas": [GROUP], "displayName": self.told[of].name.upper(), "members": []}
        await self.client.create("/Groups", body, "group")

    async def writes_unknown(self, of):
        members = [*self.shown(of, {"ada"}), {"value": UNKNOWN}]
        await write(self.client, self.told[of].scim_id, self.told[of].name, members)

    async def renames_to_taken(self, of):
        other = next(one for one in self.told.values() if one.scim_id != self.told[of].scim_id)
        await rename(self.client, self.told[of].scim_id, other.name)

    async def patches(self, of):
        """Send who was added and who was removed, in one request after the name."""
        before, after = self.told[of].members, self.wanted[of].members
        operations = [added(self.shown(of, after - before))] if after - before else []
        operations += [removed(self.scim_ids[who]) for who in sorted(before - after)]
        await change_members(self.client, self.wanted[of].scim_id, self.wanted[of].name, operations)

    async def writes(self, of):
        """Overwrite name and members."""
        await write(self.client, self.wanted[of].scim_id, self.wanted[of].name, self.shown(of))

    async def renames(self, of):
        await rename(self.client, self.wanted[of].scim_id, self.wanted[of].name)

    async def deletes_group(self, of):
        """Delete the group; when that is repeated it may be gone."""
        try:
            await self.client.delete(f"/Groups/{self.told[of].scim_id}")
        except ScimError as error:
            if self.is_first or error.status != 404:
                raise

    # What they see

    async def read_back(self):
        """Note what the listings show, and say where it differs from what clients were told, or from what GET shows."""
        self.bodies = {}
        async with self.connected() as client:
            for path, what in (("/Users", "users"), ("/Groups", "groups")):
                for body in await client.list(path, what, startIndex=1, count=100):
                    self.bodies[f"{path}/{body['id']}"] = _without_times(body)
            for path in self._paths_of(self.act):
                body = None
                with suppress(ScimError):
                    body = _without_times(await client.get(path))
                if body != self.bodies.get(path):
                    self.problems.append(f"GET of {path} shows {body}, and the listing {self.bodies.get(path)}")
        self.problems += self._unlike_told()

    def _paths_of(self, act):
        """The paths of all ids that the person or group of an act ever had."""
        yield from (f"/Users/{scim_id}" for scim_id, who in self.seen.items() if who == act.who)
        yield from (f"/Groups/{scim_id}" for scim_id, of in self.group_ids.items() if of == act.of)

    def _unlike_told(self):
        """Say where clients see something else than they were told."""
        shown = {
            path: (body["displayName"], body["members"]) for path, body in self.bodies.items() if "/Groups" in path
        }
        told = {f"/Groups/{one.scim_id}": (one.name, self._ids_of(one)) for one in self.told.values()}
        if shown != told:
            yield f"clients were told of the groups {told}, and see {shown}"
        for promise in self.witness.promises.values():
            body = self.bodies.get(f"/Users/{promise.scim_id}", {})
            if promise.is_active and body.get("active") is not True:
                yield f"clients were told of {promise}, and see {body}"

    def _ids_of(self, group):
        return sorted(self.scim_ids[who] for who in group.members)

    def state(self):
        found = super().state()
        leaving = {self.mapped[who]["userName"] for who in self._leaving()}
        for name, one in self.witness.pushed().items():
            found[f"list {name}"] = {
                "title": one.spec.title,
                "description": one.spec.description,
                "owners": sorted(owner.name for owner in one.spec.owners),
                "grants": (list(one.spec.grants.roles), list(one.spec.owner_grants.roles)),
                "labels": {
                    label: value for label, value in one.header.metadata.labels.items() if label != labels.OKTA_ORG
                },
                "members": {
                    member: dict(found.header.metadata.labels)
                    for member, found in self.witness.members(name).items()
                    if member not in leaving
                },
            }
        return found


@dataclass(frozen=True)
class Act(Request):
    """What happens in Okta or Teleport, and what an app asks because of it: about the group `of`, or about a person.

    `deletes`: the app deletes the user. `recovers`: no client asks for anything, and a process is started that comes to
    rest. `sampled` are the doors whose samples have this act.
    """

    of: str = ""
    asks_as: Style = CATALOG
    deletes: bool = False
    recovers: bool = False
    sampled: tuple[str, ...] = ()

    @property
    def subject(self):
        return self.of or self.who

    @property
    def style(self):
        return CAST[self.who] if self.who else self.asks_as


def about(of, title, asks, deed=ScimPlay.nothing, style=CATALOG, **more):
    """An act about a group."""
    return Act(title, "", asks, deed, of=of, asks_as=style, **more)


def doing(method, *given, **named):
    """Something that people do, with what is to be known of it."""
    return lambda play, subject: method(play, subject, *given, **named)


def told(door, *, is_sample):
    """The acts of a telling."""
    return tuple(act for act in ACTS if not is_sample or door in act.sampled)


def _without_times(body):
    """A resource as it is shown, without times; members sorted."""
    location = body["meta"]["location"]
    members = {"members": sorted(one["value"] for one in body.get("members", ()))} if "/Groups/" in location else {}
    return body | {"meta": {"location": location}} | members


async def nothing(_play, _of):
    """No client asks for anything."""


P = GroupPlay
A, B = ("SCIM alone",), ("both doors",)
DOORS = {"SCIM alone": ALONE, "both doors": BOTH_WITH_GROUPS}

ACTS = (
    Act("the first start", "", P.provisions_everybody, P.opening, sampled=A + B),
    about("rig", "an app pushes a group", P.pushes_group, doing(P.is_made, "Riggers", "ada", "bea"), sampled=A + B),
    about(
        "tan",
        "a client creates a group with members",
        P.posts_group,
        doing(P.is_made, "Tanners", "ada", "cy", "eve"),
        sampled=A,
    ),
    about("tan", "a group is created that is there already", P.posts_taken_name, refused=409),
    about("rig", "a person comes", P.patches, doing(P.changes, members={"ada", "bea", "cy"})),
    about(
        "rig",
        "some come and a person goes",
        P.patches,
        doing(P.changes, members={"bea", "cy", "dan", "gil"}),
        sampled=A + B,
    ),
    about("rig", "all members are replaced", P.writes, doing(P.changes, members={"ada", "dan", "eve"}), sampled=A),
    about("tan", "a custom app writes the members", P.writes, doing(P.changes, members={"ada", "bea"}), CUSTOM),
    about("tan", "an unknown person is written", P.writes_unknown, style=CUSTOM, refused=400),
    about("rig", "a catalogue app renames a group", P.renames, doing(P.changes, name="Hoisters"), sampled=A),
    about(
        "tan",
        "a custom app renames a group and changes its members",
        P.writes,
        doing(P.changes, name="Curriers", members={"ada", "cy", "dan"}),
        CUSTOM,
        sampled=A,
    ),
    about("rig", "a group is renamed to the name of another", P.renames_to_taken, refused=409),
    Act("a person in two groups is deactivated", "ada", P.deactivates, P.unassigns, denies=True, sampled=A),
    about(
        "pot",
        "a group is pushed with an inactive person",
        P.posts_group,
        doing(P.is_made, "Potters", "ada", "cy"),
        CUSTOM,
        sampled=A,
    ),
    about(
        "tan",
        "a person comes to a group with an inactive person",
        P.patches,
        doing(P.changes, members={"ada", "cy", "dan", "bea"}),
    ),
    Act("the inactive one is activated", "ada", P.activates, P.assigns, sampled=A),
    Act("a member is renamed", "dan", P.pushes, P.renamed, renames=True, sampled=A + B),
    Act("a member is deleted", "eve", P.deletes, denies=True, deletes=True, sampled=A),
    Act("and is created again", "eve", P.provisions),
    about(
        "rig",
        "a group is renamed whose list people edited",
        P.renames,
        doing(P.edited_by_hand, title="The Hoist", added_member="local@x.io", name="Lifters"),
        sampled=A,
    ),
    about("pot", "a list that a person deleted is pushed again", P.writes, P.deleted_by_hand),
    about("pot", "a group is deleted", P.deletes_group, P.ends, sampled=A),
    about(
        "pot", "a group of the same name is pushed", P.posts_group, doing(P.is_made, "Potters", "bea", "gil"), sampled=A
    ),
    about(
        "old",
        "a group is pushed that has a former name of another",
        P.pushes_group,
        doing(P.is_made, "Riggers", "gil"),
        CUSTOM,
    ),
    about(
        "loom",
        "a group of list sync is pushed",
        P.pushes_group,
        doing(P.is_made, KEPT, "ada", "bea", "cy"),
        sampled=B,
    ),
    about("loom", "its members change", P.patches, doing(P.changes, members={"ada", "gil"}), sampled=B),
    Act("a person in it is deactivated", "gil", P.deactivates, P.unassigns, denies=True),
    Act("and comes back", "gil", P.provisions, P.assigns),
    about("loom", "the group is deleted", P.deletes_group, P.ends),
    about("loom", "and is pushed again", P.posts_group, doing(P.is_made, KEPT, "ada", "gil")),
    Act("a member is deactivated", "gil", P.deactivates, P.unassigns, denies=True, sampled=A + B),
    Act("the state is lost", "", nothing, P.loses_state, recovers=True, sampled=A + B),
    about("rig", "members change after that", P.patches, doing(P.changes, members={"cy", "bea"})),
    Act("an inactive person comes back", "gil", P.provisions, P.assigns, sampled=B),
    about("tan", "a group is pushed anew", P.writes, doing(P.changes, members={"ada", "gil"}), CUSTOM),
    about("loom", "so is the group of list sync", P.pushes_group, doing(P.is_made, KEPT, "ada", "bea")),
    about(
        "new",
        "a group is pushed that has a former name of one that was recovered",
        P.pushes_group,
        doing(P.is_made, "Tanners", "bea"),
        sampled=A,
    ),
    about("pot", "a group is deleted that was recovered", P.deletes_group, P.ends),
    Act("a member is deactivated once more", "gil", P.deactivates, P.unassigns, denies=True),
    about(
        "wea",
        "the state is lost, and a group is pushed at once",
        P.pushes_group,
        doing(P.loses_state_and, P.is_made, "Weavers", "ada", "bea"),
        at_once=True,
        sampled=A,
    ),
    about(
        "rig",
        "the state is lost, and members change at once",
        P.patches,
        doing(P.loses_state_and, P.changes, members={"ada", "bea"}),
        at_once=True,
    ),
    Act(
        "the state is lost, and a person is provisioned at once",
        LATE,
        P.provisions,
        doing(P.loses_state_and, P.assigns),
        at_once=True,
        sampled=B,
    ),
    about("rig", "members change after that, too", P.patches, doing(P.changes, members={"ada", LATE})),
)
"""The history. Nothing is cut in its first act, which begins with the first full pass."""
