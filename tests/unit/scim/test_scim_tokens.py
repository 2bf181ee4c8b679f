"""Which tokens are good: those of the state, and the one of a configured bcrypt hash."""

from __future__ import annotations

import asyncio
import threading

import bcrypt
import pytest
from pydantic import SecretStr
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import ConfigError
from teleport_okta.scim.scim_errors import ScimError
from teleport_okta.scim.tokens import ScimTokens, bearer_token, digest_of, new_token
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store

GOOD, WRONG = b"ab" * 32, b"cd" * 32


def hashed(token, prefix=b"2b"):
    return bcrypt.hashpw(token, bcrypt.gensalt(4)).replace(b"$2b$", b"$%b$" % prefix).decode()


@pytest.fixture
async def store(tmp_path):
    store = await Store.open(tmp_path)
    yield store
    await store.close()


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def tokens_of(store, clock):
    return lambda setting=None: ScimTokens(store.scim_tokens, setting and SecretStr(str(setting)), clock=clock)


@pytest.fixture
def computed(monkeypatch):
    """The tokens for which bcrypt was computed."""
    computed = []
    real = bcrypt.checkpw

    def count(token, known):
        computed.append(token)
        return real(token, known)

    monkeypatch.setattr(bcrypt, "checkpw", count)
    return computed


def test_a_new_token_is_256_bits_in_hexadecimal():
    assert new_token(lambda count: bytes(range(count))) == "".join(f"{number:02x}" for number in range(32))
    assert new_token() != new_token()


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        (["Bearer abc"], b"abc"),
        (["bEARER  abc="], b"abc="),
        ([], None),
        (["Bearer abc", "Bearer abc"], None),
        (["Bearer abc def"], None),
        (["Bearer abc,def"], None),
        (["Bearer\tabc"], None),
        (["Bearer"], None),
        (["abc"], None),
        (["Bearer \udcff"], None),
        (["Bearer a\u00a0b"], None),
    ],
)
def test_one_credential_is_read_from_the_headers(headers, token):
    assert bearer_token(headers) == token


async def test_two_stored_tokens_are_valid_and_no_other(store, tokens_of, clock):
    tokens = tokens_of()
    assert not await tokens.exist()
    for token in (GOOD, WRONG):
        assert not await tokens.accept(token)
        await store.scim_tokens.add(digest_of(token), at=clock.now())
        assert await tokens.accept(token)
    assert await tokens.exist()
    assert not await tokens.accept(b"")


async def test_a_use_that_cannot_be_stored_refuses_no_request(store, tokens_of, clock, caplog, monkeypatch):
    await store.scim_tokens.add(digest_of(GOOD), at=clock.now())

    async def fail(*_, **__):
        raise StateError("the disk is full")

    monkeypatch.setattr(store.scim_tokens, "note_use", fail)
    assert await tokens_of().accept(GOOD)
    assert "the disk is full" in caplog.text


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
async def test_the_token_of_a_bcrypt_hash_is_valid_and_verified_once(tokens_of, computed, prefix):
    tokens = tokens_of(hashed(GOOD, prefix))
    assert await tokens.exist()
    assert not await tokens.accept(WRONG)
    assert [await tokens.accept(GOOD) for _ in range(3)] == [True, True, True]
    assert computed == [WRONG, GOOD]


async def test_a_hash_may_be_a_file_and_its_change_ends_what_was_remembered(
    tokens_of, computed, clock, tmp_path, caplog
):
    path = tmp_path / "hash"
    path.write_text(hashed(GOOD) + "\n")
    tokens = tokens_of(path)
    assert await tokens.accept(GOOD)
    new = tmp_path / "new"
    new.write_text(hashed(WRONG))
    new.replace(path)
    clock.advance(6)
    assert not await tokens.accept(GOOD)
    assert await tokens.accept(WRONG)
    path.unlink()
    clock.advance(6)
    assert not await tokens.accept(WRONG)
    clock.advance(6)
    assert not await tokens.accept(WRONG)
    assert caplog.text.count("are refused") == 1


async def test_no_bcrypt_is_computed_for_a_long_token_nor_when_it_must_be_quick(tokens_of, computed):
    tokens = tokens_of(hashed(GOOD))
    assert not await tokens.accept(b"x" * 73)
    assert not await tokens.accept(GOOD, slowly=False)
    assert computed == []
    assert await tokens.accept(GOOD)
    assert await tokens.accept(GOOD, slowly=False)


async def test_two_tokens_are_verified_at_a_time_and_few_wait(tokens_of, monkeypatch):
    tokens, go, running, most = tokens_of(hashed(GOOD)), threading.Event(), [], []

    def slow(token, known):
        running.append(token)
        most.append(len(running))
        go.wait(10)
        running.remove(token)
        return False

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    asked = [asyncio.create_task(tokens.accept(b"%d" % number)) for number in range(9)]
    (refused,), waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
    with pytest.raises(ScimError) as caught:
        refused.result()
    assert (caught.value.status, caught.value.retry_after) == (429, 5)
    while len(running) < 2:
        await asyncio.sleep(0.001)
    go.set()
    assert await asyncio.gather(*waiting) == [False] * 8
    assert max(most) == 2


@pytest.mark.parametrize("wrong", [GOOD.decode(), "$2b$10$short", "$2x$04$" + "a" * 53, "$2b$31$" + "a" * 53])
def test_an_unusable_hash_is_refused_and_not_shown(tokens_of, wrong):
    with pytest.raises(ConfigError, match=r"scim\.token_hash") as caught:
        tokens_of(wrong).check()
    assert wrong not in str(caught.value)
