"""`cleanup` on the command line: wrong usage, and the output of previews and reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner
from teleport_okta.apply.outcome import Outcome
from teleport_okta.cleanup.blockers import Blocker
from teleport_okta.cleanup.render import preview_json, preview_lines, report_json, report_lines
from teleport_okta.cleanup.run import Preview, Report
from teleport_okta.cli.root import cli
from teleport_okta.state.journal_entry import Result
from teleport_okta.teleport.gates import gate_for
from unit.cleanup.leaving import office, planned
from unit.cleanup.test_cleanup_inventory import EVE, with_outer
from worlds import NOW, leaver_lock

AGAIN = ["teleport-okta", "cleanup"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--no-dry-run"], "--no-dry-run and --plan DIGEST go together"),
        (["--plan", "0123456789abcdef"], "--no-dry-run and --plan DIGEST go together"),
        (["--no-dry-run", "--plan", "yes"], "'yes' is not a digest"),
    ],
)
def test_nothing_is_removed_without_a_preview(arguments, words):
    result = CliRunner().invoke(cli, ["cleanup", "--config", "/nowhere/at-all.toml", *arguments])
    assert result.exit_code == 2
    assert words in result.output


def preview(plan, *blocked):
    return Preview(plan, blocked, ("a plugin of another address",), "example.test")


def test_a_preview_names_some_of_each_kind_and_the_command_to_apply_it():
    cluster = office()
    cluster.users["eve"] = EVE
    plan = planned(cluster)
    lines = list(preview_lines(preview(plan), AGAIN, most=2))
    assert lines[0] == (
        "to remove from example.test: 3 access lists, 6 roles, 2 user groups, 2 app servers, 3 users, 1 to hand back"
    )
    assert '- delete access list "00gENG": Eng; imported members: 2' in lines
    assert '- delete user group "00gENG": Eng' in lines
    assert '- delete user "ada" (00uADA)' in lines
    assert "  and 1 more users to delete; --all lists them" in lines
    assert (
        '~ hand back user "eve" (00uEVE): a login or people made this user; only what we own of it is removed' in lines
    )
    assert lines[-2:] == [
        f"cleanup {plan.digest}: nothing has been changed",
        f"to apply exactly this: teleport-okta cleanup --no-dry-run --plan {plan.digest}",
    ]
    every = _text(preview_lines, preview(plan), AGAIN, most=None)
    assert every.count("- delete") == 16
    assert " more " not in every


def test_a_preview_shows_what_stays_with_the_reason_and_what_blocks_it():
    cluster = with_outer()
    lock = leaver_lock("00uZOE", "zoe", ends_in=timedelta(hours=1))
    cluster.locks[lock.name] = lock
    gate = gate_for("user_groups", "18.0.0")
    plan = planned(cluster, more={"gated": {"user_group": gate.why}, "unread": {"saml": "403"}})
    text = _text(preview_lines, preview(plan, Blocker("a plugin syncs", "delete it")), AGAIN, most=1)
    assert (
        'kept: access list "00gENG": it is a member of the list Outer (outer), which is kept -> --detach takes' in text
    )
    assert 'kept: 2 user groups ("00gENG" and 1 more): reading, changing or deleting' in text
    assert 'kept: lock "zoe" until 2026-01-05T10:00:00Z: certificates of this user may' in text
    assert "error: SAML connectors could not be read and are left as they are: 403" in text
    assert "blocked: the sync is active: a plugin syncs\n  try: delete it" in text


def test_if_nothing_is_left_a_preview_has_no_command():
    text = _text(preview_lines, preview(planned(type(office())())), AGAIN)
    assert text.splitlines() == ["to remove from example.test: nothing", "warning: a plugin of another address"]


def report(plan, failed=None, stop=""):
    changes = [change for phase in plan.phases for change in phase]
    outcomes = tuple(
        Outcome(one, Result.FAILED, "refused") if one.name == failed else Outcome(one, Result.DONE) for one in changes
    )
    return Report(plan, outcomes, NOW, stop, "example.test")


def test_a_report_shows_how_long_the_locks_last_and_that_nothing_is_left():
    lines = list(report_lines(report(planned(office()))))
    assert lines == [
        "cleanup: 19 done",
        "the locks of the removed users end at 2026-01-06T15:15:00Z at the latest",
        "everything is removed; docs/cleanup.md lists what to remove by hand",
    ]


def test_a_report_names_each_failure():
    result = report(planned(office()), failed="00gENG", stop="the cluster is away")
    text = _text(report_lines, result)
    assert 'failed: - delete access list "Eng" (00gENG): the integration is removed' in text
    assert "error: the cluster is away" in text
    assert "not everything is removed" in text
    assert not result.left_nothing


@pytest.mark.parametrize("how", ["failed", "stopped", "staying", "unread"])
def test_only_what_is_complete_left_nothing(how):
    whole = report(planned(office()))
    assert whole.left_nothing
    other = {
        "failed": report(planned(office()), failed="ada"),
        "stopped": replace(whole, stop="interrupted"),
        "staying": report(planned(with_outer())),
        "unread": report(planned(office(), more={"user_groups": {}, "unread": {"user_group": "503"}})),
    }[how]
    assert not other.left_nothing


def test_json_has_what_the_text_has():
    plan = planned(office())
    looked = preview_json(preview(plan, Blocker("a plugin syncs", "delete it")))
    assert looked["digest"] == plan.digest
    assert looked["warnings"] == [*plan.warnings, "a plugin of another address"]
    assert looked["counts"] == {"access_list": 3, "role": 6, "user_group": 2, "app_server": 2, "user": 3}
    assert looked["blockers"] == [{"what": "a plugin syncs", "remedy": "delete it"}]
    assert {item["provenance"] for item in looked["items"]} == {"ours"}
    done = report_json(report(plan, failed="ada"))
    assert not done["left_nothing"]
    assert {one["error"] for one in done["outcomes"] if one["result"] == "failed"} == {"refused"}


def _text(lines, *arguments, **options):
    return "\n".join(lines(*arguments, **options))
