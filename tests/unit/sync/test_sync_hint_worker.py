"""Handling hints, with a scripted full pass: order, pauses, newer hints, contradictions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from teleport_okta.apply.outcome import Outcome
from teleport_okta.clock import VirtualClock
from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.findings import PutOff, Quarantined
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.model.scope import named
from teleport_okta.okta import throttle
from teleport_okta.plan.plan import Plan
from teleport_okta.state.journal_entry import Result
from teleport_okta.state.state_errors import StateError
from teleport_okta.state.store import Store
from teleport_okta.sync.hint_worker import HintWorker
from teleport_okta.sync.procedure import Settled
from teleport_okta.teleport.lease import StandbyError
from worlds import NOW, listing, person
from worlds_directory import app, group, organization, unread

ADA, BOB = "00uADA", "00uBOB"
ENG = "00gENG"
DOWN = TeleportOktaError("the cluster is down")
HOUR = timedelta(hours=1)

PROFILE = Hint(HintKind.PERSON, ADA, published=NOW, cause="user.account.update_profile u1")
SUSPENDED = Hint(HintKind.STATUS, ADA, claim=Claim.GONE, published=NOW, cause="user.lifecycle.suspend u2")
JOINED = Hint(HintKind.MEMBER, ADA, ENG, Claim.THERE, NOW, cause="group.user_membership.add u3")


class ScriptedPass:
    """Settles as a test says: the reading and plan, the failures, and the looks that wait until released."""

    def __init__(self, clock):
        self.clock = clock
        self.registry = Registry()
        self.settled = []
        self.begun = []
        self.errors = {}
        self.people = ()
        self.plan = Plan()
        self.outcomes = ()
        self.gates = {}
        self.under_way = 0
        self.most_under_way = 0
        self.deed = None

    async def settle(self, scope, *, trigger, reads, follow_up):
        ids = sorted(named(scope.users) | named(scope.groups) | named(scope.apps))
        self.begun.append(ids)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        is_urgent = throttle._is_urgent.get()
        try:
            if ids[0] in self.gates:
                await self.gates[ids[0]].wait()
            if self.deed is not None:
                await self.deed()
            failures = self.errors.get(ids[0], [])
            if failures:
                raise failures.pop(0)
        finally:
            self.under_way -= 1
        elapsed = (self.clock.now() - NOW).total_seconds()
        self.settled.append(SimpleNamespace(ids=ids, at=elapsed, reads=reads, trigger=trigger, is_urgent=is_urgent))
        reading = SimpleNamespace(
            facts=SimpleNamespace(people=listing(*self.people)), directory=self.registry.directory, scope=scope
        )
        settled = Settled(self.plan, tuple(self.outcomes), reading)
        await follow_up(settled)
        return settled

    def hold(self, *ids):
        """Let the looks at these wait."""
        self.gates |= {okta_id: asyncio.Event() for okta_id in ids}

    def let_go(self):
        for gate in self.gates.values():
            gate.set()

    @property
    def order(self):
        return [one.ids[0] for one in self.settled]

    @property
    def moments(self):
        return [one.at for one in self.settled]


class Registry:
    """Who has a user, and who is in which list."""

    def __init__(self):
        self.directory = None
        self.users = {}
        self.lists = {}
        self.direct = set()
        self.moved = []
        self.memberships = {}

    @property
    def moves(self):
        return len(self.moved)

    def moved_since(self, moves):
        return self.moved[moves:]

    def lists_with(self, names):
        return sorted(one for one, members in self.memberships.items() if members & names)

    def wrong_roles_of(self, _okta_id):
        return set()

    def emptied(self, _okta_id):
        return []

    def know(self, okta):
        self.directory = SimpleNamespace(okta=okta)

    def names_of(self, okta_id):
        return frozenset(self.users.get(okta_id, ()))

    def rosters_with(self, okta_id):
        return self.lists.get(okta_id, [])

    def record_assignment(self, app_id, okta_id, *, is_direct):
        is_new = (okta_id in self.direct) is not is_direct
        self.direct ^= {okta_id} if is_new else set()
        return is_new


class RecentChanges:
    """The recent changes, as a test says."""

    app_id = "0oaSAML"
    imports_directory = True

    def __init__(self):
        self.found = []
        self.asked = []

    async def people(self):
        return self._answer("people")

    async def groups(self):
        return self._answer("groups")

    async def differing_people(self):
        return self._answer("everybody")

    def _answer(self, what):
        self.asked.append(what)
        return self.found

    def hint_of_people(self, app_id, cause):
        return Hint(HintKind.APP_PEOPLE, app_id, cause=cause, delay=60)


class Work:
    """A worker on a real state and a virtual clock."""

    def __init__(self, store):
        self.clock = VirtualClock(NOW)
        self.hints = store.hints
        self.full_pass = ScriptedPass(self.clock)
        self.changed = RecentChanges()
        self.reconciled = []
        self.reconciles = [True]
        self.worker = HintWorker(
            full_pass=self.full_pass,
            hints=self.hints,
            directory=store.directory,
            changes=self.changed,
            clock=self.clock,
            reconcile=self._reconcile,
        )

    async def _reconcile(self, cause):
        self.reconciled.append(cause)
        return self.reconciles.pop(0) if len(self.reconciles) > 1 else self.reconciles[0]

    async def hint(self, *hints):
        await self.hints.add(hints, at=self.clock.now())
        self.worker.wake()

    async def waiting(self):
        return await self.hints.due(NOW + timedelta(days=365), most=9999, latest=HOUR)

    async def tries(self):
        return [hint.tries for hint in await self.waiting()]

    @asynccontextmanager
    async def running(self):
        """Let the worker run while the block lasts."""
        task = asyncio.ensure_future(self.worker.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def until(self, condition, seconds=2.0):
        """Wait, in real time, until a condition holds. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(0.001)

    async def until_nothing_waits(self):
        """Handle hints, each at its time, until there are none."""
        await self.worker.handle_all()
        while (due := await self.hints.next_due()) is not None:
            self.clock.advance((due - self.clock.now()).total_seconds())
            await self.worker.handle_all()


