"""PATCH of a group: members are added and removed, in the forms of Okta and Entra ID."""

from __future__ import annotations

import pytest
from teleport_okta.scim.protocol.group_patching import MAX_OPERATIONS, patch_group
from teleport_okta.scim.resources import GroupPatch
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import GROUP_URN, patch


def apply(*operations) -> GroupPatch:
    return patch_group(patch(*operations), own_id="g1")


def refused(*operations) -> ScimError:
    with pytest.raises(ScimError) as caught:
        apply(*operations)
    assert caught.value.status == 400
    return caught.value


def refs(*ids):
    return [{"value": one, "display": f"{one}@example.com"} for one in ids]


ADD = {"op": "add", "path": "members", "value": refs("a", "b", "a")}


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        # Okta.
        ({"op": "replace", "value": {"id": "g1", "displayName": "New"}}, GroupPatch(display_name="New")),
        (ADD, GroupPatch(added=("a", "b"))),
        ({"op": "remove", "path": 'members[value eq "a"]'}, GroupPatch(removed=("a",))),
        ({"op": "replace", "path": "members", "value": refs("a", "b")}, GroupPatch(members=("a", "b"))),
        ({"op": "replace", "value": {"members": refs("a")}}, GroupPatch(members=("a",))),
        ({"op": "replace", "path": "members", "value": []}, GroupPatch(members=())),
        ({"op": "replace", "path": "members", "value": None}, GroupPatch(members=())),
        # Entra ID.
        ({"op": "Add", "path": "members", "value": [{"$ref": None, "value": "a"}]}, GroupPatch(added=("a",))),
        ({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": "a"}]}, GroupPatch(removed=("a",))),
        ({"op": "Remove", "path": "members", "value": {"value": "a"}}, GroupPatch(removed=("a",))),
        ({"op": "Remove", "path": "members", "value": []}, GroupPatch()),
        ({"op": "Replace", "path": "displayName", "value": "New"}, GroupPatch(display_name="New")),
        ({"op": "Replace", "path": "externalId", "value": "00g"}, GroupPatch(external_id="00g")),
        # Others.
        ({"op": "add", "value": {"members": refs("a"), "externalId": "00g"}}, GroupPatch(None, "00g", None, ("a",))),
        ({"op": "add", "path": "members", "value": []}, GroupPatch()),
        ({"op": "add", "path": f"{GROUP_URN}:Members", "value": refs("a")}, GroupPatch(added=("a",))),
        ({"op": "add", "path": GROUP_URN, "value": {"members": refs("a")}}, GroupPatch(added=("a",))),
        ({"op": "add", "value": {f"{GROUP_URN}:members": refs("a")}}, GroupPatch(added=("a",))),
        ({"op": "remove", "path": "members"}, GroupPatch(members=())),
        ({"op": "remove", "path": "members", "value": None}, GroupPatch(members=())),
        ({"op": "remove", "path": "externalId"}, GroupPatch(external_id="")),
        ({"op": "replace", "value": {"externalId": None}}, GroupPatch(external_id="")),
        ({"op": "remove", "path": 'MEMBERS[Value EQ "a" or value eq "b"]'}, GroupPatch(removed=("a", "b"))),
        ({"op": "remove", "path": r'members[value eq "a\"] or \\\u0041"]'}, GroupPatch(removed=('a"] or \\A',))),
        ({"op": "remove", "path": 'members[(value eq "a") or (value eq "b")]'}, GroupPatch(removed=("a", "b"))),
        ({"op": "remove", "path": f'{GROUP_URN}:members[value eq "a"]'}, GroupPatch(removed=("a",))),
        ({"op": "remove", "path": 'members.value eq "a"'}, GroupPatch(removed=("a",))),
        # Not held.
        ({"op": "replace", "value": {"meta": {}, "schemas": [], "owner": "x"}}, GroupPatch()),
        ({"op": "add", "path": "owner", "value": "x"}, GroupPatch()),
        ({"op": "add", "path": 'owner[value eq "x"]', "value": "x"}, GroupPatch()),
        ({"op": "replace", "value": {"urn:acme:Group:members": refs("a")}}, GroupPatch()),
    ],
)
def test_one_operation(operation, change):
    assert apply(operation) == change


