"""The whole status of the plugin at each point of its life, with every part of the sync switched on.

`reported` leaves no field out: of a moment it keeps whether there is one, of a text of Okta's everything but the ids of
the request.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress

import pytest
from cluster_world import WayIn
from contract.managed.conftest import CONNECTOR, built_managed
from google.protobuf.json_format import MessageToDict
from teleport_okta.model import labels

ACS = f"https://teleport.example.com/v1/webapi/saml/acs/{CONNECTOR}"
NEVER = "0001-01-01T00:00:00Z"
_IDS = re.compile(r"(request|error) id \w+")


@pytest.fixture
async def world(tmp_path):
    """Two people in a group that has an app and an access list; a SAML connector; a plugin; a service that runs."""
    async with built_managed(tmp_path, way=WayIn(okta_by="https")) as built:
        okta = built.okta
        ada, bob = built.hire("ada@x.io"), built.hire("bob@x.io")
        group = okta.create_group("eng-core")
        okta.add_member(group.id, ada.id)
        okta.add_member(group.id, bob.id)
        wiki = okta.create_app("Wiki", signOnMode="BOOKMARK")
        okta.assign_group(wiki.id, group.id)
        okta.assign(wiki.id, bob.id)
        built.teleport.administrator.create_user("teresa")
        await built.teleport.administrator.connectors.create(
            CONNECTOR,
            acs=ACS,
            labels={labels.APP_ID: built.okta_app.id},
            issuer="http://www.okta.com/exk",
            sso="https://acme.okta.com/sso",
            attributes_to_roles=[{"name": "groups", "value": "Everyone", "roles": ["okta-requester", "access"]}],
        )
        install(built)
        await built.start()
        await built.until(lambda: built.status().okta.access_lists_sync_details.status_code == 1, "it runs")
        yield built


def install(world):
    world.install(accesslist_sync=True, owners=["teresa"], group_filters=["eng-*"], app_filters=["Wiki"])


def reported(world):
    """The plugin's whole status."""
    return _plain(MessageToDict(world.status(), preserving_proto_field_name=True))


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one != NEVER}
    if isinstance(value, str):
        if re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", value):
            return "a moment"
        return _IDS.sub(r"\1 id …", value).removeprefix("OKTA_PLUGIN_SYNC_STATUS_CODE_")
    return value


def well(world):
    """The status while all is well and nothing has failed yet."""
    part = {"enabled": True, "status_code": "SUCCESS", "last_successful": "a moment"}
    return {
        "code": "RUNNING",
        "last_sync_time": "a moment",
        "okta": {
            "sso_details": {
                "enabled": True,
                "app_id": world.okta_app.id,
                "app_name": world.okta_app.name,
                "okta_group_everyone_mapped_roles": ["okta-requester", "access"],
            },
            "app_group_sync_details": part | {"num_apps_synced": 2, "num_groups_synced": 3},
            "users_sync_details": part | {"num_users_synced": 2},
            "scim_details": {},
            "access_lists_sync_details": part
            | {"app_filters": ["Wiki"], "num_apps_synced": 1, "group_filters": ["eng-*"], "num_groups_synced": 1},
            "system_log_export_details": {},
        },
    }


async def shows(world, wanted, what):
    """Wait for a whole status, and see that it stays."""
    with suppress(AssertionError):
        await world.until(lambda: reported(world) == wanted, what, step=5)
    for _ in range(8):
        world.clock.advance(5)
        await asyncio.sleep(0.02)
    assert flat(reported(world)) == flat(wanted), what


def flat(status, under=""):
    """The fields of a status by their paths, so that a failure names those that differ."""
    found = {}
    for key, value in status.items():
        found |= flat(value, f"{under}{key}.") if isinstance(value, dict) and value else {f"{under}{key}": value}
    return found


