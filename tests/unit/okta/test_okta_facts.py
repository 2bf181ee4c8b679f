from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime

import pytest
from teleport_okta.model.directory import OktaGroup, Roster
from teleport_okta.model.okta import (
    STATUS_NOT_GIVEN,
    MalformedRow,
    OktaApp,
    OktaAppUser,
    OktaOrganization,
    OktaUser,
    PersonFacts,
    Snapshot,
)
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.okta import facts
from teleport_okta.okta.fields import UnreadableFactError, fact_or_malformed

ADA = {
    "id": "00uAda",
    "status": "ACTIVE",
    "lastLogin": None,
    "profile": {"login": "ada@example.com", "firstName": "Ada", "mobilePhone": None},
    "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
}
ASSIGNMENT = {
    "id": "00uAda",
    "externalId": None,
    "scope": "GROUP",
    "status": "PROVISIONED",
    "credentials": {"userName": "ada"},
    "profile": {"given_name": "Ada", "phone": None},
    "_embedded": {"user": ADA},
}
ADA_USER = OktaUser("00uAda", "ACTIVE", "ada@example.com", {"login": "ada@example.com", "firstName": "Ada"})


def test_an_organisation_is_its_id_and_canonical_address() -> None:
    body = {"id": "00oAcme", "_links": {"organization": {"href": "https://acme.okta.com/"}}, "pipeline": "idx"}
    assert facts.organization(body) == OktaOrganization("00oAcme", "https://acme.okta.com")


def test_an_app_is_its_names_status_and_sign_on_mode() -> None:
    body = {"id": "0oa1", "name": "acme_teleport_1", "label": "Teleport", "status": "ACTIVE", "signOnMode": "SAML_2_0"}
    assert facts.app(body) == OktaApp("0oa1", "acme_teleport_1", "Teleport", "ACTIVE", "SAML_2_0")


def test_a_saml_app_is_where_it_sends_people_and_the_key_it_signs_with() -> None:
    sign_on = {
        "ssoAcsUrl": "https://t.example/acs",
        "recipient": "https://t.example/r",
        "destination": "https://t.example/d",
        "audience": "urn:t",
    }
    body = {
        "id": "0oa1",
        "name": "acme_teleport_1",
        "label": "Teleport",
        "status": "INACTIVE",
        "signOnMode": "SAML_2_0",
        "credentials": {"signing": {"kid": "k"}},
        "settings": {"signOn": sign_on},
    }
    app = facts.saml_app(body)
    assert app == SamlApp("0oa1", "acme_teleport_1", "Teleport", "INACTIVE", "SAML_2_0", *sign_on.values(), "k")
    assert (app.is_saml, app.is_active) == (True, False)


@pytest.mark.parametrize("body", [{}, {"settings": None, "credentials": None}, {"credentials": {"signing": {}}}])
def test_an_app_without_saml_has_no_addresses_and_no_key(body: dict[str, object]) -> None:
    app = facts.saml_app({"id": "0oa1", "signOnMode": "BOOKMARK", "status": "ACTIVE"} | body)
    assert app == SamlApp("0oa1", "", "", "ACTIVE", "BOOKMARK")
    assert (app.is_saml, app.is_active) == (False, True)


@pytest.mark.parametrize("body", [{}, {"id": "0oa1", "settings": {"signOn": []}}, {"id": "0oa1", "credentials": "k"}])
def test_a_saml_app_of_another_shape_cannot_be_read(body: dict[str, object]) -> None:
    with pytest.raises(UnreadableFactError):
        facts.saml_app(body)


def app_with(links: list[object], **visibility: object) -> dict[str, object]:
    shown = [{"name": name, "href": f"https://acme.okta.com/home/{name}"} for name in links]
    return {"id": "0oa1", "visibility": visibility, "_links": {"appLinks": shown}}


@pytest.mark.parametrize(
    ("visibility", "shown"),
    [
        ({}, ["mail", "drive"]),
        ({"hide": {"web": False, "iOS": True}, "appLinks": {"mail": True}}, ["mail", "drive"]),
        ({"hide": None, "appLinks": {"mail": False}}, ["drive"]),
        ({"hide": {"web": True}}, []),
    ],
)
def test_an_app_is_launched_by_the_links_that_are_shown_in_their_order(
    visibility: dict[str, object], shown: list[str]
) -> None:
    links = facts.app(app_with(["mail", "drive"], **visibility)).links
    assert links == tuple(f"https://acme.okta.com/home/{name}" for name in shown)


@pytest.mark.parametrize("body", [{}, {"_links": None}, {"_links": {"appLinks": []}}])
def test_an_app_without_links_is_launched_nowhere(body: dict[str, object]) -> None:
    assert facts.app({"id": "0oa1"} | body).links == ()


