"""The catalogue of mutants fits the code: `make mutants` could run each of them."""

from __future__ import annotations

import re

import pytest
from mutants.catalogue import MUTANTS
from mutants.workshop import ROOT, applied

IDS = [mutant.name for mutant in MUTANTS]


@pytest.mark.parametrize("mutant", MUTANTS, ids=IDS)
def test_the_snippet_is_in_its_file_exactly_once_and_the_fault_is_still_python(mutant):
    compile(applied(mutant), mutant.file, "exec")
    assert mutant.replacement != mutant.snippet


@pytest.mark.parametrize("mutant", MUTANTS, ids=IDS)
def test_the_tests_that_it_names_are_there(mutant):
    assert mutant.tests
    for test in mutant.tests:
        path, _, name = test.partition("::")
        assert re.search(rf"^(async )?def {re.escape(name)}\(", (ROOT / "tests" / path).read_text(), re.MULTILINE), test


def test_every_name_is_its_own():
    assert len(set(IDS)) == len(IDS)
