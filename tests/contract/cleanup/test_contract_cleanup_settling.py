"""Records that a killed cleanup left open are completed by what the cluster holds."""

from __future__ import annotations

import grpc
import pytest
from teleport_okta.apply.open_records import READS_LAG, settle_open_records
from teleport_okta.cleanup.open_records import settle_cleanup_records
from teleport_okta.model import labels
from teleport_okta.plan.digest import content_digest
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.state.journal_entry import CLEANUP, JournalEntry, Result


async def begun(removal, kind, name, action="delete", *, object_name="", after_digest="", trigger=CLEANUP):
    """A record of a change whose answer was never heard."""
    clock = removal.world.clock
    entry = JournalEntry(
        time=clock.now(),
        trigger=trigger,
        kind=kind,
        name=name,
        okta_id="",
        action=action,
        reason="",
        before_digest="",
        after_digest=after_digest,
        outcome=Result.BEGUN,
        harm=kind,
        evidence="stated",
        boot=clock.boot(),
        object_name=object_name,
    )
    return await removal.world.parts.store.journal.begin(entry)


async def settled(removal, *, early=0.0):
    """The outcomes of all records, by sequence, when listings show their changes or so many seconds earlier."""
    parts, clock = removal.world.parts, removal.world.clock
    clock.advance(READS_LAG.total_seconds() - early)
    await settle_cleanup_records(parts.store.journal, parts.teleport, clock)
    return {entry.sequence: entry.outcome for entry in await parts.store.journal.history(limit=100)}


async def test_each_record_is_completed_by_whether_its_object_exists(removal):
    removal.surround()
    lists, host = removal.office.people, removal.world.parts.teleport.app_servers.host_id
    lists.create("outer", owners=["zoe"])
    lists.nest("outer", "manual")
    ours = min(name.partition("/")[2] for kind, name in removal.ours("app_server"))
    assert host
    there = [
        ("user", "vera"),
        ("role", "access"),
        ("access_list", "manual"),
        ("member", "outer/manual"),
        ("user_group", "theirs"),
        ("app_server", "another-host/theirs"),
        ("app_server", ours),
    ]
    gone = [(kind, f"{name}-gone") for kind, name in there]
    expected = {await begun(removal, *one): Result.FAILED for one in there}
    expected |= {await begun(removal, *one): Result.DONE for one in gone}
    found = await settled(removal)
    assert {sequence: found[sequence] for sequence in expected} == expected


async def test_a_lock_counts_as_set_if_it_has_an_end_and_as_removed_if_it_does_not_exist(removal):
    now = removal.world.clock.now().timestamp()
    removal.administrator.create_lock("endless", "ada@x.io")
    removal.administrator.create_lock("ending", "ada@x.io", expires=now + 10_000)
    names = {("lock", "ending"): True, ("lock", "endless"): False, ("lock", "none"): False}
    names |= {("unlock", "ending"): False, ("unlock", "none"): True}
    expected = {
        await begun(removal, "lock", "ada@x.io", action, object_name=name): Result.DONE if done else Result.FAILED
        for (action, name), done in names.items()
    }
    found = await settled(removal)
    assert {sequence: found[sequence] for sequence in expected} == expected


@pytest.mark.parametrize("done", [True, False])
async def test_an_update_counts_as_made_when_the_content_is_the_one_that_was_to_be_written(removal, done):
    teleport, lists = removal.world.parts.teleport, removal.office.people
    removal.administrator.create_user("eve", labels={labels.OWNER: removal.owner})
    lists.create("outer", owners=["zoe"])
    user, found = await teleport.users.get("eve"), await teleport.access_lists.get("outer")
    after = {"eve": content_digest(user), "outer": content_digest(found)} if done else {"eve": "x", "outer": "x"}
    expected = Result.DONE if done else Result.FAILED
    numbers = [
        await begun(removal, "user", "eve", "update", after_digest=after["eve"]),
        await begun(removal, "access_list", "outer", "update", after_digest=after["outer"]),
    ]
    outcomes = await settled(removal)
    assert [outcomes[number] for number in numbers] == [expected, expected]


async def test_a_record_stays_open_while_it_is_young_or_its_object_cannot_be_read(removal):
    number = await begun(removal, "role", "gone")
    assert (await settled(removal, early=1.0))[number] is Result.BEGUN
    removal.office.teleport.faults.add(Fault("*/GetRole", grpc.StatusCode.UNKNOWN, "no", count=1))
    assert (await settled(removal))[number] is Result.BEGUN
    assert (await settled(removal))[number] is Result.DONE


async def test_the_next_cleanup_completes_its_own_records_by_these_rules_and_all_others_by_those_of_a_pass(removal):
    removal.administrator.create_user("eve", labels={labels.OKTA_ID: "00uSOMEBODY"})
    ours = await begun(removal, "user", "eve")
    others = await begun(removal, "user", "eve", trigger="start")
    removal.world.clock.advance(READS_LAG.total_seconds())
    await removal.removed()
    outcomes = await settled(removal)
    assert outcomes[ours] is Result.FAILED
    assert outcomes[others] is Result.DONE, "for a pass only the user of the same Okta id counts"


async def test_a_pass_leaves_the_records_of_a_cleanup_open_because_its_rules_do_not_fit(removal):
    removal.office.people.create("outer", owners=["zoe"])
    parts, clock = removal.world.parts, removal.world.clock
    by_cleanup = await begun(removal, "access_list", "outer", "update", after_digest="written")
    by_pass = await begun(removal, "access_list", "gone", trigger="command")
    clock.advance(READS_LAG.total_seconds())
    await settle_open_records(parts.store.journal, parts.teleport, clock)
    outcomes = {entry.sequence: entry.outcome for entry in await parts.store.journal.history(limit=100)}
    assert (outcomes[by_cleanup], outcomes[by_pass]) == (Result.BEGUN, Result.DONE)
