"""The cut sweep of SCIM writes: a process is killed while it answers, and what it acknowledged is done.

Contract: what a SCIM client was told by a 2xx is true in Teleport, also if the process dies after that. A request
without an answer is finished or undone: when the client repeats it, as Okta does, the end is the same as without a
kill.

Space: one history of some 30 acts of a catalogue app and a custom app (`crash_scim_story`), sent over HTTP by Okta's
client to the process, which dies of SIGKILL just before or just after a durable write, or at an answer of Teleport or
Okta, while it serves an act. It is started again (`RESTARTS`); every third one dies once more while it starts, while it
comes to rest or while it answers what is repeated. After every third restart it comes to rest before the client asks
again. The history is told where people come from SCIM alone, and where Okta's API is followed as well.

Oracle: `ScimWitness` looks at the cluster at each answer of Teleport and Okta, at each death and at each rest: the
promises about everybody for whom no request is under way (name, title, SCIM id and locks), and all that
`crash_witness` demands. When an act has been answered, and again when everything is at rest, users, roles, traits,
labels, locks and the answers to GET equal those of the telling without a cut.

With both doors the lock of a leaver may end as either door says.

Sampling: CRASH_SCIM=each tries every cut, and a name one cut alone (`7a12`: the twelfth answer during act 7; `7w3`: the
third point around a durable write). A number is that of the tellings (1 by default): they come to rest after about
every second act, and with both doors only every third act is cut.
"""

from __future__ import annotations

import os
import time

import pytest
from crash.crash_cuts import chosen, summary, tell_all, were_reached
from crash.crash_scim_story import ALONE, BOTH, REQUESTS, ScimPlay
from crash.crash_scim_telling import ScimTelling
from crash.crash_world import Zygote

CHOICE = os.environ.get("CRASH_SCIM", "1")


class UserTelling(ScimTelling):
    """One telling of the requests about users."""

    acts = REQUESTS

    def begin(self, world):
        return ScimPlay(world, self.sync)


def sampled(whole):
    """The cuts by act of each telling; with both doors, which takes longer, a sample has those of every third act."""
    tellings = chosen(CHOICE, whole.counts)
    if whole.sync is ALONE or not CHOICE.isdigit():
        return tellings
    return [{act: cut for act, cut in cuts.items() if (act + number) % 3 == 0} for number, cuts in enumerate(tellings)]


@pytest.mark.timeout(7200)
async def test_what_a_scim_client_was_told_is_done_wherever_the_process_is_killed(say):
    began = time.monotonic()
    with Zygote() as zygote:
        wholes = await tell_all(zygote, [UserTelling(sync=sync, is_sample=CHOICE.isdigit()) for sync in (ALONE, BOTH)])
        assert not [line for whole in wholes for line in whole.wrong]
        tellings = [whole.again(cuts) for whole in wholes for cuts in sampled(whole)]
        assert tellings, f"CRASH_SCIM={CHOICE} names no cut of this history"
        told = await tell_all(zygote, tellings)
    for name, whole in zip(("SCIM alone", "both doors"), sorted(wholes, key=lambda one: one.sync is BOTH), strict=True):
        counted = [[one for one in some if one.sync is whole.sync] for some in (tellings, told)]
        say(f"cut sweep of {name}: {summary(*counted, whole.counts)}")
    say(f"both in {time.monotonic() - began:.0f} s")
    wrong = [line for telling in told for line in telling.wrong]
    assert not wrong, "\n".join(wrong)
    assert were_reached(tellings, told)
