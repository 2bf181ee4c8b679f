from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport.legacy.types.types_pb2 import LockV2
from teleport_clients import connect
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.labels import GRANT, GRANT_IMPORTED, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.model.teleport import RoleAllow, TeleportLock, TeleportRole, TeleportUser
from teleport_okta.sandbox.teleport import Fault, ListingLag
from teleport_okta.teleport.convert_watch import Seen
from teleport_okta.teleport.identity import parse_identity
from teleport_okta.teleport.teleport_errors import PermissionDeniedError, UnavailableError
from teleport_okta.teleport.watch import Watch, WatchEnd, WatchEndedError, kinds_to_watch

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.identity import Identity

LABELS = {OWNER: "00o1", ORIGIN: ORIGIN_OKTA}
ADA = TeleportUser("ada", LABELS)
LISTS = {"access_list", "member"}
EVERYWHERE = {"user", "role", "lock", "app_server", "user_group", "okta_import_rule"}


@pytest.fixture
async def watch(teleport: Teleport) -> AsyncIterator[Watch]:
    """A watch as both identities open it together."""
    async with await teleport.watch() as opened:
        yield opened


async def seen(watch: Watch, count: int = 1) -> list[Seen]:
    async with asyncio.timeout(5):
        return [await anext(watch) for _ in range(count)]


async def told(watch: Watch, count: int) -> list[str]:
    """What is seen, in short: `user ada`, `-member devs/ada` for a deletion."""
    return [
        f"{'-' * one.is_deleted}{one.kind} {'/'.join(filter(None, (one.list_name, one.host_id, one.name)))}"
        for one in await seen(watch, count)
    ]


async def end_of(watch: Watch) -> WatchEndedError:
    async with asyncio.timeout(5):
        try:
            async for _ in watch:
                pass
        except WatchEndedError as ended:
            return ended
    raise AssertionError("a watch never ends without an error")


async def until_it_is_over(watch: Watch) -> None:
    """Wait for the end without taking what is buffered."""
    async with asyncio.timeout(5):
        await asyncio.wait([watch._reader])


# Which kinds, as whom


async def test_the_bot_watches_everything_that_the_edition_has(watch: Watch, sandbox: TeleportSandbox) -> None:
    assert watch.kinds == EVERYWHERE | (LISTS if sandbox.cluster.edition.enterprise else set())


