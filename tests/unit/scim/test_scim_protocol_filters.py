"""Filters: their meaning, those with an index, and those that are refused."""

from __future__ import annotations

import pytest
from teleport_okta.scim.protocol.filters import MAX_LENGTH, parse_filter
from teleport_okta.scim.protocol.matching import MAX_TERMS, comparison_key
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import ENTERPRISE_URN, GROUP_URN, USER_URN

USER = {
    "schemas": [USER_URN, ENTERPRISE_URN],
    "id": "u1-Ab",
    "externalId": "00uADA",
    "meta": {
        "resourceType": "User",
        "created": "2026-11-01T08:00:00.000Z",
        "lastModified": "2026-11-02T09:30:00.123Z",
        "location": "https://x/Users/u1-Ab",
    },
    "userName": "Ada@Example.com",
    "active": True,
    "name": {"givenName": 'A"d\\a', "familyName": "Łovelace"},
    "emails": [
        {"value": "ada@work.example", "type": "work", "primary": True},
        {"value": "ada@home.example", "type": "home"},
    ],
    "groups": [{"value": "g1", "display": "Staff"}],
    ENTERPRISE_URN: {"department": "R&D", "manager": {"value": "u7"}},
}
GROUP = {
    "schemas": [GROUP_URN],
    "id": "g1",
    "displayName": "Staff",
    "members": [{"value": "u1", "type": "User"}, {"value": "u2", "type": "User"}],
}


def refused(text, resource_type="User") -> ScimError:
    with pytest.raises(ScimError) as caught:
        parse_filter(text, resource_type)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ada@example.COM"',
        'USERNAME EQ "ada@example.com"',
        f'{USER_URN}:userName eq "ada@example.com"',
        r'userName eq "\u0061da@example.com"',
        '(userName eq "ada@example.com")',
        'userName ne "bob"',
        'userName co "@EXAMPLE"',
        'userName sw "ada"',
        'userName ew ".com"',
        'userName gt "aaa" and userName lt "zzz" and userName ge "ada@example.com" and userName le "ada@example.com"',
        'id eq "u1-Ab"',
        'externalId eq "00uADA"',
        r'name.givenName eq "A\"d\\a"',
        'name.familyName eq "łOVELACE"',
        "name pr",
        "name.givenName pr",
        "active eq true",
        'active eq "True"',
        "active ne false",
        "emails pr",
        'emails eq "ada@home.example"',
        'emails.value eq "ADA@home.example"',
        'emails.type eq "work"',
        'emails[type eq "work"].value eq "ada@work.example"',
        'emails[type eq "work" and value co "work"]',
        'emails[primary eq "true"]',
        "emails[primary eq true].value pr",
        'emails[not (type eq "work") and value sw "ada"]',
        'not (emails[type eq "other"])',
        "not(title pr)",
        "title eq null",
        'title ne "x"',
        "userName ne null",
        'title pr or userName sw "ada"',
        'title pr and title eq "x" or active eq true',
        'title pr and (title eq "x" or active eq true) or id pr',
        'meta.lastModified gt "2026-11-02T09:30:00Z"',
        'meta.lastModified ge "2026-11-02T10:30:00.123+01:00"',
        'meta.lastModified lt "2026-11-03"',
        'meta.created eq "2026-11-01T10:00:00+02:00"',
        'meta.created sw "2026-11-01"',
        'meta.resourceType eq "User"',
        f'schemas eq "{USER_URN}"',
        'groups.value eq "g1"',
        'groups[display eq "staff"]',
        f'{ENTERPRISE_URN}:department eq "r&d"',
        f'{ENTERPRISE_URN}:manager eq "u7"',
        f'{ENTERPRISE_URN}:manager.value eq "u7"',
    ],
)
def test_a_user_matches(text):
    assert parse_filter(text, "User").matches(USER)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "ada"',
        'userName ne "ADA@example.com"',
        'id eq "U1-AB"',
        'externalId eq "00uada"',
        "active eq false",
        'active eq "FALSE"',
        "title pr",
        "title ne null",
        "userName eq null",
        'emails ne "ada@home.example"',
        'emails[type eq "work" and value co "home"]',
        'emails[type eq "home"].value eq "ada@work.example"',
        'emails[type eq "home" and primary eq true]',
        "not (userName pr)",
        'title pr and (title eq "x" or active eq true)',
        'title co "x"',
        'title gt "a"',
        'meta.lastModified gt "2026-11-02T09:30:01Z"',
        'groups.value eq "G1"',
    ],
)
def test_a_user_does_not_match(text):
    assert not parse_filter(text, "User").matches(USER)


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ('displayName eq "STAFF"', True),
        ('members eq "u1"', True),
        ('members.value eq "u2"', True),
        ('members[value eq "u2"]', True),
        ('id eq "g1" and members eq "u1"', True),
        ('id eq "g1" and members eq "u3"', False),
        ('members eq "U1"', False),
        ("members pr", True),
        (f'{GROUP_URN}:displayName sw "st"', True),
    ],
)
def test_groups(text, matches):
    assert parse_filter(text, "Group").matches(GROUP) is matches


