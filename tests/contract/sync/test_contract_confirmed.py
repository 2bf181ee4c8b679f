"""Absent people are read by id before harm: a statement of that read counts, and a 404 or 403 does not."""

from __future__ import annotations

import pytest
from cluster_world import built_world
from hands import edit_user
from teleport_okta.model import labels

ADA, BOB = "ada@x.io", "bob@x.io"
HOUR = 3600
CROWD = 30
LIMIT = 10
"""How much harm an hour may bring to a crowd of thirty, stated or absent."""

ASKED = LIMIT + 10
"""How many of a crowd of thirty are read by id in one pass."""

PERSON = "/api/v1/users/{}"
ASSIGNMENT = "/api/v1/apps/{}/users/{}"
HALF_A_CHARACTER = "\ud83d"


@pytest.fixture
async def crowd(world):
    """Thirty people, all of them users."""
    return await world.hired(*[f"u{number:02}@x.io" for number in range(CROWD)])


@pytest.fixture
async def two(world):
    """Ada and Bob, who are users."""
    return await world.hired(ADA, BOB)


def unassign(world, people):
    for person in people:
        world.okta.unassign(world.okta_app.id, person.id)


def listing_loses(world, *people):
    """Let the listing of the app's people lack some from now on; reads by id find them."""
    reads = world.parts.okta.people
    listing, lost = reads.people_of_app, {person.id for person in people}

    async def listed(app_id):
        found = await listing(app_id)
        kept = tuple(row for row in found.people if row.okta_id not in lost)
        return type(found)(kept, found.malformed, found.read_at, found.incomplete, found.untrusted)

    reads.people_of_app = listed


def listing_breaks_off_at(world, *people):
    """Cut the listing of the app's people short before these."""
    listing_loses(world, *people)
    reads = world.parts.okta.people
    listing = reads.people_of_app

    async def listed(app_id):
        found = await listing(app_id)
        return type(found)(found.people, found.malformed, found.read_at, "page 2 got no answer")

    reads.people_of_app = listed


def locked(world):
    """The leavers who are locked, with evidence and reason."""
    return {
        (name, lock.Metadata.Labels[labels.EVIDENCE], lock.Spec.Message.partition(";")[0])
        for name, lock in world.locks().items()
    }


def held(report):
    return {(one.name, str(one.evidence)) for one in report.plan.findings.held}


# The rows of the table


async def test_a_deactivated_person_leaves_as_stated(world, two):
    world.okta.deactivate(two[0].id)
    report = await world.run()
    assert locked(world) == {(ADA, "stated", "deactivated in Okta")}
    assert set(world.locks()) == {ADA}
    assert set(world.owned()) == {BOB}
    assert report.succeeded


async def test_a_visible_person_without_the_assignment_leaves_as_stated(world, two):
    unassign(world, two[:1])
    report = await world.run()
    assert locked(world) == {(ADA, "stated", "no longer assigned in Okta")}
    assert set(world.owned()) == {BOB}
    assert report.succeeded


async def test_a_person_whom_the_listing_lost_stays_and_that_is_an_alarm(world, two):
    listing_loses(world, two[0])
    report = await world.run()
    assert not report.plan.changes
    assert not report.applied
    assert "lacks 1 people whom a read by id shows" in report.error


async def test_nobody_leaves_by_a_listing_that_loses_rows_unless_a_read_by_id_says_so(world, crowd):
    hidden, unassigned, lost = crowd[:3]
    listing_loses(world, lost)
    world.okta.narrow_role(hide=[hidden.id])
    unassign(world, [unassigned])
    report = await world.run()
    assert set(world.locks()) == {unassigned.login}
    assert held(report) == {(hidden.login, "absent")}
    assert "loses rows" in report.plan.findings.holds[0].why


async def test_a_listing_that_loses_rows_sets_no_baseline(world, crowd):
    listing_loses(world, *crowd[:8])
    await world.run()
    assert await world.parts.store.baseline() == CROWD


@pytest.mark.parametrize("how", ["404", "403"])
async def test_a_person_who_is_not_to_be_seen_by_id_either_is_only_absent(world, two, how):
    if how == "404":
        world.okta.deactivate(two[0].id)
        world.okta.delete_user(two[0].id)
    else:
        listing_loses(world, two[0])
        world.okta.narrow_role(without=["okta.users.read"])
    await world.run()
    assert locked(world) == {(ADA, "absent", "no longer assigned in Okta")}


