"""The check of citations and links: what it takes, and that it fails on each kind of broken one."""

from __future__ import annotations

import subprocess
import sys

import pytest
from docs.citations import ROOT, page, problems

REFERENCE = """# Okta

## 5. The log
### 5.6 Following it
#### 5.6.1 In detail
## 12. Later
```
## 99. Not a heading
```
"""


@pytest.fixture
def tree(tmp_path):
    """A tree with one document to cite, and a function that adds files and returns the problems."""
    (tmp_path / "docs/reference").mkdir(parents=True)
    (tmp_path / "docs/reference/okta.md").write_text(REFERENCE)

    def with_files(**files):
        for name, text in files.items():
            path = tmp_path / {"code": "plugin/one.py", "page": "docs/page.md", "make": "Makefile"}[name]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return [str(problem) for problem in problems(tmp_path)]

    return with_files


def test_everything_that_the_tree_cites_is_there():
    assert [str(problem) for problem in problems()] == []


@pytest.mark.parametrize(
    "text",
    [
        "`docs/reference/okta.md` 5.6",
        "docs/reference/okta.md 5.6: why",
        "`docs/reference/okta.md` 5, 5.6.1 and 12.",
        "`docs/reference/okta.md` 5 to 12",
        "`docs/reference/okta.md` section 5",
        "(`docs/reference/okta.md`)",
        "# `docs/reference/okta.md` 5.6,\n# 12",
        "`docs/reference/okta.md` 5\nand 12",
        "https://example.com/docs/missing.md 3",
        "docs/missing.mdx",
        'page = ROOT / "docs" / "missing.md"',
    ],
)
def test_a_citation_that_resolves_is_no_problem(tree, text):
    assert tree(code=f"# {text}\n") == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`docs/reference/okta.md` 5.7", "5.7"),
        ("`docs/reference/okta.md` 5.6, 6", "6"),
        ("`docs/reference/okta.md` 5 to 7", "7"),
        ("`docs/reference/okta.md` 5,\n# 5.6 and 13", "13"),
        ("docs/reference/okta.md 99", "99"),
        ("`docs/reference/okta.md` 5.60", "5.60"),
    ],
)
def test_a_number_that_no_heading_has_is_named(tree, text, missing):
    assert tree(code=f"# one\n# {text}\n") == [f"plugin/one.py:2: docs/reference/okta.md has no heading {missing}"]


@pytest.mark.parametrize(
    "text", ["`docs/reference/entra.md` 5", "`reference/okta.md` 5.6", "okta.md 5.6", "`design.md`"]
)
def test_a_document_that_is_not_there_is_named(tree, text):
    (problem,) = tree(code=f"# {text}\n")
    assert problem.startswith("plugin/one.py:1: there is no document ")


def test_a_makefile_and_a_page_are_read_as_code_is(tree):
    broken = "docs/reference/okta.md 6"
    assert tree(make=f"# {broken}\n", page=f"See {broken}.\n") == [
        "Makefile:1: docs/reference/okta.md has no heading 6",
        "docs/page.md:1: docs/reference/okta.md has no heading 6",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[there](reference/okta.md)",
        "[there](reference/okta.md#56-following-it)",
        "[over\nlines](reference/okta.md#5-the-log) 5.6",
        "# A `page`, of ours\n[here](#a-page-of-ours)",
        "[a folder](reference)",
        "[away](https://example.com/x#y), [mail](mailto:a@b.c)",
        "`[no](link.txt)`",
        "```\n[no](link.md) 5\n```",
    ],
)
def test_a_link_that_resolves_is_no_problem(tree, text):
    assert tree(page=text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[gone](reference/gone.txt)", "leads to no file"),
        ("[out](../../elsewhere.txt)", "leads to no file"),
        ("[gone](reference/okta.md#57)", "leads to no heading of docs/reference/okta.md"),
        ("[fenced](reference/okta.md#99-not-a-heading)", "leads to no heading of docs/reference/okta.md"),
        ("[here](#nowhere)", "leads to no heading of docs/page.md"),
        ("[both](reference/okta.md) 6", "has no heading 6"),
    ],
)
def test_a_broken_link_is_named(tree, text, what):
    (problem,) = tree(page=f"one\n\n{text}\n")
    assert problem.startswith("docs/page.md:3: ")
    assert problem.endswith(what)


def test_two_headings_of_one_number_are_a_problem(tree):
    (problem,) = tree(page="## 1. One\n## 1. Another\n")
    assert problem == "docs/page.md:1: 2 headings have the number 1; a citation of it says nothing"


def test_headings_of_the_same_words_have_anchors_of_their_own():
    assert page("# One\n## More\n## More\n").anchors == {"one", "more", "more-1"}


def test_the_command_fails_with_what_it_found_and_how_many(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("docs.citations.problems", lambda: ["a.py:1: there is no document b.md"])
    assert sys.modules["docs.citations"].main() == 1
    assert "1 citations or links do not resolve" in capsys.readouterr().out


def test_the_command_says_nothing_about_a_whole_tree():
    done = subprocess.run(
        [sys.executable, "tests/docs/citations.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
