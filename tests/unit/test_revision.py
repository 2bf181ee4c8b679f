"""The revision of the source: of a wheel, of a checkout, or unknown."""

from __future__ import annotations

import pytest
from teleport_okta.revision import source_revision

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def checkout(tmp_path):
    """A checkout of ours, with nothing of git in it yet."""
    package = tmp_path / "plugin" / "teleport_okta"
    package.mkdir(parents=True)
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "teleport-okta"\n')
    return package


def git(checkout):
    return checkout.parents[1] / ".git"


def test_the_revision_that_a_build_wrote_is_used(checkout):
    (checkout / "_revision").write_text(f"{COMMIT}\n")
    assert source_revision(checkout) == COMMIT[:12]


def test_the_head_may_be_a_branch_a_packed_branch_or_detached(checkout):
    assert source_revision(checkout) == "unknown"
    (git(checkout) / "HEAD").write_text("ref: refs/heads/main\n")
    assert source_revision(checkout) == "unknown"
    (git(checkout) / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n")
    assert source_revision(checkout) == COMMIT[:12]
    (git(checkout) / "refs" / "heads" / "main").write_text("f" * 40 + "\n")
    assert source_revision(checkout) == "f" * 12
    (git(checkout) / "HEAD").write_text(f"{COMMIT}\n")
    assert source_revision(checkout) == COMMIT[:12]


def test_the_repository_of_something_else_is_not_ours(checkout):
    (git(checkout) / "HEAD").write_text(f"{COMMIT}\n")
    (checkout.parents[1] / "pyproject.toml").write_text('[project]\nname = "other"\n')
    assert source_revision(checkout) == "unknown"


@pytest.mark.parametrize("content", ["", "not a revision", "\x1b[31m0123456"])
def test_a_file_without_a_revision_gives_unknown(checkout, content):
    (checkout / "_revision").write_text(content)
    assert source_revision(checkout) == "unknown"
