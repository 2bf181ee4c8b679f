"""The history of SCIM requests that is cut: a catalogue app and a custom app provision people for some days' work.

The client is the one of Okta's sandbox, in the process of the test. Without an answer it asks again: for a creation
with a lookup first, otherwise with the same requests. What a 2xx said must be true at any moment from then on, until
the client asks for something else about the same person: a promise.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import bcrypt
from crash.crash_witness import Witness
from model.harm import USER
from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model import labels
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.sandbox.okta.provisioning.attributes import attributes_of, merged, new_user
from teleport_okta.sandbox.okta.provisioning.client import ScimClient, ScimError
from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings, Style
from teleport_okta.sandbox.okta.provisioning.user_requests import create, find, link, push_profile, set_active

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crash.crash_world import World

TOKEN = "a-token-of-a-scim-client"
TOKEN_HASH = bcrypt.hashpw(TOKEN.encode(), bcrypt.gensalt(4)).decode()

ALONE = {"source": "scim", "apps_and_groups": False, "follow_log": False}
BOTH = {"apps_and_groups": False, "audit_interval": "168h"}
"""Settings of `sync`: people come from SCIM alone, or from Okta's API as well."""

CATALOG, CUSTOM = Style.CATALOG, Style.CUSTOM
CAST = {
    "ada": CATALOG,
    "bea": CATALOG,
    "cy": CUSTOM,
    "dan": CUSTOM,
    "eve": CATALOG,
    "fay": CUSTOM,
    "gil": CATALOG,
    "hal": CUSTOM,
    "local": CATALOG,
}
"""By which kind of app each is provisioned."""

WITHOUT_OKTA = {"eve", "fay"}
"""People of whom the client names no Okta id, and who are not in Okta's API."""

CROWD = [f"somebody{number}@x.io" for number in range(12)]
"""Others, whom a client provisions at first: of so many users an hour may take as many as leave in this history."""


class Promise(NamedTuple):
    """What a client was told of a person; `name` is that of the user, `locked` are the names that must be locked."""

    okta_id: str
    name: str
    is_active: bool
    scim_id: str
    title: str = ""
    locked: frozenset[str] = frozenset()


@dataclass
class ScimWitness(Witness):
    """Judges after every call also whether each promise is kept."""

    promises: dict[str, Promise] = field(default_factory=dict)

    def look(self, call):
        super().look(call)
        for promise in self.promises.values():
            for what in self._broken(promise):
                self._object(call, what)

    def _broken(self, promise):
        """Say in what a promise is not kept."""
        owned, locks = self.owned(), self.locks()
        names = {name for name, okta_id in owned.items() if okta_id == promise.okta_id}
        if names != ({promise.name} if promise.is_active else set()):
            yield f"{promise} was promised, and there are the users {names}"
        elif promise.is_active:
            user = self.users[promise.name]
            if user.Metadata.Labels.get(labels.SCIM_ID) != promise.scim_id:
                yield f"{promise} was promised, and its SCIM id is {user.Metadata.Labels.get(labels.SCIM_ID)}"
            if (found := list(user.Spec.Traits.Values["okta/title"].Values)) != [promise.title][: bool(promise.title)]:
                yield f"{promise} was promised, and the title is {found}"
        locked = {name for name, okta_id in locks if okta_id == promise.okta_id}
        if locked != promise.locked:
            yield f"{promise} was promised, and locked are {locked}"


