"""PATCH of a user: RFC 7644 §3.5.2, and the forms of Okta, Entra ID and others."""

from __future__ import annotations

import pytest
from teleport_okta.scim.protocol.bodies import read_user
from teleport_okta.scim.protocol.patching import MAX_OPERATIONS, patch_user
from teleport_okta.scim.protocol.values import MAX_VALUES
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import ADA, ENTERPRISE_URN, USER_URN, patch

WORK = {"value": "ada@work", "type": "work", "primary": True}
HOME = {"value": "ada@home", "type": "home"}

FULL = read_user(
    {
        "userName": "ada",
        "active": True,
        "title": "Countess",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [WORK, HOME],
        "roles": [{"value": "admin"}, {"value": "dev", "primary": True}],
        ENTERPRISE_URN: {"department": "R&D", "manager": {"value": "u7", "$ref": "../Users/u7"}},
    },
    replaces=None,
)


def apply(*operations, current=FULL):
    return patch_user(current, patch(*operations), own_id="u1")


def changed(op, path, value=..., *, current=FULL):
    named = {} if path is None else {"path": path}
    valued = {} if value is ... else {"value": value}
    return apply({"op": op} | named | valued, current=current)


def attribute(content, name):
    """Return an attribute, or a part of one, of what a PATCH left."""
    value = content.attributes
    for step in name.split("/"):
        value = value.get(step) if value is not None else None
    return value


def refused(*operations, current=FULL) -> ScimError:
    with pytest.raises(ScimError) as caught:
        apply(*operations, current=current)
    assert caught.value.status == 400
    return caught.value


# -- Okta ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("active", [False, "False", "false"])
def test_okta_deactivates_without_a_path(active):
    assert apply({"op": "replace", "value": {"active": active}}).active is False


def test_oktas_password_changes_nothing_and_is_not_kept():
    assert apply({"op": "replace", "value": {"password": "s3cret"}}) == FULL


def test_oktas_own_id_inside_the_value_is_ignored():
    content = apply({"op": "replace", "value": {"id": "u1", "meta": {}, "schemas": [], "title": "Dr"}})
    assert attribute(content, "title") == "Dr"


def test_another_id_inside_the_value_is_refused():
    assert refused({"op": "replace", "value": {"ID": "u2", "title": "Dr"}}).scim_type is ScimType.MUTABILITY


@pytest.mark.parametrize("groups", [[], None, [{"value": "g1"}]])
def test_groups_inside_a_value_are_ignored(groups):
    assert apply({"op": "replace", "value": {"groups": groups}}) == FULL


@pytest.mark.parametrize("empty", ["", [], None])
@pytest.mark.parametrize("op", ["add", "replace"])
def test_an_empty_value_unassigns(op, empty):
    assert attribute(changed(op, "title", empty), "title") is None
    assert attribute(apply({"op": op, "value": {"name": {"givenName": empty}}}), "name") == {"familyName": "Lovelace"}


@pytest.mark.parametrize("path", [None, "active"])
def test_an_empty_active_keeps_it(path):
    assert changed("replace", path, {"active": None} if path is None else "").active is True


# -- add -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "where", "after"),
    [
        ("title", "Dr", "title", "Dr"),
        ("TITLE", "Dr", "title", "Dr"),
        (f"{USER_URN}:title", "Dr", "title", "Dr"),
        ("name.middleName", "King", "name/middleName", "King"),
        ("name", {"middleName": "King"}, "name", {"givenName": "Ada", "familyName": "Lovelace", "middleName": "King"}),
        ("emails", [{"value": "c", "type": "other"}], "emails", [WORK, HOME, {"value": "c", "type": "other"}]),
        ("emails", {"value": "c"}, "emails", [WORK, HOME, {"value": "c"}]),
        ("emails", [HOME], "emails", [WORK, HOME]),
        ("emails", [], "emails", [WORK, HOME]),
        ("phoneNumbers", [{"value": "1"}], "phoneNumbers", [{"value": "1"}]),
        (f"{ENTERPRISE_URN}:employeeNumber", "7", f"{ENTERPRISE_URN}/employeeNumber", "7"),
        (ENTERPRISE_URN, {"division": "X"}, f"{ENTERPRISE_URN}/division", "X"),
        (ENTERPRISE_URN.lower(), {"division": "X"}, f"{ENTERPRISE_URN}/department", "R&D"),
        ('emails[type eq "work"].display', "Work", "emails", [WORK | {"display": "Work"}, HOME]),
        ('emails[type eq "home"]', {"display": "Home"}, "emails", [WORK, HOME | {"display": "Home"}]),
        ('emails[type eq "HOME" and value sw "ada"].value', "x", "emails", [WORK, HOME | {"value": "x"}]),
        ('emails[not (type eq "work")].value', "x", "emails", [WORK, HOME | {"value": "x"}]),
    ],
)
def test_add(path, value, where, after):
    assert attribute(changed("add", path, value), where) == after
    assert attribute(changed("Add", path, value), where) == after


