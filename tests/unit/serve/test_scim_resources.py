"""SCIM's JSON as messages and back: nothing is lost on the way."""

from __future__ import annotations

import math

import pytest
from google.protobuf.struct_pb2 import Struct, Value
from hypothesis import given
from hypothesis import strategies as st
from teleport.scim.v1 import scim_service_pb2 as pb
from teleport_okta.scim.scim_errors import ScimError
from teleport_okta.serve.scim_resources import list_from_json, resource_from_json, resource_to_json

USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:x:enterprise"],
    "id": "0b8f",
    "externalId": "00uA",
    "meta": {
        "resourceType": "User",
        "created": "2026-11-30T07:31:29.000Z",
        "lastModified": "2026-11-30T07:31:32.120Z",
        "location": "https://scim.example.com/scim/v2/Users/0b8f",
        "version": 'W/"1"',
    },
    "userName": "ada@example.com",
    "active": False,
    "name": {"givenName": "Ada", "familyName": "", "honorificPrefix": None},
    "emails": [{"value": "ada@example.com", "primary": True}, {}, []],
    "urn:x:enterprise": {"manager": {"value": "26118915", "deep": [[[{"a": [1, 2.5, -3]}]]]}},
    "vendor:strange Ünïcode 🙂\n": [None, True, 0, 1e300, 5e-324, 2**53, -(2**53), ""],
    "empty": {},
    "none": [],
}

texts = st.text(st.characters(exclude_categories=("Cs",)))
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)
attributes = st.dictionaries(
    texts.filter(lambda name: name.lower() not in {"schemas", "id", "externalid", "meta"}), values, max_size=5
)


def test_a_resource_arrives_whole_through_the_wire():
    message = pb.Resource.FromString(resource_from_json(USER).SerializeToString())
    assert resource_to_json(message) == USER
    assert (message.id, message.external_id, message.meta.resource_type) == ("0b8f", "00uA", "User")
    assert message.meta.modified.ToJsonString() == "2026-11-30T07:31:32.120Z"
    assert "id" not in message.attributes.fields


@given(attributes)
def test_any_json_resource_is_unchanged_after_the_conversion(content):
    message = pb.Resource.FromString(resource_from_json(content).SerializeToString())
    back = resource_to_json(message)
    assert back == content
    assert repr(_ordered(back)) == repr(_ordered(_as_a_parser_reads_it(content)))


def _as_a_parser_reads_it(value):
    """Whole numbers are integers, up to where a double has each of them."""
    match value:
        case float():
            return int(value) if value.is_integer() and abs(value) <= 2**53 else value
        case dict():
            return {name: _as_a_parser_reads_it(one) for name, one in value.items()}
        case list():
            return [_as_a_parser_reads_it(one) for one in value]
    return value


def _ordered(value):
    match value:
        case dict():
            return sorted((name, _ordered(one)) for name, one in value.items())
        case list():
            return [_ordered(one) for one in value]
    return value


def test_integers_beyond_the_doubles_lose_digits_and_stay_numbers():
    message = resource_from_json({"number": 2**60 + 1})
    assert resource_to_json(message) == {"number": float(2**60)}


def test_an_empty_field_is_left_out_and_an_empty_message_is_an_empty_object():
    assert resource_to_json(pb.Resource()) == {}
    assert resource_to_json(pb.Resource(meta=pb.Meta())) == {"meta": {}}
    nothing = pb.Resource(attributes=Struct(fields={"unset": Value()}))
    assert resource_to_json(nothing) == {"unset": None}


def test_a_number_that_json_has_no_word_for_stays_one_until_the_json_is_checked():
    message = pb.Resource(attributes=Struct(fields={"n": Value(number_value=math.nan)}))
    assert math.isnan(resource_to_json(message)["n"])


@pytest.mark.parametrize("name", ["id", "ID", "externalId", "externalid", "schemas", "meta"])
def test_a_value_given_twice_must_be_the_same(name):
    whole = resource_from_json(USER)
    whole.attributes.fields[name].string_value = "something else"
    with pytest.raises(ScimError, match="is given twice") as refused:
        resource_to_json(whole)
    assert refused.value.status == 400
    whole = resource_from_json(USER)
    whole.attributes.fields["externalId"].string_value = "00uA"
    assert resource_to_json(whole) == USER
    alone = pb.Resource(attributes=Struct(fields={name: Value(string_value="x")}))
    assert resource_to_json(alone) == {name: "x"}


def test_a_time_that_no_calendar_has_is_refused():
    resource = pb.Resource()
    resource.meta.created.seconds = 10**15
    with pytest.raises(ScimError, match="out of range"):
        resource_to_json(resource)


def test_a_page_of_a_list():
    body = {"totalResults": 7, "startIndex": 3, "itemsPerPage": 2, "Resources": [USER, {"id": "x"}]}
    page = list_from_json(body)
    assert (page.total_results, page.start_index, page.items_per_page) == (7, 3, 2)
    assert [resource_to_json(one) for one in page.resources] == body["Resources"]
