from __future__ import annotations

import json
import tracemalloc

import pytest
from teleport_okta.model.okta import (
    STATUS_NOT_GIVEN,
    MalformedRow,
    OktaApp,
    OktaAppUser,
    OktaOrganization,
    OktaUser,
    PersonFacts,
)
from teleport_okta.okta import facts

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
        "00uAda", "ada", "ACTIVE", "PROVISIONED", dict(ADA_USER.profile), {"given_name": "Ada"}
    )


def test_a_status_that_nobody_has_heard_of_is_kept_as_it_is() -> None:
    assert facts.user(ADA | {"status": "HIBERNATING"}).status == "HIBERNATING"


def test_profile_values_keep_their_types_and_only_empty_ones_are_dropped() -> None:
    kept = {"a": "x", "b": 0, "c": False, "d": 1.5, "e": ["x", "", None], "f": {"g": None}, "h": " ", "i": "😀"}
    empty: dict[str, object] = {"j": None, "k": "", "l": [], "m": {}}
    assert facts.user(ADA | {"profile": kept | empty}).profile == kept


@pytest.mark.parametrize(
    ("row", "okta_id", "reason"),
    [
        (None, None, "no object"),
        ("00uAda", None, "no object"),
        ({"status": "ACTIVE"}, None, "no id"),
        ({"id": 7}, None, "id is no text"),
        ({"id": ""}, None, "no id"),
        (ADA | {"profile": "ada"}, "00uAda", "profile is no object"),
        (ADA | {"status": 3}, "00uAda", "status is no text"),
        (ADA | {"profile": json.loads(r'{"login": "\ud800"}')}, "00uAda", "not valid Unicode"),
        (ADA | {"profile": json.loads(r'{"list": ["\ud800"]}')}, "00uAda", "not valid Unicode"),
        (ADA | {"profile": json.loads(r'{"\ud800": "x"}')}, "00uAda", "not valid Unicode"),
    ],
)
def test_a_row_that_cannot_be_read_is_malformed_with_its_reason(row: object, okta_id: str | None, reason: str) -> None:
    found = facts.person_or_malformed(row, facts.person_of_user)
    assert isinstance(found, MalformedRow)
    assert found.okta_id == okta_id
    assert reason in found.reason


def test_an_assignment_that_comes_with_somebody_else_is_malformed() -> None:
    row = ASSIGNMENT | {"id": "00uBob"}
    assert facts.person_or_malformed(row, facts.person_of_app_user) == MalformedRow(
        "00uBob", "the assignment is of 00uBob, but the person that came with it is 00uAda"
    )


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