def test_an_app_is_described_by_its_note_for_users() -> None:
    notes = {"admin": "Contract 4711", "enduser": "Mail for everybody"}
    assert facts.app({"id": "0oa1", "settings": {"notes": notes}}).description == "Mail for everybody"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settings": {"notes": {"enduser": 7}}}, "enduser is not a text"),
        ({"_links": {"appLinks": {}}}, "appLinks is not a list of objects"),
        ({"_links": {"appLinks": [None]}}, "appLinks is not a list of objects"),
        ({"_links": {"appLinks": [{"name": "mail"}]}}, "there is no href"),
    ],
)
def test_an_app_of_another_shape_is_malformed(change: dict[str, object], reason: str) -> None:
    found = fact_or_malformed({"id": "0oa1"} | change, facts.app)
    assert isinstance(found, MalformedRow)
    assert (found.okta_id, reason in found.reason) == ("0oa1", True)


GROUP = {
    "id": "00g1",
    "type": "OKTA_GROUP",
    "lastMembershipUpdated": "2026-01-05T10:00:00.000Z",
    "profile": {"name": "Engines", "description": "Who may start them"},
    "_embedded": {"stats": {"usersCount": 3, "appsCount": 0, "hasAdminPrivilege": True}},
}


def test_a_group_is_its_names_its_stamp_and_its_counts() -> None:
    changed = datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert facts.group(GROUP) == OktaGroup("00g1", "OKTA_GROUP", "Engines", "Who may start them", changed, 3, 0, True)


@pytest.mark.parametrize("stats", [None, {}, {"usersCount": None}, {"usersCount": "3", "appsCount": -1}])
def test_a_group_that_was_not_counted_has_no_counts(stats: object) -> None:
    group = facts.group(GROUP | {"_embedded": {"stats": stats}})
    assert (group.users_count, group.apps_count, group.is_administrative) == (None, None, False)


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        (None, None),
        ("soon", None),
        ("2026-01-05T10:00:00", None),
        ("2026-01-05T11:00:00+01:00", datetime(2026, 1, 5, 10, tzinfo=UTC)),
        ("2026-01-05T10:00:00Z", datetime(2026, 1, 5, 10, tzinfo=UTC)),
    ],
)
def test_a_stamp_is_a_moment_in_utc_or_none(written: str | None, changed: datetime | None) -> None:
    assert facts.group(GROUP | {"lastMembershipUpdated": written}).membership_changed == changed


@pytest.mark.parametrize("profile", [None, {}, {"name": ""}, {"name": ["Engines"]}])
def test_a_group_without_a_name_is_malformed(profile: object) -> None:
    assert isinstance(fact_or_malformed(GROUP | {"profile": profile}, facts.group), MalformedRow)


@pytest.mark.parametrize(
    ("scope", "status", "direct"),
    [
        ("USER", "ACTIVE", True),
        ("USER", "SUSPENDED", True),
        ("USER", "HIBERNATING", True),
        ("USER", None, True),
        ("USER", "DEPROVISIONED", False),
        ("USER", "UNASSIGNED", False),
        ("GROUP", "ACTIVE", False),
        (None, "ACTIVE", False),
    ],
)
def test_an_assignment_is_direct_while_it_is_a_persons_own_and_not_over(
    scope: str | None, status: str | None, direct: bool
) -> None:
    row = ASSIGNMENT | {"scope": scope, "status": status}
    assert facts.is_direct(row) is direct
    listed = Snapshot((facts.person_of_app_user(row),), (), datetime(2026, 1, 5, tzinfo=UTC))
    assert facts.direct_people(listed) == Roster(
        frozenset({"00uAda"} if direct else ()), datetime(2026, 1, 5, tzinfo=UTC), listed=1
    )


@pytest.mark.parametrize(
    ("incomplete", "untrusted", "malformed", "problem"),
    [
        ("page 2 failed", None, (), "page 2 failed"),
        (None, "rows without id", (), "rows without id"),
        (None, None, (MalformedRow("00uBob", "no text"),), "1 of its people could not be read"),
    ],
)
def test_people_who_were_not_all_read_are_no_roster(
    incomplete: str | None, untrusted: str | None, malformed: tuple[MalformedRow, ...], problem: str
) -> None:
    listed = Snapshot((), malformed, datetime(2026, 1, 5, tzinfo=UTC), incomplete, untrusted)
    assert facts.direct_people(listed).problem == problem


def test_a_user_is_read_with_the_login_of_the_profile() -> None:
    assert facts.user(ADA) == ADA_USER


def test_a_user_without_login_has_none() -> None:
    assert facts.user({"id": "00u1", "status": "STAGED", "profile": {"login": ""}}).login is None


def test_an_assignment_is_read_with_its_person() -> None:
    assert facts.app_user(ASSIGNMENT) == OktaAppUser(ADA_USER, "PROVISIONED", "GROUP", "ada", {"given_name": "Ada"})


@pytest.mark.parametrize("embedded", [None, {}, {"user": None}])
def test_an_assignment_without_its_person_is_read_as_far_as_it_goes(embedded: object) -> None:
    read = facts.app_user(ASSIGNMENT | {"_embedded": embedded})
    assert read.user == OktaUser("00uAda", STATUS_NOT_GIVEN, None)
    assert read.user_name == "ada"


