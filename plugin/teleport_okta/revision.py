"""The revision of the source: from a file in the wheel, from pip's metadata, or from the checkout."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

UNKNOWN: Final = "unknown"

_HERE: Final = Path(__file__).parent
_FILE: Final = "_revision"
"""A file beside this one that a build writes. It contains only the revision."""

_REVISION: Final = re.compile(r"[0-9a-f]{7,64}")
_SHOWN: Final = 12


def source_revision(package: Path = _HERE) -> str:
    """Return the revision, shortened, or `unknown`."""
    for found in (_read(package / _FILE), _of_pip() if package == _HERE else "", _of_checkout(package.parents[1])):
        if _REVISION.fullmatch(found):
            return found[:_SHOWN]
    return UNKNOWN


def _of_pip() -> str:
    """Return the commit that pip recorded for an installation from a repository (PEP 610)."""
    try:
        text = distribution("teleport-okta").read_text("direct_url.json")
        return str(json.loads(text)["vcs_info"]["commit_id"]) if text else ""
    except (PackageNotFoundError, KeyError, ValueError):
        return ""


def _of_checkout(root: Path) -> str:
    """Return the commit of the checkout at `root`; empty if that is not a checkout of this project."""
    if 'name = "teleport-okta"' not in _read(root / "pyproject.toml"):
        return ""
    git = root / ".git"
    if not git.is_dir():
        return ""
    head = _read(git / "HEAD")
    name = head.removeprefix("ref: ")
    if name == head:
        return head
    packed = next((line for line in _read(git / "packed-refs").splitlines() if line.endswith(f" {name}")), "")
    return _read(git / name) or packed.partition(" ")[0]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""
