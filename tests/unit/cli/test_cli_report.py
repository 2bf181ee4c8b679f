"""A pass as text: the changes that were not done."""

from __future__ import annotations

from teleport_okta.cli.report import report_lines
from teleport_okta.plan.view import ChangeView, PlanView
from teleport_okta.sync.report import OutcomeView, PassReport
from worlds import NOW

DENIED = "UsersService/CreateUser on user {!r}: access denied"


def user(name, error):
    change = ChangeView("create", "user", name, name, f"00u{name}", "assigned in Okta")
    return OutcomeView(change, "failed" if error else "done", error)


def shown(*outcomes):
    return [str(line) for line in report_lines(PassReport("test", PlanView("abc"), outcomes, NOW, NOW))]


def test_changes_that_failed_for_the_same_reason_are_one_line_and_their_names():
    outcomes = [user(f"u{number}", DENIED.format(f"u{number}")) for number in range(11)]
    lines = shown(user("ada", ""), *outcomes, user("bob", "the name is taken"))
    assert lines[1:4] == [
        "failed: 11 users to create: UsersService/CreateUser on user …: access denied",
        '    "u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7" and 3 more (--format json shows all)',
        'failed: + create user "bob" (00ubob): assigned in Okta: the name is taken',
    ]
    assert lines[4] == "pass: 1 done, 12 failed; 0.0 s"


def test_a_change_that_failed_alone_keeps_its_name_in_the_error():
    assert shown(user("ada", DENIED.format("ada")))[1].endswith(": " + DENIED.format("ada"))