def broken(status, code, error):
    """The status after every part failed with this error; what was synced before is still there."""
    failed = {"status_code": "ERROR", "last_failed": "a moment", "error": error}
    parts = ("users_sync_details", "app_group_sync_details", "access_lists_sync_details")
    okta = status["okta"] | {part: status["okta"][part] | failed for part in parts}
    return status | {"code": code, "error_message": error, "last_raw_error": error, "okta": okta}


def mended(status):
    """The status when all is well again: the last failures stay on record."""
    parts = ("users_sync_details", "app_group_sync_details", "access_lists_sync_details")
    okta = status["okta"] | {part: status["okta"][part] | {"last_failed": "a moment"} for part in parts}
    return status | {"okta": okta}


async def test_created_broken_mended_deleted_and_created_again(world):
    await shows(world, well(world), "it was created")

    world.okta.tokens.revoke(world.token_file.read_text())
    refused = await world.until(lambda: world.status().error_message, "the token is refused", step=10)
    assert re.match(r"GET /api/v1/\S+ was refused, because the token is not valid: 401 E0000011", refused)
    await shows(world, broken(well(world), "UNAUTHORIZED", _IDS.sub(r"\1 id …", refused)), "the token is bad")

    world.token_file.write_text(world.okta.tokens.create_ssws(world.okta.admin, world.okta.role))
    await shows(world, mended(well(world)), "the token is good again")

    before, reports = objects(world), world.teleport.calls.of("SetPluginStatus")
    world.plugins.delete()
    await world.until(lambda: world.service.decision.settings is None, "it stops")
    left = world.okta.users.find("ada@x.io")
    world.okta.deactivate(left.id)
    for _ in range(30):
        world.clock.advance(60)
        await asyncio.sleep(0.02)
    assert objects(world) == before, "connector, users, groups, lists and roles stay as they are"
    assert world.teleport.calls.of("SetPluginStatus") == reports, "there is nothing to report in"

    install(world)
    await world.until(lambda: world.users() == {"bob@x.io"}, "what happened meanwhile is made up for", step=5)
    await shows(world, changed(mended(well(world)), {"users_sync_details": {"num_users_synced": 1}}), "it is back")


def objects(world):
    """What the cluster has of ours, by kind; app servers end by themselves."""
    cluster = world.teleport.cluster
    kinds = {
        "connectors": cluster.saml_connectors,
        "users": cluster.users,
        "groups": cluster.user_groups,
        "lists": cluster.access_lists,
        "roles": cluster.roles,
    }
    return {kind: sorted(map(str, table.all_stored())) for kind, table in kinds.items()}


DISABLED = {"access_lists_sync_details": {}}
NOTHING = DISABLED | {"app_group_sync_details": {}}
CHANGES = {
    "sync_users": (False, NOTHING | {"users_sync_details": {}}),
    "disable_sync_app_groups": (True, NOTHING),
    "sync_access_lists": (False, DISABLED),
    "default_owners": (["teresa", "ada@x.io"], {}),
    "group_filters": (["*"], {"access_lists_sync_details": {"group_filters": ["*"]}}),
    "app_filters": (
        ["Nothing*"],
        {"access_lists_sync_details": {"app_filters": ["Nothing*"], "num_apps_synced": None}},
    ),
    "enable_system_log_export": (
        True,
        {
            "system_log_export_details": {
                "status_code": "ERROR",
                "error": "this service does not export Okta's System Log to Teleport's audit log",
            }
        },
    ),
    "disable_bidirectional_sync": (True, {}),
    "disable_assign_default_roles": (True, {}),
    "user_sync_source": ("org", {"users_sync_details": {"num_users_synced": 3}}),
    "sso_connector_id": ("other", {"sso_details": {}}),
    "app_name": ("acme_1", {"sso_details": {"app_name": "acme_1"}}),
}
"""A setting, its new value, and what is then different in the status: an empty part has no fields, None is a lack."""


def changed(status, parts):
    """The status with some parts different."""
    okta = dict(status["okta"])
    for part, fields in parts.items():
        merged = okta[part] | fields if fields else {}
        okta[part] = {key: value for key, value in merged.items() if value is not None}
    return status | {"okta": okta}