@pytest.fixture
async def work(tmp_path):
    store = await Store.open(tmp_path)
    yield Work(store)
    await store.close()


def groups(number):
    return [Hint(HintKind.GROUP, f"00g{one:02}") for one in range(number)]


async def test_a_hint_is_settled_once_and_is_gone(work):
    await work.hint(PROFILE)
    await work.worker.handle_all()
    [settled] = work.full_pass.settled
    assert (settled.ids, settled.trigger) == ([ADA], PROFILE.cause)
    assert await work.waiting() == []


async def test_leavers_go_first_and_their_calls_are_urgent(work):
    work.full_pass.registry.know(organization())
    await work.hint(*groups(3), Hint(HintKind.PERSON, BOB), SUSPENDED)
    await work.worker.handle_all()
    assert work.full_pass.order[0] == ADA
    assert [one.is_urgent for one in work.full_pass.settled] == [True, False, False, False, False]


async def test_a_leaver_never_waits_behind_other_looks(work):
    work.full_pass.registry.know(organization())
    work.full_pass.hold(*(hint.of for hint in groups(9)))
    await work.hint(*groups(9))
    async with work.running():
        await work.until(lambda: work.full_pass.under_way == 4)
        await work.hint(SUSPENDED)
        await work.until(lambda: work.full_pass.order == [ADA])
        assert len(work.full_pass.begun) == 5
        work.full_pass.let_go()
        await work.until(lambda: len(work.full_pass.settled) == 10)


async def test_a_leaver_who_is_tried_again_never_waits_behind_other_looks(work):
    work.full_pass.registry.know(organization())
    work.full_pass.hold(*(hint.of for hint in groups(4)))
    work.full_pass.errors[ADA] = [DOWN]
    await work.hint(*groups(4), SUSPENDED)
    async with work.running():
        await work.until(lambda: work.full_pass.order == [ADA], seconds=0.5)


async def test_few_looks_are_under_way_at_once(work):
    work.full_pass.registry.know(organization())
    leavers = [replace(SUSPENDED, of=f"00u{number:02}") for number in range(20)]
    every = [hint.of for hint in (*groups(20), *leavers)]
    work.full_pass.hold(*every)
    await work.hint(*groups(20), *leavers)
    async with work.running():
        await work.until(lambda: work.full_pass.under_way == 12)
        await asyncio.sleep(0.02)
        assert work.full_pass.under_way == 12
        work.full_pass.let_go()
        await work.until(lambda: len(work.full_pass.settled) == 40)
    assert work.full_pass.most_under_way == 12


