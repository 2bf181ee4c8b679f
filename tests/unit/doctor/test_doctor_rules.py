"""The pure functions that turn single facts into findings."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from teleport_okta.doctor import okta_network, teleport_route
from teleport_okta.doctor.okta_rights import of_probe
from teleport_okta.doctor.service import of_status
from teleport_okta.doctor.teleport_rights import of_feature, of_rules, of_version
from teleport_okta.doctor.teleport_roles import of_default_roles
from teleport_okta.model.findings import Findings, Held, Hold
from teleport_okta.model.harm import Evidence
from teleport_okta.model.managed import Managed
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.teleport import Feature, IdentityState
from teleport_okta.okta import needs
from teleport_okta.okta.probes import Outcome, ProbeResult
from teleport_okta.sync.status import Status
from teleport_okta.teleport.bot_rights import NEEDED_OF_BOT, BotNeed, Rule, Rules, Use
from worlds import NOW

STATUS = Status("0.1.0", "idle", NOW, (), Findings())


def severities(findings):
    return {finding.check: finding.severity.value for finding in findings}


def test_a_service_that_is_well():
    assert severities(of_status(STATUS)) == {"running": "ok"}


@pytest.mark.parametrize(("state", "severity"), [("running", "ok"), ("standby", "note"), ("failing", "error")])
def test_a_service_by_its_state(state, severity):
    [running, *_] = of_status(replace(STATUS, state=state, last_error="the reason"))
    assert running.severity == severity
    assert ("the reason" in running.what) is (state != "running")


def test_a_service_that_waits_for_settings_shows_the_reason():
    managed = Managed("plugin", "okta", is_running=False, reason="there is no plugin 'okta'", report="access denied")
    found = {one.check: one for one in of_status(replace(STATUS, state="waiting", managed=managed))}
    assert (found["running"].severity.value, "there is no plugin 'okta'" in found["running"].what) == ("note", True)
    assert "access denied" in found["plugin's status"].what


def test_a_service_of_another_version_that_holds_harm_with_a_weak_identity():
    hold = Hold("user", Evidence.ABSENT, 13, 39, 10, 0, Verbatim("the listing shrank"))
    held = tuple(Held("user", f"u{n}", f"00u{n}", Verbatim("absent"), Evidence.ABSENT) for n in range(13))
    weak = IdentityState("bot", "file", "bot-x", NOW, "it has expired")
    missing = IdentityState("bot", "", problem="there is none")
    status = replace(STATUS, version="0.0.9", findings=Findings(held, (hold,)), identities=(weak, missing))
    found = list(of_status(status))
    assert severities(found) == {"running": "ok", "version": "note", "brake": "warning", "bot identity": "warning"}
    assert any("13" in finding.what for finding in found)


@pytest.mark.parametrize(
    ("need", "outcome", "severity"),
    [
        (needs.USERS, Outcome.ALLOWED, "ok"),
        (needs.USERS, Outcome.EMPTY, "warning"),
        (needs.APPS, Outcome.REFUSED, "error"),
        (needs.APPS, Outcome.UNKNOWN, "error"),
        (needs.assigned_to("0oaX"), Outcome.REFUSED, "error"),
        (needs.LOGS, Outcome.REFUSED, "warning"),
        (needs.ORGANIZATION, Outcome.REFUSED, "note"),
        (needs.GROUPS, Outcome.EMPTY, "warning"),
    ],
)
def test_a_probe_by_whether_it_is_needed(need, outcome, severity):
    finding = of_probe(ProbeResult(need, outcome, "the detail", "the remedy"))
    assert finding.severity == severity
    assert need.purpose in finding.what


def test_the_log_is_not_needed_without_following_it():
    refused = ProbeResult(needs.LOGS, Outcome.REFUSED, "the detail", "the remedy")
    assert of_probe(refused, follow_log=True).severity == "warning"
    assert of_probe(refused, follow_log=False).severity == "note"


def test_groups_are_not_needed_without_importing_them():
    refused = ProbeResult(needs.GROUPS, Outcome.REFUSED, "the detail", "the remedy")
    assert of_probe(refused, apps_and_groups=True).severity == "error"
    assert of_probe(refused, apps_and_groups=False).severity == "note"


@pytest.mark.parametrize(
    ("skew", "signs", "severity"),
    [(None, True, "note"), (-30, True, "ok"), (31, True, "warning"), (-300, True, "error"), (-300, False, "warning")],
)
def test_the_clock_against_oktas(skew, signs, severity):
    assert okta_network.of_clock(skew, signs=signs).severity == severity


@pytest.mark.parametrize(("skew", "severity"), [(None, "note"), (8, "ok"), (9, "error"), (-30, "ok"), (-31, "warning")])
def test_the_clock_against_the_proxys_matters_most_when_ours_is_behind(skew, severity):
    assert teleport_route.of_clock(skew).severity == severity


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("18.1.3", {"version": "ok"}),
        ("18.0.1", {"version": "ok", "version gate": "warning"}),
        ("19.1.0", {"version": "warning"}),
        ("16.9.9", {"version": "error"}),
        ("nonsense", {"version": "warning", "version gate": "warning"}),
    ],
)
def test_a_version_by_range_and_gates(version, expected):
    assert severities(of_version(version)) == expected


@pytest.mark.parametrize(("name", "severity"), [("users", "error"), ("adoption", "warning"), ("plugin", "note")])
def test_a_feature_that_is_off_by_what_needs_it(name, severity):
    finding = of_feature(Feature(name, enabled=False, reason="the reason"))
    assert (finding.severity, "the reason" in finding.what) == (severity, True)
    assert of_feature(Feature(name, enabled=True)).severity == "ok"


@pytest.mark.parametrize("name", ["app_servers", "user_groups", "access_lists", "okta_service", "review_requests"])
def test_a_feature_that_is_off_shows_its_effect(name):
    finding = of_feature(Feature(name, enabled=False, reason="the reason"))
    assert finding.severity == "note"
    assert "nothing needs it" not in finding.what


def test_rules_that_allow_everything_lack_nothing():
    assert set(severities(of_rules(Rules((Rule(("*",), ("*",)),)))).values()) == {"ok"}


WRITE = ("list", "create", "read", "update", "delete")


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        (Rules(), WRITE),
        (Rules((Rule(("user", "role"), ("list", "read")),)), ("create", "update", "delete")),
        (Rules((Rule(("user",), ("*",), conditional=True),)), WRITE),
        (Rules((Rule(("*",), ("*",)),), deny=(Rule(("user",), ("delete",)),)), ("delete",)),
        (Rules((Rule(("*",), ("*",)),), deny=(Rule(("lock",), ("*",)),)), ()),
    ],
)
def test_what_rules_lack(rules, missing):
    assert rules.missing(BotNeed("user", WRITE, "to test")) == missing


def test_connectors_may_be_allowed_by_the_name_of_all_connectors():
    rules = Rules((Rule(("auth_connector",), ("*",)),))
    lacking = {need.kind for need in NEEDED_OF_BOT if rules.missing(need)}
    assert "saml" not in lacking
    assert "plugin" in lacking


def lacked(**how):
    """What the service lacks of a bot without any right, and how often commands are named."""
    found = list(of_rules(Rules(), **how))
    bad = {finding.check.removeprefix("bot may ") for finding in found if finding.severity == "warning"}
    return bad, sum("`teleport-okta enroll`" in finding.what for finding in found)


def test_a_need_of_the_service_is_a_warning_and_one_of_a_command_a_note():
    bad, by_enroll = lacked()
    assert {"user", "lock", "saml", "plugin", "access_list_member"} <= bad
    assert bad.isdisjoint({"access_request", "okta_assignment"})
    assert by_enroll == 2


def test_a_community_cluster_has_neither_plugins_nor_connectors_that_could_be_written():
    bad, by_enroll = lacked(is_enterprise=False)
    assert bad == {"user", "lock", "role", "app_server", "user_group"}
    assert by_enroll == 0


@pytest.mark.parametrize("is_managed", [True, False])
def test_a_status_is_reported_only_if_a_plugin_has_the_settings(is_managed):
    reading = Rules((Rule(("*",), ("list", "read")),))
    found = [one.severity for one in of_rules(reading, is_managed=is_managed) if "report the status" in one.what]
    assert found == (["warning"] if is_managed else ["note"])


def test_the_role_in_the_documentation_has_what_every_command_needs_and_nothing_for_later():
    role = (Path(__file__).parents[3] / "docs" / "teleport-role.md").read_text(encoding="utf-8")
    found = re.findall(r"- resources: \[(.*?)\]\s+verbs: \[(.*?)\]", role, flags=re.DOTALL)
    rules = Rules(tuple(Rule(tuple(re.split(r",\s+", kinds)), tuple(verbs.split(", "))) for kinds, verbs in found))
    assert {need.use for need in NEEDED_OF_BOT if rules.missing(need)} == {Use.LATER}


@pytest.mark.parametrize(
    ("wanted", "names", "severities_"),
    [
        (None, {"okta-requester"}, ["ok"]),
        (None, {"access"}, ["note"]),
        ((), set(), ["ok"]),
        (("a", "b", "c"), {"b"}, ["error", "error"]),
    ],
)
def test_default_roles_by_what_there_is(wanted, names, severities_):
    assert [finding.severity.value for finding in of_default_roles(wanted, names)] == severities_
