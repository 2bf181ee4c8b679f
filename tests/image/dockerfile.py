"""The project's Dockerfile and .dockerignore, read: as much of their grammar as the two files use, and no more."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

ROOT = Path(__file__).parents[2]

# Fails on what it does not know, so that nothing in the file goes untested in silence.
KEYWORDS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "HEALTHCHECK", "LABEL", "RUN", "STOPSIGNAL", "USER", "VOLUME",
    "WORKDIR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its keyword, its flags (`--from=build` is `{"from": "build"}`), and the rest as it stands."""

    keyword: str
    flags: dict[str, str]
    rest: str

    @property
    def words(self):
        """The rest as an exec form (a JSON array), or as words."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)

    @property
    def pairs(self):
        """The rest as `key=value` pairs."""
        return dict(word.split("=", 1) for word in self.words)


@dataclass(slots=True)
class Stage:
    """What follows one FROM."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, keyword):
        """Every instruction of this kind, in order."""
        return [one for one in self.instructions if one.keyword == keyword]

    def only(self, keyword):
        """The one instruction of this kind."""
        (found,) = self.all(keyword)
        return found

    def pairs(self, keyword):
        """The pairs of every ENV, LABEL or ARG together."""
        return {key: value for one in self.all(keyword) for key, value in one.pairs.items()}

    @property
    def health_check(self):
        """The command of HEALTHCHECK."""
        keyword, command = self.only("HEALTHCHECK").rest.split(maxsplit=1)
        assert keyword == "CMD"
        return json.loads(command)


def stages(path=ROOT / "Dockerfile"):
    """Read a Dockerfile; arguments before the first FROM are put into the FROM lines."""
    defaults, found = {}, []
    for one in _instructions(path.read_text()):
        if one.keyword == "FROM":
            base, _, name = Template(one.rest).substitute(defaults).partition(" AS ")
            found.append(Stage(base, name))
        elif found:
            found[-1].instructions.append(one)
        else:
            assert one.keyword == "ARG"
            defaults |= one.pairs
    return found


def _instructions(text):
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for line in filter(str.strip, lines.replace("\\\n", " ").splitlines()):
        keyword, rest = line.split(maxsplit=1)
        assert keyword in KEYWORDS, f"the tests of the image do not know {keyword}"
        flags = {}
        while flag := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            flags[flag[1]] = flag[2]
            rest = rest[flag.end() :]
        yield Instruction(keyword, flags, rest.strip())


def context(root=ROOT):
    """Every file that is sent to the engine: what .dockerignore leaves, relative to the root."""
    rules = [line for line in (root / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    top = [path for path in root.iterdir() if not _ignored(path.relative_to(root), rules)]
    files = [file for path in top for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return sorted(name for file in files if not _ignored(name := file.relative_to(root), rules))


def _ignored(path, rules):
    """The last rule that matches a path, or a folder that it is in, decides."""
    verdict = False
    for rule in rules:
        pattern = rule.removeprefix("!")
        if pattern.startswith("**/"):
            matches = any(fnmatchcase(part, pattern[3:]) for part in path.parts)
        else:
            matches = fnmatchcase(path.parts[0], pattern)
            assert "/" not in pattern, f"the tests of the image do not know {rule} in .dockerignore"
        if matches:
            verdict = not rule.startswith("!")
    return verdict
