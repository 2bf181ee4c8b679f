from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.labels import ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.model.teleport import TeleportLock, TeleportUser
from teleport_okta.sandbox.teleport import ListingLag
from teleport_okta.teleport.teleport_errors import PermissionDeniedError

if TYPE_CHECKING:
    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

LABELS = {OWNER: "00o1", ORIGIN: ORIGIN_OKTA}
ADA = TeleportUser("ada", LABELS)
LOCK = TeleportLock("okta-ada-left", "ada", LABELS, "left")


@pytest.fixture
async def with_ada(teleport: Teleport) -> Teleport:
    """A client of a cluster that has Ada."""
    await teleport.users.create(ADA)
    return teleport


async def test_the_life_of_a_lock(with_ada: Teleport) -> None:
    locks = with_ada.locks
    await locks.upsert(LOCK)
    assert await locks.get(LOCK.name) == LOCK
    assert await locks.list() == [LOCK]

    await locks.upsert(replace(LOCK, message="left for good"))
    assert [lock.message for lock in await locks.list()] == ["left for good"]

    assert await locks.delete(LOCK)
    assert not await locks.delete(LOCK)
    assert await locks.get(LOCK.name) is None


async def test_a_temporary_lock_lasts_to_its_end_and_leaves_no_record(with_ada: Teleport, clock: VirtualClock) -> None:
    end = clock.now() + timedelta(hours=30, minutes=15)
    await with_ada.locks.upsert(replace(LOCK, expires=end))

    clock.advance(30.25 * 3600 - 1)
    [lock] = await with_ada.locks.list()
    assert lock.in_force(clock.now())
    clock.advance(62)
    assert await with_ada.locks.list() == []


async def test_a_lock_outlives_the_user_it_is_about(with_ada: Teleport) -> None:
    await with_ada.locks.upsert(LOCK)
    await with_ada.users.delete(ADA)

    assert await with_ada.locks.list() == [LOCK]
    assert await with_ada.locks.delete(LOCK)


@pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
async def test_listings_that_lag_show_our_own_locks(with_ada: Teleport, clock: VirtualClock) -> None:
    await with_ada.locks.upsert(LOCK)
    assert await with_ada.locks.list() == [LOCK]

    clock.advance(5)
    [read] = await with_ada.locks.list()
    changed = await with_ada.locks.upsert(replace(read, message="left for good"))
    assert await with_ada.locks.list() == [changed]

    clock.advance(5)
    assert await with_ada.locks.list() == [changed]
    await with_ada.locks.delete(LOCK)
    assert await with_ada.locks.list() == []


async def test_nobody_is_locked_who_is_not_of_origin_okta(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_user("eve")

    with pytest.raises(PermissionDeniedError, match="'eve'"):
        await teleport.locks.upsert(replace(LOCK, user="eve"))


async def test_locks_on_one_user_are_those_and_no_others(with_ada: Teleport, sandbox: TeleportSandbox) -> None:
    sandbox.administrator.create_lock("by-hand", "ada", message="on leave")
    sandbox.administrator.create_lock("other", "eve")
    await with_ada.locks.upsert(LOCK)

    assert {lock.name for lock in await with_ada.locks.on_user("ada")} == {"by-hand", LOCK.name}


@pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
async def test_the_locks_of_one_user_show_our_own_lock_at_once(with_ada: Teleport) -> None:
    await with_ada.locks.upsert(LOCK)
    assert [found.name for found in await with_ada.locks.on_user("ada")] == [LOCK.name]
    assert await with_ada.locks.on_user("eve") == []
    await with_ada.locks.delete(LOCK)
    assert await with_ada.locks.on_user("ada") == []


async def test_a_user_of_another_origin_is_locked_and_released_as_the_bot(
    teleport: Teleport, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.create_user("eve")
    lock = TeleportLock("okta-eve-adopted", "eve", {OWNER: "00oORG"}, "left")

    await teleport.locks.upsert(lock)
    assert [found.name for found in await teleport.locks.on_user("eve")] == [lock.name]
    assert await teleport.locks.delete(lock)
    assert await teleport.locks.on_user("eve") == []