def test_add_without_a_path_merges_each_attribute():
    content = apply(
        {
            "op": "add",
            "value": {
                "title": "Dr",
                "name": {"middleName": "King"},
                "name.honorificPrefix": "Lady",
                "emails": [{"value": "c"}],
                ENTERPRISE_URN: {"division": "X"},
                f"{ENTERPRISE_URN}:costCenter": "7",
            },
        }
    )
    assert attribute(content, "title") == "Dr"
    assert attribute(content, "name") == {
        "givenName": "Ada",
        "familyName": "Lovelace",
        "middleName": "King",
        "honorificPrefix": "Lady",
    }
    assert attribute(content, "emails") == [WORK, HOME, {"value": "c"}]
    assert attribute(content, f"{ENTERPRISE_URN}/division") == "X"
    assert attribute(content, f"{ENTERPRISE_URN}/costCenter") == "7"
    assert attribute(content, f"{ENTERPRISE_URN}/department") == "R&D"


def test_add_and_replace_need_a_value():
    assert refused({"op": "add", "path": "title"}).scim_type is ScimType.INVALID_VALUE
    assert refused({"op": "replace", "path": "title"}).scim_type is ScimType.INVALID_VALUE


# -- replace -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "where", "after"),
    [
        ("title", "Dr", "title", "Dr"),
        ("nickName", "A", "nickName", "A"),
        ("name", {"givenName": "A"}, "name", {"givenName": "A", "familyName": "Lovelace"}),
        ("name.givenName", "A", "name", {"givenName": "A", "familyName": "Lovelace"}),
        ("emails", [{"value": "c"}], "emails", [{"value": "c"}]),
        ("emails", [], "emails", None),
        ("emails", None, "emails", None),
        ('emails[type eq "home"]', {"value": "n", "type": "home"}, "emails", [WORK, {"value": "n", "type": "home"}]),
        ('emails[type eq "home"]', {"value": "n"}, "emails", [WORK, {"value": "n", "type": "home"}]),
        ('emails[type eq "home"]', None, "emails", [WORK]),
        ('emails[type eq "home"].value', "n", "emails", [WORK, HOME | {"value": "n"}]),
        ('emails[type eq "home"].type', "", "emails", [WORK, {"value": "ada@home"}]),
        ("emails[value pr].display", "D", "emails", [WORK | {"display": "D"}, HOME | {"display": "D"}]),
        ('emails.type eq "home"', None, "emails", [WORK]),
        ("emails.display", "D", "emails", [WORK | {"display": "D"}, HOME | {"display": "D"}]),
        ("phoneNumbers.value", "1", "phoneNumbers", [{"value": "1"}]),
        (ENTERPRISE_URN, None, ENTERPRISE_URN, None),
        (f"{ENTERPRISE_URN}:manager", "u8", f"{ENTERPRISE_URN}/manager", {"value": "u8"}),
        (f"{ENTERPRISE_URN}:manager", {"value": "u8"}, f"{ENTERPRISE_URN}/manager", {"value": "u8"}),
        (f"{ENTERPRISE_URN}:manager.value", "u8", f"{ENTERPRISE_URN}/manager", {"value": "u8"}),
        (
            f"{ENTERPRISE_URN}:manager",
            {"value": "u7"},
            f"{ENTERPRISE_URN}/manager",
            {"value": "u7", "$ref": "../Users/u7"},
        ),
        (f"{ENTERPRISE_URN}:manager", "", f"{ENTERPRISE_URN}/manager", None),
    ],
)
def test_replace(path, value, where, after):
    assert attribute(changed("replace", path, value), where) == after


