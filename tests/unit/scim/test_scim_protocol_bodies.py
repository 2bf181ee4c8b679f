"""The bodies of POST and PUT, in the forms that clients send."""

from __future__ import annotations

from dataclasses import replace

import pytest
from teleport_okta.scim.protocol.bodies import read_group, read_user
from teleport_okta.scim.protocol.values import MAX_VALUES
from teleport_okta.scim.resources import GroupContent, UserContent
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import ADA, ENTERPRISE_URN, GROUP_URN, OKTA_USER, USER_URN


def user(**members):
    return read_user({"userName": "ada", **members}, replaces=None)


def refused(read, *arguments, **named) -> ScimError:
    with pytest.raises(ScimError) as caught:
        read(*arguments, **named)
    assert caught.value.status == 400
    return caught.value


def test_oktas_user_is_kept_as_sent_without_the_password():
    assert read_user(OKTA_USER, replaces=None) == ADA


def test_read_only_attributes_are_ignored():
    body = OKTA_USER | {
        "id": "somebody-else",
        "meta": {"resourceType": "User", "version": 7},
        "groups": [{"value": "g1"}],
    }
    assert read_user(body, replaces=None) == ADA


@pytest.mark.parametrize(
    "extra",
    [
        {"favouriteColour": "mauve"},
        {"urn:okta:custom:1.0:user:custom": {"badge": 7}},
        {"http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group": []},
        {"x y[": 1, "": 2, "emails[": 3, 'emails[nope eq "': 4},
        {"schemas": ["urn:scim:schemas:core:1.0", "urn:acme:anything"]},
        {"schemas": None},
    ],
)
def test_unknown_attributes_are_ignored(extra):
    assert user(**extra) == UserContent("ada")


def test_a_body_without_schemas_is_accepted():
    assert read_user({"userName": "ada"}, replaces=None) == UserContent("ada")


@pytest.mark.parametrize("empty", [None, "", []])
@pytest.mark.parametrize("name", ["title", "name", "emails", "externalId", "active", "password", ENTERPRISE_URN])
def test_empty_values_are_unassigned(name, empty):
    assert user(**{name: empty}) == UserContent("ada")


def test_empty_parts_are_left_out():
    content = user(
        name={"givenName": "", "familyName": None},
        emails=[{"value": "", "type": "work", "primary": True}, {}, None],
        addresses=[{"country": "NL", "region": ""}],
        **{ENTERPRISE_URN: {"department": "", "manager": {}}},
    )
    assert content.attributes == {"addresses": [{"country": "NL"}]}


@pytest.mark.parametrize(
    ("word", "meaning"), [("True", True), ("true", True), ("False", False), ("FALSE", False), (False, False)]
)
def test_booleans_may_be_words(word, meaning):
    assert user(active=word).active is meaning
    assert user(emails=[{"value": "a", "primary": word}]).attributes["emails"][0]["primary"] is meaning


def test_active_is_unknown_if_the_client_does_not_give_it():
    assert user().active is None


def test_the_case_of_attribute_names_and_urns_does_not_count():
    content = read_user(
        {"USERNAME": "ada", "Name": {"GIVENNAME": "Ada"}, ENTERPRISE_URN.upper(): {"costcenter": "7"}}, replaces=None
    )
    assert content == UserContent("ada", attributes={"name": {"givenName": "Ada"}, ENTERPRISE_URN: {"costCenter": "7"}})


def test_names_may_be_qualified_and_dotted():
    content = user(**{f"{USER_URN}:title": "Dr", "name.familyName": "L", f"{ENTERPRISE_URN}:department": "R&D"})
    assert content.attributes == {"title": "Dr", "name": {"familyName": "L"}, ENTERPRISE_URN: {"department": "R&D"}}


@pytest.mark.parametrize(
    ("manager", "kept"),
    [
        ("u7", {"value": "u7"}),
        ({"value": "u7", "displayName": "Bob"}, {"value": "u7"}),
        ({"value": "u7", "$ref": "../Users/u7"}, {"value": "u7", "$ref": "../Users/u7"}),
    ],
)
def test_a_manager_may_be_an_id_alone(manager, kept):
    assert user(**{ENTERPRISE_URN: {"manager": manager}}).attributes == {ENTERPRISE_URN: {"manager": kept}}


def test_one_object_stands_for_a_list_of_one():
    assert user(emails={"value": "a@x"}).attributes == {"emails": [{"value": "a@x"}]}


