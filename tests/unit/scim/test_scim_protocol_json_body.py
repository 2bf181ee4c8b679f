"""The JSON of a request: parsing, and refusing values that could not be stored."""

from __future__ import annotations

import json

import pytest
from teleport_okta.scim.protocol.json_body import MAX_DEPTH, parse_json
from teleport_okta.scim.scim_errors import ScimError, ScimType


def refusal(body: bytes) -> ScimError:
    with pytest.raises(ScimError) as caught:
        parse_json(body)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    "value",
    [{"a": [1, -2.5, True, None, "x"]}, [], "text", 0, None, {"ä": '🙂\t\n\r " \\ /'}],
)
def test_json_comes_back_as_it_was_sent(value):
    assert parse_json(json.dumps(value).encode()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_a_byte_order_mark_is_accepted():
    assert parse_json(b"\xef\xbb\xbf{}") == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"{", b"{'a': 1}", b"[1,]", b"nope", b'{"a": NaN}', b"[Infinity]", b"-Infinity", b'"a\nb"', b"\xff{}"],
)
def test_a_body_that_is_not_json_in_utf_8_is_a_syntax_error(body):
    assert refusal(body).scim_type is ScimType.INVALID_SYNTAX


def test_a_syntax_error_says_where():
    assert "line 2, column 1" in refusal(b'{"a":\n}').detail
    assert "byte 3" in refusal(b'{"a\xff').detail


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited(opening, closing):
    parse_json(opening * MAX_DEPTH + b"0" + closing * MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 500, 100_000):
        assert refusal(opening * depth + b"0" + closing * depth).scim_type is ScimType.INVALID_SYNTAX


@pytest.mark.parametrize(
    "text", [r"\u0000", r"\u001f", r"\u007f", "\x7f", r"\u0085", "\x85", r"\ud800", r"\udc00\ud800", r"\b", r"\f"]
)
def test_strings_that_cannot_be_stored_are_refused_with_their_place(text):
    error = refusal(f'{{"name": [{{}}, {{"givenName": "secret {text}"}}]}}'.encode())
    assert error.scim_type is ScimType.INVALID_VALUE
    assert "name[1].givenName" in error.detail
    assert "secret" not in error.detail


def test_names_that_cannot_be_stored_are_refused():
    assert refusal(rb'{"a": {"b\u0000": 1}}').scim_type is ScimType.INVALID_VALUE


def test_a_pair_of_surrogates_is_a_character():
    assert parse_json(rb'"\ud83d\ude42"') == "🙂"


@pytest.mark.parametrize("number", ["9" * 19, "-" + "9" * 19, "9" * 5000, "1e999", "-1e999"])
def test_numbers_out_of_range_are_refused(number):
    assert refusal(f'{{"a": {number}}}'.encode()).scim_type is ScimType.INVALID_VALUE


def test_large_numbers_within_range_are_kept():
    assert parse_json(b"[999999999999999999, -999999999999999999]") == [10**18 - 1, 1 - 10**18]