async def test_without_a_bot_members_cannot_be_watched(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    async with await connect(sandbox.address, host=host, clock=clock) as alone, await alone.watch() as watch:
        assert watch.kinds == EVERYWHERE | ({"access_list"} if sandbox.cluster.edition.enterprise else set())


async def test_kinds_that_the_cluster_does_not_have_are_not_asked_for(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    if sandbox.cluster.edition.enterprise:
        assert set(kinds_to_watch(await teleport.cluster())) == EVERYWHERE | LISTS
    else:
        assert set(kinds_to_watch(await teleport.cluster())) == EVERYWHERE - {"okta_import_rule"}


@pytest.mark.parametrize("version", ["18.1.2"])
async def test_user_groups_are_not_watched_where_they_are_left_alone(teleport: Teleport) -> None:
    assert "user_group" not in kinds_to_watch(await teleport.cluster())


async def test_the_host_watches_where_the_bot_is_refused(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_lock("l1", "bot-teleport-okta")

    async with await teleport.watch() as watch:
        assert "user" in watch.kinds
        assert "member" not in watch.kinds


async def test_the_host_watches_once_the_bots_certificate_has_expired(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    short = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], lifetime=timedelta(minutes=10))
    bot = parse_identity(short.text(), source="bot")
    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as client:
        clock.advance(3600)
        async with await client.watch() as watch:
            assert "member" not in watch.kinds
            assert watch.kinds


# What is seen


async def test_our_own_writes_are_seen_with_their_labels_and_revisions(teleport: Teleport, watch: Watch) -> None:
    created = await teleport.users.create(ADA)
    updated = await teleport.users.update(replace(created, traits={"team": ("a",)}))
    await teleport.users.delete(updated)

    assert await seen(watch, 3) == [
        Seen("user", "ada", labels=LABELS, revision=created.revision),
        Seen("user", "ada", labels=LABELS, revision=updated.revision),
        Seen("user", "ada", is_deleted=True),
    ]


async def test_each_kind_is_seen_in_the_order_of_the_writes(
    teleport: Teleport, watch: Watch, host: Identity, clock: VirtualClock, sandbox: TeleportSandbox
) -> None:
    role = await teleport.roles.create(TeleportRole("reader", LABELS, RoleAllow()))
    await teleport.users.create(ADA)
    lock = await teleport.locks.upsert(TeleportLock("l1", "ada", LABELS))
    await teleport.user_groups.create(TeleportUserGroup("00g1", LABELS))
    server = TeleportAppServer("app-1", host.host_id or "", LABELS, uri="https://app.test")
    await teleport.app_servers.upsert(server, clock.now() + timedelta(hours=1))
    sandbox.administrator.resources.create_import_rule("r1", mappings=[{"add_labels": {"a": "b"}}])
    await teleport.locks.delete(lock)
    await teleport.roles.delete(role.name)
    sandbox.administrator.resources.delete_user_group("00g1")
    await teleport.app_servers.delete(server)
    sandbox.administrator.resources.delete_import_rule("r1")

    assert await told(watch, 11) == [
        *("role reader", "user ada", "lock l1", "user_group 00g1"),
        *(f"app_server {host.host_id}/app-1", "okta_import_rule r1", "-lock l1", "-role reader", "-user_group 00g1"),
        *(f"-app_server {host.host_id}/app-1", "-okta_import_rule r1"),
    ]


@pytest.mark.parametrize("sandbox", ["ent"], indirect=True)
async def test_lists_are_seen_after_their_members(
    watch: Watch, teleport: Teleport, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    devs = TeleportAccessList("devs", "Devs", LABELS, owners=(ListOwner("grace"),))
    await teleport.access_lists.create(devs, ["ada"], joined=clock.now())
    [member] = await seen(watch)
    assert (member.kind, member.list_name, member.name) == ("member", "devs", "ada")
    assert member.labels == {OWNER: "00o1", GRANT: GRANT_IMPORTED}
    assert member.revision
    assert await told(watch, 1) == ["access_list devs"]

    sandbox.administrator.lists.delete("devs")
    assert await told(watch, 2) == ["-member devs/ada", "-access_list devs"]


async def test_what_people_do_by_hand_is_seen(watch: Watch, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user("eve", labels={"team": "a"})
    [eve] = await seen(watch)
    assert (eve.name, eve.labels) == ("eve", {"team": "a"})


async def test_expiry_is_seen_as_a_deletion(
    watch: Watch, teleport: Teleport, host: Identity, clock: VirtualClock
) -> None:
    server = TeleportAppServer("app-1", host.host_id or "", LABELS, uri="https://app.test")
    await teleport.app_servers.upsert(server, clock.now() + timedelta(hours=1))
    clock.advance(3601)

    assert await told(watch, 2) == [f"app_server {host.host_id}/app-1", f"-app_server {host.host_id}/app-1"]


@pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
async def test_a_listing_after_open_and_the_watch_together_miss_nothing(
    teleport: Teleport, clock: VirtualClock, sandbox: TeleportSandbox
) -> None:
    clock.advance(5)
    sandbox.administrator.create_user("eve")
    async with await teleport.watch() as watch:
        assert "eve" not in {user.name for user in await teleport.users.list()}
        clock.advance(1)
        assert "user eve" in await told(watch, 1)


# How it ends


async def test_a_clean_end_is_an_end_after_what_was_buffered(watch: Watch, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user("eve")
    sandbox.cluster.watches.overflow()
    sandbox.administrator.create_user("lost")

    assert await told(watch, 1) == ["user eve"]
    ended = await end_of(watch)
    assert ended.reason is WatchEnd.SERVER
    assert "listed again" in str(ended)
    assert (await end_of(watch)).reason is WatchEnd.SERVER


async def test_a_restart_of_the_server_ends_it_and_the_next_one_works(
    watch: Watch, teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    await sandbox.restart_auth(down_for=0)

    ended = await end_of(watch)
    assert ended.reason is WatchEnd.FAILED
    assert isinstance(ended.__cause__, UnavailableError)
    await teleport.ping()
    async with await teleport.watch() as anew:
        sandbox.administrator.create_user("eve")
        assert await told(anew, 1) == ["user eve"]


async def test_a_buffer_that_is_full_ends_it(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    async with Watch(teleport.host, ["user"], limit=2) as watch:
        await watch.open()
        for name in ("ada", "bob", "eve"):
            sandbox.administrator.create_user(name)
        await until_it_is_over(watch)
        assert (await end_of(watch)).reason is WatchEnd.BEHIND
    await until_nobody_watches(sandbox)


async def test_a_renewal_of_the_identity_ends_it_and_the_next_one_has_the_new_identity(
    teleport: Teleport, watch: Watch, sandbox: TeleportSandbox
) -> None:
    renewed = parse_identity(sandbox.renew_bot().text(), source="bot")
    await teleport.take_bot(renewed)

    assert (await end_of(watch)).reason is WatchEnd.CLOSED
    async with await teleport.watch() as anew:
        assert anew.kinds == watch.kinds


async def test_who_waits_for_a_change_is_told_when_it_is_closed(watch: Watch, sandbox: TeleportSandbox) -> None:
    waiting = asyncio.create_task(end_of(watch))
    await asyncio.sleep(0)
    await watch.aclose()
    await watch.aclose()

    assert (await waiting).reason is WatchEnd.CLOSED
    assert (await end_of(watch)).reason is WatchEnd.CLOSED
    await until_nobody_watches(sandbox)


async def test_waiting_can_be_cancelled_and_goes_on(watch: Watch, sandbox: TeleportSandbox) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(watch)

    sandbox.administrator.create_user("eve")
    assert await told(watch, 1) == ["user eve"]


async def test_a_lock_on_the_watcher_does_not_end_it(watch: Watch, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_lock("l1", "bot-teleport-okta")
    sandbox.administrator.create_user("eve")
    assert await told(watch, 2) == ["lock l1", "user eve"]


# How it fails to begin


async def test_nothing_is_repeated_when_the_server_is_away(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.faults.add(Fault("*/WatchEvents", code=grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(UnavailableError):
        await teleport.watch()
    assert sandbox.calls.of("WatchEvents") == 1


async def test_an_identity_that_may_nothing_is_refused_in_words(
    sandbox: TeleportSandbox, clock: VirtualClock, host: Identity
) -> None:
    lock = LockV2(Metadata={"Name": "l1"}, Spec={"Target": {"ServerID": host.host_id}})
    sandbox.cluster.locks.upsert(lock)
    async with await connect(sandbox.address, host=host, clock=clock) as client:
        with pytest.raises(PermissionDeniedError, match="AuthService/WatchEvents"):
            await client.watch()


async def until_nobody_watches(sandbox: TeleportSandbox) -> None:
    async with asyncio.timeout(5):
        while sandbox.cluster.watches.open_watches:
            await asyncio.sleep(0.01)