async def test_people_who_are_hidden_by_id_too_are_held_as_the_listing_is_trusted(world, crowd):
    world.okta.narrow_role(hide=[person.id for person in crowd[:11]])
    report = await world.run()
    assert len(world.owned()) == CROWD
    assert held(report) == {(person.login, "absent") for person in crowd[:11]}
    assert "where it had 30" in report.plan.findings.holds[0].why


async def test_a_role_narrowed_to_a_tenth_of_the_people_deletes_nobody(world, crowd):
    world.okta.narrow_role(only=[person.id for person in crowd[:3]])
    for _ in range(3):
        report = await world.run()
        assert len(world.owned()) == CROWD
        assert not world.locks()
        assert len(report.plan.findings.held) == CROWD - 3
        world.clock.advance(HOUR)


# Statuses count, whatever else of a row or of the listing cannot be believed


async def test_a_deactivated_person_whose_profile_cannot_be_read_leaves(world, two):
    world.okta.import_profile(two[0].id, nickName=HALF_A_CHARACTER)
    world.okta.deactivate(two[0].id)
    await world.run()
    assert locked(world) == {(ADA, "stated", "deactivated in Okta")}
    assert set(world.owned()) == {BOB}


async def test_an_assignment_that_ended_is_no_lost_row_though_its_profile_cannot_be_read(world, two):
    listing_loses(world, two[0])
    world.okta.import_profile(two[0].id, nickName=HALF_A_CHARACTER)
    world.okta.set_assignment_status(world.okta_app.id, two[0].id, "REVOKED")
    report = await world.run()
    assert set(world.locks()) == {ADA}
    assert set(world.owned()) == {BOB}
    assert not report.error


@pytest.mark.parametrize("trouble", ["breaks off", "inactive"])
async def test_a_deactivated_person_leaves_though_the_listing_proves_nothing(world, two, trouble):
    world.okta.deactivate(two[0].id)
    _spoil(world, two[0], trouble)
    await world.run()
    assert locked(world) == {(ADA, "stated", "deactivated in Okta")}
    assert set(world.owned()) == {BOB}


@pytest.mark.parametrize("trouble", ["breaks off", "inactive"])
async def test_a_suspended_person_is_locked_though_the_listing_proves_nothing(world, two, trouble):
    world.okta.suspend(two[0].id)
    _spoil(world, two[0], trouble)
    await world.run()
    assert set(world.locks()) == {ADA}
    assert not world.locks()[ADA].Spec.HasField("Expires")
    assert set(world.owned()) == {ADA, BOB}
    assert not (await world.run()).plan.changes


def _spoil(world, person, trouble):
    if trouble == "breaks off":
        listing_breaks_off_at(world, person)
    else:
        listing_loses(world, person)
        world.okta.deactivate_app(world.okta_app.id)


async def test_the_assignment_of_a_person_on_a_missing_page_says_nothing(world, two):
    unassign(world, two[:1])
    listing_breaks_off_at(world, two[0])
    report = await world.run()
    assert set(world.owned()) == {ADA, BOB}
    assert held(report) == {(ADA, "absent")}
    assert not report.plan.findings.holds[0].approvable


async def test_an_inactive_app_says_nothing_of_its_assignments_by_id_either(world, two):
    unassign(world, two[:1])
    world.okta.deactivate_app(world.okta_app.id)
    report = await world.run()
    assert set(world.owned()) == {ADA, BOB}
    assert held(report) == {(ADA, "absent")}


# How much, and how many calls


async def test_of_eleven_deactivated_people_ten_leave_at_once_and_the_last_within_the_hour(world, crowd):
    for person in crowd[:11]:
        world.okta.deactivate(person.id)
    report = await world.run()
    assert len(world.locks()) == LIMIT
    assert held(report) == {(crowd[10].login, "stated")}
    world.clock.advance(HOUR)
    assert (await world.run()).succeeded
    assert len(world.owned()) == CROWD - 11
    assert (await world.run()).succeeded


async def test_a_deactivated_person_leaves_beside_a_held_flood_whose_digest_stays(world, crowd):
    unassign(world, crowd[:12])
    digest = (await world.run()).plan.findings.held_digest
    world.okta.deactivate(crowd[12].id)
    report = await world.run()
    assert set(world.locks()) == {crowd[12].login}
    assert len(world.owned()) == CROWD - 1
    assert report.plan.findings.held_digest == digest


