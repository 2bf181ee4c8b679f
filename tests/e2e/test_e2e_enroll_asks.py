"""Enrolment at a terminal: it asks what no flag answered, tries filters on what there is, and ends at Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import time

from e2e.test_e2e_enroll import HURRY, apps_of, enrolling, okta  # noqa: F401 - fixtures
from processes import PATIENCE, zygote

CTRL_C = "\x03"

ANSWERS = (
    ("Import Okta's groups and apps?", "y"),
    ("Keep access lists for them?", "y"),
    ("Owners of new access lists?", "teresa, ada@x.io"),
    ("Which groups may have a list?", "^[$"),
    ("Which groups may have a list?", "No*Such*Group"),
    ("Use these filters?", "n"),
    ("Which groups may have a list?", "*"),
    ("Use these filters?", "y"),
    ("Which apps may have a list?", ""),
    ("Use these filters?", "y"),
    ("Let Okta provision through SCIM?", "n"),
    ("Apply these steps?", "y"),
)


def asked(config, answers):
    """Answer questions at a terminal; return the exit code, what was shown, and the answers that are left."""
    master, slave = pty.openpty()
    process = zygote().start_at_terminal(slave, "enroll", "--config", config, hurry=HURRY)
    os.close(slave)
    shown, left, seen, end = "", list(answers), 0, time.monotonic() + 2 * PATIENCE
    while time.monotonic() < end:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            shown += os.read(master, 4096).decode()
        except OSError:
            break
        if left and (at := shown.find(left[0][0], seen)) >= 0:
            seen = at + len(left[0][0])
            answer = left.pop(0)[1]
            os.write(master, (answer if answer == CTRL_C else f"{answer}\n").encode())
    os.close(master)
    return process.wait(PATIENCE), shown, left


def test_it_asks_what_no_flag_answered(enrolling, teleport):  # noqa: F811 - a fixture
    code, shown, left = asked(enrolling.config, ANSWERS)
    assert code == 0, shown
    assert not left, shown
    assert "0 of 7 groups pass" in shown
    assert "7 of 7 groups pass" in shown
    sync = teleport.control("GET", "/plugins/okta")["spec"]["okta"]["sync_settings"]
    assert sync["sync_access_lists"]
    assert sync["default_owners"] == ["teresa", "ada@x.io"]
    assert sync["group_filters"] == ["*"]


def test_ctrl_c_at_a_question_ends_it_at_once_and_nothing_is_written(enrolling, okta, teleport):  # noqa: F811 - fixtures
    for answers in ([("Import", CTRL_C)], [("Import", "n"), ("SCIM?", "n"), ("Apply these steps?", CTRL_C)]):
        code, shown, left = asked(enrolling.config, answers)
        assert (code, left) == (130, []), shown
    assert apps_of(okta) == teleport.control("GET", "/saml_connectors") == teleport.control("GET", "/plugins") == []
