"""Random histories of people through the SCIM door, alone and beside Okta's API, against a model in a few lines.

Contract of both doors: at rest, after a full pass, a person has a user if no door denies it, and is locked if
suspended. A person who had a user and has none is locked. On the way, no person loses a user that no door denies,
whatever listing fails.

Contract of SCIM alone: each request is answered as the model says; the server lists, Teleport holds and locks what the
model says; the same writes again change nothing; and a full pass finds nothing to do.

Space: a few people, of whom both sides may know each from the start, and one whom the API does not know; a dozen deeds.
Not in it: names that are taken, the brake (an hour passes between deeds), and failures of Teleport, which have tests of
their own.

Oracle: `People` and `Records`, which know nothing of the product. A tenth of `HISTORIES` are tried, because
one takes as long as ten of others.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract.scim.door import ALONE, USER, built_door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from teleport_okta.okta.okta_errors import OktaError

if TYPE_CHECKING:
    from datetime import datetime

HISTORIES = max(4, int(os.environ.get("HISTORIES", "") or "80") // 10)
HOUR = 3601
DEEDS = 12
KNOWN, UNKNOWN = 2, 1
APP_USERS = "/api/v1/apps/*/users"

# Everybody may leave within an hour: the brake has tests of its own.
ROOMY = {"brake": {"floor": 1000, "stated_ratio": 1.0, "absent_ratio": 1.0}}

common = settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def played(settings_of_door, play, *history):
    """Play a history in a world of its own."""

    async def run():
        with tempfile.TemporaryDirectory() as directory:
            async with built_door(Path(directory), settings={**settings_of_door, **ROOMY}) as door:
                await play(door, *history)

    asyncio.run(run())


# Both doors


@dataclass
class Person:
    """What both sides have said of a person. A person who is not in the API has neither login nor status."""

    okta_id: str
    login: str
    is_known: bool
    status: str = "ACTIVE"
    assigned_at: datetime | None = None
    scim_id: str | None = None
    is_said: bool = False
    denied_at: datetime | None = None
    last_name: str | None = None
    renamed: int = 0

    @property
    def is_denied_by_scim(self):
        later = self.assigned_at is not None and self.denied_at is not None and self.assigned_at > self.denied_at
        return self.denied_at is not None and not later

    @property
    def is_denied_by_api(self):
        return self.is_known and (self.status == "DEPROVISIONED" or self.assigned_at is None)

    @property
    def is_rightful(self):
        """Whether the person must have a user."""
        is_wanted = self.assigned_at is not None or self.is_said
        return is_wanted and not self.is_denied_by_scim and not self.is_denied_by_api


IN_OKTA = ["assign", "assign", "unassign", "deactivate", "reactivate", "suspend", "unsuspend", "rename"]
THROUGH_SCIM = ["post", "post", "post inactive", "put", "active", "inactive", "delete"]
TO_THE_PROCESS = ["pass", "pass", "restart", "listing fails", "listing is empty"]
STARTS = st.lists(st.booleans(), min_size=KNOWN + UNKNOWN, max_size=KNOWN + UNKNOWN)
of_both = st.lists(
    st.tuples(st.sampled_from([*IN_OKTA, *THROUGH_SCIM, *TO_THE_PROCESS]), st.integers(0, KNOWN + UNKNOWN - 1)),
    min_size=2,
    max_size=DEEDS,
)


class People:
    """Does the deeds of both sides, and says who must have a user."""

    def __init__(self, door):
        self.door, self.world, self.okta = door, door.world, door.world.okta
        self.app_id = door.world.okta_app.id
        self.people = []
        for number in range(KNOWN):
            login = f"p{number}@x.io"
            user = self.okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login})
            self.people.append(Person(user.id, login, is_known=True))
        for number in range(KNOWN, KNOWN + UNKNOWN):
            self.people.append(Person(f"00uNOBODY0000000000{number}", f"p{number}@x.io", is_known=False))

    async def play(self, deed, number):
        person = self.people[number]
        before = set(self.world.owned().values())
        self.world.clock.advance(HOUR)
        if deed in IN_OKTA:
            self.play_in_okta(deed, person)
        elif deed in THROUGH_SCIM:
            await self.play_through_scim(deed, person)
        else:
            await self.play_to_the_process(deed)
        self.note_names()
        lost = before - set(self.world.owned().values())
        assert not [one for one in self.people if one.okta_id in lost and one.is_rightful], deed

    def play_in_okta(self, deed, person):
        if not person.is_known:
            return
        is_assigned, okta_id = person.assigned_at is not None, person.okta_id
        match deed:
            case "assign" if person.status == "ACTIVE" and not is_assigned:
                self.okta.assign(self.app_id, okta_id)
                person.assigned_at = self.world.clock.now()
            case "unassign" if is_assigned:
                self.okta.unassign(self.app_id, okta_id)
                person.assigned_at = None
            case "deactivate" if person.status != "DEPROVISIONED":
                self.okta.deactivate(okta_id)
                person.status, person.assigned_at = "DEPROVISIONED", None
            case "reactivate" if person.status == "DEPROVISIONED":
                self.okta.activate(okta_id)
                person.status = "ACTIVE"
            case "suspend" if person.status == "ACTIVE":
                self.okta.suspend(okta_id)
                person.status = "SUSPENDED"
            case "unsuspend" if person.status == "SUSPENDED":
                self.okta.unsuspend(okta_id)
                person.status = "ACTIVE"
            case "rename" if person.status != "DEPROVISIONED":
                person.renamed += 1
                person.login = f"p{person.renamed}-{person.login.rpartition('-')[2]}"
                self.okta.update_profile(okta_id, login=person.login, email=person.login)

    async def play_through_scim(self, deed, person):
        now, door = self.world.clock.now(), self.door
        path = f"/Users/{person.scim_id}"
        match deed:
            case "post" | "post inactive":
                active = deed == "post"
                answer = await door.post_user(person.login, okta_id=person.okta_id, active=active)
                if answer.status == 409:
                    assert person.is_said
                    return
                denied_at = None if active else now
            case _ if person.scim_id is None:
                return
            case "put":
                body = {"schemas": [USER], "userName": person.login, "title": str(now), "externalId": person.okta_id}
                answer = await door.ask("PUT", path, body)
                denied_at = person.denied_at
            case "active" | "inactive":
                answer = await door.set_active(person.scim_id, active=deed == "active")
                denied_at = None if deed == "active" else now
            case _:
                answer = await door.ask("DELETE", path)
                assert answer.status == 204, answer
                person.scim_id, person.is_said, person.denied_at = None, False, now
                return
        # A request that cannot be carried out is refused for a while; only the API's denial is a reason here.
        assert answer.status in {200, 201} or (answer.status == 429 and person.is_denied_by_api), (deed, answer)
        found = (await door.ask("GET", f"/Users?filter=externalId%20eq%20%22{person.okta_id}%22")).body["Resources"]
        assert len(found) <= 1
        if not found:
            return
        person.scim_id, person.is_said = found[0]["id"], found[0]["active"]
        if person.is_said:
            person.denied_at = None
        elif denied_at is not None:
            person.denied_at = denied_at

    async def play_to_the_process(self, deed):
        match deed:
            case "restart":
                await self.door.restart()
            case "listing fails":
                self.okta.fail("unavailable", path=APP_USERS)
            case "listing is empty":
                self.okta.fail("empty", path=APP_USERS)
        with suppress(OktaError):
            await self.world.run()
        self.okta.recover()

    def note_names(self):
        for name, okta_id in self.world.owned().items():
            next(one for one in self.people if one.okta_id == okta_id).last_name = name

    async def come_to_rest(self):
        self.world.clock.advance(HOUR)
        assert (await self.world.run()).succeeded
        self.note_names()

    def assert_is_right(self):
        rightful = {one.login: one.okta_id for one in self.people if one.is_rightful}
        assert self.world.owned() == rightful
        locks = self.world.locks()
        assert {name for name in rightful if name in locks} == {
            one.login for one in self.people if one.is_rightful and one.status == "SUSPENDED"
        }
        left = {one.last_name for one in self.people if one.last_name and not one.is_rightful}
        assert left <= set(locks)


async def live_with_both(door, starts, deeds):
    people = People(door)
    for number, is_there in enumerate(starts):
        for deed in ("assign", "post") if is_there else ():
            await people.play(deed, number)
    for deed, number in deeds:
        await people.play(deed, number)
    await people.come_to_rest()
    people.assert_is_right()
    door.world.clock.advance(60)
    report = await door.world.run()
    assert not [(change.action, change.name, change.reason) for change in report.plan.changes]
    people.assert_is_right()


@pytest.mark.timeout(60 + 6 * HISTORIES)
@common
@given(STARTS, of_both)
def test_both_doors_agree_about_who_has_a_user(starts, deeds):
    played({}, live_with_both, starts, deeds)


# SCIM alone


@dataclass
class Record:
    """What the client said of a person."""

    name: str
    active: bool
    title: str = ""


@dataclass
class Records:
    """Sends requests, and says what the answer to each is, and what server and Teleport must hold then."""

    door: object
    records: dict[int, Record] = field(default_factory=dict)
    ids: dict[int, str] = field(default_factory=dict)
    past_ids: set[str] = field(default_factory=set)
    locked: dict[int, set[str]] = field(default_factory=dict)

    @staticmethod
    def okta_id(number):
        return f"00uPERSON0000000000{number}"

    async def play(self, deed, number, variant):
        door = self.door
        door.world.clock.advance(HOUR)
        record, scim_id = self.records.get(number), self.ids.get(number, "9f0c5f5e-0000-4000-8000-000000000000")
        name = f"p{number}{'ab'[variant % 2]}@x.io"
        match deed:
            case "post":
                active = variant < 3
                answer = await door.post_user(name, okta_id=self.okta_id(number), active=active, title=str(variant))
                if record is not None and record.active:
                    assert answer.status == 409
                    return
                assert answer.status == 201, answer
                if record is not None:
                    assert answer.body["id"] == scim_id
                else:
                    assert answer.body["id"] not in self.past_ids
                self.become(number, Record(name, active, str(variant)))
                self.ids[number] = answer.body["id"]
            case "put":
                body = self.body(number, Record(name, variant < 2, str(variant)))
                if variant == 3:
                    del body["active"]
                answer = await door.ask("PUT", f"/Users/{scim_id}", body)
                self.expect(answer, record, 200)
                if record is not None:
                    self.become(number, Record(name, body.get("active", record.active), str(variant)))
            case "active" | "inactive":
                answer = await door.set_active(scim_id, active=deed == "active")
                self.expect(answer, record, 200)
                if record is not None:
                    self.become(number, Record(record.name, deed == "active", record.title))
            case "delete":
                answer = await door.ask("DELETE", f"/Users/{scim_id}")
                self.expect(answer, record, 204)
                if record is not None:
                    self.become(number, Record(record.name, active=False, title=record.title))
                    del self.records[number]
                    self.past_ids.add(self.ids.pop(number))
            case "restart":
                await door.restart()
            case _:
                assert (await door.world.run()).succeeded

    @staticmethod
    def expect(answer, record, status):
        assert answer.status == (404 if record is None else status), answer

    def body(self, number, record):
        return {
            "schemas": [USER],
            "userName": record.name,
            "externalId": self.okta_id(number),
            "active": record.active,
            "title": record.title,
        }

    def become(self, number, after):
        before = self.records.get(number)
        locked = self.locked.setdefault(number, set())
        if before is not None and before.active and (not after.active or before.name != after.name):
            locked.add(before.name)
        if after.active:
            # Locks of other names may end with a return.
            locked &= {before.name} if before is not None and before.active else set()
            locked.discard(after.name)
        self.records[number] = after

    async def assert_is_right(self):
        shown = (await self.door.ask("GET", "/Users?count=1000")).body
        assert {one["id"]: (one["userName"], one["active"], one.get("title", "")) for one in shown["Resources"]} == {
            self.ids[number]: (record.name, record.active, record.title) for number, record in self.records.items()
        }
        active = {record.name: self.okta_id(number) for number, record in self.records.items() if record.active}
        assert self.door.world.owned() == active
        locks = set(self.door.world.locks())
        assert not locks & set(active)
        assert set().union(*self.locked.values()) <= locks
        for number, record in self.records.items():
            if record.active:
                traits = self.door.world.users()[record.name].Spec.Traits.Values
                assert list(traits["okta/title"].Values) == [record.title], number

    async def seen(self):
        shown = (await self.door.ask("GET", "/Users?count=1000")).body
        users = {name: user.SerializeToString() for name, user in self.door.world.users().items()}
        return shown, users, {name: lock.SerializeToString() for name, lock in self.door.world.locks().items()}

    async def write_again(self):
        """Write what was read, as Okta does, and send again who is active."""
        for number, record in self.records.items():
            path = f"/Users/{self.ids[number]}"
            assert (await self.door.ask("PUT", path, (await self.door.ask("GET", path)).body)).status == 200
            assert (await self.door.set_active(self.ids[number], active=record.active)).status == 200


of_alone = st.lists(
    st.tuples(
        st.sampled_from(["post", "post", "put", "put", "active", "inactive", "delete", "restart", "pass"]),
        st.integers(0, 2),
        st.integers(0, 3),
    ),
    min_size=2,
    max_size=DEEDS,
)


async def live_alone(door, deeds):
    records = Records(door)
    for deed, number, variant in deeds:
        await records.play(deed, number, variant)
        await records.assert_is_right()
    before = await records.seen()
    await records.write_again()
    assert await records.seen() == before
    door.world.clock.advance(60)
    report = await door.world.run()
    assert not [(change.action, change.name, change.reason) for change in report.plan.changes]
    await records.assert_is_right()


@pytest.mark.timeout(60 + 6 * HISTORIES)
@common
@given(of_alone)
def test_scim_alone_does_what_each_request_says(deeds):
    played(ALONE, live_alone, deeds)