def test_a_resource_without_anything_matches_no_equality():
    for text in ('userName eq "x"', 'emails eq "x"', 'emails[type eq "work"]', f'{ENTERPRISE_URN}:department eq "x"'):
        assert not parse_filter(text, "User").matches({})


@pytest.mark.parametrize(
    ("text", "resource_type", "equality"),
    [
        ('userName eq "Ada+1@x"', "User", ("userName", "Ada+1@x")),
        (' username  EQ  "a b" ', "User", ("userName", "a b")),
        (f'{USER_URN.upper()}:userName eq "x"', "User", ("userName", "x")),
        (r'userName eq "a\"b"', "User", ("userName", 'a"b')),
        ('(externalId eq "x")', "User", ("externalId", "x")),
        ('externalId eq "x"', "Group", ("externalId", "x")),
        ('ID eq "x"', "Group", ("id", "x")),
        ('displayName eq "x"', "Group", ("displayName", "x")),
        ('displayName eq "x"', "User", ("displayName", "x")),
        ('userName eq ""', "User", ("userName", "")),
        ('userName ne "x"', "User", None),
        ("userName eq null", "User", None),
        ('userName eq "x" and active eq true', "User", None),
        ('not (userName eq "x")', "User", None),
        ('title eq "x"', "User", None),
        (f'{ENTERPRISE_URN}:department eq "x"', "User", None),
    ],
)
def test_a_lookup_by_one_value_is_recognized(text, resource_type, equality):
    assert parse_filter(text, resource_type).equality == equality


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "userName",
        "userName eq",
        "userName eq ada",
        "userName = 'ada'",
        'userName eq "ada',
        'userName eq "a" "b"',
        'userName is "ada"',
        '(userName eq "ada"',
        'userName eq "a" and',
        "not userName pr",
        'emails[type eq "work"',
        'emails[value[type eq "x"]]',
        "active gt true",
        'active co "tr"',
        'active eq "maybe"',
        "active eq 1",
        "userName eq 7",
        "userName co true",
        "userName gt null",
        'name eq "Ada"',
        'name[givenName eq "Ada"]',
        'schemas[value eq "x"]',
        'meta.created gt "yesterday"',
        "meta.created gt 7",
        'colour eq "red"',
        'name.colour eq "red"',
        'emails[colour eq "red"]',
        'urn:acme:User:userName eq "x"',
        'displayName eq "x" and members eq "u1"',
        r'userName eq "\ud800"',
        'userName eq "\ud800"',
        'userName eq "' + "x" * MAX_LENGTH + '"',
        "not (" * 40 + "id pr" + ")" * 40,
        " or ".join(["id pr"] * (MAX_TERMS + 1)),
        "id eq " + "9" * 4000,
    ],
)
def test_an_unsupported_filter_is_refused(text):
    error = refused(text)
    assert (error.status, error.scim_type) == (400, ScimType.INVALID_FILTER)
    assert len(error.detail) < 200


def test_an_attribute_of_the_other_type_is_unknown():
    assert refused('userName eq "x"', "Group").scim_type is ScimType.INVALID_FILTER
    assert refused(f'{USER_URN}:displayName eq "x"', "Group").scim_type is ScimType.INVALID_FILTER


@pytest.mark.parametrize(
    "text", ['password eq "x"', "PASSWORD pr", 'id eq "x" or not (password sw "a")', f'{USER_URN}:password ne "x"']
)
def test_a_filter_about_a_password_is_refused(text):
    error = refused(text)
    assert (error.status, error.scim_type) == (403, ScimType.SENSITIVE)


def test_parentheses_are_read_without_recursion():
    assert parse_filter("(" * 2000 + "id pr" + ")" * 2000, "User").matches(USER)


def test_as_many_terms_as_allowed_are_answered():
    assert parse_filter(" and ".join(["id pr"] * MAX_TERMS), "User").matches(USER)


@pytest.mark.parametrize(("one", "other"), [("ADA", "ada"), ("Ł", "ł"), ("e\u0301", "\u00e9"), ("E\u0301", "\u00e9")])
def test_names_that_differ_in_case_or_composition_have_one_key(one, other):
    assert comparison_key(one) == comparison_key(other)
    assert comparison_key("Ab", case_exact=True) != comparison_key("ab", case_exact=True)
