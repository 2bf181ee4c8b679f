"""The hints of events: every type of the tables 5.4 and 12.2 of the reference, and every older name."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from teleport_okta.model.hint import Claim, HintKind
from teleport_okta.model.log_event import APP, APP_USER, GROUP, TOKEN, USER, LogEvent, Target
from teleport_okta.sync.event_alarms import Source
from teleport_okta.sync.event_hints import content_of

SOURCE = Source("0oaSAML", "0oaCLIENT")
WHEN = datetime(2026, 1, 5, 9, tzinfo=UTC)

ADA, BOB = Target(USER, "00uADA"), Target(USER, "00uBOB")
ENG, OPS = Target(GROUP, "00gENG"), Target(GROUP, "00gOPS")
GIT, SAML = Target(APP, "0oaGIT"), Target(APP, "0oaSAML")
OF_ADA = Target(APP_USER, "0uaADA")
RULE = Target("GroupRule", "0prRULE")
STRANGE = Target("Lamp", "xyz")


def told(kind, *targets, outcome="SUCCESS", **more):
    """The content of an event of a type."""
    return content_of(LogEvent("u1", kind, WHEN, outcome, targets, **more), SOURCE)


def hints(kind, *targets, **more):
    """The hints of an event as (kind, of, with, claim)."""
    return [(one.kind.value, one.of, one.with_, one.claim.value) for one in told(kind, *targets, **more).hints]


PERSON = [("person", "00uADA", "", "")]
GONE = [("status", "00uADA", "", "gone")]
LEFT = [("status", "00uADA", "", "left")]
BACK = [("status", "00uADA", "", "back")]
GROUP_ENG = [("group", "00gENG", "", "")]
MEMBERS = [("members", "00gENG", "", "")]
BY_RULE = [*MEMBERS, ("changed groups", "", "", "")]
GRANTED = [("grant", "00gENG", "0oaGIT", ""), ("app people", "0oaGIT", "", "")]
APP_GIT = [("app", "0oaGIT", "", "")]
ASSIGNED = [("app person", "00uADA", "0oaGIT", "")]
CHANGED_PEOPLE, CHANGED_GROUPS = ("changed people", "", "", ""), ("changed groups", "", "", "")
ALL = [("all", "", "", "")]

MEANINGS = [
    ("user.lifecycle.create", [ADA], PERSON),
    ("user.lifecycle.activate", [ADA], BACK),
    ("user.lifecycle.reactivate", [ADA], BACK),
    ("user.lifecycle.unsuspend", [ADA], BACK),
    ("user.lifecycle.deactivate", [ADA], LEFT),
    ("user.lifecycle.suspend", [ADA], GONE),
    ("user.lifecycle.delete.initiated", [ADA], LEFT),
    ("user.lifecycle.delete.completed", [ADA], [("status", "00uADA", "", "deleted")]),
    ("user.account.update_profile", [ADA], PERSON),
    ("user.account.update_primary_email", [ADA], PERSON),
    ("user.account.update_user_type", [ADA], PERSON),
    ("user.account.lock", [ADA], PERSON),
    ("user.account.lock.limit", [ADA], PERSON),
    ("user.account.unlock", [ADA], PERSON),
    ("user.account.unlock_by_admin", [ADA], PERSON),
    ("user.account.reset_password", [ADA], PERSON),
    ("user.account.expire_password", [ADA], PERSON),
    ("user.account.update_password", [ADA], PERSON),
    ("user.realm.update", [ADA], PERSON),
    ("group.lifecycle.create", [ENG], GROUP_ENG),
    ("group.profile.update", [ENG], GROUP_ENG),
    ("group.lifecycle.delete", [ENG], [("group", "00gENG", "", "deleted")]),
    ("group.user_membership.add", [ADA, ENG], [("member", "00uADA", "00gENG", "there")]),
    ("group.user_membership.remove", [ADA, ENG], [("member", "00uADA", "00gENG", "gone")]),
    ("group.user_membership.rule.add_exclusion", [RULE, ENG], BY_RULE),
    ("group.user_membership.rule.trigger", [RULE, ENG], BY_RULE),
    ("group.user_membership.rule.evaluation", [RULE, ENG], BY_RULE),
    ("group.user_membership.rule.deactivated", [RULE, ENG], BY_RULE),
    ("group.user_membership.rule.invalidate", [RULE, ENG], BY_RULE),
    ("group.user_membership.rule.error", [RULE], [CHANGED_GROUPS]),
    ("group.application_assignment.add", [ENG, GIT], GRANTED),
    ("group.application_assignment.remove", [ENG, GIT], GRANTED),
    ("group.application_assignment.update", [ENG, GIT], GRANTED),
    ("group.application_assignment.skip_assignment_reconcile", [ENG, GIT], GRANTED),
    ("application.user_membership.add", [OF_ADA, GIT, ADA], [("app person", "00uADA", "0oaGIT", "there")]),
    ("application.user_membership.remove", [OF_ADA, GIT, ADA], [("app person", "00uADA", "0oaGIT", "gone")]),
    ("application.user_membership.update", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.change_username", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.approve", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.provision", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.deprovision", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.revoke", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.user_membership.restore", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.account.detect", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.account.remove", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.account.decision.revoke", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.account.decision.confirm", [OF_ADA, GIT, ADA], ASSIGNED),
    ("application.provision.user.delete", [OF_ADA, GIT, ADA], ASSIGNED),
    ("master_application.user_membership.add", [OF_ADA, GIT, ADA], [("app person", "00uADA", "0oaGIT", "there")]),
    ("application.lifecycle.create", [GIT], APP_GIT),
    ("application.lifecycle.update", [GIT], APP_GIT),
    ("application.lifecycle.activate", [GIT], [*APP_GIT, ("app people", "0oaGIT", "", "")]),
    ("application.lifecycle.deactivate", [GIT], [*APP_GIT, ("app people", "0oaGIT", "", "")]),
    ("application.lifecycle.delete", [GIT], [("app", "0oaGIT", "", "deleted")]),
    ("application.configuration.update_logo", [GIT], APP_GIT),
    ("application.configuration.reset_logo", [GIT], APP_GIT),
    ("app.user_management", [Target("AppGroup", "00gENG"), OF_ADA], [CHANGED_GROUPS]),
    ("app.user_management.user_group_import.upsert_success", [ENG, GIT], GROUP_ENG),
    ("app.user_management.user_group_import.delete_success", [ENG, GIT], GROUP_ENG),
    ("system.import.group.create", [ENG, GIT], GROUP_ENG),
    ("system.import.group.update", [ENG], GROUP_ENG),
    ("system.import.group.delete", [ENG], GROUP_ENG),
    ("system.import.user.create", [ADA], PERSON),
    ("system.import.user.update", [ADA], PERSON),
    ("system.import.user.delete", [ADA], PERSON),
    ("system.import.user.suspend", [ADA], [("status", "00uADA", "", "")]),
    ("system.import.user.unsuspend", [ADA], PERSON),
    ("system.import.user.match", [ADA], PERSON),
    ("system.import.user.update_user_lifecycle_from_master", [ADA], [("status", "00uADA", "", "")]),
    ("system.import.complete", [GIT], [CHANGED_PEOPLE, CHANGED_GROUPS]),
    ("system.import.user.complete", [GIT], [CHANGED_PEOPLE]),
    ("system.import.group.complete", [GIT], [CHANGED_GROUPS]),
    ("system.import.group_membership.complete", [GIT], [CHANGED_GROUPS]),
    ("system.import.membership_processing.complete", [GIT], [CHANGED_GROUPS]),
    ("system.import.implicit_deletion.complete", [GIT], ALL),
    ("user.lifecycle.password_mass_expiry", [], [CHANGED_PEOPLE]),
    ("group.privilege.grant", [ENG, Target("ROLE", "r1")], MEMBERS),
    ("group.privilege.revoke", [ENG, Target("ROLE", "r1")], MEMBERS),
    ("directory.user_profile.update", [], ALL),
    ("directory.app_user_profile.update", [GIT], ALL),
    ("directory.mapping.update", [], ALL),
]


@pytest.mark.parametrize(("kind", "targets", "expected"), MEANINGS, ids=[kind for kind, _, _ in MEANINGS])
def test_a_type_says_what_is_looked_at(kind, targets, expected):
    assert hints(kind, *targets) == expected


@pytest.mark.parametrize(("kind", "targets", "expected"), MEANINGS, ids=[kind for kind, _, _ in MEANINGS])
def test_neither_the_order_of_targets_nor_strange_ones_nor_the_actor_change_that(kind, targets, expected):
    assert hints(kind, STRANGE, *reversed(targets), Target(USER), Target(""), actor="00uBOB") == expected


_NAMING = [(kind, expected) for kind, _, expected in MEANINGS if any(of for _, of, _, _ in expected)]


@pytest.mark.parametrize(("kind", "expected"), _NAMING, ids=[kind for kind, _ in _NAMING])
def test_without_targets_a_handled_type_names_nobody_or_asks_what_changed_lately(kind, expected):
    without = told(kind)
    assert without.is_known
    assert without.names_no_object == (not without.hints)
    assert {one.kind for one in without.hints} <= {HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS}


@pytest.mark.parametrize(
    "kind", ["user.lifecycle.suspend", "group.user_membership.add", "application.user_membership.remove"]
)
def test_targets_without_ids_are_no_targets(kind):
    assert told(kind, Target(USER), Target(GROUP), Target(APP)).names_no_object


def test_every_hint_carries_its_event_and_when_that_was_published():
    [hint] = told("user.lifecycle.suspend", ADA).hints
    assert (hint.cause, hint.published) == ("user.lifecycle.suspend u1", WHEN)


def test_each_person_of_an_event_is_looked_at():
    assert hints("user.lifecycle.suspend", ADA, BOB) == [*GONE, ("status", "00uBOB", "", "gone")]
    assert len(hints("group.user_membership.add", ADA, BOB, ENG, OPS)) == 4


def test_a_membership_event_without_a_person_is_about_the_whole_group():
    assert hints("group.user_membership.add", ENG) == MEMBERS


def test_an_assignment_without_a_person_is_about_everybody_who_has_the_app():
    assert hints("application.user_membership.add", OF_ADA, GIT) == [("app people", "0oaGIT", "", "")]
    assert hints("application.user_membership.add", OF_ADA, SAML) == [("people", "", "", "")]


def test_an_assignment_to_the_app_that_people_come_from_is_about_the_person():
    assert hints("application.user_membership.add", OF_ADA, SAML, ADA) == [("person", "00uADA", "", "there")]
    assert hints("application.user_membership.remove", OF_ADA, SAML, ADA) == [("person", "00uADA", "", "gone")]
    assert hints("group.application_assignment.add", ENG, SAML) == [
        ("grant", "00gENG", "0oaSAML", ""),
        ("people", "", "", ""),
    ]


@pytest.mark.parametrize("kind", ["application.lifecycle.activate", "application.lifecycle.deactivate"])
def test_switching_the_app_that_people_come_from_concerns_everybody(kind):
    assert hints(kind, SAML) == [("app", "0oaSAML", "", ""), *ALL]


def test_of_the_whole_organisation_an_assignment_is_about_an_app_alone():
    event = LogEvent("u1", "application.user_membership.add", WHEN, "SUCCESS", (OF_ADA, SAML, ADA))
    [hint] = content_of(event, Source()).hints
    assert hint.kind is HintKind.APP_PERSON


LEAVING = [
    "user.lifecycle.suspend",
    "user.lifecycle.deactivate",
    "user.lifecycle.delete.initiated",
    "user.lifecycle.delete.completed",
]


@pytest.mark.parametrize("kind", LEAVING)
def test_leavers_go_first(kind):
    assert all(one.is_urgent for one in told(kind, ADA).hints)
    assert all(one.is_urgent for one in told("application.user_membership.remove", SAML, ADA).hints)
    assert not any(one.is_urgent for one in told("application.user_membership.remove", GIT, ADA).hints)


@pytest.mark.parametrize(
    "kind", ["group.application_assignment.add", "application.lifecycle.activate", "system.import.complete"]
)
def test_the_people_of_a_job_are_looked_at_a_while_later(kind):
    delayed = [one for one in told(kind, ENG, GIT).hints if one.kind not in {HintKind.GRANT, HintKind.APP}]
    assert all(one.delay >= 15 for one in delayed)
    assert delayed


def test_a_change_of_schema_or_mapping_is_no_hurry():
    assert [one.delay for one in told("directory.mapping.update").hints] == [900]


DID_NOT_HAPPEN = ["FAILURE", "SKIPPED", "DENY", "DEFERRED", "SCHEDULED", "ABANDONED"]


@pytest.mark.parametrize("outcome", DID_NOT_HAPPEN)
def test_what_did_not_happen_hints_at_nothing(outcome):
    for kind, targets, _ in MEANINGS:
        if kind not in {"user.account.lock", "user.account.lock.limit"}:
            failed = told(kind, *targets, outcome=outcome)
            assert (failed.hints, failed.names_no_object, failed.is_known) == ((), False, True)


@pytest.mark.parametrize("outcome", ["UNKNOWN", "ALLOW", "SOMETHING_NEW"])
def test_an_outcome_that_says_nothing_brings_a_look_but_no_claim(outcome):
    [hint] = told("user.lifecycle.suspend", ADA, outcome=outcome).hints
    assert (hint.kind, hint.claim) == (HintKind.STATUS, Claim.NOTHING)


def test_an_event_without_an_outcome_is_believed():
    [hint] = told("user.lifecycle.suspend", ADA, outcome="").hints
    assert hint.claim is Claim.GONE


@pytest.mark.parametrize("kind", ["user.account.lock", "user.account.lock.limit"])
def test_a_lockout_is_an_event_of_a_failure_and_is_looked_at_all_the_same(kind):
    assert hints(kind, ADA, outcome="FAILURE") == PERSON


@pytest.mark.parametrize(
    "kind",
    [
        "user.session.clear",
        "application.user_membership.change_password",
        "application.user_membership.restore_password",
        "application.user_membership.show_password",
    ],
)
def test_noise_is_known_and_hints_at_nothing(kind):
    noise = told(kind, OF_ADA, GIT, ADA)
    assert (noise.hints, noise.alarm, noise.is_known, noise.names_no_object) == ((), "", True, False)


@pytest.mark.parametrize("kind", ["user.account.privilege.grant", "user.account.privilege.revoke"])
def test_what_an_administrator_may_is_known_and_changes_nobody(kind):
    known = told(kind, ADA, Target("ROLE_UNASSIGNED", "x"), Target("ROLE", "r1"))
    assert (known.hints, known.is_known) == ((), True)


@pytest.mark.parametrize(
    "kind",
    ["app.lifecycle.update", "group.lifecycle.update", "group.user_membership.update", "policy.lifecycle.create", "x"],
)
def test_an_unknown_type_is_said_to_be_unknown(kind):
    unknown = told(kind, ADA, ENG, GIT)
    assert (unknown.hints, unknown.is_known, unknown.names_no_object) == ((), False, False)


OURS = [
    ("app.oauth2.client.lifecycle.deactivate", "PublicClientApp", "0oaCLIENT"),
    ("app.oauth2.client.lifecycle.delete", "PublicClientApp", "0oaCLIENT"),
    ("app.oauth2.client.privilege.grant", "PublicClientApp", "0oaCLIENT"),
    ("app.oauth2.client.privilege.revoke", "PublicClientApp", "0oaCLIENT"),
    ("app.oauth2.credentials.lifecycle.deactivate", "PublicClientApp", "0oaCLIENT"),
    ("app.oauth2.credentials.lifecycle.delete", "PublicClientApp", "0oaCLIENT"),
    ("application.configuration.update_rate_limits", APP, "0oaCLIENT"),
    ("application.lifecycle.deactivate", APP, "0oaCLIENT"),
    ("application.lifecycle.delete", APP, "0oaCLIENT"),
    ("application.lifecycle.deactivate", APP, "0oaSAML"),
    ("application.lifecycle.delete", APP, "0oaSAML"),
    ("application.configuration.enable_fed_broker_mode", APP, "0oaSAML"),
    ("app.keys.rotate", APP, "0oaSAML"),
    ("app.keys.generate", APP, "0oaSAML"),
]


@pytest.mark.parametrize(("kind", "target", "okta_id"), OURS)
def test_what_happens_to_our_own_client_or_app_is_an_alarm(kind, target, okta_id):
    assert told(kind, STRANGE, Target(target, okta_id)).alarm
    another = told(kind, Target(target, "0oaANOTHER"), Target(target))
    assert (another.alarm, another.is_known) == ("", True)
    assert content_of(LogEvent("u1", kind, WHEN, "SUCCESS", (Target(target),)), Source()).alarm == ""


@pytest.mark.parametrize("kind", ["application.lifecycle.delete", "application.lifecycle.deactivate"])
def test_what_failed_to_happen_to_our_app_is_no_alarm(kind):
    assert told(kind, SAML, outcome="FAILURE").alarm == ""


@pytest.mark.parametrize(
    ("kind", "targets", "outcome"),
    [
        ("system.api_token.revoke", [Target(TOKEN, "00T1")], "SUCCESS"),
        ("system.api_token.update", [Target(TOKEN, "00T1")], "SUCCESS"),
        ("system.rate_limit.configuration.update", [], "SUCCESS"),
        ("system.org.rate_limit.warning", [Target("URL Pattern", "/api/v1/apps"), Target("Bucket Uuid", "b")], ""),
        ("system.org.rate_limit.violation", [], "DENY"),
        ("system.org.rate_limit.burst", [], "SUCCESS"),
        ("core.concurrency.org.limit.violation", [], ""),
        ("system.import.roadblock", [GIT], "FAILURE"),
        ("system.import.roadblock.resume", [GIT], "SUCCESS"),
    ],
)
def test_what_concerns_the_whole_organisation_is_an_alarm(kind, targets, outcome):
    found = told(kind, *targets, outcome=outcome)
    assert found.alarm
    assert (found.hints, found.names_no_object) == ((), False)


OLDER = [
    ("core.user.config.user_creation.success", "user.lifecycle.create"),
    ("core.user.config.user_activated", "user.lifecycle.activate"),
    ("core.user.config.user_reactivation.success", "user.lifecycle.reactivate"),
    ("core.user.config.user_deactivated", "user.lifecycle.deactivate"),
    ("core.user.config.user_status.suspended", "user.lifecycle.suspend"),
    ("core.user.config.user_status.unsuspended", "user.lifecycle.unsuspend"),
    ("core.user.config.user_status.delete.initiated", "user.lifecycle.delete.initiated"),
    ("core.user.config.user_status.delete.completed", "user.lifecycle.delete.completed"),
    ("core.user.config.user_status.password_mass_expiry", "user.lifecycle.password_mass_expiry"),
    ("core.user.config.profile_update.success", "user.account.update_profile"),
    ("core.user.config.update_primary_email", "user.account.update_primary_email"),
    ("core.user_auth.account_locked", "user.account.lock"),
    ("core.user_auth.account_auto_unlocked", "user.account.unlock"),
    ("core.user_auth.account_unlocked_by_admin", "user.account.unlock_by_admin"),
    ("core.user.config.user_status.password_reset", "user.account.reset_password"),
    ("core.user.config.password_update.success", "user.account.update_password"),
    ("core.user_auth.session_clear", "user.session.clear"),
    ("core.user.admin_privilege.granted", "user.account.privilege.grant"),
    ("core.user.admin_privilege.revoked", "user.account.privilege.revoke"),
    ("core.user_group_member.user_add", "group.user_membership.add"),
    ("core.user_group_member.user_remove", "group.user_membership.remove"),
    ("core.user.added_to_rule_exclusion", "group.user_membership.rule.add_exclusion"),
    ("cvd.group_rule_triggered", "group.user_membership.rule.trigger"),
    ("cvd.group_rule_deactivated", "group.user_membership.rule.deactivated"),
    ("cvd.group_rule_invalidated", "group.user_membership.rule.invalidate"),
    ("group.application_assignment.add", "group.application_assignment.add"),
    (
        "group.application_assignment.skip_assignment_reconcile",
        "group.application_assignment.skip_assignment_reconcile",
    ),
    ("app.generic.provision.assign_user_to_app", "application.user_membership.add"),
    ("app.generic.provision.deactivate_user_from_app", "application.user_membership.remove"),
    ("app.generic.config.app_user_property_update", "application.user_membership.update"),
    ("app.generic.config.app_username_update", "application.user_membership.change_username"),
    ("app.generic.provision.approve_user_for_app", "application.user_membership.approve"),
    ("app.generic.provision.provision_user_for_app", "application.user_membership.provision"),
    ("app.generic.provision.revoke_user_from_app", "application.user_membership.revoke"),
    ("app.generic.provision.deprovision_user_from_app", "application.user_membership.deprovision"),
    ("app.generic.config.app_updated", "application.lifecycle.update"),
    ("app.generic.config.app_activated", "application.lifecycle.activate"),
    ("app.generic.config.app_deactivated", "application.lifecycle.deactivate"),
    ("app.generic.config.app_deleted", "application.lifecycle.delete"),
    ("app.user_management.app_group_member_import.insert_success", "app.user_management"),
    ("app.user_management.app_group_member_import.delete_success", "app.user_management"),
    ("app.generic.import.details.add_group", "system.import.group.create"),
    ("app.generic.import.details.add_user", "system.import.user.create"),
    ("app.generic.import.summary.group_membership", "system.import.group_membership.complete"),
    ("app.generic.import.summary.group", "system.import.group.complete"),
    ("app.generic.import.summary.user", "system.import.user.complete"),
    ("app.generic.import.complete", "system.import.complete"),
    ("app.generic.import.fail.roadblock", "system.import.roadblock"),
    ("cvd.mappings_updated", "directory.mapping.update"),
    ("cvd.user_profile_updated", "directory.user_profile.update"),
    ("cvd.appuser_profile_updated", "directory.app_user_profile.update"),
    ("core.framework.ratelimit.warning", "system.org.rate_limit.warning"),
    ("core.framework.ratelimit.exceeded", "system.org.rate_limit.violation"),
    ("core.concurrency.org.limit.violation", "core.concurrency.org.limit.violation"),
    ("app.generic.reversibility.individual.app.recovery", "application.user_membership.restore"),
    ("app.generic.reversibility.personal.app.recovery", "application.user_membership.restore"),
    ("app.generic.reversibility.credentials.recovery", "application.user_membership.restore_password"),
    ("app.generic.config.app_password_update", "application.user_membership.change_password"),
    ("app.generic.show.password", "application.user_membership.show_password"),
    ("app.generic.config.fed_broker_mode_enabled", "application.configuration.enable_fed_broker_mode"),
    ("app.generic.config.fed_broker_mode_disabled", "application.configuration.disable_fed_broker_mode"),
    ("app.user_management.app_group_member_import.insert_failure", "app.user_management"),
    ("app.user_management.app_group_member_import.delete_failure", "app.user_management"),
    (
        "app.user_management.update_user_lifecycle_from_master_failed",
        "system.import.user.update_user_lifecycle_from_master",
    ),
]


@pytest.mark.parametrize(("older", "kind"), OLDER)
def test_an_older_name_means_the_same_as_a_type_or_alone(older, kind):
    for targets in ([OF_ADA, GIT, ADA, ENG], [SAML], []):
        meant = told(kind, *targets)
        assert meant.is_known
        assert told(older, *targets) == meant
        assert told("", *targets, legacy_type=older) == meant


def test_the_type_counts_where_both_names_are_given():
    assert hints("user.lifecycle.suspend", ADA, legacy_type="core.user.config.user_activated") == GONE
