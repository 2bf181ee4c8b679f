"""Every document, section and anchor that the tree names is there; run by `make check`.

A citation is the path of a document from the root and the numbers of its headings, `docs/design.md` 4.3 and 4.4 in
backticks or without. A mention of a Markdown file without numbers has to name a file as well. In Markdown, a path may
also be relative to the page, and links are checked with their anchors.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]

PLACES: Final = ("plugin", "tests", "proto", "docs", ".github", ".ci")
"""Directories whose files are read. `gen/` is not among them: `proto/` has its words."""

NAMES: Final = ("Makefile", "Dockerfile")
SUFFIXES: Final = (".md", ".py", ".proto", ".toml", ".yml", ".yaml")

OWN_TEST: Final = "tests/docs/test_docs_citations.py"
"""Left out, because its examples are broken on purpose."""

_NUMBER: Final = r"\d+(?:\.\d+)*"
# A citation may go on in the next line, behind the mark of a comment.
_GAP: Final = r"(?:[ \t]*\n[ \t]*(?:#|//|\*)?[ \t]*|[ \t]+)"
_AND: Final = rf"(?:,{_GAP}(?:and{_GAP})?|{_GAP}(?:and|to){_GAP})"
_CITATION: Final = re.compile(
    rf"(?<![\w/:.-])(?P<path>[\w./-]+\.md)(?![\w/-])(?:[`)]?{_GAP}(?:sections?{_GAP})?"
    rf"(?P<numbers>{_NUMBER}(?:{_AND}{_NUMBER})*)(?![\w%]))?"
)
_HEADING: Final = re.compile(rf"^#{{1,6}} +(?P<title>(?:(?P<number>{_NUMBER})(?:[.)]? |$))?.*?)\s*$", re.MULTILINE)
_FENCE: Final = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1[ \t]*$", re.MULTILINE | re.DOTALL)
_CODE: Final = re.compile(r"`[^`\n]*`")
_LINK: Final = re.compile(r"\]\((?P<target>[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)")
_ELSEWHERE: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)

_JOINED: Final = '/ "'
"""What stands before a name that code joins to a directory: such a name is no citation."""


@dataclass(frozen=True, order=True)
class Problem:
    """Something that the tree names and that is not there."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        """As a compiler would say it."""
        return f"{self.path}:{self.line}: {self.what}"


@dataclass(frozen=True)
class Page:
    """What of a Markdown page can be cited or linked to."""

    numbers: Counter[str]
    anchors: frozenset[str]


def page(text: str) -> Page:
    """Return the numbers and anchors of the headings of a Markdown text."""
    numbers: Counter[str] = Counter()
    slugs: Counter[str] = Counter()
    anchors: set[str] = set()
    for heading in _HEADING.finditer(_blanked(text, _FENCE)):
        if heading["number"]:
            numbers[heading["number"]] += 1
        slug = _slug(heading["title"])
        anchors.add(f"{slug}-{slugs[slug]}" if slugs[slug] else slug)
        slugs[slug] += 1
    return Page(numbers, frozenset(anchors))


def problems(root: Path = ROOT) -> list[Problem]:
    """Return what does not resolve in the tree below `root`, by file and line."""
    _page_at.cache_clear()
    return sorted(problem for path in _files(root) for problem in _problems_of(path, root))


def _problems_of(path: Path, root: Path) -> Iterator[Problem]:
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(root).as_posix()
    is_page = path.suffix == ".md"
    if is_page:
        for number, count in _page_at(path).numbers.items():
            if count > 1:
                yield Problem(name, 1, f"{count} headings have the number {number}; a citation of it says nothing")
        for link in _LINK.finditer(_blanked(_blanked(text, _FENCE), _CODE)):
            if what := _what_is_wrong_with_link(link["target"], path, root):
                yield Problem(name, _line(text, link.start()), what)
    for citation in _CITATION.finditer(_blanked(text, _FENCE) if is_page else text):
        if text.endswith(_JOINED, 0, citation.start()):
            continue
        bases = (root, path.parent) if is_page else (root,)
        for what in _what_is_wrong_with_citation(citation, bases):
            yield Problem(name, _line(text, citation.start()), what)


def _what_is_wrong_with_link(target: str, path: Path, root: Path) -> str:
    if not target or _ELSEWHERE.match(target):
        return ""
    file, _, anchor = target.partition("#")
    cited = (path.parent / file).resolve() if file else path
    if not cited.is_relative_to(root) or not cited.exists():
        return f"the link ({target}) leads to no file"
    if anchor and (cited.suffix != ".md" or anchor not in _page_at(cited).anchors):
        return f"the link ({target}) leads to no heading of {cited.relative_to(root).as_posix()}"
    return ""


def _what_is_wrong_with_citation(citation: re.Match[str], bases: tuple[Path, ...]) -> Iterator[str]:
    cited = next((base / citation["path"] for base in bases if (base / citation["path"]).is_file()), None)
    if cited is None:
        yield f"there is no document {citation['path']}; name it by its path from the root"
    elif citation["numbers"]:
        known = _page_at(cited).numbers
        for number in re.findall(_NUMBER, citation["numbers"]):
            if number not in known:
                yield f"{citation['path']} has no heading {number}"


@cache
def _page_at(path: Path) -> Page:
    return page(path.read_text(encoding="utf-8"))


def _files(root: Path) -> Iterator[Path]:
    places = [root, *(root / place for place in PLACES)]
    for place in places:
        found = place.iterdir() if place == root else place.rglob("*")
        for path in sorted(found):
            if not path.is_file() or path.relative_to(root).as_posix() == OWN_TEST:
                continue
            if path.suffix in SUFFIXES or path.name in NAMES:
                yield path


def _blanked(text: str, pattern: re.Pattern[str]) -> str:
    """Replace what matches by blanks, so that every position and line stays where it is."""
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def _slug(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def main() -> int:
    """Print every problem, and return 1 if there is one."""
    found = problems()
    for problem in found:
        sys.stdout.write(f"{problem}\n")
    if found:
        sys.stdout.write(f"{len(found)} citations or links do not resolve; docs/README.md lists what can be cited\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
