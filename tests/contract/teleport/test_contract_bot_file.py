"""The bot's identity file, rewritten under the hands of a running process."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport.users.v1 import users_service_pb2
from teleport_clients import connect
from teleport_okta.sandbox.teleport.presets import BOT_ROLE, BOT_USER
from teleport_okta.teleport.bot_file import BotRenewer
from teleport_okta.teleport.identity import load_identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.identity import Identity


GET_BOT = users_service_pb2.GetUserRequest(name=BOT_USER)


def issued(sandbox: TeleportSandbox, **more: object) -> str:
    """A new identity of the bot, as tbot would write it."""
    return sandbox.issue_identity(BOT_USER, [BOT_ROLE], **{"lifetime": timedelta(hours=1), **more}).text().decode()


@pytest.fixture
def file(sandbox: TeleportSandbox, tmp_path: Path) -> Path:
    path = tmp_path / "bot-identity"
    path.write_text(issued(sandbox))
    return path


@pytest.fixture
async def teleport(
    sandbox: TeleportSandbox, host: Identity, file: Path, clock: VirtualClock
) -> AsyncIterator[Teleport]:
    async with await connect(sandbox.address, host=host, bot=load_identity(file), clock=clock) as client:
        yield client


@pytest.fixture
def keeper(teleport: Teleport, file: Path, clock: VirtualClock) -> BotRenewer:
    return BotRenewer(teleport, file, interval=timedelta(minutes=1), clock=clock)


def bot_state(teleport: Teleport, clock: VirtualClock) -> object:
    return teleport.identities(clock.now())[1]


async def test_a_new_key_pair_is_taken_when_it_is_whole(
    teleport: Teleport, keeper: BotRenewer, file: Path, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    before = bot_state(teleport, clock)
    file.write_text(issued(sandbox, lifetime=timedelta(hours=2)))

    assert await keeper.look()

    assert bot_state(teleport, clock).expires > before.expires
    assert (await teleport.cluster()).has("adoption")


async def test_a_file_that_did_not_change_is_not_taken_again(
    teleport: Teleport, keeper: BotRenewer, sandbox: TeleportSandbox
) -> None:
    assert await keeper.look()
    assert sandbox.calls.of("Ping") == 0


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda text: "", "is empty"),
        (lambda text: text[: len(text) // 2], "identity"),
        (lambda text: "\x00\xff" * 500, "no PEM block"),
        (lambda text: text.replace("BEGIN", "BEGUN"), "no PEM block"),
    ],
    ids=["empty", "half", "garbage", "no PEM"],
)
async def test_what_is_not_whole_is_left_and_the_old_identity_serves(
    teleport: Teleport, keeper: BotRenewer, file: Path, sandbox: TeleportSandbox, clock: VirtualClock, damage, says
) -> None:
    whole = issued(sandbox)
    file.write_text(damage(whole))

    assert not await keeper.look()

    assert says in bot_state(teleport, clock).problem
    assert str(file) in bot_state(teleport, clock).problem
    assert (await teleport.cluster()).has("adoption")
    file.write_text(whole)
    assert await keeper.look()
    assert not bot_state(teleport, clock).problem


async def test_an_expired_file_is_not_taken(
    teleport: Teleport, keeper: BotRenewer, file: Path, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    before = bot_state(teleport, clock).expires
    file.write_text(issued(sandbox, lifetime=timedelta(hours=-1)))

    assert not await keeper.look()

    assert bot_state(teleport, clock).expires == before
    assert "expired" in bot_state(teleport, clock).problem


async def test_somebody_whom_the_cluster_refuses_is_not_taken(
    teleport: Teleport, keeper: BotRenewer, file: Path, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.create_user("bot-locked", roles=[BOT_ROLE])
    sandbox.administrator.create_lock("stop", user="bot-locked")
    file.write_bytes(sandbox.issue_identity("bot-locked", [BOT_ROLE], lifetime=timedelta(hours=1)).text())

    assert not await keeper.look()

    assert (await teleport.cluster()).has("adoption")


async def test_a_swap_of_symlinks_as_kubernetes_does_it_is_noticed(
    teleport: Teleport, file: Path, sandbox: TeleportSandbox, clock: VirtualClock, tmp_path: Path
) -> None:
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "identity").write_text(issued(sandbox))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "mounted").symlink_to("..data/identity")
    keeper = BotRenewer(teleport, tmp_path / "mounted", interval=timedelta(minutes=1), clock=clock)
    await keeper.look()
    (tmp_path / "..new").symlink_to("2")
    (tmp_path / "..new").rename(tmp_path / "..data")

    assert await keeper.look()

    taken = load_identity(tmp_path / "2" / "identity")
    assert taken.certificate_pem == teleport.bot.identity.certificate_pem


async def test_a_bot_that_was_missing_is_taken_when_its_file_appears(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock, tmp_path: Path
) -> None:
    path = tmp_path / "later"
    async with await connect(sandbox.address, host=host, clock=clock) as teleport:
        keeper = BotRenewer(teleport, path, interval=timedelta(minutes=1), clock=clock)
        assert not await keeper.look()
        assert str(path) in bot_state(teleport, clock).problem
        assert not (await teleport.cluster()).has("adoption")
        path.write_text(issued(sandbox))

        assert await keeper.look()

        assert (await teleport.cluster()).has("adoption")


async def test_an_identity_is_said_to_expire_well_before_it_does(
    teleport: Teleport, clock: VirtualClock, sandbox: TeleportSandbox
) -> None:
    assert not bot_state(teleport, clock).problem
    clock.advance(50 * 60)
    assert "expires soon" in bot_state(teleport, clock).problem
    clock.advance(11 * 60)
    assert "has expired" in bot_state(teleport, clock).problem


async def test_a_file_that_nobody_renews_is_warned_about_once(
    keeper: BotRenewer, file: Path, sandbox: TeleportSandbox, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    assert await keeper.look()
    clock.advance(50 * 60)
    assert await keeper.look()
    assert await keeper.look()
    assert sum("check that tbot runs" in record.getMessage() for record in caplog.records) == 1


async def test_no_call_fails_while_the_file_changes_again_and_again(
    teleport: Teleport, keeper: BotRenewer, file: Path, sandbox: TeleportSandbox
) -> None:
    done = asyncio.Event()
    calls = 0

    async def call() -> None:
        nonlocal calls
        while not done.is_set():
            await teleport.bot.call(teleport.bot.users.GetUser, GET_BOT, name="UsersService/GetUser", subject="the bot")
            calls += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(call())
        for _ in range(20):
            text = issued(sandbox)
            file.write_text(text[:700])
            assert not await keeper.look()
            file.write_text(text)
            assert await keeper.look()
        done.set()
    assert calls > 20
    assert sandbox.calls.of("GetUser") == calls
