"""The cost of writes to lists, alone and in parallel, in virtual time (`docs/reference/teleport-observed.md` 1.10)."""

import asyncio
import heapq
import itertools

import pytest
from teleport.accesslist.v1.accesslist_service_pb2 import (
    ListAccessListMembersRequest,
    UpsertAccessListMemberRequest,
    UpsertAccessListWithMembersRequest,
)
from teleport_okta.sandbox.teleport import ListCosts
from teleport_okta.sandbox.teleport.list_writes import ListWrites
from teleport_okta.sandbox.teleport.refusal import Refusal

SERVICE = "/teleport.accesslist.v1.AccessListService/"


@pytest.fixture
async def costly(start, connect):
    async with start(list_costs=ListCosts()) as sandbox:
        sandbox.administrator.lists.create("g1")
        yield connect(sandbox, sandbox.identity_path.read_bytes()).access_lists


async def test_a_member_costs_ten_milliseconds_and_a_replace_more_for_each(costly, clock, access_list, member):
    begin = clock()
    await costly.UpsertAccessListMember(UpsertAccessListMemberRequest(member=member("g1", "ada")))
    single = clock()
    members = [member("g1", f"u{number}") for number in range(1000)]
    await costly.UpsertAccessListWithMembers(
        UpsertAccessListWithMembersRequest(access_list=access_list("g1"), members=members)
    )
    assert single - begin == pytest.approx(0.010)
    assert clock() - single == pytest.approx(0.010 + 1.2)


async def test_reads_cost_nothing(costly, clock):
    begin = clock()
    await costly.ListAccessListMembers(ListAccessListMembersRequest(access_list="g1"))
    assert clock() == begin


class Sleepers:
    """Time that moves from the end of one sleep to the next, for all sleepers together."""

    def __init__(self):
        self.now = 0.0
        self._order = itertools.count()
        self._asleep = []

    async def sleep(self, seconds):
        woken = asyncio.Event()
        heapq.heappush(self._asleep, (self.now + seconds, next(self._order), woken))
        await woken.wait()

    async def until(self, done):
        while not done.done():
            for _ in range(5):
                await asyncio.sleep(0)
            if self._asleep:
                self.now, _, woken = heapq.heappop(self._asleep)
                woken.set()


async def side_by_side(count, cost):
    """Let so many calls of that cost begin at once, and return when each was done, or the code of its refusal."""
    sleepers = Sleepers()
    writes = ListWrites(ListCosts(write=cost), lambda: sleepers.now, sleepers.sleep)

    async def call():
        try:
            async with writes.turn(f"{SERVICE}UpsertAccessListMember", UpsertAccessListMemberRequest()):
                return sleepers.now
        except Refusal as refusal:
            return refusal.code.name

    outcomes = asyncio.gather(*(call() for _ in range(count)))
    await sleepers.until(outcomes)
    return await outcomes


async def test_a_call_that_finds_the_lock_taken_retries_a_quarter_of_a_second_later():
    assert await side_by_side(2, cost=0.010) == pytest.approx([0.010, 0.260])


async def test_callers_that_wait_longer_than_five_seconds_are_refused():
    gave_up = ["DEADLINE_EXCEEDED"] * 2
    assert await side_by_side(8, cost=1.0) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, *gave_up]