OF_PEOPLE = {"sync_users", "user_sync_source", "disable_assign_default_roles"}
OF_SSO = {"sso_connector_id", "app_name", "disable_bidirectional_sync", "enable_system_log_export"}


@pytest.mark.parametrize(
    "settings",
    [CHANGES.keys() & OF_PEOPLE, CHANGES.keys() & OF_SSO, CHANGES.keys() - OF_PEOPLE - OF_SSO],
    ids=["people", "sso and log", "groups and lists"],
)
async def test_each_setting_is_changed_and_changed_back(world, settings):
    """One setting after the other: after each the status is as it was before."""
    await shows(world, well(world), "it runs")
    for setting in sorted(settings):
        await is_changed_and_changed_back(world, setting)


async def is_changed_and_changed_back(world, setting):
    value, parts = CHANGES[setting]
    before = getattr(world.plugins.edit().spec.okta.sync_settings, setting)
    before = before if isinstance(before, str | bool) else list(before)
    whole = well(world)
    world.edit(**{setting: value})
    digest = world.service.decision.plugin.digest
    await world.until(lambda: world.service.decision.plugin.digest != digest, "it is read")
    wanted = changed(whole, parts)
    if setting == "sync_users":
        wanted["error_message"] = "plugin 'okta' has user sync off, and no SCIM endpoint is configured"
    await shows(world, wanted, f"{setting} is {value}")
    world.edit(**{setting: before})
    await shows(world, whole, f"{setting} is {before} again")


async def test_no_report_shows_counts_before_the_first_pass_has_ended(world):
    """A change of the settings builds the sync anew, and a restart does: until it has counted, nothing is reported."""
    await shows(world, well(world), "it runs")
    written, report = [], world.service._reporter._plugins.report

    async def noting(name, status):
        written.append(status)
        return await report(name, status)

    world.service._reporter._plugins.report = noting
    world.okta.fail("slow", seconds=0.05)
    for roles in (True, False, True):
        world.edit(disable_assign_default_roles=roles)
        for _ in range(40):
            world.clock.advance(2)
            await world.service._report_once()
            await asyncio.sleep(0.02)
    assert {status.users_synced for status in written} <= {2}
    assert {status.groups_synced for status in written} <= {3}


async def calls_of_a_change(world, **changes):
    """Let ten minutes go by, change settings, and return the calls that follow."""
    digest = world.service.decision.plugin.digest
    for _ in range(10):
        world.clock.advance(60)
        await asyncio.sleep(0.02)
    mark = world.okta.mark()
    world.edit(**changes)
    await world.until(lambda: world.service.decision.plugin.digest != digest, "it is read")
    for _ in range(40):
        world.clock.advance(1)
        await asyncio.sleep(0.02)
    made = world.okta.calls_since(mark)
    assert not made.unknown
    return {
        call: count
        for call, count in made.endpoints.items()
        if call.startswith(("GET /api/v1/groups", "GET /api/v1/apps"))
    }


async def test_a_change_costs_one_listing_and_members_are_not_read_again(world):
    """The members of groups are remembered over a change."""
    await shows(world, well(world), "it runs")
    await calls_of_a_change(world, disable_assign_default_roles=True)
    calls = await calls_of_a_change(world, disable_assign_default_roles=False)
    assert calls["GET /api/v1/apps"] == 1
    assert "GET /api/v1/groups/{id}/users" not in calls


async def test_a_change_that_the_sync_does_not_need_does_not_build_it_anew(world):
    await shows(world, well(world), "it runs")
    engine = world.service._engine
    for setting in ("disable_bidirectional_sync", "enable_system_log_export"):
        await calls_of_a_change(world, **{setting: True})
        assert world.service._engine is engine
    [warning, *_] = (await world.service.status()).managed.warnings
    assert "asks to export Okta's System Log" in warning
