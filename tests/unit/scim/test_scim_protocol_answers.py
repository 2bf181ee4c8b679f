"""The JSON of answers: users, groups, lists with paging, errors, discovery."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

import pytest
from scim2_models import Context, Error, ListResponse, ResourceType, Schema, ScimProvider, ServiceProviderConfig
from teleport_okta.scim.protocol.discovery import discovery_answer
from teleport_okta.scim.protocol.paging import Page
from teleport_okta.scim.protocol.rendering import error_json, group_json, list_json, user_json
from teleport_okta.scim.protocol.search import read_search
from teleport_okta.scim.resources import GroupContent, ScimGroup, UserContent
from teleport_okta.scim.scim_errors import ScimError, ScimType
from unit.scim.scim_samples import ADA, CREATED, ENTERPRISE_URN, GROUP_URN, MODIFIED, USER_URN, stored

BASE = "https://scim.example.com/v2"


def test_a_user_is_shown_as_it_was_sent_with_the_servers_attributes():
    assert user_json(stored(ADA), [("g1", "Staff")], base_url=BASE) == {
        "schemas": [USER_URN],
        "id": "u1",
        "externalId": "00uADA",
        "meta": {
            "resourceType": "User",
            "created": "2026-11-01T08:00:00.000Z",
            "lastModified": "2026-11-02T09:30:00.123Z",
            "location": f"{BASE}/Users/u1",
        },
        "userName": "ada@example.com",
        "active": True,
        **ADA.attributes,
        "groups": [{"value": "g1", "$ref": f"{BASE}/Groups/g1", "display": "Staff"}],
    }


def test_the_schemas_of_a_user_follow_what_is_present():
    content = replace(ADA, attributes=ADA.attributes | {ENTERPRISE_URN: {"department": "R&D"}})
    assert user_json(stored(content), [], base_url=BASE)["schemas"] == [USER_URN, ENTERPRISE_URN]


def test_unassigned_attributes_are_not_shown():
    shown = user_json(stored(replace(ADA, external_id=None)), [], base_url=BASE)
    assert not {"externalId", "groups", "password", "title"} & shown.keys()


def test_a_user_with_only_a_user_name_has_names_and_an_email():
    shown = user_json(stored(UserContent("ada", active=False)), [], base_url=BASE)
    assert shown["name"]["givenName"] == shown["name"]["familyName"] == shown["emails"][0]["value"] == "ada"
    assert shown["active"] is False


def test_a_name_that_was_removed_stays_removed():
    content = replace(ADA, attributes={"displayName": "Ada"})
    assert not {"name", "emails"} & user_json(stored(content), [], base_url=BASE).keys()


def test_times_are_shown_in_utc():
    local = datetime(2026, 11, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))
    meta = user_json(replace(stored(ADA), created=local), [], base_url=BASE)["meta"]
    assert meta["created"] == "2026-10-31T23:00:00.000Z"


GROUP = ScimGroup("g1", GroupContent("Staff", "00g1", ("ignored",)), CREATED, MODIFIED)


@pytest.mark.parametrize(
    ("members", "shown"),
    [
        (None, {}),
        ((), {"members": []}),
        (("u1",), {"members": [{"value": "u1", "$ref": f"{BASE}/Users/u1", "type": "User"}]}),
    ],
)
def test_a_group_is_shown_with_the_members_that_are_given(members, shown):
    assert (
        group_json(GROUP, members, base_url=BASE)
        == {
            "schemas": [GROUP_URN],
            "id": "g1",
            "externalId": "00g1",
            "meta": {
                "resourceType": "Group",
                "created": "2026-11-01T08:00:00.000Z",
                "lastModified": "2026-11-02T09:30:00.123Z",
                "location": f"{BASE}/Groups/g1",
            },
            "displayName": "Staff",
        }
        | shown
    )


def test_a_list_counts_all_and_shows_a_page():
    assert list_json(7, 3, [{"id": "u1"}, {"id": "u2"}]) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 7,
        "startIndex": 3,
        "itemsPerPage": 2,
        "Resources": [{"id": "u1"}, {"id": "u2"}],
    }
    assert list_json(0, 1, [])["Resources"] == []


@pytest.mark.parametrize(("scim_type", "member"), [(None, {}), (ScimType.UNIQUENESS, {"scimType": "uniqueness"})])
def test_an_error_has_its_status_as_a_string_and_nothing_else(scim_type, member):
    error = ScimError(HTTPStatus.CONFLICT, "The name is taken.", scim_type, retry_after=7)
    shown = error_json(error)
    assert (
        shown
        == {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": "409",
            "detail": "The name is taken.",
        }
        | member
    )
    assert Error.model_validate(shown).status == 409


# -- discovery -----------------------------------------------------------------------------------------------------


def ask(endpoint, resource_id="", *, groups=True, **query):
    return discovery_answer(endpoint, resource_id, base_url=BASE, groups=groups, query=query)


def test_a_foreign_client_understands_what_is_discovered():
    schemas = ListResponse[Schema].model_validate(ask("Schemas"), scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    types = ListResponse[ResourceType].model_validate(ask("ResourceTypes"), scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    config = ServiceProviderConfig.model_validate(
        ask("ServiceProviderConfig"), scim_ctx=Context.RESOURCE_QUERY_RESPONSE
    )
    provider = ScimProvider.from_discovery(schemas.resources, types.resources, config)
    shown = user_json(
        stored(replace(ADA, attributes=ADA.attributes | {ENTERPRISE_URN: {"department": "R&D"}})),
        [("g1", "Staff")],
        base_url=BASE,
    )
    user = provider.model_for("User").model_validate(shown, scim_ctx=Context.RESOURCE_QUERY_RESPONSE)
    assert user.user_name == "ada@example.com"
    assert user.emails[0].value == "Ada.L@EXAMPLE.Com"
    group = group_json(GROUP, ["u1"], base_url=BASE)
    assert provider.model_for("Group").model_validate(group, scim_ctx=Context.RESOURCE_QUERY_RESPONSE).members


def test_the_advertised_features_work():
    config = ask("ServiceProviderConfig")
    abilities = {
        name: config[name]["supported"] for name in ("patch", "bulk", "filter", "changePassword", "sort", "etag")
    }
    assert [name for name, supported in abilities.items() if supported] == ["patch", "filter"]
    assert config["filter"]["maxResults"] == 1000
    assert [one["type"] for one in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert config["meta"]["location"] == f"{BASE}/ServiceProviderConfig"


@pytest.mark.parametrize("endpoint", ["ResourceTypes", "Schemas"])
def test_each_resource_of_a_list_is_found_by_its_id(endpoint):
    listed = ask(endpoint)
    assert listed["totalResults"] == len(listed["Resources"]) > 0
    for one in listed["Resources"]:
        assert ask(endpoint, one["id"]) == ask(endpoint, one["id"].upper()) == one
        assert one["meta"]["location"] == f"{BASE}/{endpoint}/{one['id']}"


def test_a_password_is_accepted_and_never_returned():
    attributes = {one["name"]: one for one in ask("Schemas", USER_URN)["attributes"]}
    assert (attributes["password"]["mutability"], attributes["password"]["returned"]) == ("writeOnly", "never")


def test_a_server_without_groups_advertises_none():
    assert [one["id"] for one in ask("ResourceTypes", groups=False)["Resources"]] == ["User"]
    assert [one["id"] for one in ask("Schemas", groups=False)["Resources"]] == [USER_URN, ENTERPRISE_URN]
    assert "groups" not in [one["name"] for one in ask("Schemas", USER_URN, groups=False)["attributes"]]
    assert "groups" in [one["name"] for one in ask("Schemas", USER_URN)["attributes"]]
    with pytest.raises(ScimError) as caught:
        ask("Schemas", GROUP_URN, groups=False)
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("endpoint", "resource_id"),
    [
        ("ResourceTypes", "Device"),
        ("Schemas", "urn:x"),
        ("ServiceProviderConfig", "x"),
        ("Devices", ""),
        ("Schemas", "x" * 999),
    ],
)
def test_what_does_not_exist_is_not_found(endpoint, resource_id):
    with pytest.raises(ScimError) as caught:
        ask(endpoint, resource_id)
    assert caught.value.status == 404
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize("endpoint", ["ServiceProviderConfig", "ResourceTypes", "Schemas"])
def test_discovery_cannot_be_filtered(endpoint):
    with pytest.raises(ScimError) as caught:
        ask(endpoint, filter='name eq "User"')
    assert caught.value.status == 403
    assert ask(endpoint, startIndex="x", count="0", sortBy="id") == ask(endpoint)


# -- paging and search ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ({}, Page(1, 100)),
        ({"startIndex": "1", "count": "2"}, Page(1, 2)),
        ({"STARTINDEX": "101", "Count": "100"}, Page(101, 100)),
        ({"startIndex": "0"}, Page(1, 100)),
        ({"startIndex": "-7", "count": "-1"}, Page(1, 0)),
        ({"count": "0"}, Page(1, 0)),
        ({"count": "1000"}, Page(1, 1000)),
        ({"count": "1001"}, Page(1, 1000)),
        ({"startIndex": "9" * 30, "count": "9" * 9000}, Page(2**31 - 1, 1000)),
        ({"startIndex": "-" + "9" * 9000}, Page(1, 100)),
        ({"startIndex": "+3", "count": " 0007 "}, Page(3, 7)),
        ({"startIndex": "", "count": " "}, Page(1, 100)),
    ],
)
def test_the_page_that_is_asked_for(query, page):
    assert Page.read(query) == page


@pytest.mark.parametrize("value", ["x", "1.5", "1e3", "٣", "0x10", "1,2", "--1", "True"])
@pytest.mark.parametrize("name", ["startIndex", "count"])
def test_a_page_that_is_not_a_number_is_refused(name, value):
    with pytest.raises(ScimError) as caught:
        Page.read({name: value})
    assert (caught.value.status, caught.value.scim_type) == (400, ScimType.INVALID_VALUE)
    assert name in caught.value.detail


def test_a_search_has_the_result_of_the_same_query():
    body = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "attributes": ["userName", "name.givenName"],
        "FILTER": 'userName eq "x"',
        "startIndex": 1,
        "count": 10**30,
        "sortBy": "userName",
        "excludedAttributes": None,
        "colour": "red",
    }
    query = read_search(body)
    assert query == {
        "attributes": "userName,name.givenName",
        "filter": 'userName eq "x"',
        "startIndex": "1",
        "count": str(2**31 - 1),
        "sortBy": "userName",
    }
    assert Page.read(query) == Page(1, 1000)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"filter": 7},
        {"attributes": [7]},
        {"attributes": {}},
        {"count": True},
        {"startIndex": 1.5},
        {"schemas": "x"},
    ],
)
def test_a_body_that_is_no_search_is_refused(body):
    with pytest.raises(ScimError) as caught:
        read_search(body)
    assert caught.value.status == 400