async def test_what_fails_is_tried_again_after_growing_pauses(work):
    work.full_pass.errors[ADA] = [DOWN] * 10
    await work.hint(PROFILE)
    pauses = []
    for _ in range(10):
        await work.worker.handle_all()
        pauses.append((await work.hints.next_due() - work.clock.now()).total_seconds())
        work.clock.advance(pauses[-1])
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert await work.tries() == [10]
    await work.worker.handle_all()
    assert await work.waiting() == []


async def test_one_look_that_fails_keeps_no_other_from_being_settled(work):
    work.full_pass.errors[ADA] = [DOWN]
    await work.hint(PROFILE, Hint(HintKind.PERSON, BOB))
    await work.worker.handle_all()
    assert work.full_pass.order == [BOB]
    assert [(hint.of, hint.tries) for hint in await work.waiting()] == [(ADA, 1)]


async def test_an_error_that_nobody_foresaw_ends_one_look_alone(work):
    work.full_pass.errors[ADA] = [RuntimeError("a bug")]
    await work.hint(PROFILE, Hint(HintKind.PERSON, BOB))
    await work.until_nothing_waits()
    assert work.full_pass.order == [BOB, ADA]
    assert work.full_pass.moments == [0, 5]


@pytest.mark.parametrize("result", [Result.FAILED, Result.CONFLICT, Result.SKIPPED])
async def test_a_change_that_was_not_made_is_tried_again(work, result):
    work.full_pass.outcomes = [Outcome(None, Result.DONE), Outcome(None, result, "refused")]
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert await work.tries() == [1]
    work.full_pass.outcomes = [Outcome(None, Result.DONE)]
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0, 5]


async def test_a_standby_waits_without_counting_tries(work):
    work.full_pass.errors[ADA] = [StandbyError("00oORG", "another process")] * 3
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert await work.tries() == [0]
    await work.until_nothing_waits()
    assert work.full_pass.moments == [15]


async def test_a_newer_hint_that_comes_while_a_look_is_under_way_is_looked_at_again(work):
    work.full_pass.hold(ADA)
    await work.hint(PROFILE)
    async with work.running():
        await work.until(lambda: work.full_pass.under_way == 1)
        await work.hint(PROFILE)
        await asyncio.sleep(0.02)
        assert work.full_pass.under_way == 1
        work.full_pass.let_go()
        await work.until(lambda: work.full_pass.order == [ADA, ADA])


async def test_a_newer_hint_that_comes_while_a_look_fails_is_not_put_off(work):
    async def another():
        work.full_pass.deed = None
        await work.hint(PROFILE)

    work.full_pass.deed, work.full_pass.errors[ADA] = another, [DOWN]
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert work.full_pass.moments == [0]
    assert await work.waiting() == []


async def test_a_read_that_contradicts_its_event_is_repeated_twice_and_then_believed(work):
    work.full_pass.people = (person(ADA, "ada"),)
    await work.hint(SUSPENDED)
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0, 5, 30]
    assert [one.reads.of_person(ADA).doubt for one in work.full_pass.settled] == [True, True, False]
    assert {one.reads.of_person(ADA).published for one in work.full_pass.settled} == {NOW}


async def test_a_read_that_comes_to_agree_with_its_event_is_not_repeated_any_more(work):
    work.full_pass.people = (person(ADA, "ada"),)
    await work.hint(SUSPENDED)
    await work.worker.handle_all()
    work.full_pass.people = (person(ADA, "ada", status="SUSPENDED"),)
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0, 5]


async def test_a_member_who_does_not_show_yet_is_looked_for_again(work):
    work.full_pass.registry.know(organization(group(ENG)))
    await work.hint(JOINED)
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0, 5, 30]


async def test_only_what_contradicts_is_read_again(work):
    work.full_pass.people = (person(ADA, "ada"),)
    await work.hint(SUSPENDED, PROFILE)
    await work.worker.handle_all()
    assert [hint.kind for hint in await work.waiting()] == [HintKind.STATUS]


