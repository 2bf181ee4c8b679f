"""Questions about recent changes: how far back they go, and which answers bring hints."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.hint import HintKind
from teleport_okta.model.okta import MalformedRow
from teleport_okta.sync.recent_changes import RecentChanges
from worlds import NOW, listing, person
from worlds_directory import group, organization

ADA, BOB, CY = "00uADA", "00uBOB", "00uCY"
MINUTES = timedelta(minutes=1)


class ScriptedOkta:
    """An organisation with scripted recent changes, which records the times of the questions."""

    def __init__(self):
        self.people = self.directory = self
        self.changed = []
        self.everybody = listing()
        self.asked = []

    async def changed_since(self, moment):
        return self._answer(moment)

    async def groups_changed_since(self, moment):
        return self._answer(moment)

    async def people_of_app(self, app_id):
        return self.everybody

    def _answer(self, moment):
        self.asked.append(moment)
        if isinstance(self.changed, Exception):
            raise self.changed
        return self.changed


class AskedTimes:
    """The part of the state that keeps when it was asked."""

    def __init__(self):
        self.times = {}

    async def asked(self, what):
        return self.times.get(what)

    async def remember_asked(self, what, at):
        self.times[what] = at


class Asking:
    def __init__(self, *rows, users=(), app_id="0oaSAML"):
        self.okta, self.clock = ScriptedOkta(), VirtualClock(NOW)
        self.registry = SimpleNamespace(
            names_of=lambda okta_id: frozenset({okta_id} & set(users)),
            users=SimpleNamespace(owned={okta_id: okta_id for okta_id in users}),
            directory=SimpleNamespace(okta=organization(*rows)) if rows else None,
        )
        self.changed = RecentChanges(self.okta, self.registry, AskedTimes(), self.clock, app_id)

    async def people(self):
        return [hint.of for hint in await self.changed.people()]

    async def groups(self):
        return [(hint.kind, hint.of) for hint in await self.changed.groups()]

    async def differing_people(self):
        return [hint.of for hint in await self.changed.differing_people()]


async def test_the_first_question_goes_back_a_quarter_of_an_hour_and_the_next_overlaps_the_last():
    asking = Asking(users=[ADA])
    await asking.people()
    asking.clock.advance(300)
    await asking.people()
    assert asking.okta.asked == [NOW - 15 * MINUTES, NOW - 3 * MINUTES]


async def test_a_question_without_an_answer_is_asked_again_from_the_same_time_on():
    asking = Asking(users=[ADA])
    await asking.people()
    asking.okta.changed = TeleportOktaError("down")
    for _ in range(2):
        asking.clock.advance(300)
        with pytest.raises(TeleportOktaError):
            await asking.people()
    assert asking.okta.asked[1:] == [NOW - 3 * MINUTES] * 2


async def test_people_and_groups_are_asked_about_apart():
    asking = Asking(group("00gENG"))
    await asking.people()
    asking.clock.advance(300)
    await asking.groups()
    assert asking.okta.asked == [NOW - 15 * MINUTES, NOW - 10 * MINUTES]


async def test_of_the_people_of_an_app_those_with_a_user_count_and_of_the_organisation_all():
    for app_id, expected in (("0oaSAML", [ADA]), ("", [ADA, BOB])):
        asking = Asking(users=[ADA], app_id=app_id)
        asking.okta.changed = [ADA, BOB]
        assert await asking.people() == expected


async def test_a_group_is_looked_at_as_far_as_it_is_another():
    stamp = NOW - 30 * MINUTES
    rows = [group(f"00g{name}", membership_changed=stamp) for name in ("SAME", "NAME", "MEMBERS")]
    asking = Asking(*rows)
    same, name, members = (row.group for row in rows)
    renamed = replace(name, name="Another")
    moved = replace(members, membership_changed=NOW + 5 * MINUTES)
    asking.okta.changed = [same, renamed, moved, group("00gNEW").group]
    assert await asking.groups() == [
        (HintKind.GROUP, "00gNAME"),
        (HintKind.MEMBERS, "00gMEMBERS"),
        (HintKind.GROUP, "00gNEW"),
    ]


async def test_members_that_were_read_well_after_their_last_change_are_not_read_again():
    rows = [group(f"00g{name}") for name in ("BEFORE", "ABOUT")]
    asking = Asking(*rows)
    stamps = (NOW - 4 * MINUTES, NOW - 2 * MINUTES)
    asking.okta.changed = [replace(row.group, membership_changed=at) for row, at in zip(rows, stamps, strict=True)]
    assert await asking.groups() == [(HintKind.MEMBERS, "00gABOUT")]


async def test_before_a_first_pass_no_group_is_looked_at():
    asking = Asking()
    asking.okta.changed = [group("00gENG").group]
    assert await asking.groups() == []


async def test_everybody_brings_those_who_came_and_those_who_left():
    asking = Asking(users=[ADA, BOB])
    asking.okta.everybody = listing(person(ADA, "ada"), person(CY, "cy"))
    assert await asking.differing_people() == [BOB, CY]


async def test_a_listing_that_was_cut_short_says_nothing_of_who_left():
    asking = Asking(users=[ADA, BOB])
    asking.okta.everybody = listing(person(CY, "cy"), incomplete="503")
    assert await asking.differing_people() == [CY]


async def test_whose_assignment_or_person_has_ended_left():
    asking = Asking(users=[ADA, BOB])
    ended = person(ADA, "ada", assignment_status="DEPROVISIONED"), person(BOB, "bob", status="DEPROVISIONED")
    asking.okta.everybody = listing(*ended)
    assert await asking.differing_people() == [ADA, BOB]


@pytest.mark.parametrize("status", ["ACTIVE", "RECOVERY", "PASSWORD_EXPIRED", "LOCKED_OUT"])
async def test_who_gets_a_user_whatever_the_settings_are_came(status):
    asking = Asking(users=[ADA])
    asking.okta.everybody = listing(person(ADA, "ada"), person(CY, "cy", status=status))
    assert await asking.differing_people() == [CY]


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "STAGED"},
        {"status": "PROVISIONED"},
        {"status": "SUSPENDED"},
        {"status": "DEPROVISIONED"},
        {"status": "SOMETHING_NEW"},
        {"assignment_status": "DEPROVISIONED"},
        {"name": None},
    ],
)
async def test_people_who_get_no_user_are_not_read_after_every_listing(changes):
    asking = Asking(users=[ADA])
    asking.okta.everybody = listing(person(ADA, "ada"), person(CY, **{"name": "cy"} | changes))
    assert await asking.differing_people() == []


async def test_a_person_whose_row_cannot_be_read_has_not_left():
    asking = Asking(users=[ADA])
    asking.okta.everybody = listing(malformed=[MalformedRow(ADA, "two logins")])
    assert await asking.differing_people() == []
