"""A locked identity of ours is named with the lock and its message, which the refusal itself does not tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.legacy.client.proto.authservice_pb2 import PingRequest
from teleport.legacy.types.types_pb2 import LockTarget, LockV2
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport.teleport_errors import LockedError, PermissionDeniedError

if TYPE_CHECKING:
    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

MESSAGE = "key leaked, ticket 4711"


def lock(sandbox: TeleportSandbox, **target: str) -> None:
    """Let people set a lock on something."""
    made = LockV2()
    made.CopyFrom(sandbox.administrator.create_lock("incident", "somebody", message=MESSAGE))
    made.Spec.Target.CopyFrom(LockTarget(**target))
    sandbox.cluster.locks.upsert(made)


def problems(teleport: Teleport, clock: VirtualClock) -> dict[str, str]:
    return {state.which: state.problem for state in teleport.identities(clock.now())}


async def test_a_locked_bot_is_named_with_the_lock_and_its_message_until_it_is_let_in_again(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="teleport_okta.teleport.own_locks")
    assert teleport.bot is not None
    lock(sandbox, User=teleport.bot.identity.subject)
    said = f"the bot identity ({teleport.bot.identity.subject}) is locked by lock incident: {MESSAGE}"
    for _ in range(3):
        with pytest.raises(LockedError) as caught:
            await ask_as_bot(teleport)
    assert caught.value.what == f"AuthService/Ping on the cluster: access denied: {said}"
    assert caught.value.remedy == "remove the lock if this service may work again: `tctl rm lock/incident`"
    assert problems(teleport, clock) == {"host": "", "bot": said}
    assert [record.message for record in caplog.records] == [said]

    sandbox.administrator.delete_lock("incident")
    await ask_as_bot(teleport)

    assert problems(teleport, clock) == {"host": "", "bot": ""}
    assert caplog.records[-1].message == "the bot identity is not locked any more"


@pytest.mark.parametrize("by", ["host id", "role"])
async def test_a_locked_host_is_named_by_what_the_bot_reads(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock, by: str
) -> None:
    host = teleport.host.identity
    lock(sandbox, **({"ServerID": host.host_id or ""} if by == "host id" else {"Role": "Okta"}))
    with pytest.raises(LockedError, match=f"host identity .* is locked by lock incident: {MESSAGE}"):
        await teleport.users.get("ada")
    assert MESSAGE in problems(teleport, clock)["host"]


async def test_while_both_are_locked_the_refusal_is_told_as_it_came(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    lock(sandbox, Role="Okta")
    assert teleport.bot is not None
    sandbox.administrator.create_lock("other", teleport.bot.identity.subject)
    with pytest.raises(PermissionDeniedError, match="access denied") as caught:
        await teleport.users.get("ada")
    assert not isinstance(caught.value, LockedError)


async def test_a_lock_that_is_over_and_one_on_others_are_not_named(
    teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    assert teleport.bot is not None
    sandbox.administrator.create_lock(
        "a-lock-of-before", teleport.bot.identity.subject, expires=clock.now().timestamp() + 1
    )
    sandbox.administrator.create_lock("another", "ada")
    clock.advance(2)
    lock(sandbox, User=teleport.bot.identity.subject)
    with pytest.raises(LockedError) as caught:
        await ask_as_bot(teleport)
    assert caught.value.lock == "incident"


async def test_a_refusal_with_more_words_is_a_missing_permission_and_no_lock_is_looked_for(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    words = 'access denied to perform action "list" on "user"'
    sandbox.faults.add(Fault("*/Ping", code=grpc.StatusCode.PERMISSION_DENIED, message=words, count=1))
    before = sandbox.calls.of("GetLocks")
    with pytest.raises(PermissionDeniedError) as caught:
        await ask_as_bot(teleport)
    assert (type(caught.value), caught.value.details) == (PermissionDeniedError, words)
    assert sandbox.calls.of("GetLocks") == before


async def test_a_watch_that_is_refused_because_of_a_lock_names_it(
    teleport: Teleport, sandbox: TeleportSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    assert teleport.bot is not None
    lock(sandbox, User=teleport.bot.identity.subject)
    await (await teleport.watch()).aclose()
    assert f"is locked by lock incident: {MESSAGE}" in caplog.text
    assert not await teleport.bot_may_watch_members()


async def ask_as_bot(teleport: Teleport) -> None:
    """Make a call that the bot may make."""
    assert teleport.bot is not None
    method = teleport.bot.auth.Ping
    await teleport.bot.call_once(method, PingRequest(), name="AuthService/Ping", subject="the cluster")
