"""Findings as values; the failure of one check does not stop the others."""

from __future__ import annotations

import logging

import pytest
from teleport_okta.doctor.findings import Section, Severity, settled, without_secrets, worst
from teleport_okta.errors import TeleportOktaError

OKTA = Section.OKTA


@pytest.mark.parametrize("make", [OKTA.warning, OKTA.error])
def test_a_warning_or_error_has_a_remedy(make):
    with pytest.raises(ValueError, match="without a remedy"):
        make("clock", "it is wrong", "")


def test_the_worst_counts():
    ok, note = OKTA.ok("a", "x"), OKTA.note("b", "x")
    warning, error = OKTA.warning("c", "x", "y"), OKTA.error("d", "x", "y")
    assert worst([]) is Severity.OK
    assert worst([note, ok]) is Severity.NOTE
    assert worst([ok, warning, note]) is Severity.WARNING
    assert worst([error, warning]) is Severity.ERROR


async def check(ending):
    if isinstance(ending, Exception):
        raise ending
    return ending


async def test_an_error_of_ours_becomes_the_finding_with_its_remedy_or_a_general_one():
    [told] = await settled(OKTA, "app", check(TeleportOktaError("no such app", remedy="correct okta.app_id")))
    assert (told.severity, told.what, told.remedy) == ("error", "no such app", "correct okta.app_id")
    [bare] = await settled(OKTA, "app", check(TeleportOktaError("no such app")))
    assert bare.remedy


async def test_an_unexpected_error_shows_only_its_type_and_its_traceback_is_logged(caplog):
    with caplog.at_level(logging.ERROR):
        [broken] = await settled(OKTA, "app", check(KeyError("canary")))
    assert (broken.severity, "KeyError" in broken.what) == ("error", True)
    assert "canary" not in broken.what + broken.remedy
    assert caplog.records[0].exc_info


async def test_a_file_that_may_not_be_read_is_named():
    [finding] = await settled(OKTA, "app", check(PermissionError(13, "Permission denied", "/data/state.db")))
    assert (finding.severity, "/data/state.db: Permission denied" in finding.what) == ("error", True)


async def test_the_findings_of_a_check_are_kept():
    finding = OKTA.ok("app", "active")
    assert await settled(OKTA, "app", check([finding])) == [finding]


def test_secrets_are_redacted_from_findings_and_remedies():
    [clean] = without_secrets([OKTA.error("app", "token s3cret refused", "replace s3cret")], ["s3cret"])
    assert (clean.what, clean.remedy) == ("token [redacted] refused", "replace [redacted]")
