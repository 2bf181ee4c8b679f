"""Enrolment at a terminal: it asks what no flag answered, and tries filters on what there is."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time

from e2e.test_e2e_enroll import enrolling, okta  # noqa: F401 - fixtures
from processes import COMMAND, ENVIRONMENT, PATIENCE

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


def test_it_asks_what_no_flag_answered(enrolling, teleport):  # noqa: F811 - a fixture
    master, slave = pty.openpty()
    words = [*COMMAND, "enroll", "--config", str(enrolling.config)]
    process = subprocess.Popen(words, env=ENVIRONMENT, stdin=slave, stdout=slave, stderr=slave, close_fds=True)
    os.close(slave)
    shown, answers, end = "", list(ANSWERS), time.monotonic() + 2 * PATIENCE
    seen = 0
    while time.monotonic() < end:
        if not select.select([master], [], [], 1)[0]:
            continue
        try:
            shown += os.read(master, 4096).decode()
        except OSError:
            break
        if answers and (at := shown.find(answers[0][0], seen)) >= 0:
            seen = at + len(answers[0][0])
            os.write(master, f"{answers.pop(0)[1]}\n".encode())
    assert process.wait(PATIENCE) == 0, shown
    assert not answers, shown
    assert "0 of 7 groups pass" in shown
    assert "7 of 7 groups pass" in shown
    sync = teleport.control("GET", "/plugins/okta")["spec"]["okta"]["sync_settings"]
    assert sync["sync_access_lists"]
    assert sync["default_owners"] == ["teresa", "ada@x.io"]
    assert sync["group_filters"] == ["*"]