async def test_a_person_who_is_suspended_and_let_in_again_is_read_once(work):
    back = replace(PROFILE, claim=Claim.BACK, published=NOW + timedelta(seconds=1))
    work.full_pass.people = (person(ADA, "ada"),)
    await work.hint(SUSPENDED, back)
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0]


async def test_before_a_first_pass_groups_wait_and_people_do_not(work):
    await work.hint(JOINED, PROFILE)
    await work.worker.handle_all()
    assert work.full_pass.order == [ADA]
    assert await work.tries() == [0]
    assert await work.hints.next_due() == NOW + timedelta(seconds=10)
    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    await work.until_nothing_waits()
    assert work.full_pass.moments == [0, 10]


async def test_a_full_pass_that_is_hinted_is_run_until_it_succeeds(work):
    work.reconciles = [False, False, True]
    await work.hint(Hint(HintKind.ALL, cause="the position was lost"))
    await work.until_nothing_waits()
    assert work.reconciled == ["the position was lost"] * 3
    assert (work.clock.now() - NOW).total_seconds() == 15


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (HintKind.PEOPLE, "everybody"),
        (HintKind.CHANGED_PEOPLE, "people"),
        (HintKind.CHANGED_GROUPS, "groups"),
    ],
)
async def test_what_changed_lately_becomes_hints(work, kind, asked):
    work.changed.found = [PROFILE]
    await work.hint(Hint(kind))
    await work.worker.handle_all()
    assert work.changed.asked == [asked]
    assert work.full_pass.order == [ADA]
    assert await work.waiting() == []


async def test_a_person_who_becomes_a_user_brings_the_lists_that_they_are_in(work):
    async def become_a_user():
        work.full_pass.registry.users[ADA] = ["ada"]

    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    work.full_pass.registry.lists[ADA] = [ENG]
    work.full_pass.people = (person(ADA, "ada", scope="GROUP"),)
    work.full_pass.deed = become_a_user
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert work.full_pass.order == [ADA, ENG]


@pytest.mark.parametrize(("who", "again"), [(ADA, True), (BOB, False)])
async def test_a_list_is_looked_at_again_if_a_person_in_it_got_or_lost_a_user_meanwhile(work, who, again):
    async def move():
        work.full_pass.deed = None
        work.full_pass.registry.moved.append(who)

    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    work.full_pass.deed = move
    await work.hint(JOINED)
    await work.worker.handle_all()
    assert work.full_pass.order == ([ENG, ENG] if again else [ENG])


@pytest.mark.parametrize(("names", "brings"), [(["ada", "new"], True), (["new"], True), (["ada"], False), ([], False)])
async def test_another_name_brings_the_lists_that_the_person_is_in(work, names, brings):
    async def rename():
        work.full_pass.registry.users[ADA] = names

    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    work.full_pass.registry.users[ADA] = ["ada"]
    work.full_pass.registry.lists[ADA] = [ENG]
    work.full_pass.people = (person(ADA, "new", scope="GROUP"),)
    work.full_pass.deed = rename
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert work.full_pass.order == ([ADA, ENG] if brings else [ADA])


async def test_a_leaver_whom_another_look_put_into_a_list_meanwhile_brings_the_list(work):
    async def leave():
        del work.full_pass.registry.users[ADA]

    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    work.full_pass.registry.users[ADA] = ["ada"]
    work.full_pass.registry.memberships[ENG] = {"ada"}
    work.full_pass.deed = leave
    await work.hint(SUSPENDED)
    work.full_pass.errors[ADA] = [StateError("the disk is full")]
    await work.worker.handle_all()
    work.full_pass.deed = None
    await work.until_nothing_waits()
    assert ENG in work.full_pass.order


@pytest.mark.parametrize("end", ["a failed change", "an error"])
async def test_a_person_who_becomes_a_user_in_a_look_that_fails_brings_the_lists_too(work, end):
    async def become_a_user():
        work.full_pass.registry.users[ADA] = ["ada"]

    work.full_pass.registry.know(organization(group(ENG, members=[ADA])))
    work.full_pass.registry.lists[ADA] = [ENG]
    work.full_pass.people = (person(ADA, "ada", scope="GROUP"),)
    work.full_pass.deed = become_a_user
    if end == "an error":
        work.full_pass.errors[ADA] = [StateError("the disk is full")]
    else:
        work.full_pass.outcomes = [Outcome(None, Result.FAILED, "refused")]
    await work.hint(PROFILE)
    await work.worker.handle_all()
    work.full_pass.outcomes = ()
    await work.until_nothing_waits()
    assert ENG in work.full_pass.order


