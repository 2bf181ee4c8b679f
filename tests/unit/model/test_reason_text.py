"""Every reason and problem has its text, which mentions everything that it holds, and quotes names."""

from __future__ import annotations

from dataclasses import fields
from string import Formatter

import pytest
from teleport_okta.model import directory_reasons, doubts, problems, reasons
from teleport_okta.model.directory_reasons import InGroup
from teleport_okta.model.problems import NameHasMemberships, OrphanedLock, Problem, RoleStillHeld
from teleport_okta.model.reason_text import PROBLEMS, TEXTS, remedy_of, text_of
from teleport_okta.model.reasons import ImportLeftIn, LeftIn, Reason, RenamedInOkta

OTHER_WORDS = {"text", "app", "missing", "remedy", "detail", "status", "of", "action", "kind", "fields", "owner"}
"""Fields that are no names: they stand in a sentence as they are."""

IDS = {"okta_id", "okta_ids", "list_name", "former", "roster", "examples"}
NAMES = {"q", "some", "shell"}
"""The formats in which a name can be told from the words around it."""


def types_in(module, of):
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, of)]
    return sorted((one for one in found if one not in {Reason, Problem}), key=str)


PROBLEM_TYPES = types_in(problems, Problem)
REASONS = [one for module in (reasons, directory_reasons, doubts) for one in types_in(module, Reason)]
EVERY_TYPE = pytest.mark.parametrize("of", [*REASONS, *PROBLEM_TYPES])


def texts(of):
    return PROBLEMS[of] if of in PROBLEM_TYPES else (TEXTS[of],)


def test_there_is_a_text_for_every_type_and_no_other():
    assert TEXTS.keys() == set(REASONS)
    assert PROBLEMS.keys() == set(PROBLEM_TYPES)


@EVERY_TYPE
def test_a_text_mentions_every_field_and_quotes_every_name(of):
    specs = [(name, spec) for text in texts(of) for _, name, spec, _ in Formatter().parse(text) if name is not None]
    assert {name for name, _ in specs} == {one.name for one in fields(of)}
    names = {one.name for one in fields(of) if one.type in {"str", "tuple[str, ...]"}} - OTHER_WORDS - IDS
    assert all(spec in NAMES for name, spec in specs if name in names)


@EVERY_TYPE
def test_a_text_is_part_of_a_sentence(of):
    for text in texts(of):
        assert text
        assert not text.endswith(".")
        assert "  " not in text


def test_a_quotation_mark_in_a_name_does_not_end_it():
    assert text_of(RenamedInOkta('a"b')) == 'renamed to "a\\"b" in Okta'


def test_a_name_with_braces_is_no_field():
    assert text_of(InGroup("{name} {0}")) == 'in "{name} {0}" in Okta'


def test_names_in_a_command_are_quoted_for_a_shell():
    assert "teleport-okta release 'a b'`" in remedy_of(OrphanedLock("a b"))


def test_many_names_are_cut_and_counted():
    assert text_of(RoleStillHeld("Ops", ("a", "b", "c", "d", "e"))).endswith('"a", "b", "c" and 2 more')


def test_a_reason_within_a_problem_has_its_own_words():
    held = NameHasMemberships("ada", "", (LeftIn("Ops", "00gOPS"), ImportLeftIn("00gENG")))
    assert text_of(held) == (
        "an unknown person had this name before, and it is still a member of "
        '"Ops" (00gOPS), 00gENG (until it is taken out)'
    )
