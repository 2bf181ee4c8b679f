"""What is held, by object, and approvals of it: which digest admits what, and what the journal says of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.clock import Boot
from teleport_okta.model.findings import Findings, Held, Hold, Leftover, Quarantined
from teleport_okta.model.harm import Evidence, Harmed, held_digest
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import Scope
from teleport_okta.state.approvals import NothingHeldError
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import QuarantineEntry, Store
from worlds import NOW

ADA, BOB, CY = (Harmed("user", f"{name}@x.io", f"00u{name.upper()}") for name in ("ada", "bob", "cy"))
LIST = Harmed("access_list", "00gENG", "00gENG")
DAY = timedelta(hours=24)


@pytest.fixture
async def store(tmp_path):
    opened = await Store.open(tmp_path)
    yield opened
    await opened.close()


def held(*harmed, why="the limit is 1 an hour", evidence=Evidence.ABSENT, approvable=True):
    """Findings in which these are held for one reason."""
    by_kind = {one.kind: [other for other in harmed if other.kind == one.kind] for one in harmed}
    return Findings(
        tuple(
            sorted(
                Held(one.kind, one.name, one.okta_id, Verbatim("left"), evidence, approvable, Verbatim(why))
                for one in harmed
            )
        ),
        tuple(
            Hold(kind, evidence, len(some), of=30, limit=1, used=0, cause=Verbatim(why), approvable=approvable)
            for kind, some in sorted(by_kind.items())
        ),
    )


async def test_findings_are_given_back_as_a_whole_plan_had_them(store):
    findings = replace(held(ADA, BOB, LIST), leftovers=(Leftover("user", "eve@x.io", "https://other.okta.com"),))
    await store.settle_findings(findings, at=NOW)
    assert await store.findings() == findings
    await store.settle_findings(Findings(), at=NOW)
    assert await store.findings() == Findings()


async def test_a_plan_of_some_keys_settles_those_and_leaves_the_rest(store):
    leftover = Leftover("user", "eve@x.io", "https://other.okta.com")
    await store.settle_findings(replace(held(ADA, LIST), leftovers=(leftover,)), at=NOW)
    await store.settle_findings(held(BOB, CY), at=NOW, scope=Scope.of(users=[BOB.okta_id]))
    assert await store.findings() == replace(held(ADA, BOB, LIST), leftovers=(leftover,))
    await store.settle_findings(Findings(), at=NOW, scope=Scope.of(users=[ADA.okta_id], groups=["00gENG"]))
    assert await store.findings() == replace(held(BOB), leftovers=(leftover,))


async def test_harm_held_for_different_reasons_is_counted_separately(store):
    await store.settle_findings(held(ADA, BOB), at=NOW)
    await store.settle_findings(held(CY, why="the listing is empty"), at=NOW, scope=Scope.of(users=[CY.okta_id]))
    assert [(hold.count, hold.why) for hold in (await store.findings()).holds] == [
        (1, "the listing is empty"),
        (2, "the limit is 1 an hour"),
    ]


async def test_the_quarantine_of_some_keys_is_settled_alone(store):
    def entry(harmed):
        row = Quarantined.from_text(harmed.kind, harmed.name, harmed.okta_id, "conflict", "rename it")
        return QuarantineEntry(row, NOW, NOW + timedelta(minutes=10))

    nameless = QuarantineEntry(Quarantined.from_text("user", "", "", "no id", "look"), NOW, NOW)
    await store.settle_quarantine([entry(ADA), entry(LIST), nameless])
    await store.settle_quarantine([entry(BOB), entry(CY)], scope=Scope.of(users=[ADA.okta_id, BOB.okta_id]))
    assert {found.key[1] for found in await store.quarantine()} == {"00gENG", "bob@x.io", ""}


async def test_held_harm_can_be_approved_by_its_digest_for_a_day(store):
    await store.settle_findings(held(ADA, BOB), at=NOW)
    approval = await store.approvals.approve(held_digest([BOB, ADA]), at=NOW)
    assert approval.harmed == {ADA, BOB}
    assert await store.approvals.in_force(NOW + DAY - timedelta(minutes=1)) == (approval,)
    assert await store.approvals.in_force(NOW + DAY) == ()


async def test_an_approval_covers_all_held_harm(store):
    await store.settle_findings(held(ADA), at=NOW)
    await store.settle_findings(held(BOB), at=NOW, scope=Scope.of(users=[BOB.okta_id]))
    assert (await store.findings()).held_digest == held_digest([ADA, BOB])
    assert (await store.approvals.approve(held_digest([ADA, BOB]), at=NOW)).harmed == {ADA, BOB}


async def test_harm_that_cannot_be_approved_is_no_part_of_an_approval(store):
    await store.settle_findings(held(ADA), at=NOW)
    unread = held(BOB, why="the listing broke off", approvable=False)
    await store.settle_findings(unread, at=NOW, scope=Scope.of(users=[BOB.okta_id]))
    assert (await store.approvals.approve(held_digest([ADA]), at=NOW)).harmed == {ADA}


async def test_a_digest_that_no_held_harm_had_lately_is_refused(store):
    await store.settle_findings(held(ADA), at=NOW)
    with pytest.raises(NothingHeldError, match=f"no held harm had the digest.*now has the digest {held_digest([ADA])}"):
        await store.approvals.approve(held_digest([BOB]), at=NOW)
    with pytest.raises(NothingHeldError):
        await store.approvals.approve(held_digest([ADA]), at=NOW + DAY)


async def test_the_digest_of_an_earlier_set_approves_the_part_that_is_still_held(store):
    earlier = held_digest([ADA, BOB])
    await store.settle_findings(held(ADA, BOB), at=NOW)
    await store.settle_findings(held(ADA), at=NOW)
    approval = await store.approvals.approve(earlier, at=NOW)
    assert (approval.digest, approval.harmed) == (held_digest([ADA]), {ADA})
    (entry,) = await store.journal.history(limit=9)
    assert f"the command named {earlier}" in entry.reason


async def test_an_earlier_held_set_is_refused_when_others_are_held_now(store):
    await store.settle_findings(held(ADA, BOB), at=NOW)
    await store.settle_findings(held(BOB, CY), at=NOW + timedelta(minutes=10))
    says = f"held at .*1 of it are no longer held and 1 others are held.*now has the digest {held_digest([BOB, CY])}"
    with pytest.raises(NothingHeldError, match=says):
        await store.approvals.approve(held_digest([ADA, BOB]), at=NOW)
    assert await store.approvals.in_force(NOW) == ()
    assert await store.journal.history(limit=9) == []


async def test_the_digest_of_an_earlier_set_approves_nothing_if_nothing_is_held(store):
    await store.settle_findings(held(ADA), at=NOW)
    await store.settle_findings(Findings(), at=NOW)
    with pytest.raises(NothingHeldError, match="there is no held harm now that can be approved"):
        await store.approvals.approve(held_digest([ADA]), at=NOW)


async def test_an_approval_is_on_record_for_each_object_with_who_gave_it(store):
    await store.settle_findings(held(ADA, LIST), at=NOW)
    approval = await store.approvals.approve(
        held_digest([ADA, LIST]), at=NOW, by="root (uid 0, pid 7)", boot=Boot("b", 5)
    )
    entries = await store.journal.history(limit=9)
    assert [(one.kind, one.name, one.okta_id) for one in entries] == [
        ("user", "ada@x.io", "00uADA"),
        ("access_list", "00gENG", "00gENG"),
    ]
    for entry in entries:
        assert (entry.action, entry.who, entry.approval) == ("approve", "root (uid 0, pid 7)", approval.digest)
        assert (entry.time, entry.boot) == (NOW, Boot("b", 5))
        assert "2 in all" in entry.reason


async def test_an_approval_is_found_by_the_title_of_the_list(store):
    made = JournalEntry(NOW, "t", "access_list", LIST.name, LIST.okta_id, "create", "why", "", "", Result.DONE)
    await store.journal.record(replace(made, title="Engineering"))
    await store.journal.record(replace(made, action="update", title="The engineers"))
    await store.journal.flush()
    await store.settle_findings(held(LIST, ADA), at=NOW)
    await store.approvals.approve(held_digest([LIST, ADA]), at=NOW, by="root (uid 0, pid 7)")
    newest, _ = await store.journal.history(limit=9, name="The engineers")
    assert (newest.action, newest.name, newest.who) == ("approve", LIST.name, "root (uid 0, pid 7)")


def harm(harmed, *, approval=""):
    entry = JournalEntry(NOW, "t", "user", harmed.name, harmed.okta_id, "lock", "why", "", "", Result.BEGUN)
    return replace(entry, harm="user", evidence="absent", counted=not approval, approval=approval)


async def test_an_approval_is_no_harm_and_ends_none(store):
    sequence = await store.journal.begin(harm(ADA))
    await store.journal.finish(sequence, Result.DONE)
    await store.settle_findings(held(ADA), at=NOW)
    await store.approvals.approve(held_digest([ADA]), at=NOW)
    lag = timedelta(seconds=30)
    (step,) = await store.journal.harm_within(DAY, lag=lag, now=NOW, boot=Boot("", 0))
    assert step.is_open


async def test_what_was_done_is_not_admitted_again(store):
    await store.settle_findings(held(ADA, BOB), at=NOW)
    digest = held_digest([ADA, BOB])
    await store.approvals.approve(digest, at=NOW)
    sequence = await store.journal.begin(harm(ADA, approval=digest))
    await store.journal.finish(sequence, Result.DONE, at=NOW, uses=(digest, ADA))
    (approval,) = await store.approvals.in_force(NOW)
    assert approval.harmed == {BOB}


async def test_held_lists_count_for_their_members(store):
    rows = tuple(
        Held(
            "access_list", name, name, Verbatim("gone"), Evidence.ABSENT, hold_cause=Verbatim("too many"), people=people
        )
        for name, people in (("00gA", 60), ("00gB", 2))
    )
    hold = Hold("access_list", Evidence.ABSENT, 62, 70, 10, 0, Verbatim("too many"))
    await store.settle_findings(Findings(rows, (hold,)), at=NOW)
    assert await store.findings() == Findings(rows, (hold,))
