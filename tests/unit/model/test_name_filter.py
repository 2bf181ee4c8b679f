"""Filters on names: globs and RE2 expressions, and which of them name exactly one thing."""

from __future__ import annotations

import pytest
from teleport_okta.model.name_filter import ANYTHING, NameFilter, NameFilters


@pytest.mark.parametrize(
    ("text", "passing", "stopped"),
    [
        ("*", ["", "anything", "two\nlines"], []),
        ("Eng*", ["Eng", "Engines"], ["eng", "My Eng"]),
        ("*-prod-*", ["a-prod-b", "-prod-"], ["a-prod"]),
        ("Engines", ["Engines"], ["Engines ", "Engines2", "engines"]),
        ("a.b", ["a.b"], ["axb"]),
        ("what?", ["what?"], ["whats", "wha"]),
        ("^Eng.*$", ["Eng", "Engines"], ["eng", "My Eng"]),
        ("^(Eng|Ops)$", ["Eng", "Ops"], ["Engines"]),
        ("^(?i)eng$", ["ENG"], ["engines"]),
        ("^open", ["^open"], ["open it"]),
        ("shut$", ["shut$"], ["shut"]),
    ],
)
def test_a_filter_is_a_glob_unless_it_begins_and_ends_as_an_expression(text, passing, stopped):
    one = NameFilter(text)
    assert [name for name in (*passing, *stopped) if one.passes(name)] == passing


@pytest.mark.parametrize("text", ["^$", "^", "$"])
def test_the_shortest_filters_do_not_let_everything_pass(text):
    assert not NameFilter(text).passes("Engines")


@pytest.mark.parametrize(
    ("text", "why"), [("", "empty"), ("^(Eng$", "not an RE2 expression"), (r"^(?=Eng)$", "not an RE2")]
)
def test_a_filter_that_does_not_compile_says_which_and_why(text, why):
    with pytest.raises(ValueError, match=why):
        NameFilters.of(["fine*", text])


def test_no_filters_at_all_let_everything_pass():
    assert NameFilters().why("whatever") == ANYTHING


def test_the_first_filter_that_fits_is_the_reason():
    filters = NameFilters.of(["Ops*", "Eng*", "*"])
    assert [filters.why(name) for name in ("Ops", "Engines", "Looms")] == ["Ops*", "Eng*", "*"]
    assert NameFilters.of(["Ops*"]).why("Engines") is None


@pytest.mark.parametrize("text", ["Everyone", "^Everyone$"])
def test_a_name_is_named_exactly_by_itself_written_out(text):
    assert NameFilters.of(["*", text]).naming("Everyone") == text


@pytest.mark.parametrize("text", ["*", "Every*", "^Every.*$", "^.*$", "^(Everyone|Ops)$", "everyone"])
def test_a_name_is_not_named_exactly_by_what_may_fit_others(text):
    assert NameFilters.of([text]).naming("Everyone") is None


def test_no_filters_at_all_name_nothing():
    assert NameFilters().naming("Everyone") is None


def test_an_escaped_expression_names_exactly_what_it_escapes():
    assert NameFilter(r"^Eng\+Ops$").names_exactly("Eng+Ops")
    assert not NameFilter("^Eng+Ops$").names_exactly("Eng+Ops")