async def test_a_group_that_ends_brings_the_people_of_the_apps_that_it_granted(work):
    async def learn():
        work.full_pass.registry.know(organization(app("0oaGIT")))

    work.full_pass.registry.know(organization(group(ENG, grants=["0oaGIT"]), app("0oaGIT")))
    work.full_pass.deed = learn
    await work.hint(Hint(HintKind.GROUP, ENG, claim=Claim.DELETED))
    await work.worker.handle_all()
    [hint] = await work.waiting()
    assert (hint.kind, hint.of) == (HintKind.APP_PEOPLE, "0oaGIT")
    assert await work.hints.next_due() == NOW + timedelta(seconds=60)


async def test_a_group_whose_end_fails_at_first_brings_the_people_of_its_apps_too(work):
    async def learn():
        work.full_pass.registry.know(organization(app("0oaGIT")))

    work.full_pass.registry.know(organization(group(ENG, grants=["0oaGIT"]), app("0oaGIT")))
    work.full_pass.deed, work.full_pass.outcomes = learn, [Outcome(None, Result.FAILED, "refused")]
    await work.hint(Hint(HintKind.GROUP, ENG, claim=Claim.DELETED))
    await work.worker.handle_all()
    work.full_pass.outcomes = ()
    await work.until_nothing_waits()
    assert "0oaGIT" in work.full_pass.order


@pytest.mark.parametrize("hint", [Hint(HintKind.MEMBERS, ENG), JOINED], ids=["members", "member"])
async def test_what_could_not_be_read_is_tried_again(work, hint):
    work.full_pass.registry.know(organization(unread(group(ENG))))
    await work.hint(hint)
    await work.worker.handle_all()
    assert await work.tries() == [1]


async def test_a_change_that_has_to_wait_keeps_its_hint(work):
    row = Quarantined.from_text("user", "ada", ADA, "refused", "wait")
    work.full_pass.plan = Plan(quarantined=(row,), put_off=(PutOff(row, NOW + timedelta(minutes=10)),))
    await work.hint(PROFILE)
    await work.worker.handle_all()
    assert len(await work.waiting()) == 1


async def test_a_state_that_cannot_be_written_ends_no_look_at_a_leaver(work, monkeypatch):
    async def fails(*_, **__):
        raise StateError("the disk is full")

    work.full_pass.hold(ADA)
    work.full_pass.errors[BOB] = [DOWN]
    monkeypatch.setattr(work.hints, "put_off", fails)
    await work.hint(SUSPENDED, Hint(HintKind.PERSON, BOB))
    async with work.running() as running:
        await work.until(lambda: len(work.full_pass.begun) >= 2)
        await asyncio.sleep(0.05)
        assert not running.done()
        work.full_pass.let_go()
        await work.until(lambda: ADA in work.full_pass.order, seconds=0.5)


async def test_delayed_hints_are_looked_at_in_their_time(work):
    await work.hint(replace(PROFILE, delay=60))
    await work.worker.handle_all()
    assert work.full_pass.settled == []
    await work.until_nothing_waits()
    assert work.full_pass.moments == [60]


async def test_many_hints_of_one_batch_are_put_together(work):
    work.full_pass.registry.know(organization(group(ENG, members=[f"00u{number}" for number in range(300)])))
    await work.hint(*(replace(JOINED, of=f"00u{number}") for number in range(300)))
    await work.worker.handle_all()
    [settled] = work.full_pass.settled
    assert settled.reads.of_group(ENG).members


async def test_a_worker_that_is_stopped_keeps_the_hints_that_it_has_not_handled(work):
    work.full_pass.hold(ADA)
    await work.hint(PROFILE)
    async with work.running():
        await work.until(lambda: work.full_pass.under_way == 1)
    assert work.full_pass.under_way == 0
    assert len(await work.waiting()) == 1
