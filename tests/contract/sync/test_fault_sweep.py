"""The fault sweep: any call fails in any way; the pass ends right or reports that it did not, and harms nobody.

Contract: a command of the product (a start, a pass, a renewal) that meets a fault either ends as if there had been
none, or its error or report names the call or the object, and a remedy. Meanwhile no person who should stay is deleted
or locked, no group, app, list or member that is wanted ends or loses anything, members whom people added stay, and
objects of others are not changed. If people and users can be read despite the fault, everybody who left or is suspended
is locked when the command ends, whatever else failed. Once the fault is over, two more passes end with
everything right, and the second finds nothing to do.

Space: one story (`sweep_story`) is told to its end, in two ways, and the sandboxes count the calls of each step: so a
new call is swept without being added here. Each of these calls is a moment; at each moment everything may go
wrong that goes wrong with a call of its kind (`sweep_troubles`), once or until the end of the command. Lists lag behind
writes as they do on a real server, time is virtual; only that Okta does not answer at all takes real time, a little.

Oracle: `sweep_oracle`, which is tested in `test_sweep_oracle`, with `DirectoryOracle` and `DirectoryGuard` for groups,
apps and lists. A telling has trouble in every step, each judged before the next begins, so that what one trouble leaves
behind (an open record, a row in quarantine, a lost lease) is there when the next begins.

Sampling: every call with a sixth of the faults, the next five calls with the others, at moments and lasting in turn.
FAULT_SWEEP=third and `half` try more, `each` every call with every fault, `all` everything, a number so many, evenly
spread, and names (joined by commas) those alone, in one telling where they are of different steps:
`direct:2:/proto.AuthService/UpsertLock:1:reset:once` is the first UpsertLock of the command of step 2.
"""

from __future__ import annotations

import os
import time

import pytest
from contract.sync.sweep_performance import Performance, cast, perform_all
from contract.sync.sweep_space import chosen, everything, moments_of
from contract.sync.sweep_story import TELLINGS

CHOICE = os.environ.get("FAULT_SWEEP", "sixth")


@pytest.mark.timeout(7200)
async def test_whatever_call_fails_a_pass_ends_right_or_says_that_it_did_not_and_harms_nobody(
    tmp_path, monkeypatch, say
):
    began = time.monotonic()
    whole = [Performance(telling) for telling in TELLINGS]
    for number, performance in enumerate(whole):
        await performance.perform(tmp_path / f"whole{number}", monkeypatch)
        assert not performance.objections
    moments = moments_of(whole)
    troubles = chosen(CHOICE, moments)
    assert troubles, f"FAULT_SWEEP={CHOICE} names no trouble of this story"
    performances = cast(troubles)
    await perform_all(performances, tmp_path, monkeypatch)
    met = sum(len(performance.met) for performance in performances)
    not_met = [trouble for performance in performances for trouble in performance.not_met]
    right = sum(performance.ended_right for performance in performances)
    say(
        f"fault sweep: {met} troubles at {len(moments)} calls, of {len(everything(moments))} in all; "
        f"{right} commands ended right all the same, {met - right} said that they did not "
        f"({len(not_met)} moments not reached) in {time.monotonic() - began:.0f} s"
    )
    objections = [objection for performance in performances for objection in performance.objections]
    assert not objections, "\n".join(objections)
    assert met >= 0.9 * len(troubles)
