"""The status of the plugin resource: made from the status of the service, and written only when needed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.managed.decision import Decision, Plugins, decide
from teleport_okta.managed.plugin_status import ERROR_AT_MOST, plugin_status
from teleport_okta.managed.reporter import CHANGED_AFTER, TIMES_AFTER, Reporter
from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.model.follow_status import Following
from teleport_okta.model.labels import APP_ID
from teleport_okta.model.part_result import FailureKind, Holdings, Part, PartResult
from teleport_okta.model.plugin import OktaPluginSettings, Plugin
from teleport_okta.model.plugin_status import PartStatus, PluginStatus, SsoStatus, StatusCode, SyncCode
from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.sync.status import Status
from teleport_okta.teleport.teleport_errors import RevisionConflictError
from worlds import NOW

URL = "https://acme.okta.com"
PLUGIN = OktaPluginSettings(
    URL,
    connector="okta-integration",
    sync_users=True,
    app_id="0oaAPP",
    app_name="acme_teleport_1",
    sync_access_lists=True,
    default_owners=("ada",),
    group_filters=("eng-*",),
)
LOCAL = parse({"okta": {"org_url": URL, "api_token": "x"}, "plugin": {"name": "okta"}})
CONNECTOR = SamlConnector(
    "okta-integration",
    "https://proxy/v1/webapi/saml/acs/okta-integration",
    role_mappings=(RoleMapping("groups", "Everyone", ("okta-requester",)), RoleMapping("groups", "ops", ("ops",))),
)
EARLIER = NOW - timedelta(hours=1)
WELL = tuple(PartResult(part, succeeded=NOW, failed=EARLIER) for part in Part)
STATUS = Status(
    version="1",
    state="idle",
    last_success=NOW,
    quarantine=(),
    parts=WELL,
    holdings=Holdings(users=3, user_groups=2, app_servers=4, group_lists=2, app_lists=1),
)


def decision(**changes):
    return decide(LOCAL, Plugins((Plugin("okta", replace(PLUGIN, **changes)),)))


def status(found=STATUS, by=None):
    return plugin_status(found, by or decision(), CONNECTOR, app_names={"0oaAPP": "acme_teleport_2"})


def test_every_field_of_a_healthy_service():
    part = PartStatus(enabled=True, code=SyncCode.SUCCESS, last_successful=NOW, last_failed=EARLIER)
    assert status() == PluginStatus(
        code=StatusCode.RUNNING,
        last_sync=NOW,
        sso=SsoStatus(enabled=True, app_id="0oaAPP", app_name="acme_teleport_1", everyone_roles=("okta-requester",)),
        users=part,
        users_synced=3,
        apps_and_groups=part,
        apps_synced=4,
        groups_synced=2,
        access_lists=part,
        listed_apps=1,
        listed_groups=2,
        group_filters=("eng-*",),
        scim=False,
        log_export=PartStatus(),
    )


def test_the_name_of_the_app_is_okta_s_if_the_plugin_has_none():
    assert status(by=decision(app_name="")).sso.app_name == "acme_teleport_2"


def test_while_nothing_is_synced_the_app_is_that_of_the_plugin_or_of_the_connector():
    assert status(by=decision(sync_users=False)).sso.app_id == "0oaAPP"
    labelled = replace(CONNECTOR, labels={APP_ID: "0oaLABEL"})
    off = decision(sync_users=False, app_id="")
    assert plugin_status(STATUS, off, labelled, app_names={}).sso.app_id == "0oaLABEL"


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (FailureKind.UNAUTHORIZED, StatusCode.UNAUTHORIZED),
        (FailureKind.CONFIGURATION, StatusCode.CONFIG_ERROR),
        (FailureKind.OTHER, StatusCode.OTHER_ERROR),
    ],
)
def test_a_failure_is_reported_by_its_kind(failure, code):
    found = status(replace(STATUS, failure=failure, last_error="Okta says no", state="failing"))
    assert (found.code, found.error, found.raw_error) == (code, "Okta says no", "Okta says no")


def test_a_failed_part_has_its_reason_and_the_others_are_healthy():
    failed = PartResult(Part.APPS_AND_GROUPS, "groups: 403", EARLIER, NOW)
    found = status(replace(STATUS, parts=(WELL[0], failed, WELL[2])))
    assert found.apps_and_groups == PartStatus(
        enabled=True, code=SyncCode.ERROR, last_successful=EARLIER, last_failed=NOW, error="groups: 403"
    )
    assert found.users.code is found.access_lists.code is SyncCode.SUCCESS


def test_a_part_that_is_switched_off_is_not_enabled_even_if_it_was_before():
    found = status(by=decision(sync_apps_and_groups=False))
    assert found.apps_and_groups == found.access_lists == PartStatus()
    assert found.group_filters == ()
    assert status(by=decision(sync_access_lists=False)).access_lists == PartStatus()


def test_a_part_that_has_not_run_has_no_result():
    assert status(replace(STATUS, parts=())).users == PartStatus(enabled=True)


def test_the_log_counts_as_a_sync_while_it_is_followed():
    later = NOW + timedelta(minutes=3)
    assert status(replace(STATUS, following=Following("following", polled_at=later))).last_sync == later
    assert status(replace(STATUS, following=Following("failing", polled_at=later))).last_sync == NOW


def test_scim_is_enabled_if_the_endpoint_listens():
    assert status(replace(STATUS, door=ScimDoor(address="127.0.0.1:8443"))).scim
    assert not status(replace(STATUS, door=ScimDoor(reason="no token"))).scim


def test_an_export_that_was_asked_for_is_an_error_of_that_part():
    found = status(by=decision(log_export=True))
    assert (found.log_export.enabled, found.log_export.code) == (False, SyncCode.ERROR)
    assert found.code is StatusCode.RUNNING


def test_while_nothing_runs_the_reason_is_reported():
    by = Decision(None, reason="plugin 'okta' is for another organisation", code=StatusCode.CONFIG_ERROR, plugin=PLUGIN)
    found = status(replace(STATUS, last_error="old"), by)
    assert (found.code, found.error) == (StatusCode.CONFIG_ERROR, "plugin 'okta' is for another organisation")
    assert found.users == PartStatus()


def test_long_errors_are_cut():
    found = status(replace(STATUS, failure=FailureKind.OTHER, last_error="x" * 5000))
    assert len(found.error) == len(found.raw_error) == ERROR_AT_MOST


class Noted:
    """Plugins that record reports, and can be made to refuse them."""

    def __init__(self):
        self.reported = []
        self.refusals = 0

    async def report(self, name, status):
        if self.refusals:
            self.refusals -= 1
            raise RevisionConflictError("SetPluginStatus", name, "changed")
        self.reported.append((name, status))


@pytest.fixture
def reporting():
    clock, plugins = VirtualClock(NOW), Noted()
    return clock, plugins, Reporter(plugins, clock)


async def test_the_same_status_is_written_once(reporting):
    clock, plugins, reporter = reporting
    assert await reporter.report("okta", status())
    clock.advance(3600)
    assert not await reporter.report("okta", status())
    assert plugins.reported == [("okta", status())]


async def test_another_state_is_written_soon_and_other_moments_seldom(reporting):
    clock, _, reporter = reporting
    await reporter.report("okta", status())
    failing = status(replace(STATUS, failure=FailureKind.OTHER, last_error="x"))
    assert not await reporter.report("okta", failing)
    clock.advance(CHANGED_AFTER.total_seconds())
    assert await reporter.report("okta", failing)
    later = replace(failing, last_sync=NOW + timedelta(seconds=1))
    clock.advance(TIMES_AFTER.total_seconds() - 1)
    assert not await reporter.report("okta", later)
    clock.advance(1)
    assert await reporter.report("okta", later)


async def test_a_report_that_failed_is_tried_again(reporting):
    clock, plugins, reporter = reporting
    plugins.refusals = 1
    assert not await reporter.report("okta", status())
    assert "changed" in reporter.problem
    clock.advance(CHANGED_AFTER.total_seconds())
    assert await reporter.report("okta", status())
    assert reporter.problem == ""


async def test_another_plugin_gets_its_status_at_once(reporting):
    _, plugins, reporter = reporting
    await reporter.report("okta", status())
    assert await reporter.report("other", status())
    reporter.forget()
    assert await reporter.report("other", status())
    assert [name for name, _ in plugins.reported] == ["okta", "other", "other"]
