"""Whether a read contradicts its event: then it may be older than the event."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.model.okta import MalformedRow, Snapshot
from teleport_okta.sync.contradictions import contradicts
from worlds import NOW, listing, person
from worlds_directory import app, group, organization, unread

ADA = "00uADA"
PERSON, STATUS = HintKind.PERSON, HintKind.STATUS


def reading(*rows, okta=None, malformed=(), suspended=()):
    """What was read of people, and of groups and apps."""
    people = Snapshot(rows, tuple(malformed), NOW, suspended=frozenset(suspended))
    directory = None if okta is None else SimpleNamespace(okta=okta)
    return SimpleNamespace(facts=SimpleNamespace(people=people), directory=directory)


def ada(status="ACTIVE", assignment="ACTIVE"):
    return person(ADA, "ada", status=status, assignment_status=assignment)


ANONYMOUS = reading()


@pytest.mark.parametrize("kind", list(HintKind))
def test_without_a_claim_nothing_is_contradicted(kind):
    assert not contradicts(Hint(kind, ADA), reading(ada()))


@pytest.mark.parametrize(
    ("kind", "claim", "read", "expected"),
    [
        (STATUS, Claim.GONE, reading(ada()), True),
        (STATUS, Claim.GONE, reading(ada("PASSWORD_EXPIRED")), True),
        (STATUS, Claim.GONE, reading(ada("SUSPENDED")), False),
        (STATUS, Claim.GONE, reading(ada("DEPROVISIONED")), False),
        (STATUS, Claim.GONE, reading(suspended=[ADA]), False),
        (STATUS, Claim.GONE, ANONYMOUS, False),
        (STATUS, Claim.GONE, reading(person("00uBOB", "bob")), False),
        (STATUS, Claim.LEFT, reading(ada()), True),
        (STATUS, Claim.LEFT, reading(ada("DEPROVISIONED")), False),
        (STATUS, Claim.LEFT, ANONYMOUS, False),
        (STATUS, Claim.DELETED, ANONYMOUS, False),
        (PERSON, Claim.GONE, reading(ada()), True),
        (PERSON, Claim.GONE, ANONYMOUS, False),
        (PERSON, Claim.GONE, reading(ada(assignment="DEPROVISIONED")), False),
        (PERSON, Claim.GONE, reading(ada("SUSPENDED")), False),
        (PERSON, Claim.THERE, ANONYMOUS, True),
        (PERSON, Claim.THERE, reading(person("00uBOB", "bob")), True),
        (PERSON, Claim.THERE, reading(ada()), False),
        (PERSON, Claim.THERE, reading(ada("SUSPENDED")), False),
        (PERSON, Claim.BACK, reading(ada("SUSPENDED")), True),
        (PERSON, Claim.BACK, reading(suspended=[ADA]), True),
        (PERSON, Claim.BACK, reading(ada()), False),
        (PERSON, Claim.BACK, ANONYMOUS, False),
    ],
)
def test_of_a_person(kind, claim, read, expected):
    assert contradicts(Hint(kind, ADA, claim=claim), read) is expected


OKTA = organization(
    group("00gENG", members=[ADA]), group("00gOPS"), unread(group("00gBAD")), app("0oaGIT", direct=[ADA])
)


@pytest.mark.parametrize(
    ("group_id", "claim", "expected"),
    [
        ("00gENG", Claim.THERE, False),
        ("00gENG", Claim.GONE, True),
        ("00gOPS", Claim.THERE, True),
        ("00gOPS", Claim.GONE, False),
        ("00gNONE", Claim.THERE, False),
        ("00gBAD", Claim.THERE, False),
        ("00gBAD", Claim.GONE, False),
    ],
)
def test_of_a_member(group_id, claim, expected):
    hint = Hint(HintKind.MEMBER, ADA, group_id, claim)
    assert contradicts(hint, reading(okta=OKTA)) is expected
    assert not contradicts(hint, ANONYMOUS)


@pytest.mark.parametrize(
    ("app_id", "of", "claim", "expected"),
    [
        ("0oaGIT", ADA, Claim.GONE, True),
        ("0oaGIT", "00uBOB", Claim.GONE, False),
        ("0oaGIT", "00uBOB", Claim.THERE, False),
        ("0oaNONE", ADA, Claim.GONE, False),
    ],
)
def test_of_a_person_who_has_an_app(app_id, of, claim, expected):
    hint = Hint(HintKind.APP_PERSON, of, app_id, claim)
    assert contradicts(hint, reading(okta=OKTA)) is expected
    assert not contradicts(hint, ANONYMOUS)


@pytest.mark.parametrize(("kind", "okta_id"), [(HintKind.GROUP, "00gENG"), (HintKind.APP, "0oaGIT")])
def test_a_group_or_app_that_is_deleted_and_still_there_contradicts(kind, okta_id):
    assert contradicts(Hint(kind, okta_id, claim=Claim.DELETED), reading(okta=OKTA))


def test_an_assignment_that_is_there_and_reads_as_over_contradicts():
    assert contradicts(Hint(PERSON, ADA, claim=Claim.THERE), reading(ada(assignment="DEPROVISIONED")))


def test_an_assignment_that_no_read_shows_yet_contradicts():
    not_shown = MalformedRow(ADA, "a read does not show it yet")
    assert contradicts(Hint(PERSON, ADA, claim=Claim.THERE), reading(malformed=[not_shown]))


@pytest.mark.parametrize("kind", [PERSON, STATUS])
def test_a_row_that_cannot_be_read_whole_contradicts_by_its_statuses(kind):
    row = MalformedRow(ADA, "two logins", status="ACTIVE", assignment_status="ACTIVE")
    assert contradicts(Hint(kind, ADA, claim=Claim.GONE), reading(malformed=[row]))


def test_a_listing_of_many_is_searched_for_the_person():
    crowd = listing(*(person(f"00u{number}", f"u{number}") for number in range(50)), ada())
    read = SimpleNamespace(facts=SimpleNamespace(people=crowd), directory=None)
    assert contradicts(Hint(PERSON, ADA, claim=Claim.GONE), read)
