"""The limit of open files is raised as far as allowed; if that is not enough, a warning is logged."""

from __future__ import annotations

import resource

import pytest
from teleport_okta.listeners.descriptors import ensure_descriptors


@pytest.fixture
def limits():
    """The limits of this process, which are as before afterwards."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield before
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_low_limit_is_raised(limits, caplog):
    soft, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard) - 1, hard))
    ensure_descriptors(min(soft, hard))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (min(soft, hard), hard)
    assert not caplog.records


def test_a_limit_that_cannot_be_raised_far_enough_is_a_warning(limits, caplog):
    _, hard = limits
    ensure_descriptors(hard + 1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
    assert f"may open {hard} files, but needs {hard + 1}" in caplog.text


@pytest.mark.parametrize(
    "refusal", [PermissionError(1, "Operation not permitted"), ValueError("not allowed")], ids=repr
)
def test_a_refusal_to_raise_it_is_a_warning_only(limits, caplog, monkeypatch, refusal):
    soft, hard = limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard) - 1, hard))

    def refused(*_: object) -> None:
        raise refusal

    with monkeypatch.context() as patched:
        patched.setattr(resource, "setrlimit", refused)
        ensure_descriptors(min(soft, hard))
    assert f"cannot be raised: {refusal}" in caplog.text
    assert f"may open {min(soft, hard) - 1} files" in caplog.text


def test_a_limit_that_is_high_enough_stays(limits):
    ensure_descriptors(64)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == limits