def test_replace_reaches_the_attributes_outside_of_the_schema_lists():
    content = apply(
        {"op": "Replace", "path": "externalId", "value": "00u2"},
        {"op": "Replace", "path": "userName", "value": "Ada@Example.COM"},
        {"op": "Replace", "path": "active", "value": "False"},
    )
    assert (content.user_name, content.external_id, content.active) == ("Ada@Example.COM", "00u2", False)


def test_replace_of_a_value_that_no_filter_matches_is_refused():
    for path in ('emails[type eq "other"].value', 'emails[type eq "other"]', 'phoneNumbers[type eq "work"].value'):
        assert refused({"op": "replace", "path": path, "value": "x"}).scim_type is ScimType.NO_TARGET


# -- Entra ID ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "where", "after"),
    [
        ('phoneNumbers[type eq "mobile"].value', "1", "phoneNumbers", [{"type": "mobile", "value": "1"}]),
        (
            'addresses[type eq "work" and primary eq true].country',
            "NL",
            "addresses",
            [{"type": "work", "primary": True, "country": "NL"}],
        ),
        ('emails[type eq "other"].value', "o", "emails", [WORK, HOME, {"type": "other", "value": "o"}]),
        ('phoneNumbers[type eq "mobile"].value', "", "phoneNumbers", None),
    ],
)
def test_add_creates_the_value_that_the_filter_describes(path, value, where, after):
    assert attribute(changed("Add", path, value), where) == after


def test_add_cannot_create_from_a_filter_that_describes_nothing():
    for chosen in ('type ne "x" and type eq "y"', 'type eq "x" or type eq "y"', 'type sw "x"'):
        error = refused({"op": "Add", "path": f"phoneNumbers[{chosen}].value", "value": "1"})
        assert error.scim_type is ScimType.NO_TARGET


def test_a_filter_with_half_of_a_surrogate_pair_creates_nothing():
    error = refused({"op": "add", "path": r'phoneNumbers[type eq "\ud800"].value', "value": "1"})
    assert error.scim_type in {ScimType.INVALID_VALUE, ScimType.INVALID_FILTER}


@pytest.mark.parametrize("word", ['"True"', '"true"', "true"])
def test_a_quoted_boolean_in_a_filter_is_the_boolean(word):
    content = changed("Replace", f"roles[primary eq {word}].value", "ops")
    assert attribute(content, "roles") == [{"value": "admin"}, {"value": "ops", "primary": True}]


def test_a_role_is_created_from_a_quoted_boolean():
    content = changed("Add", 'roles[primary eq "True"].value', "ops", current=ADA)
    assert attribute(content, "roles") == [{"primary": True, "value": "ops"}]


def test_a_value_without_a_path_may_have_paths_as_names():
    content = apply(
        {
            "op": "replace",
            "value": {
                "name.givenName": "A",
                f"{ENTERPRISE_URN}:department": "Ops",
                'emails[type eq "home"].value': "n",
                "favourite.colour": "mauve",
            },
        }
    )
    assert attribute(content, "name/givenName") == "A"
    assert attribute(content, f"{ENTERPRISE_URN}/department") == "Ops"
    assert attribute(content, "emails") == [WORK, HOME | {"value": "n"}]


@pytest.mark.parametrize(
    "path",
    [
        "favouriteColour",
        "name.colour",
        "colours.red",
        'colours[type eq "red"].value',
        "urn:okta:custom:1.0:user:badge",
        "http://schemas.example.com/x:y",
        "schemas",
        "x509Certificates",
    ],
)
def test_an_attribute_that_is_not_held_never_refuses_the_others(path):
    for op in ("Add", "Replace", "Remove"):
        content = apply({"op": op, "path": path, "value": "x"}, {"op": "Replace", "path": "title", "value": "Dr"})
        assert attribute(content, "title") == "Dr"
        assert changed(op, path, "x") == FULL