@dataclass
class ScimPlay:
    """One performance: a world, who is who in it, and what its clients were told."""

    world: World
    sync: dict
    witness: ScimWitness = None
    ids: dict[str, str] = field(default_factory=dict)
    """The Okta id of each person, or what stands for one."""

    scim_ids: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    """The SCIM ids in answers, with the person of each."""

    mapped: dict[str, dict] = field(default_factory=dict)
    is_answered: bool = False
    is_first: bool = True
    before: Promise | None = None
    """What was promised of the person before the present act."""

    client: ScimClient = None
    last_error: ScimError = None
    bodies: dict[str, dict] = field(default_factory=dict)
    """What the clients last saw."""

    problems: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.witness = ScimWitness(self.world)
        self.world.answers.witness = self.witness
        self.world.settings |= {
            "sync": self.sync,
            "scim": {
                "listen": "127.0.0.1:0",
                "public_url": "https://scim.example.com/scim/v2",
                "token_hash": TOKEN_HASH,
            },
        }

    def begin(self, act):
        """Let an administrator of Okta do what makes the apps ask."""
        self.world.clock.advance(act.after.total_seconds())
        self.is_answered, self.is_first = False, True
        before = self.witness.promises.get(act.who)
        if before is not None and not act.refused and not (act.denies and not before.is_active):
            del self.witness.promises[act.who]
        if before is not None and before.is_active and (act.denies or act.renames):
            self.witness.lawful[Harmed(USER, before.name, before.okta_id)] = Evidence.STATED
        self.before = before
        act.deed(self, act.subject)
        self.world.clock.advance(2)

    def note_rest(self):
        """Everything is at rest."""

    def opening(self, _who):
        people = self.world.teleport.administrator
        people.create_user("local@x.io", roles=["access"])
        people.sso_login("gil@x.io", roles=["access"], groups=["ops"])
        self.witness.keep_foreign("local@x.io")
        for who in CAST:
            profile = {"firstName": who.title(), "lastName": "B", "login": f"{who}@x.io", "email": f"{who}@x.io"}
            self.ids[who] = self.world.okta.create_user(profile | {"title": "Clerk"}).id
            self.assigns(who)
            self.unassigns(who)

    def nothing(self, _who):
        """Nothing happens in Okta."""

    def assigns(self, who):
        """The person gets the app; for a person who is not in Okta only the attributes are made."""
        entry = self.world.okta.assign(self.world.app_id, self.ids[who])
        self.mapped[who] = attributes_of(self.world.okta.user(self.ids[who]), entry)
        if who in WITHOUT_OKTA:
            self.world.okta.unassign(self.world.app_id, self.ids[who])
            del self.mapped[who]["externalId"]

    def unassigns(self, who):
        if who not in WITHOUT_OKTA:
            self.world.okta.unassign(self.world.app_id, self.ids[who])

    def changed(self, who, **profile):
        """The profile changes."""
        okta = self.world.okta
        user = okta.update_profile(self.ids[who], **profile)
        entry = okta.assignments.find(self.world.app_id, user.id)
        self.mapped[who] |= profile if entry is None else attributes_of(user, entry)

    def promoted(self, who):
        self.changed(who, title="Engineer")

    def renamed(self, who):
        login = f"{who}2@x.io"
        if who in WITHOUT_OKTA:
            self.mapped[who] |= {"userName": login}
        else:
            self.changed(who, login=login, email=login)

    @asynccontextmanager
    async def connected(self, style=CATALOG):
        """Let a client of an app ask the process that was started last."""
        settings = ProvisioningSettings(f"{self.world.victim.door}/scim/v2", f"Bearer {TOKEN}", style)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            self.client = ScimClient(session, settings)
            yield self.client

    async def ask(self, act):
        """Send the requests of an act, or send them again; note the answer, or that there is none."""
        try:
            async with self.connected(act.style):
                await act.asks(self, act.subject)
        except ScimError as error:
            self._note_error(act, error)
        else:
            self._note_answer(act)
        self.is_first = False

    def _note_answer(self, act):
        self.is_answered = True
        if act.refused:
            self.problems.append(f"{act.title} was not refused")
        elif act.who:
            self._promise(act)

    def _note_error(self, act, error):
        if error.status is None or error.status == 429:
            self.last_error = error
        elif error.status == act.refused:
            self.is_answered = True
        else:
            self.problems.append(f"{act.title} was answered {error.status}: {error.detail}")
            self.is_answered = True

    def _promise(self, act):
        """Note that what was asked for must be true from now on."""
        who, before = act.who, self.before
        name, scim_id = self.mapped[who]["userName"], self.scim_ids[who]
        if who in WITHOUT_OKTA and not act.denies:
            self.ids[who] = self.witness.users[name].Metadata.Labels[labels.OKTA_ID]
        locked = before.locked if before is not None else frozenset()
        if act.denies and before is not None and before.is_active:
            locked |= {before.name}
        if not act.denies:
            locked -= {name}
            if act.renames:
                locked |= {before.name}
            self.witness.lawful.pop(Harmed(USER, name, self.ids[who]), None)
        self.witness.promises[who] = Promise(
            self.ids[who], name, not act.denies, scim_id, self.mapped[who]["title"], frozenset(locked)
        )

    def learn(self, who, scim_id):
        """Remember the SCIM id of a person."""
        self.scim_ids[who] = scim_id
        self.seen[scim_id] = who

    async def provisions(self, who):
        """Look the person up; create the user, or take over the one that is there."""
        found = await find(self.client, self.mapped[who]["userName"])
        if found is None:
            self.learn(who, await create(self.client, self.mapped[who], "thrown-away"))
            return
        scim_id, is_active = found
        self.learn(who, scim_id)
        await link(self.client, scim_id, self.mapped[who], active=is_active)

    async def posts(self, who):
        """Create a user without a lookup, also if an earlier try may have succeeded."""
        await create(self.client, self.mapped[who], "thrown-away")

    async def posts_again(self, who):
        """Create a returning person's user without a lookup, as Okta was seen to do."""
        if self.is_first:
            self.learn(who, await create(self.client, self.mapped[who], "thrown-away"))
        else:
            await self.provisions(who)

    async def posts_inactive(self, who):
        found = await find(self.client, self.mapped[who]["userName"])
        if found is None:
            body = new_user(self.mapped[who], "thrown-away") | {"active": False}
            self.learn(who, await self.client.create("/Users", body, "user"))
            return
        self.learn(who, found[0])
        await self.puts_inactive(who)

    async def puts_inactive(self, who):
        """Write the whole user of a person who stays inactive."""
        path = f"/Users/{self.scim_ids[who]}"
        await self.client.put(path, merged(await self.client.get(path), self.mapped[who], active=False))

    async def pushes(self, who):
        await push_profile(self.client, self.scim_ids[who], self.mapped[who])

    async def deactivates(self, who):
        await set_active(self.client, self.scim_ids[who], active=False)

    async def activates(self, who):
        await set_active(self.client, self.scim_ids[who], active=True)

    async def deletes(self, who):
        """Delete the user; when that is repeated it may be gone."""
        try:
            await self.client.delete(f"/Users/{self.scim_ids[who]}")
        except ScimError as error:
            if self.is_first or error.status != 404:
                raise

    async def provisions_a_crowd(self, _who):
        for login in CROWD:
            await create(self.client, {"userName": login, "displayName": login}, "thrown-away")

    async def read_back(self):
        """Note what the clients can see: every user of the listing, and each by its id, without times."""
        found = {}
        async with self.connected() as client:
            listed = await client.list("/Users", "users", startIndex=1, count=100)
            found["the listing"] = {one["userName"]: one["id"] for one in listed}
            for scim_id, who in self.seen.items():
                with suppress(ScimError):
                    body = await client.get(f"/Users/{scim_id}")
                    body["meta"] = {"location": body["meta"]["location"]}
                    found[f"{who} as {scim_id}"] = body
        self.bodies = found

    def state(self):
        """What Teleport and the clients see, in a form that is equal when nothing but times differs."""
        cluster, found = self.world.teleport.cluster, dict(self.bodies)
        for name, user in self.witness.users.items():
            found[f"user {name}"] = {
                "roles": sorted(user.Spec.Roles),
                "traits": {trait: sorted(some.Values) for trait, some in user.Spec.Traits.Values.items()},
                "labels": {label: value for label, value in user.Metadata.Labels.items() if label != labels.OKTA_ORG},
                "expires": max(user.Metadata.Expires.seconds, user.Spec.Expires.seconds) > 0,
            }
        for lock in cluster.locks.all_stored():
            about = lock.Spec.Target.User, lock.Metadata.Labels.get(labels.OKTA_ID, "")
            locks = found.setdefault("the locks", {}).setdefault(about, [])
            locks.append((lock.Metadata.Labels.get(labels.SCIM_ID), self._end(lock)))
        return found

    def _end(self, lock):
        if not lock.Spec.HasField("Expires"):
            return "never"
        left = lock.Spec.Expires.seconds - self.world.clock.now().timestamp()
        if left <= 0:
            return "over"
        if self.sync is not ALONE:
            return "later"  # as the door says by which the user ended first
        return "when the last certificate does" if left <= LEAVER_LOCK.total_seconds() else "when provisioned again"


