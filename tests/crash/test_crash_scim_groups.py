"""The cut sweep of SCIM groups: a process is killed while it answers, or while it recovers from a lost state.

Contract: a group of which a SCIM client was told by a 2xx has one access list, `scim-<SCIM id>`, with its title and
with exactly those of its members who have a user, and none after a DELETE, from then on, also if the process dies. A
request without an answer that the client repeats ends in the same id, list and answers as without a kill.
So does a process that is killed while it takes users and groups over from Teleport's labels, and is started again.

Space: one history of some 40 acts (`crash_scim_groups_story`): groups are pushed, with an inactive person too, changed
by PATCH and PUT, renamed, deleted and pushed again; members are deactivated, renamed and deleted; people edit and
delete lists in Teleport; a group has the name of the one that list sync keeps. Then the state is lost, and lost again
just before a client asks for something. The process dies of SIGKILL just before or just after a durable write, or at an
answer of Teleport or Okta, while it serves an act, or from its start on the lost state to its rest. It is started again
as in `test_crash_scim`. The history is told where people come from SCIM alone, and where Okta's API is followed and
groups are imported as well.

Oracle: `GroupWitness` looks at the cluster at each answer of Teleport and Okta, at each death and at each rest: all
that `ScimWitness` demands, each list as it was promised, or between before and after while a request is under way, and
no list of which no client was told. When an act has been answered, and when everything is at rest, both listings show
what clients were told, and lists, users, locks and listings equal those of the telling without a cut.

The lists of list sync follow a person who returns or is renamed when everything is at rest. With both doors a person
who was denied may be in a list again for a moment, by a look that began before, and is out at rest.

Sampling: CRASH_SCIM_GROUPS=each tries every cut, and a name one cut alone (`7a12`: the twelfth answer during act 7;
`7w3`: the third point around a durable write). A number is that of the tellings (1 by default): they have about half of
the acts, and with both doors a quarter, cut every second one, and come to rest after about every second cut.
"""

from __future__ import annotations

import os
import random
import time
from functools import partial

import pytest
from crash.crash_cuts import ANSWER, RECOVERY, WRITE, Cut, chosen, summary, tell_all, were_reached
from crash.crash_scim_groups_story import DOORS, GroupPlay, told
from crash.crash_scim_story import ALONE
from crash.crash_scim_telling import ScimTelling
from crash.crash_world import Zygote

CHOICE = os.environ.get("CRASH_SCIM_GROUPS", "1")


class GroupTelling(ScimTelling):
    """One telling of the requests about groups."""

    @property
    def door(self):
        """The name of the settings by which it is told."""
        return next(door for door, sync in DOORS.items() if sync is self.sync)

    @property
    def acts(self):
        return told(self.door, is_sample=self.is_sample)

    def begin(self, world):
        return GroupPlay(world, self.sync)

    async def _serve(self, play, number, act):
        """Serve an act, or let a process that has lost its state come to rest."""
        if not act.recovers:
            await super()._serve(play, number, act)
            return
        world, cut = play.world, self.cuts.get(number)
        if await world.do("follow", **(cut.at if cut else {})):
            self.note_whole(number, world)
        else:
            assert cut is not None, "the process died by itself"
            self.reached.append(cut)
            play.witness.look("the cut")
            await self._recover_again(play, cut)
        assert await world.do("serve", meanwhile=partial(play.ask, act)), "the process died by itself"

    async def _recover_again(self, play, cut):
        world, draw = play.world, random.Random(str(cut))
        world.clock.advance(cut.after)
        again = Cut(cut.act, draw.choice((WRITE, ANSWER)), draw.randint(1, RECOVERY))
        if not await world.do("follow", **(again.at if cut.dies_again else {})):
            assert cut.dies_again, "the process that was started again died by itself"
            self.died_again += 1
            play.witness.look("the second cut")
            assert await world.do("follow"), "the process that was started again died by itself"


def sampled(whole):
    """The cuts by act of each telling; in a sample those of every second act."""
    tellings = chosen(CHOICE, whole.counts)
    if not whole.is_sample:
        return tellings
    first = whole.sync is not ALONE
    return [
        {act: cut for act, cut in cuts.items() if (act + number + first) % 2 == 0}
        for number, cuts in enumerate(tellings)
    ]


@pytest.mark.timeout(14400)
async def test_what_a_client_was_told_of_groups_is_done_wherever_the_process_is_killed(say):
    began = time.monotonic()
    with Zygote() as zygote:
        wholes = await tell_all(
            zygote, [GroupTelling(sync=sync, is_sample=CHOICE.isdigit()) for sync in DOORS.values()]
        )
        wrong = [line for whole in wholes for line in whole.wrong]
        assert not wrong, "\n".join(wrong)
        tellings = [whole.again(cuts) for whole in wholes for cuts in sampled(whole)]
        assert tellings, f"CRASH_SCIM_GROUPS={CHOICE} names no cut of this history"
        told_ones = await tell_all(zygote, tellings)
    for whole in wholes:
        counted = [[one for one in some if one.sync is whole.sync] for some in (tellings, told_ones)]
        say(f"cut sweep of groups, {whole.door}: {summary(*counted, whole.counts)}")
    say(f"both in {time.monotonic() - began:.0f} s")
    wrong = [f"{telling.door}, {line}" for telling in told_ones for line in telling.wrong]
    assert not wrong, "\n".join(wrong)
    assert were_reached(tellings, told_ones)