async def test_a_deactivated_person_leaves_beside_a_flood_of_more_than_are_read_by_id(world, crowd):
    people = sorted(crowd, key=lambda person: person.id)
    unassign(world, people[:25])
    digest = (await world.run()).plan.findings.held_digest
    world.okta.deactivate(people[-1].id)
    report = await world.run()
    assert set(world.locks()) == {people[-1].login}
    assert report.plan.findings.held_digest == digest


async def test_a_person_of_the_flood_who_is_deactivated_leaves_when_their_turn_comes(world, crowd):
    people = sorted(crowd, key=lambda person: person.id)
    unassign(world, people[:25])
    await world.run()
    world.okta.deactivate(people[24].id)
    world.okta.deactivate(people[0].id)
    for _ in range(2):
        await world.run()
    assert set(world.locks()) == {people[0].login, people[24].login}


async def test_more_people_than_are_read_by_id_are_held(world, crowd):
    unassign(world, crowd[:25])
    report = await world.run()
    assert len(world.owned()) == CROWD
    assert len(held(report)) == 25
    stated = {name for name, evidence in held(report) if evidence == "stated"}
    assert len(stated) == ASKED


@pytest.mark.parametrize("fault", ["internal_error", "rate_limit"])
@pytest.mark.parametrize("read", ["person", "assignment"])
async def test_a_person_who_cannot_be_read_by_id_is_held(world, two, fault, read):
    unassign(world, two[:1])
    path = PERSON.format(two[0].id) if read == "person" else ASSIGNMENT.format(world.okta_app.id, two[0].id)
    world.okta.fail(fault, path=path)
    report = await world.run()
    assert set(world.owned()) == {ADA, BOB}
    assert held(report) == {(ADA, "absent")}
    assert "could not be read by id" in report.plan.findings.holds[0].why
    world.okta.recover()
    assert (await world.run()).succeeded
    assert set(world.owned()) == {BOB}


async def test_a_person_who_cannot_be_read_by_id_keeps_nobody_else(world, crowd):
    unassign(world, crowd[:2])
    world.okta.fail("internal_error", path=PERSON.format(crowd[0].id))
    await world.run()
    assert set(world.locks()) == {crowd[1].login}


async def test_nobody_is_read_by_id_while_nobody_is_absent(world, crowd):
    mark = world.okta.mark()
    await world.run()
    assert not world.okta.calls_since(mark).endpoints.get("GET /api/v1/users/{id}")


# Who was away for a minute


async def test_a_person_who_was_unassigned_for_a_minute_keeps_the_user_and_the_device(world, two):
    world.teleport.administrator.add_mfa_device(ADA)
    unassign(world, two[:1])

    def back():
        world.okta.assign(world.okta_app.id, two[0].id)
        edit_user(world.teleport.administrator, ADA, traits={"username": ["ada"]})

    world.meddle_after_listing(back)
    await world.run()
    assert world.teleport.administrator.mfa_devices(ADA) == ["phone"]
    assert set(world.owned()) == {ADA, BOB}
    assert not world.locks()
    assert (await world.run()).succeeded


# The whole organisation as the source, whose listing leaves out the deactivated


async def test_in_an_organization_a_deactivated_person_leaves_as_stated(tmp_path):
    async with built_world(tmp_path, settings={"sync": {"source": "organization"}}) as world:
        (ada, _) = await world.hired(ADA, BOB)
        world.okta.deactivate(ada.id)
        report = await world.run()
        assert locked(world) == {(ADA, "stated", "deactivated in Okta")}
        assert ADA not in world.owned()
        assert BOB in world.owned()
        assert report.succeeded


async def test_in_an_organization_a_deleted_person_is_only_absent(tmp_path):
    async with built_world(tmp_path, settings={"sync": {"source": "organization"}}) as world:
        (ada, _) = await world.hired(ADA, BOB)
        world.okta.deactivate(ada.id)
        world.okta.delete_user(ada.id)
        await world.run()
        assert locked(world) == {(ADA, "absent", "no longer assigned in Okta")}


async def test_in_an_organization_a_person_whom_the_listing_lost_stays(tmp_path):
    async with built_world(tmp_path, settings={"sync": {"source": "organization"}}) as world:
        (ada, _) = await world.hired(ADA, BOB)
        world.okta.fail("subset", path="/api/v1/users", percent=1)
        report = await world.run()
        assert ada.login in world.owned()
        assert "whom a read by id shows" in report.error