@pytest.mark.parametrize(
    ("listed", "after"),
    [
        ([{"value": "ada@home"}], [WORK]),
        ({"value": "ada@home", "display": None}, [WORK]),
        ([{"type": "work"}], [HOME]),
        ([{"value": "nobody"}], [WORK, HOME]),
        ([], [WORK, HOME]),
        (None, None),
        ("", None),
    ],
)
def test_remove_with_a_list_removes_what_is_listed(listed, after):
    assert attribute(changed("Remove", "emails", listed), "emails") == after


# -- remove --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "where", "after"),
    [
        ("title", "title", None),
        ("nickName", "nickName", None),
        ("name", "name", None),
        ("name.givenName", "name", {"familyName": "Lovelace"}),
        ("emails", "emails", None),
        ('emails[type eq "home"]', "emails", [WORK]),
        ("emails[value pr]", "emails", None),
        ('emails[type eq "other"]', "emails", [WORK, HOME]),
        ('phoneNumbers[type eq "other"]', "phoneNumbers", None),
        ('emails[type eq "work"].primary', "emails", [{"value": "ada@work", "type": "work"}, HOME]),
        ("emails.type", "emails", [{"value": "ada@work", "primary": True}, {"value": "ada@home"}]),
        (ENTERPRISE_URN, ENTERPRISE_URN, None),
        (f"{ENTERPRISE_URN}:manager", ENTERPRISE_URN, {"department": "R&D"}),
        ("password", "password", None),
    ],
)
def test_remove(path, where, after):
    assert attribute(changed("remove", path), where) == after


def test_removing_the_last_attribute_of_an_extension_removes_the_extension():
    content = apply(
        {"op": "remove", "path": f"{ENTERPRISE_URN}:manager"},
        {"op": "remove", "path": f"{ENTERPRISE_URN}:department"},
    )
    assert ENTERPRISE_URN not in content.attributes


def test_the_external_id_can_be_removed():
    assert changed("remove", "externalId", current=ADA).external_id is None


def test_remove_needs_a_path():
    for path in ({}, {"path": None}, {"path": ""}):
        assert refused({"op": "remove", "value": {"title": "x"}} | path).scim_type is ScimType.NO_TARGET


@pytest.mark.parametrize("path", ["userName", "active", "USERNAME", f"{USER_URN}:userName", USER_URN])
def test_a_required_attribute_cannot_be_removed(path):
    assert refused({"op": "remove", "path": path}).scim_type is ScimType.MUTABILITY


@pytest.mark.parametrize("op", ["add", "replace"])
@pytest.mark.parametrize("name", ["", " ", None, "a\nb", 7])
def test_a_user_name_cannot_become_unusable(op, name):
    assert refused({"op": op, "path": "userName", "value": name}).scim_type is ScimType.INVALID_VALUE


# -- primary -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op", "path", "value"),
    [
        ("add", "emails", [{"value": "c", "primary": True}]),
        ("add", "emails", [HOME | {"primary": True}]),
        ("add", "emails", [{"value": "ada@work", "type": "work"}, HOME | {"primary": True}]),
        ("add", 'emails[type eq "home"].primary', "True"),
        ("replace", 'emails[type eq "home"].primary', True),
        ("replace", 'emails[type eq "home"]', HOME | {"primary": True}),
        ("add", 'emails[type eq "other" and primary eq true].value', "o"),
    ],
)
def test_a_new_primary_value_makes_the_others_secondary(op, path, value):
    emails = attribute(changed(op, path, value), "emails")
    assert emails[0] == WORK | {"primary": False}
    assert [one.get("primary", False) for one in emails].count(True) == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("emails", [{"value": "a", "primary": True}, {"value": "b", "primary": True}]),
        ("emails[value pr].primary", True),
        ("emails.primary", True),
    ],
)
def test_two_primary_values_are_refused(path, value):
    assert refused({"op": "replace", "path": path, "value": value}).scim_type is ScimType.INVALID_VALUE


# -- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["id", "ID", "meta", "meta.created", "groups", 'groups[value eq "g1"]', f"{ENTERPRISE_URN}:manager.displayName"],
)
@pytest.mark.parametrize("op", ["add", "replace", "remove"])
def test_a_path_to_what_the_server_makes_is_refused(op, path):
    assert refused({"op": op, "path": path, "value": "u1"}).scim_type is ScimType.MUTABILITY


