"""SetPluginStatus: it replaces everything, changes the revision, and loses races.

See `docs/reference/teleport-observed.md` 1.5, 5.6.
"""

import asyncio

import grpc
from teleport.legacy.types.types_pb2 import PluginStatusCode, PluginStatusV1
from teleport.plugins.v1.plugin_service_pb2 import (
    CreatePluginRequest,
    GetPluginRequest,
    SetPluginStatusRequest,
    UpdatePluginRequest,
)
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.sandbox.teleport.store import STALE_REVISION

MISSING = ("NOT_FOUND", 'plugin "okta" doesn\'t exist')
RUNNING = PluginStatusV1(code=PluginStatusCode.RUNNING)


async def created(client, message):
    return await client.plugins.CreatePlugin(CreatePluginRequest(plugin=message))


async def updated(client, message):
    return await client.plugins.UpdatePlugin(UpdatePluginRequest(plugin=message))


async def got(client):
    return await client.plugins.GetPlugin(GetPluginRequest(name="okta", with_secrets=True))


async def reported(client, status=RUNNING):
    return await client.plugins.SetPluginStatus(SetPluginStatusRequest(name="okta", status=status))


async def test_a_status_replaces_the_whole_status_and_the_revision_and_keeps_the_rest(bot, plugin):
    await created(bot, plugin())
    await reported(bot, PluginStatusV1(code=PluginStatusCode.OTHER_ERROR, error_message="no", last_raw_error="raw"))
    before = await got(bot)
    status = PluginStatusV1(code=PluginStatusCode.RUNNING)
    status.okta.users_sync_details.num_users_synced = 40
    await reported(bot, status)
    after = await got(bot)
    assert (after.status.error_message, after.status.last_raw_error) == ("", "")
    assert after.status.okta.users_sync_details.num_users_synced == 40
    assert after.metadata.Revision != before.metadata.Revision
    assert (after.spec, after.credentials) == (before.spec, before.credentials)


async def test_a_status_between_read_and_update_refuses_the_update(bot, plugin, refusal):
    await created(bot, plugin())
    message = await got(bot)
    await reported(bot)
    assert (await refusal(updated(bot, message)))[0] == "FAILED_PRECONDITION"


async def test_no_status_ends_the_server_if_there_is_such_a_plugin(bot, sandbox, plugin, refusal):
    assert await refusal(reported(bot, None)) == MISSING
    await created(bot, plugin())
    assert (await refusal(reported(bot, None)))[0] == "UNAVAILABLE"
    assert sandbox.crashes == ["SetPluginStatus without a status"]


async def test_a_race_of_status_writes_refuses_one_and_changes_the_revision(bot, sandbox, plugin, refusal):
    await created(bot, plugin())
    before = await got(bot)
    sandbox.faults.race_next_status_writes()
    assert await refusal(reported(bot)) == ("FAILED_PRECONDITION", STALE_REVISION)
    after = await got(bot)
    assert after.metadata.Revision != before.metadata.Revision
    assert after.status == before.status
    await reported(bot)


async def test_half_of_the_status_writes_can_be_made_to_lose_their_race(bot, sandbox, plugin):
    await created(bot, plugin())
    sandbox.faults.add(Fault("*/SetPluginStatus", raced=True, probability=0.5))
    results = await asyncio.gather(*(reported(bot) for _ in range(40)), return_exceptions=True)
    lost = [result for result in results if isinstance(result, grpc.RpcError)]
    assert {result.code().name for result in lost} == {"FAILED_PRECONDITION"}
    assert 10 <= len(lost) <= 30


async def test_other_errors_are_reported_before_a_race(bot, sandbox, refusal):
    sandbox.faults.race_next_status_writes()
    assert await refusal(reported(bot)) == MISSING