@pytest.mark.parametrize(
    "members",
    [
        {"emails": [{"value": "UPPER@Corp.LOCAL", "type": "work"}]},
        {"emails": [{"value": "not an address"}]},
        {"phoneNumbers": [{"value": " (020) 555-0199 ext 7", "type": "mobile"}]},
        {"profileUrl": "not a url"},
        {"timezone": "2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d"},
        {"displayName": "  <b>Ada</b>\n"},
        {"roles": [{"value": "a"}, {"value": "a"}]},
    ],
)
def test_values_are_kept_exactly_as_sent(members):
    assert user(**members).attributes == members


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"title": 7}, "title"),
        ({"externalId": 7}, "externalId"),
        ({"active": "maybe"}, "active"),
        ({"active": 1}, "active"),
        ({"name": "Ada"}, "name"),
        ({"name": {"givenName": ["Ada"]}}, "name.givenName"),
        ({"emails": "a@x"}, "emails"),
        ({"emails": ["a@x"]}, "emails[0]"),
        ({"emails": [{"value": "a"}, {"value": True}]}, "emails[1].value"),
        ({"roles": [{"value": "a", "primary": "yes"}]}, "roles[0].primary"),
        ({ENTERPRISE_URN: "R&D"}, ENTERPRISE_URN),
        ({"password": {"secret": 1}}, "password"),
        ({"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": "true"}]}, "emails"),
        ({"roles": [{"value": "r"}] * (MAX_VALUES + 1)}, "roles"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_their_place(members, place):
    error = refused(user, **members)
    assert error.scim_type is ScimType.INVALID_VALUE
    assert error.detail.startswith(f"{place} ")


@pytest.mark.parametrize("name", [None, "", "   ", "a\nb", "a\tb", "a\u200eb", "a\u2028b", 7, ["ada"], "missing"])
def test_a_user_needs_a_visible_name(name):
    body = {} if name == "missing" else {"userName": name}
    assert refused(read_user, body, replaces=None).scim_type is ScimType.INVALID_VALUE


@pytest.mark.parametrize("body", [None, [], "ada", 7, [{"userName": "ada"}]])
def test_a_body_must_be_an_object(body):
    assert refused(read_user, body, replaces=None).scim_type is ScimType.INVALID_SYNTAX
    assert refused(read_group, body).scim_type is ScimType.INVALID_SYNTAX


@pytest.mark.parametrize("schemas", ["urn:x", {}, [7], [None], True])
def test_schemas_must_be_a_list_of_strings(schemas):
    assert refused(user, schemas=schemas).scim_type is ScimType.INVALID_SYNTAX


def test_a_put_clears_what_it_leaves_out_except_active():
    assert read_user({"userName": "ada"}, replaces=replace(ADA, active=False)) == UserContent("ada", active=False)


@pytest.mark.parametrize("active", [None, ""])
def test_a_put_with_an_empty_active_keeps_it(active):
    assert read_user({"userName": "ada", "active": active}, replaces=ADA).active is True


def test_a_put_with_active_sets_it():
    assert read_user({"userName": "ada", "active": False}, replaces=ADA).active is False


def test_a_put_without_the_name_is_refused():
    assert refused(read_user, {"active": True}, replaces=ADA).scim_type is ScimType.INVALID_VALUE


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        (None, ()),
        ([], ()),
        ([{"value": "u1", "display": "Ada"}], ("u1",)),
        ([{"value": "u2", "$ref": None}, {"value": "u1", "type": "User"}, {"value": "u2"}], ("u2", "u1")),
        ({"value": "u1", "type": "user"}, ("u1",)),
        ([{"VALUE": "u1", "Type": "User"}], ("u1",)),
    ],
)
def test_members_are_ids_in_order_without_repetition(members, kept):
    assert read_group({"displayName": "Staff", "members": members}).members == kept


def test_a_group_keeps_its_name_and_external_id_and_nothing_else():
    body = {
        "schemas": [GROUP_URN, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "id": "g9",
        "displayName": "Staff ",
        "externalId": "00g1",
        "meta": {},
        "owner": 1,
    }
    assert read_group(body) == GroupContent("Staff ", "00g1")


def test_the_case_of_a_groups_attributes_does_not_count():
    assert read_group({f"{GROUP_URN}:DISPLAYNAME": "Staff", "EXTERNALID": ""}) == GroupContent("Staff")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"displayName": ""},
        {"displayName": " "},
        {"displayName": "a\nb"},
        {"displayName": 7},
        {"displayName": "x", "externalId": 7},
        {"displayName": "x", "members": "u1"},
        {"displayName": "x", "members": ["u1"]},
        {"displayName": "x", "members": [{}]},
        {"displayName": "x", "members": [{"value": 7}]},
        {"displayName": "x", "members": [{"value": ""}]},
        {"displayName": "x", "members": [{"value": "g2", "type": "Group"}]},
    ],
)
def test_a_group_that_cannot_be_kept_is_refused(body):
    assert refused(read_group, body).scim_type is ScimType.INVALID_VALUE
