"""Random histories of an organisation and a cluster in which anything may fail, through the product from the pass down.

Contract: whatever people, administrators and logins do, whatever a pass reads, and at whichever write its process dies,
objects of others stay as they are, no user is deleted without a lock or ends because a read failed, and no hour brings
more harm than the limits allow, unless it is approved. After a pass on a fine reading that nothing disturbed, users and
locks are what Okta says; and when the trouble is over, everything converges, and a further pass plans nothing.

Space: eight people, eight names, of which two differ in case and one is refused; up to six moments, each with a few
deeds, a time that passes, an operator's decision, a reading, and a strike at one of the writes of its pass; a brake
with small limits; listings that lag or do not.

Oracle: `Witness`, which does not use plans. `HISTORIES` says how many are tried, `make soak-props` tries 10,000.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from property.faulty_okta import IDS, NAMES, Reading
from property.faulty_world import World
from property.mortal_process import Strike

HISTORIES = int(os.environ.get("HISTORIES", "") or "100")
ENOUGH = 2000
"""The number of histories in which every kind of trouble occurs at least once."""

MEMORY = Path("/dev/shm")
ROUNDS_TO_REST = 10
"""The most rounds of waiting and approving until nothing is left to do."""

PEOPLE_DO = [
    "hire",
    "rehire",
    "unassign",
    "end_assignment",
    "deactivate",
    "vanish",
    "erase",
    "suspend",
    "suspend",
    "activate",
]
PEOPLE_DO += ["unusual", "mangle", "rename", "rename", "move", "succeed", "succeed", "many_leave", "many_suspended"]
ADMINS_DO = ["delete_by_hand", "strip_roles", "wrong_traits", "strip_owner", "local_user", "leftover_user"]
ADMINS_DO += ["leftover_lock", "unlock_by_hand", "shorten_lock", "lengthen_lock"]
LOGINS = ["login_merging", "login_replacing"]

MINUTE, H = 60.0, 3600.0
LISTINGS_LAG = 2.0
"""Seconds after which listings show the changes of other clients; `Strike.MEDDLING` is faster."""

people = st.integers(0, len(IDS) - 1)
names = st.integers(0, len(NAMES) - 1)
deeds = st.tuples(st.sampled_from(PEOPLE_DO * 2 + ADMINS_DO + LOGINS * 2), people, names)
gaps = st.sampled_from([0.0, 5.0, 20 * MINUTE, 20 * MINUTE, H, 16 * H, 31 * H])
readings = st.sampled_from([Reading.FINE] * 6 + list(Reading)[1:])
strikes = st.sampled_from([None] * 4 + [Strike.CRASH_BEFORE, Strike.CRASH_AFTER] * 2 + list(Strike)[2:])
brakes = st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.34, 0.5]), st.sampled_from([0.25, 0.5]))


@dataclass(frozen=True, repr=False)
class Moment:
    """What happens before a pass, and to it."""

    deeds: list = field(default_factory=list)
    gap: float = 0.0
    operator: str = "nothing"
    name: int = 0
    reading: Reading = Reading.FINE
    hidden: frozenset = frozenset()
    strike: Strike | None = None
    at: int = 1
    meddling: tuple = ("hire", 0, 0)
    restart: bool = False
    settles: tuple = ()

    def __repr__(self):
        usual = Moment()
        unusual = ((one.name, getattr(self, one.name)) for one in fields(self))
        return f"Moment({', '.join(f'{name}={value!s}' for name, value in unusual if value != getattr(usual, name))})"


moments = st.builds(
    Moment,
    deeds=st.lists(deeds, max_size=4),
    gap=gaps,
    operator=st.sampled_from(["nothing", "nothing", "approves", "releases"]),
    name=names,
    reading=readings,
    hidden=st.frozensets(st.sampled_from(IDS), max_size=3),
    strike=strikes,
    at=st.integers(1, 14),
    meddling=deeds,
    restart=st.booleans(),
    settles=st.just(()) | st.lists(st.sampled_from(IDS), max_size=3).map(tuple),
)


async def play(directory, history, brake, lag, seen):
    world = World(directory, brake=brake, lag=lag, seen=seen)
    try:
        await world.run()
        for moment in history:
            await live(world, moment)
        await come_to_rest(world)
    finally:
        world.end()


async def live(world, moment):
    for deed in moment.deeds:
        world.play(deed)
    hands = any(verb in ADMINS_DO + LOGINS for verb, *_ in moment.deeds)
    world.wait(max(moment.gap, LISTINGS_LAG if world.lag and hands else 0.0))
    if moment.restart:
        world.restart()
    if moment.operator == "approves":
        await world.approve()
    elif moment.operator == "releases":
        await world.release(NAMES[moment.name])
    for okta_id in moment.settles:
        await world.settle(okta_id, reading=moment.reading, hidden=moment.hidden)
    await world.run(
        reading=moment.reading,
        hidden=moment.hidden,
        strike=moment.strike,
        at=moment.at,
        meddle=lambda: world.play(moment.meddling),
    )


async def come_to_rest(world):
    """End all trouble, approve what is held, and let hours pass until nothing is left to do."""
    for _ in range(ROUNDS_TO_REST):
        world.wait(31 * H)
        report = await world.run()
        shown = set(report.plan.findings.held)
        if await world.approve():
            report = await world.run()
            held = set(report.plan.findings.held)
            # A lock that has just ended can make a rename possible, whose harm was not in what was approved.
            assert not held or held - shown, report.plan.findings
        if not report.outcomes and not world.witness.our_locks_on_nobody():
            break
    again = await world.run()
    assert not again.outcomes, again.outcomes
    assert not again.plan.findings.held
    assert not world.witness.our_locks_on_nobody()


SEEN = Counter()
"""How often each kind of event occurred in the histories."""

MUST_BE_SEEN = [
    *(f"strikes: {strike.value}" for strike in Strike),
    "adoptions",
    "approvals",
    "harm: lock, stated",
    "harm: user, absent",
    "harm: user, absent, approved",
    "harm: user, stated",
    "held: lock, stated",
    "held: user, absent",
    "held: user, stated",
    "confirmed by id",
    "holds weighed",
    "locks where a login replaced the record",
    "keys that could not be settled",
    "keys settled",
    "passes compared from scratch",
    "passes that held something",
    "passes that set somebody aside",
    "passes with leftovers",
    "releases",
    "renames",
]


@pytest.mark.timeout(60 + 4 * HISTORIES)
@settings(
    max_examples=HISTORIES,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
@example(
    # The end of a lock makes a rename possible right after the held harm was approved.
    history=[
        Moment(deeds=[("succeed", 0, 4)]),
        Moment(deeds=[("suspend", 2, 0), ("login_replacing", 0, 0)]),
        Moment(deeds=[("unassign", 1, 0), ("delete_by_hand", 0, 3)], reading=Reading.DOWN),
        Moment(deeds=[("succeed", 0, 3)]),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A user who was deleted, created and updated within a second gets the earlier creation from the server's cache.
    history=[
        Moment(deeds=[("end_assignment", 0, 0)], gap=5.0),
        Moment(deeds=[("rehire", 0, 0)]),
        Moment(deeds=[("move", 0, 1)]),
    ],
    brake=(3, 0.5, 0.5),
    lag=True,
)
@example(
    # A person leaves whose record lost our label: a lock is set once, and not again after its end.
    history=[Moment(deeds=[("unassign", 0, 0), ("strip_owner", 0, 0)])],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A suspended person whose record lost our label leaves, and is held for longer than a leaver's lock lasts.
    history=[
        *(Moment() for _ in range(3)),
        Moment(deeds=[("suspend", 0, 0)]),
        Moment(deeds=[("unassign", 0, 0), ("end_assignment", 1, 0), ("strip_owner", 0, 0)]),
    ],
    brake=(1, 0.1, 0.25),
    lag=False,
)
@example(
    # A suspended person is renamed, and the record of the old name lost our label: its lock ends like a leaver's.
    history=[
        *(Moment() for _ in range(4)),
        Moment(deeds=[("suspend", 3, 0)]),
        Moment(deeds=[("rename", 0, 4), ("strip_owner", 0, 4)]),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A key is settled right after a restart, while listings still show a leaver whose lock was released.
    history=[
        Moment(deeds=[("unassign", 4, 0)]),
        Moment(operator="releases", name=5),
        Moment(restart=True, settles=("00u5",)),
    ],
    brake=(0, 0.1, 0.25),
    lag=True,
)
@example(
    # The last listing had a person whom a read by id does not find: the role was narrowed in between.
    history=[Moment(reading=Reading.EMPTY, settles=("00u1",))],
    brake=(0, 0.34, 0.25),
    lag=False,
)
@example(
    # The app is inactive when a key is settled, so its ended assignments do not count.
    history=[Moment(deeds=[("many_leave", 0, 0)], reading=Reading.INACTIVE, settles=("00u1",))],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A process dies after it wrote a record and before its journal has the result; the record then loses our label.
    history=[
        Moment(deeds=[("succeed", 0, 2)], reading=Reading.DOWN),
        Moment(deeds=[("strip_owner", 0, 2)], strike=Strike.CRASH_BEFORE, at=6),
        Moment(deeds=[("strip_owner", 0, 2)]),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A lock that a crash left open is continued, and later found not done: the harm counts all the same.
    history=[
        Moment(deeds=[("succeed", 1, 0)], strike=Strike.CRASH_BEFORE, at=2),
        Moment(),
        Moment(deeds=[("unlock_by_hand", 0, 0)], gap=1200.0),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # Listings still show a user whose deletion has no record, and the returned person's row has no readable name.
    history=[
        Moment(reading=Reading.SHRUNK, hidden=frozenset({"00u1", "00u2"}), strike=Strike.CRASH_BEFORE, at=13),
        Moment(deeds=[("mangle", 1, 0)]),
    ],
    brake=(0, 0.5, 0.25),
    lag=True,
)
@example(
    # A record that is taken over is one more user of ours, before the renamed person's old user ends.
    history=[
        Moment(deeds=[("unassign", 0, 0)]),
        Moment(deeds=[("succeed", 2, 2), ("strip_owner", 0, 2)], strike=Strike.CRASH_BEFORE),
    ],
    brake=(0, 0.1, 0.5),
    lag=False,
)
@example(
    # A key is settled before the product reads that a login replaced the record of another person.
    history=[
        Moment(deeds=[("many_leave", 1, 0)]),
        Moment(deeds=[("login_replacing", 0, 0)], gap=16 * H, settles=("00u3",)),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@example(
    # A person whose user lost our label a day ago leaves, and the brake counts the user as ours.
    history=[
        Moment(),
        Moment(),
        Moment(),
        Moment(deeds=[("succeed", 1, 0)]),
        Moment(deeds=[("strip_owner", 0, 2)]),
        Moment(deeds=[("succeed", 0, 3), ("end_assignment", 1, 0)], strike=Strike.CRASH_BEFORE),
    ],
    brake=(0, 0.1, 0.5),
    lag=False,
)
@example(
    # A person gets a leaver's login, signs in before the leaver is locked, and is suspended: both must be locked.
    history=[
        Moment(gap=1200.0),
        Moment(deeds=[("succeed", 4, 0)], reading=Reading.DOWN),
        Moment(deeds=[("login_replacing", 4, 0), ("many_suspended", 4, 0)]),
    ],
    brake=(0, 0.1, 0.25),
    lag=False,
)
@given(history=st.lists(moments, min_size=1, max_size=6), brake=brakes, lag=st.booleans())
def test_whatever_happens_nobody_is_harmed_and_everything_converges(history, brake, lag):
    SEEN["histories"] += 1
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as directory:
        asyncio.run(play(Path(directory), history, brake, lag, SEEN))


def test_no_kind_of_trouble_was_left_out():
    """Histories in which a kind of trouble never occurs show nothing about it."""
    counts = "".join(f"{count:10} {what}\n" for what, count in sorted(SEEN.items()))
    sys.stdout.write(f"\n{SEEN['histories']} histories held\n{counts}")
    if SEEN["histories"] < ENOUGH:
        pytest.skip(f"says something of {ENOUGH} histories and more")
    assert [what for what in MUST_BE_SEEN if not SEEN[what]] == []
