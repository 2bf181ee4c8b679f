"""Tokens of SCIM clients: two at the most, known by their hashes, and whoever changed them is in the journal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from teleport_okta.state.scim_tokens import AddedToken, NoSuchTokenError, ScimToken, TooManyTokensError
from teleport_okta.state.store import Store
from worlds import NOW

FIRST, SECOND, THIRD = ("1" * 64, "2" * 64, "3" * 64)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


async def add(store, digest, minute=0, **options):
    return await store.scim_tokens.add(digest, at=NOW + timedelta(minutes=minute), by="root", **options)


async def test_tokens_survive_a_restart(store, tmp_path):
    assert await add(store, FIRST) == AddedToken(ScimToken("11111111", NOW))
    await store.scim_tokens.note_use(FIRST, at=NOW)
    again = await Store.open(tmp_path)
    assert await again.scim_tokens.digests() == (FIRST,)
    assert await again.scim_tokens.tokens() == (ScimToken("11111111", NOW, NOW),)
    await again.close()


async def test_a_third_is_refused(store):
    await add(store, FIRST)
    await add(store, SECOND, 1)
    with pytest.raises(TooManyTokensError, match="11111111 and 22222222") as refused:
        await add(store, THIRD, 2)
    assert "--replace-oldest" in refused.value.remedy
    assert set(await store.scim_tokens.digests()) == {FIRST, SECOND}


async def test_a_third_may_replace_the_oldest(store):
    assert (await add(store, SECOND, replace_oldest=True)).replaced is None
    await add(store, FIRST, 1)
    assert (await add(store, THIRD, 2, replace_oldest=True)).replaced == "22222222"
    assert [token.id for token in await store.scim_tokens.tokens()] == ["11111111", "33333333"]


async def test_a_revoked_token_is_gone(store):
    await add(store, FIRST)
    assert (await store.scim_tokens.revoke("11111111", at=NOW)).id == "11111111"
    assert await store.scim_tokens.digests() == ()
    with pytest.raises(NoSuchTokenError, match="11111111"):
        await store.scim_tokens.revoke("11111111", at=NOW)


async def test_the_last_use_is_written_once_an_hour(store, tmp_path):
    await add(store, FIRST)
    for minute in (0, 1, 59, 60, 61):
        await store.scim_tokens.note_use(FIRST, at=NOW + timedelta(minutes=minute))
    assert (await store.scim_tokens.tokens())[0].last_used == NOW + timedelta(minutes=61)
    again = await Store.open(tmp_path)
    assert (await again.scim_tokens.tokens())[0].last_used == NOW + timedelta(minutes=60)
    await again.close()


async def test_who_made_and_revoked_a_token_is_in_the_journal(store):
    await add(store, FIRST)
    await add(store, SECOND, 1)
    await add(store, THIRD, 2, replace_oldest=True)
    await store.scim_tokens.revoke("22222222", at=NOW, by="ada")
    entries = reversed(await store.journal.history(limit=9, name=""))
    assert [(one.action, one.kind, one.name, one.who) for one in entries] == [
        ("create", "scim_token", "11111111", "root"),
        ("create", "scim_token", "22222222", "root"),
        ("revoke", "scim_token", "11111111", "root"),
        ("create", "scim_token", "33333333", "root"),
        ("revoke", "scim_token", "22222222", "ada"),
    ]
