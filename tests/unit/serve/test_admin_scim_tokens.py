"""Tokens of SCIM clients over the admin socket."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from teleport_okta.clock import VirtualClock
from teleport_okta.serve.admin import INNER_SOCKET_NAME, AdminService, serving
from teleport_okta.serve.admin_client import AdminClient, ServiceError, running_service
from teleport_okta.serve.callers import this_process
from teleport_okta.state.scim_tokens import AddedToken, ScimToken
from teleport_okta.state.store import Store

FIRST, SECOND, THIRD = ("1" * 64, "2" * 64, "3" * 64)


@pytest.fixture
async def world(tmp_path):
    store, clock = await Store.open(tmp_path), VirtualClock()
    async with serving(AdminService(None, store, clock), tmp_path), running_service(tmp_path) as client:
        yield store, clock, client
    await store.close()


async def test_tokens_are_made_listed_and_revoked_and_the_caller_is_recorded(world):
    store, clock, client = world
    added = await client.new_scim_token(FIRST, replace_oldest=False)
    assert added == AddedToken(ScimToken("11111111", clock.now()))
    await store.scim_tokens.note_use(FIRST, at=clock.now() + timedelta(minutes=1))
    assert await client.scim_tokens() == (ScimToken("11111111", clock.now(), clock.now() + timedelta(minutes=1)),)
    assert (await client.revoke_scim_token("11111111")).id == "11111111"
    assert await client.scim_tokens() == ()
    assert await store.scim_tokens.digests() == ()
    entries = await store.journal.history(limit=9, name="11111111")
    assert {entry.who for entry in entries} == {str(this_process())}


async def test_a_refusal_has_its_text_and_its_remedy(world):
    _, clock, client = world
    await client.new_scim_token(FIRST, replace_oldest=False)
    clock.advance(1)
    await client.new_scim_token(SECOND, replace_oldest=False)
    with pytest.raises(ServiceError, match="already: 11111111 and 22222222") as refused:
        await client.new_scim_token(THIRD, replace_oldest=False)
    assert "revoke" in refused.value.remedy
    assert (await client.new_scim_token(THIRD, replace_oldest=True)).replaced == "11111111"
    with pytest.raises(ServiceError, match="no SCIM token 11111111"):
        await client.revoke_scim_token("11111111")
    with pytest.raises(ServiceError, match="SHA-256"):
        await client.new_scim_token("token itself", replace_oldest=True)


async def test_an_unknown_caller_changes_no_token(world, tmp_path):
    _, _, client = world
    await client.new_scim_token(FIRST, replace_oldest=False)
    async with grpc.aio.insecure_channel(f"unix:{tmp_path / INNER_SOCKET_NAME}") as channel:
        unknown = AdminClient(channel)
        with pytest.raises(ServiceError, match="caller is unknown"):
            await unknown.new_scim_token(SECOND, replace_oldest=False)
        with pytest.raises(ServiceError, match="caller is unknown"):
            await unknown.revoke_scim_token("11111111")
    assert [token.id for token in await client.scim_tokens()] == ["11111111"]