@dataclass(frozen=True)
class Request:
    """An administrator does something in Okta, and an app asks for what follows: one person's requests in a row.

    `denies`: the person shall have no user then. `refused` is the status of the answer where that is an error.
    `at_once`: a process that has to be started is asked before its first pass has read anything.
    """

    title: str
    who: str
    asks: Callable[[ScimPlay, str], Awaitable[None]]
    deed: Callable[[ScimPlay, str], None] = ScimPlay.nothing
    denies: bool = False
    renames: bool = False
    refused: int = 0
    after: timedelta = timedelta(seconds=10)
    at_once: bool = False

    @property
    def subject(self):
        """About whom, or what, the app asks."""
        return self.who

    @property
    def style(self):
        """As which kind of app it asks."""
        return CAST.get(self.who, CATALOG)


P = ScimPlay
REQUESTS = (
    Request("the first start", "", P.provisions_a_crowd, P.opening),
    Request("a catalogue app provisions a person", "ada", P.provisions, P.assigns),
    Request("a custom app provisions a person", "cy", P.provisions, P.assigns),
    Request("a person is created who is there already", "cy", P.posts, refused=409),
    Request("a catalogue app pushes a profile", "ada", P.pushes, P.promoted),
    Request("a custom app pushes a profile", "cy", P.pushes, P.promoted),
    Request("a catalogue app deactivates a person", "ada", P.deactivates, P.unassigns, denies=True),
    Request("and says it again", "ada", P.deactivates, denies=True),
    Request("a custom app deactivates a person", "cy", P.deactivates, P.unassigns, denies=True),
    Request("a catalogue app finds an inactive person, and takes them over", "ada", P.provisions, P.assigns),
    Request("a custom app activates a person", "cy", P.activates, P.assigns),
    Request("a person of a catalogue app is renamed", "ada", P.pushes, P.renamed, renames=True),
    Request("a person of a custom app is renamed", "cy", P.pushes, P.renamed, renames=True),
    Request("a person is provisioned who has logged in through SSO", "gil", P.provisions, P.assigns),
    Request("a person is provisioned whose name a local user has", "local", P.provisions, P.assigns, refused=409),
    Request("a person is created inactive", "dan", P.posts_inactive, denies=True),
    Request("and is activated", "dan", P.provisions, P.assigns),
    Request("another one is provisioned", "bea", P.provisions, P.assigns),
    Request("is deactivated", "bea", P.deactivates, P.unassigns, denies=True),
    Request("and is created again without a lookup", "bea", P.posts_again, P.assigns),
    Request("a user is deleted", "ada", P.deletes, P.unassigns, denies=True),
    Request("and is created again", "ada", P.provisions, P.assigns),
    Request("a person is provisioned of whom the client names no Okta id", "eve", P.provisions, P.assigns),
    Request("is deactivated", "eve", P.deactivates, denies=True),
    Request("is deleted", "eve", P.deletes, denies=True),
    Request("and is created again", "eve", P.provisions),
    Request("another one of whom no Okta id is named is provisioned", "fay", P.provisions, P.assigns),
    Request("and is renamed", "fay", P.pushes, P.renamed, renames=True),
    Request("a third one is provisioned", "hal", P.provisions, P.assigns),
    Request("is deactivated", "hal", P.deactivates, P.unassigns, denies=True),
    Request("and is promoted while inactive", "hal", P.puts_inactive, P.promoted, denies=True),
    Request("and returns", "hal", P.provisions, P.assigns),
    Request("and is deleted while active", "hal", P.deletes, P.unassigns, denies=True),
)
"""The history. Nothing is cut in its first act, which begins with the first full pass."""
