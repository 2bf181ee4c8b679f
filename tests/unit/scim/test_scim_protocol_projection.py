"""attributes and excludedAttributes."""

from __future__ import annotations

import pytest
from teleport_okta.scim.protocol.projection import Projection
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import ENTERPRISE_URN, GROUP_URN, USER_URN

ALWAYS = {"schemas": [USER_URN, ENTERPRISE_URN], "id": "u1"}
NAME = {"givenName": "Ada", "familyName": "Lovelace"}
EMAILS = [{"value": "a", "type": "work"}, {"value": "b"}]
ENTERPRISE = {"department": "R&D", "manager": {"value": "u7", "$ref": "x"}}
USER = ALWAYS | {"userName": "ada", "name": NAME, "emails": EMAILS, "active": True, ENTERPRISE_URN: ENTERPRISE}


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ("userName", {"userName": "ada"}),
        ("USERNAME, active ", {"userName": "ada", "active": True}),
        ("name.givenName", {"name": {"givenName": "Ada"}}),
        ("name.givenName,name.familyName", {"name": NAME}),
        ("name,name.givenName", {"name": NAME}),
        ("name.givenName,name", {"name": NAME}),
        ("emails.type", {"emails": [{"type": "work"}]}),
        ("emails.value", {"emails": [{"value": "a"}, {"value": "b"}]}),
        ("emails.display", {}),
        ("userName.x", {}),
        ("nickName", {}),
        ("id", {}),
        (",", {}),
        (f"{USER_URN}:userName", {"userName": "ada"}),
        (f"{USER_URN}:name.givenName", {"name": {"givenName": "Ada"}}),
        (ENTERPRISE_URN, {ENTERPRISE_URN: ENTERPRISE}),
        (f"{ENTERPRISE_URN}:department", {ENTERPRISE_URN: {"department": "R&D"}}),
        (f"{ENTERPRISE_URN.lower()}:manager.value", {ENTERPRISE_URN: {"manager": {"value": "u7"}}}),
        ("urn:acme:User:userName", {}),
    ],
)
def test_attributes_keep_what_is_named(names, shown):
    assert Projection.read({"attributes": names}).apply(USER) == ALWAYS | shown


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        ("userName", {"userName": None}),
        ("id,schemas", {}),
        ("NAME.givenname", {"name": {"familyName": "Lovelace"}}),
        ("emails.value", {"emails": [{"type": "work"}]}),
        ("emails.value,emails.type", {"emails": None}),
        ("userName.x", {}),
        ("colour", {}),
        (ENTERPRISE_URN, {ENTERPRISE_URN: None}),
        (f"{ENTERPRISE_URN}:manager", {ENTERPRISE_URN: {"department": "R&D"}}),
        (f"{USER_URN}:active", {"active": None}),
    ],
)
def test_excluded_attributes_are_left_out(names, missing):
    expected = {key: value for key, value in (USER | missing).items() if value is not None}
    assert Projection.read({"excludedAttributes": names}).apply(USER) == expected


@pytest.mark.parametrize("query", [{}, {"attributes": ""}, {"excludedAttributes": " "}, {"count": "1"}])
def test_without_names_everything_is_shown(query):
    assert Projection.read(query).apply(USER) == USER


def test_the_case_of_the_parameters_does_not_count():
    assert Projection.read({"Attributes": "active"}).apply(USER) == ALWAYS | {"active": True}


def test_both_together_are_refused():
    with pytest.raises(ScimError) as caught:
        Projection.read({"attributes": "id", "excludedAttributes": "members"})
    assert (caught.value.status, caught.value.scim_type) == (400, ScimType.INVALID_VALUE)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, True),
        ({"excludedAttributes": "members"}, False),
        ({"excludedAttributes": f"{GROUP_URN}:MEMBERS"}, False),
        ({"excludedAttributes": "members.type"}, True),
        ({"excludedAttributes": "displayName"}, True),
        ({"attributes": "members"}, True),
        ({"attributes": "members.value"}, True),
        ({"attributes": "displayName"}, False),
    ],
)
def test_members_need_not_be_read_if_they_are_not_wanted(query, wanted):
    assert Projection.read(query).wants("members") is wanted


def test_the_resource_is_left_as_it_is():
    before = repr(USER)
    Projection.read({"excludedAttributes": "name.givenName,emails"}).apply(USER)
    Projection.read({"attributes": "name.givenName,emails.value"}).apply(USER)
    assert repr(USER) == before
