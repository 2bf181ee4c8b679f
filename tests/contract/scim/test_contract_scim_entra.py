"""The requests of clients other than Okta's: Entra ID, OneLogin and JumpCloud (`docs/reference/scim.md` 6).

How a body is read is pinned in tests of its own; here is what such a client meets at the door, from its connection test
to the end of a user.
"""

from __future__ import annotations

import pytest
from contract.scim.door import PATCH, USER

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ENTRA_GROUP = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
ANONYMOUS = "4cd30c09-7d1a-4b0e-8a3c-9f4a1d6b2e11"

ADA = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "ada@x.io",
    "active": True,
    "emails": [{"primary": True, "type": "work", "value": "Ada.L@Corp.local"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ada Lovelace", "familyName": "Lovelace", "givenName": "Ada"},
    "phoneNumbers": [{"type": "work", "value": "+44 (20) 7946-0018"}],
    ENTERPRISE: {"department": "Engines", "manager": "boss@x.io"},
}


@pytest.fixture
async def entra(alone):
    """The door, and Entra's user of Ada."""
    answer = await alone.ask("POST", "/Users", ADA)
    assert answer.status == 201
    alone.ada = answer.body["id"]
    return alone


async def patch(door, *operations, scim_id=None):
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return await door.ask("PATCH", f"/Users/{scim_id or door.ada}", body)


async def patched(door, *operations):
    """Patch Ada, and return what a GET shows of her then."""
    answer = await patch(door, *operations)
    assert answer.status in {200, 204}, answer
    return (await door.ask("GET", f"/Users/{door.ada}")).body


async def total(door, encoded):
    found = await door.ask("GET", f"/Users?filter={encoded}")
    assert found.status == 200, found
    assert LIST in found.body["schemas"]
    return found.body["totalResults"]


def traits(door, name):
    return {key: list(found.Values) for key, found in door.world.users()[name].Spec.Traits.Values.items()}


async def test_the_connection_test_finds_no_user(alone):
    assert await total(alone, f"userName+eq+%22{ANONYMOUS}%22") == 0
    assert (await alone.ask("GET", "/Schemas")).status == 200


async def test_a_user_comes_back_exactly_as_it_was_sent(entra):
    shown = (await entra.ask("GET", f"/Users/{entra.ada}")).body
    assert shown["emails"] == ADA["emails"]
    assert shown["phoneNumbers"] == ADA["phoneNumbers"]
    assert shown["externalId"] == ADA["externalId"]
    assert shown[ENTERPRISE] == {"department": "Engines", "manager": {"value": "boss@x.io"}}
    assert traits(entra, "ada@x.io")["okta/department"] == ["Engines"]


@pytest.mark.parametrize(
    "encoded",
    [
        "userName+eq+%22ADA@x.io%22",
        "externalId+eq+%220a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef%22",
        "emails%5Btype+eq+%22work%22%5D.value+eq+%22Ada.L@Corp.local%22",
        "userName+eq+%22ada@x.io%22+and+active+eq+true",
        "userName+eq+%22ada@x.io%22+and+active+eq+%22True%22",
    ],
)
async def test_its_lookups_find_the_user_and_no_other(entra, encoded):
    await entra.provision("bob@x.io")
    assert await total(entra, encoded) == 1
    assert (
        await total(entra, encoded.replace("ADA", "eve").replace("ada", "eve").replace("Ada", "E").replace("0a", "1b"))
        == 0
    )


@pytest.mark.parametrize("word", ["False", "false", "FALSE", False])
async def test_a_word_for_a_boolean_disables_and_enables(entra, word):
    shown = await patched(entra, {"op": "Replace", "path": "active", "value": word})
    assert shown["active"] is False
    assert not entra.world.owned()
    assert set(entra.world.locks()) == {"ada@x.io"}
    assert await total(entra, "userName+eq+%22ada@x.io%22") == 1
    shown = await patched(entra, {"op": "Replace", "path": "active", "value": "True"})
    assert (shown["id"], shown["active"]) == (entra.ada, True)
    assert set(entra.world.owned()) == {"ada@x.io"}
    assert not entra.world.locks()


async def test_another_word_is_refused_and_changes_nothing(entra):
    answer = await patch(entra, {"op": "Replace", "path": "active", "value": "maybe"})
    assert (answer.status, answer.body["scimType"]) == (400, "invalidValue")
    assert set(entra.world.owned()) == {"ada@x.io"}


async def test_one_operation_for_each_attribute(entra):
    shown = await patched(
        entra,
        {"op": "Replace", "path": "displayName", "value": "Countess"},
        {"op": "Add", "path": "name.givenName", "value": "Augusta"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "augusta@x.io"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+44 1"},
        {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Looms"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "other@x.io"},
        {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:corp:2.0:User:badge", "value": "7"},
        {"op": "Remove", "path": "title"},
    )
    assert (shown["displayName"], shown["name"]["givenName"]) == ("Countess", "Augusta")
    assert shown["emails"] == [{"primary": True, "type": "work", "value": "augusta@x.io"}]
    assert {one["type"]: one["value"] for one in shown["phoneNumbers"]} == {
        "work": "+44 (20) 7946-0018",
        "mobile": "+44 1",
    }
    assert shown[ENTERPRISE] == {"department": "Looms", "manager": {"value": "other@x.io"}}
    seen = traits(entra, "ada@x.io")
    assert (seen["okta/firstName"], seen["okta/department"], seen["okta/mobilePhone"]) == (
        ["Augusta"],
        ["Looms"],
        ["+44 1"],
    )


async def test_one_operation_without_a_path_whose_keys_are_paths(entra):
    value = {"name.givenName": "Augusta", "displayName": "Countess", f"{ENTERPRISE}:department": "Looms"}
    shown = await patched(entra, {"op": "replace", "value": value})
    assert (shown["name"]["givenName"], shown["name"]["familyName"]) == ("Augusta", "Lovelace")
    assert (shown["displayName"], shown[ENTERPRISE]["department"]) == ("Countess", "Looms")


async def test_a_role_of_the_mapping_is_kept(entra):
    shown = await patched(entra, {"op": "Add", "path": 'roles[primary eq "True"].value', "value": "Engineer"})
    assert shown["roles"] == [{"primary": True, "value": "Engineer"}]
    assert entra.world.users()["ada@x.io"].Spec.Roles == ["okta-requester"]


async def test_a_changed_name_of_the_same_person_makes_another_user(entra):
    shown = await patched(entra, {"op": "Replace", "path": "userName", "value": "countess@x.io"})
    assert (shown["id"], shown["userName"]) == (entra.ada, "countess@x.io")
    assert set(entra.world.owned()) == {"countess@x.io"}
    assert set(entra.world.locks()) == {"ada@x.io"}


async def test_the_tenant_url_may_carry_a_flag(entra):
    answer = await entra.ask("GET", "/Users?aadOptscim062020&filter=userName+eq+%22ada@x.io%22")
    assert answer.body["totalResults"] == 1


async def test_a_soft_deletion_is_followed_by_a_hard_one(entra):
    await patched(entra, {"op": "Replace", "path": "active", "value": "False"})
    assert (await entra.ask("DELETE", f"/Users/{entra.ada}")).status == 204
    assert (await entra.ask("GET", f"/Users/{entra.ada}")).status == 404
    assert await total(entra, "userName+eq+%22ada@x.io%22") == 0
    assert set(entra.world.locks()) == {"ada@x.io"}


async def test_a_soft_deleted_person_who_is_created_again_comes_back_with_the_same_id(entra):
    await patched(entra, {"op": "Replace", "path": "active", "value": "False"})
    answer = await entra.ask("POST", "/Users", ADA)
    assert (answer.status, answer.body["id"], answer.body["active"]) == (201, entra.ada, True)
    assert set(entra.world.owned()) == {"ada@x.io"}
    assert not entra.world.locks()


async def test_an_inactive_user_s_name_is_not_for_another_external_id(entra):
    await patched(entra, {"op": "Replace", "path": "active", "value": "False"})
    before = (await entra.ask("GET", f"/Users/{entra.ada}")).body
    answer = await entra.ask("POST", "/Users", ADA | {"externalId": ANONYMOUS})
    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    assert (await entra.ask("GET", f"/Users/{entra.ada}")).body == before
    assert not entra.world.owned()


async def test_one_external_id_may_stand_at_two_users(entra):
    answer = await entra.ask("POST", "/Users", ADA | {"userName": "twin@x.io"})
    assert answer.status == 201
    assert answer.body["id"] != entra.ada
    assert set(entra.world.owned()) == {"ada@x.io", "twin@x.io"}


# OneLogin: the body is a template that an administrator edits.
ONELOGIN = {
    "schemas": ["urn:scim:schemas:core:1.0", USER],
    "id": None,
    "meta": {"location": "", "created": "", "lastModified": ""},
    "userName": "ada@x.io",
    "active": "true",
    "externalId": "17",
    "name": {"givenName": "Ada", "familyName": "", "formatted": ""},
    "emails": [{"value": "ada@x.io", "type": "work", "primary": "true"}],
    "phoneNumbers": [{"value": "", "type": "work"}],
    "title": "",
    ENTERPRISE: {"department": "", "manager": {"managerId": "9", "displayName": "Boss"}},
}


async def test_a_template_of_strings_makes_a_user(alone):
    answer = await alone.ask("POST", "/Users", ONELOGIN)
    assert answer.status == 201
    assert answer.body["id"]
    assert answer.body["active"] is True
    assert answer.body["emails"] == [{"value": "ada@x.io", "type": "work", "primary": True}]
    assert "title" not in answer.body
    assert "phoneNumbers" not in answer.body
    assert "okta/title" not in traits(alone, "ada@x.io")


async def test_a_template_with_active_false_removes_access(alone):
    scim_id = (await alone.ask("POST", "/Users", ONELOGIN)).body["id"]
    answer = await alone.ask("PUT", f"/Users/{scim_id}", ONELOGIN | {"active": "false"})
    assert (answer.status, answer.body["active"]) == (200, False)
    assert set(alone.world.locks()) == {"ada@x.io"}


async def test_a_template_without_active_neither_ends_nor_gives_access(alone):
    scim_id = (await alone.ask("POST", "/Users", ONELOGIN)).body["id"]
    forgetful = {name: value for name, value in ONELOGIN.items() if name != "active"}
    assert (await alone.ask("PUT", f"/Users/{scim_id}", forgetful)).body["active"] is True
    assert set(alone.world.owned()) == {"ada@x.io"}
    await alone.set_active(scim_id, active=False)
    assert (await alone.ask("PUT", f"/Users/{scim_id}", forgetful)).body["active"] is False
    assert not alone.world.owned()


# JumpCloud: activation makes a test user, changes it and deletes it; its base URL may end with a slash.
async def test_an_activation_with_doubled_slashes_succeeds(alone):
    created = await alone.ask("POST", "//Users", {"userName": "test@x.io", "active": True})
    assert created.status == 201
    assert isinstance(created.body["id"], str)
    path = f"//Users/{created.body['id']}"
    changed = await alone.ask("PUT", path, created.body | {"title": "Tester"})
    assert (changed.status, changed.body["title"]) == (200, "Tester")
    assert (await alone.ask("DELETE", path)).status == 204
    assert (await alone.ask("GET", path)).status == 404
    assert not alone.world.owned()


async def test_a_group_of_entra_is_answered_in_scim(alone):
    body = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", ENTRA_GROUP], "displayName": "Engines"}
    answer = await alone.ask("POST", "/Groups", body)
    assert answer.status in {201, 501}
    assert answer.body["schemas"]