@pytest.mark.parametrize(
    "path",
    [
        "emails[",
        "emails]",
        'emails[type eq "work"',
        "emails[type eq work]",
        'emails[type eq "work"].value.deeper',
        "name.given.deeper",
        "name[givenName pr]",
        "9lives",
        "a b",
        ".",
        "name.",
        "x" * 5000,
    ],
)
def test_a_path_that_is_not_one_is_refused(path):
    assert refused({"op": "replace", "path": path, "value": "x"}).scim_type is ScimType.INVALID_PATH


@pytest.mark.parametrize("chosen", ['colour eq "red"', "primary gt true", "type eq 7", 'value.x eq "y"'])
def test_a_filter_in_a_path_that_cannot_be_answered_is_refused(chosen):
    error = refused({"op": "remove", "path": f"emails[{chosen}]"})
    assert error.scim_type in {ScimType.INVALID_FILTER, ScimType.INVALID_PATH}


@pytest.mark.parametrize(
    ("body", "scim_type"),
    [
        (None, ScimType.INVALID_SYNTAX),
        ([], ScimType.INVALID_SYNTAX),
        ({}, ScimType.INVALID_SYNTAX),
        ({"schemas": "x", "Operations": [{"op": "remove", "path": "title"}]}, ScimType.INVALID_SYNTAX),
        ({"Operations": {}}, ScimType.INVALID_SYNTAX),
        ({"Operations": []}, ScimType.INVALID_SYNTAX),
        ({"Operations": ["remove"]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [{"path": "title"}]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [{"op": "move", "path": "title"}]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [{"op": 7, "path": "title"}]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [{"op": "remove", "path": 7}]}, ScimType.INVALID_SYNTAX),
        ({"Operations": [{"op": "replace", "value": "x"}]}, ScimType.INVALID_VALUE),
        ({"Operations": [{"op": "replace", "path": "active", "value": "maybe"}]}, ScimType.INVALID_VALUE),
        ({"Operations": [{"op": "replace", "path": "title", "value": {}}]}, ScimType.INVALID_VALUE),
        ({"Operations": [{"op": "add", "path": "emails", "value": "a"}]}, ScimType.INVALID_VALUE),
        (patch(*[{"op": "remove", "path": "title"}] * (MAX_OPERATIONS + 1)), ScimType.INVALID_VALUE),
    ],
)
def test_a_body_that_is_no_patch_is_refused(body, scim_type):
    with pytest.raises(ScimError) as caught:
        patch_user(FULL, body, own_id="u1")
    assert (caught.value.status, caught.value.scim_type) == (400, scim_type)


def test_the_case_of_the_members_does_not_count():
    body = {"operations": [{"OP": "REPLACE", "Path": "title", "VALUE": "Dr"}]}
    assert attribute(patch_user(FULL, body, own_id="u1"), "title") == "Dr"


def test_operations_apply_in_their_order():
    content = apply(
        {"op": "remove", "path": "emails"},
        {"op": "add", "path": "emails", "value": [HOME]},
        {"op": "replace", "path": 'emails[type eq "home"].value', "value": "n"},
    )
    assert attribute(content, "emails") == [HOME | {"value": "n"}]


def test_a_patch_that_is_refused_leaves_the_user_as_it_was():
    before = repr(FULL)
    refused(
        {"op": "replace", "path": "name.givenName", "value": "X"},
        {"op": "add", "path": "emails", "value": [{"value": "n", "primary": True}]},
        {"op": "replace", "path": f"{ENTERPRISE_URN}:department", "value": "X"},
        {"op": "remove", "path": "userName"},
    )
    assert repr(FULL) == before


def test_a_list_cannot_grow_without_end():
    operations = [
        {"op": "add", "path": "roles", "value": [{"value": f"{part}-{index}"} for index in range(MAX_VALUES // 2 + 1)]}
        for part in range(2)
    ]
    assert refused(*operations).scim_type is ScimType.INVALID_VALUE


def test_an_error_shows_no_value():
    for operation in (
        {"op": "replace", "path": "password", "value": {"deep": "s3cret"}},
        {"op": "replace", "path": "active", "value": "s3cret"},
        {"op": "replace", "value": {"password": ["s3cret"]}},
        {"op": "replace", "path": 'emails[value eq "s3cret"].value', "value": "s3cret"},
    ):
        assert "s3cret" not in refused(operation).detail