REMOVE_A = {"op": "remove", "path": 'members[value eq "a"]'}
ONLY_C = {"op": "replace", "path": "members", "value": refs("c")}


@pytest.mark.parametrize(
    ("operations", "change"),
    [
        ([ADD, REMOVE_A], GroupPatch(added=("b",), removed=("a",))),
        ([REMOVE_A, ADD], GroupPatch(added=("a", "b"))),
        ([ADD, ONLY_C], GroupPatch(members=("c",))),
        ([REMOVE_A, ONLY_C, ADD], GroupPatch(members=("c", "a", "b"))),
        ([ONLY_C, ADD, REMOVE_A], GroupPatch(members=("c", "b"))),
        ([ADD, {"op": "remove", "path": "members"}], GroupPatch(members=())),
        ([{"op": "remove", "path": "members"}, ADD], GroupPatch(members=("a", "b"))),
        (
            [{"op": "replace", "value": {"id": "g1", "displayName": "New"}}, ADD, REMOVE_A],
            GroupPatch("New", None, None, ("b",), ("a",)),
        ),
    ],
)
def test_operations_fold_in_their_order(operations, change):
    assert apply(*operations) == change


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "value": {"id": "g2", "displayName": "New"}}, ScimType.MUTABILITY),
        ({"op": "replace", "path": "id", "value": "g1"}, ScimType.MUTABILITY),
        ({"op": "remove", "path": "meta"}, ScimType.MUTABILITY),
        ({"op": "remove", "path": "displayName"}, ScimType.MUTABILITY),
        ({"op": "remove", "path": GROUP_URN}, ScimType.MUTABILITY),
        ({"op": "replace", "path": 'members[value eq "a"]', "value": {"value": "b"}}, ScimType.MUTABILITY),
        ({"op": "replace", "path": 'members[value eq "a"].value', "value": "b"}, ScimType.MUTABILITY),
        ({"op": "remove", "path": "members.value"}, ScimType.MUTABILITY),
        ({"op": "replace", "path": "displayName", "value": ""}, ScimType.INVALID_VALUE),
        ({"op": "replace", "path": "displayName", "value": 7}, ScimType.INVALID_VALUE),
        ({"op": "replace", "path": "externalId", "value": {}}, ScimType.INVALID_VALUE),
        ({"op": "add", "path": "members", "value": "a"}, ScimType.INVALID_VALUE),
        ({"op": "add", "path": "members", "value": [{"value": "g2", "type": "Group"}]}, ScimType.INVALID_VALUE),
        ({"op": "add", "path": "members", "value": [{"display": "Ada"}]}, ScimType.INVALID_VALUE),
        ({"op": "add", "path": GROUP_URN, "value": "x"}, ScimType.INVALID_VALUE),
        ({"op": "remove", "value": {"members": []}}, ScimType.NO_TARGET),
        ({"op": "remove", "path": "members["}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": 'members[type eq "User"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": 'members[value sw "a"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": 'members[value eq "a" and value eq "b"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": 'members[not (value eq "a")]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": r'members[value eq "\ud800"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": r'members[value eq "\x"]'}, ScimType.INVALID_PATH),
        ({"op": "remove", "path": r'members[(value eq "\ud800")]'}, ScimType.INVALID_PATH),
        ({"op": "join", "path": "members"}, ScimType.INVALID_SYNTAX),
    ],
)
def test_what_cannot_be_done_is_refused(operation, scim_type):
    assert refused(operation).scim_type is scim_type
    assert refused(ADD, operation).scim_type is scim_type


def test_the_number_of_operations_is_limited():
    assert refused(*[REMOVE_A] * (MAX_OPERATIONS + 1)).scim_type is ScimType.INVALID_VALUE


def test_a_push_of_thousands_of_members_reads_each_of_them_once():
    class Member(dict):
        reads = 0

        def get(self, *arguments):
            Member.reads += 1
            return super().get(*arguments)

    members = [Member(value=f"u{index}", type="User") for index in range(5000)]
    change = apply({"op": "replace", "path": "members", "value": members})
    assert change.members == tuple(f"u{index}" for index in range(5000))
    assert Member.reads == 2 * len(members)
