"""Every reason has its text, which mentions everything that the reason holds, and quotes names."""

from __future__ import annotations

from dataclasses import fields
from string import Formatter

import pytest
from teleport_okta.model import reasons
from teleport_okta.model.reason_text import TEXTS, text_of
from teleport_okta.model.reasons import InGroup, Reason, RenamedInOkta

WORDS_OF_OTHERS = {"text", "status"}
"""Fields that are no names: they stand in a sentence as they are."""

TYPES = sorted((one for one in vars(reasons).values() if isinstance(one, type) and issubclass(one, Reason)), key=str)
EVERY_TYPE = pytest.mark.parametrize("of", [one for one in TYPES if one is not Reason])


def test_there_is_a_text_for_every_type_of_reason_and_no_other():
    assert TEXTS.keys() == set(TYPES) - {Reason}


@EVERY_TYPE
def test_a_text_mentions_every_field_of_its_reason_and_quotes_names(of):
    specs = {name: spec for _, name, spec, _ in Formatter().parse(TEXTS[of]) if name is not None}
    assert specs.keys() == {one.name for one in fields(of)}
    names = {one.name for one in fields(of) if one.type in {"str", "tuple[str, ...]"}} - WORDS_OF_OTHERS
    assert {name for name, spec in specs.items() if spec == "q"} == names


@EVERY_TYPE
def test_the_text_of_a_reason_is_part_of_a_sentence(of):
    assert not TEXTS[of].endswith(".")
    assert "  " not in TEXTS[of]


def test_a_quotation_mark_in_a_name_does_not_end_it():
    assert text_of(RenamedInOkta('a"b')) == 'renamed to "a\\"b" in Okta'


def test_a_name_with_braces_is_no_field():
    assert text_of(InGroup("{name} {0}")) == 'in "{name} {0}" in Okta'