def test_a_person_of_the_organisation_is_named_by_the_login_and_has_no_assignment() -> None:
    assert facts.person_of_user(ADA) == PersonFacts(
        "00uAda", "ada@example.com", "ACTIVE", None, dict(ADA_USER.profile), {}
    )


def test_a_person_of_the_app_is_named_by_the_app_user_name() -> None:
    assert facts.person_of_app_user(ASSIGNMENT) == PersonFacts(
        "00uAda", "ada", "ACTIVE", "PROVISIONED", dict(ADA_USER.profile), {"given_name": "Ada"}, "GROUP"
    )


def test_an_unknown_status_is_kept_unchanged() -> None:
    assert facts.user(ADA | {"status": "HIBERNATING"}).status == "HIBERNATING"


def test_profile_values_keep_their_types_and_only_empty_ones_are_dropped() -> None:
    kept = {"a": "x", "b": 0, "c": False, "d": 1.5, "e": ["x", "", None], "f": {"g": None}, "h": " ", "i": "😀"}
    empty: dict[str, object] = {"j": None, "k": "", "l": [], "m": {}}
    assert facts.user(ADA | {"profile": kept | empty}).profile == kept


@pytest.mark.parametrize(
    ("row", "okta_id", "reason"),
    [
        (None, None, "not an object"),
        ("00uAda", None, "not an object"),
        ({"status": "ACTIVE"}, None, "no id"),
        ({"id": 7}, None, "id is not a text"),
        ({"id": ""}, None, "no id"),
        (ADA | {"profile": "ada"}, "00uAda", "profile is not an object"),
        (ADA | {"status": 3}, "00uAda", "status is not a text"),
        (ADA | {"profile": json.loads(r'{"login": "\ud800"}')}, "00uAda", "not valid Unicode"),
        (ADA | {"profile": json.loads(r'{"list": ["\ud800"]}')}, "00uAda", "not valid Unicode"),
        (ADA | {"profile": json.loads(r'{"\ud800": "x"}')}, "00uAda", "not valid Unicode"),
    ],
)
def test_a_row_that_cannot_be_read_is_malformed_with_its_reason(row: object, okta_id: str | None, reason: str) -> None:
    found = fact_or_malformed(row, facts.person_of_user)
    assert isinstance(found, MalformedRow)
    assert found.okta_id == okta_id
    assert reason in found.reason


def test_an_assignment_with_the_id_of_another_person_is_malformed() -> None:
    row = ASSIGNMENT | {"id": "00uBob"}
    assert fact_or_malformed(row, facts.person_of_app_user) == MalformedRow(
        "00uBob",
        "the assignment is for 00uBob, but the person in it is 00uAda",
        assignment_status=STATUS_NOT_GIVEN,
    )


HALF_A_CHARACTER = json.loads(r'{"nickName": "\ud83d"}')


@pytest.mark.parametrize(
    ("row", "status", "assignment_status"),
    [
        (ASSIGNMENT | {"profile": HALF_A_CHARACTER}, "ACTIVE", "PROVISIONED"),
        (ASSIGNMENT | {"_embedded": {"user": ADA | {"profile": HALF_A_CHARACTER}}}, "ACTIVE", "PROVISIONED"),
        (ASSIGNMENT | {"credentials": {"userName": 7}}, "ACTIVE", "PROVISIONED"),
        (ASSIGNMENT | {"_embedded": {"user": "ada"}}, STATUS_NOT_GIVEN, "PROVISIONED"),
        (ASSIGNMENT | {"_embedded": {"user": ADA | {"status": 3}}}, STATUS_NOT_GIVEN, "PROVISIONED"),
        (ASSIGNMENT | {"status": 3}, "ACTIVE", STATUS_NOT_GIVEN),
        (
            ASSIGNMENT | {"profile": 7, "_embedded": {"user": ADA | {"id": "00uBob"}}},
            STATUS_NOT_GIVEN,
            STATUS_NOT_GIVEN,
        ),
    ],
)
def test_the_statuses_of_an_assignment_are_read_whatever_else_is_wrong_with_it(
    row: dict[str, object], status: str, assignment_status: str
) -> None:
    found = fact_or_malformed(row, facts.person_of_app_user)
    assert isinstance(found, MalformedRow)
    assert (found.okta_id, found.status, found.assignment_status) == ("00uAda", status, assignment_status)


def test_the_status_of_a_person_is_read_whatever_else_is_wrong_with_them() -> None:
    found = fact_or_malformed(ADA | {"status": "SUSPENDED", "profile": HALF_A_CHARACTER}, facts.person_of_user)
    assert isinstance(found, MalformedRow)
    assert (found.okta_id, found.status, found.assignment_status) == ("00uAda", "SUSPENDED", None)


def test_a_person_of_twenty_attributes_takes_less_than_four_kilobytes() -> None:
    profile = {f"attribute{number}": "a value of some thirty letters" for number in range(20)}
    row = json.dumps(ASSIGNMENT | {"_embedded": {"user": ADA | {"profile": profile}}})
    tracemalloc.start()
    try:
        people = [facts.person_of_app_user(json.loads(row)) for _ in range(200)]
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size / len(people) < 4096
