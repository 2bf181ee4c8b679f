"""Audit events that the Okta service reports.

See `docs/reference/teleport.md` 4.17, `docs/reference/teleport-observed.md` 2 and 5.6.
"""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import UpsertRoleRequest
from teleport.legacy.types.events.events_pb2 import (
    OktaAccessListSync,
    OktaAssignmentResult,
    OktaResourcesUpdate,
    OktaSyncFailure,
    OktaUserSync,
    OneOf,
)
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta.sandbox.teleport.audit_log import ENTRY_LIMIT, KEPT, AuditLog

EVENTS = {
    "groups": ("OktaResourcesUpdate", OktaResourcesUpdate, "okta.groups.update", "TOK001I"),
    "apps": ("OktaResourcesUpdate", OktaResourcesUpdate, "okta.applications.update", "TOK002I"),
    "failure": ("OktaSyncFailure", OktaSyncFailure, "okta.sync.failure", "TOK003E"),
    "assignment": ("OktaAssignmentResult", OktaAssignmentResult, "okta.assignment.process", "TOK004I"),
    "lists": ("OktaAccessListSync", OktaAccessListSync, "okta.access_list.sync", "TOK006I"),
    "users": ("OktaUserSync", OktaUserSync, "okta.user.sync", "TOK007I"),
}
HAS_SERVER = ["failure", "assignment"]


def event(name, *, server="sidecar-1", **metadata):
    field, kind, type_, code = EVENTS[name]
    message = kind()
    message.Metadata.Type, message.Metadata.Code = type_, code
    for key, value in metadata.items():
        setattr(message.Metadata, key, value)
    if "Server" in kind.DESCRIPTOR.fields_by_name:
        message.Server.ServerID = server
    return OneOf(**{field: message})


async def emitted(client, message):
    return await client.auth.EmitAuditEvent(message)


@pytest.mark.parametrize("name", EVENTS)
async def test_each_event_is_taken_and_completed(host, sandbox, clock, name):
    await emitted(host, event(name))
    (stored,) = sandbox.cluster.audit_log.of(EVENTS[name][2])
    assert stored.Metadata.ID
    assert stored.Metadata.Time.ToNanoseconds() == int(clock() * 1e9)
    assert stored.Metadata.ClusterName == "sandbox.teleport.test"
    assert len(sandbox.cluster.audit_log.events) == 1


async def test_id_time_and_cluster_are_kept_when_given(host, sandbox):
    message = event("users", ID="mine", ClusterName="elsewhere")
    message.OktaUserSync.Metadata.Time.FromSeconds(1_000_000_000)
    message.OktaUserSync.num_users_total = 40
    await emitted(host, message)
    (stored,) = sandbox.cluster.audit_log.of("okta.user.sync")
    assert stored == message.OktaUserSync


@pytest.mark.parametrize("edition", ["ent", "oss"])
async def test_both_editions_take_events(start, connect, join_host, edition):
    async with start(edition=edition) as sandbox:
        await emitted(connect(sandbox, await join_host(sandbox)), event("users"))
        assert len(sandbox.cluster.audit_log.events) == 1


async def test_a_bot_without_rules_on_events_is_refused_for_them(bot, refusal):
    expected = ("PERMISSION_DENIED", 'access denied to perform action "create" on "event"')
    assert await refusal(emitted(bot, event("users"))) == expected


async def test_a_user_is_refused_in_spite_of_all_rules(bot, sandbox, connect, refusal):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "reporter"
    role.Spec.Allow.Rules.add(Resources=["event"], Verbs=["create"])
    await bot.auth.UpsertRoleV2(UpsertRoleRequest(Role=role))
    sandbox.administrator.create_user("eve", roles=["reporter"])
    eve = connect(sandbox, sandbox.issue_identity("eve", ["reporter"]).text())
    expected = ("PERMISSION_DENIED", "this request can be only executed by a teleport built-in server")
    assert await refusal(emitted(eve, event("users"))) == expected


async def test_no_caller_is_refused(sandbox, connect, refusal):
    assert (await refusal(emitted(connect(sandbox), event("users"))))[0] == "PERMISSION_DENIED"


@pytest.mark.parametrize("name", EVENTS)
async def test_a_foreign_server_is_accepted_for_updates_of_resources_only(host, refusal, name):
    call = emitted(host, event(name, server="sidecar-2"))
    if name in HAS_SERVER:
        assert await refusal(call) == ("PERMISSION_DENIED", "failed to validate event metadata")
    else:
        await call


@pytest.mark.parametrize("name", HAS_SERVER)
async def test_an_event_without_its_server_or_forwarded_is_refused(host, refusal, name):
    assert (await refusal(emitted(host, event(name, server=""))))[0] == "PERMISSION_DENIED"
    message = event(name)
    getattr(message, EVENTS[name][0]).Server.ForwardedBy = "sidecar-2"
    assert (await refusal(emitted(host, message)))[0] == "PERMISSION_DENIED"


async def test_type_and_code_are_demanded(host, sandbox, refusal):
    expected = ("INVALID_ARGUMENT", "missing mandatory event type field")
    assert await refusal(emitted(host, event("users", Type=""))) == expected
    expected = ("INVALID_ARGUMENT", "missing mandatory event code field for okta.user.sync event")
    assert await refusal(emitted(host, event("users", Code=""))) == expected
    assert sandbox.cluster.audit_log.events == ()


@pytest.mark.parametrize("message", [OneOf(), OneOf.FromString(b"\x0a\x00")], ids=["none", "unknown"])
async def test_no_event_and_one_that_is_not_played_are_refused(bot, host, refusal, message):
    expected = ("INVALID_ARGUMENT", "failed to parse event, session record is corrupted")
    assert await refusal(emitted(host, message)) == expected
    assert await refusal(emitted(bot, message)) == expected


def resources(count):
    message = event("groups")
    updated = message.OktaResourcesUpdate.Updated
    updated.Added = count
    for number in range(count):
        updated.AddedResources.add(
            ID=f"00g{number:017}", Description=f"Engineering, the group of number {number:06} here"
        )
    return message


async def test_an_event_above_64_kib_is_refused_and_one_of_500_resources_is_not(host, sandbox, refusal):
    await emitted(host, resources(500))
    code, text = await refusal(emitted(host, resources(800)))
    assert code == "INVALID_ARGUMENT"
    told, _, size = text.rpartition(" ")
    assert told == "event *events.OktaResourcesUpdate reached max FileLog entry size limit, current size"
    assert int(size) > ENTRY_LIMIT
    assert len(sandbox.cluster.audit_log.events) == 1


async def test_a_long_error_is_refused_as_well(host, refusal):
    message = event("failure")
    message.OktaSyncFailure.Status.Error = "x" * ENTRY_LIMIT
    assert (await refusal(emitted(host, message)))[0] == "INVALID_ARGUMENT"


async def test_the_log_keeps_the_newest_events_and_can_be_cleared():
    log = AuditLog()
    for number in range(KEPT + 1):
        log.add(event("users", ID=str(number)))
    assert len(log.events) == KEPT
    assert log.events[0].OktaUserSync.Metadata.ID == "1"
    log.clear()
    assert log.events == ()
