"""Faults in what is believed of an event and of the read after it, and in what no failure may keep waiting."""

from __future__ import annotations

from mutants.mutant import Mutant

_TROUBLE = "contract/sync/test_contract_followed_in_trouble.py::"
_REGRESSIONS = "contract/sync/test_contract_followed_regressions.py::"

OF_FOLLOWING = (
    Mutant(
        "who left by an event and cannot be read is looked at once",
        "sync/contradictions.py",
        "        case Claim.LEFT | Claim.GONE if row is None and hint.of in people.leaving:\n            return True\n",
        "",
        (
            _TROUBLE + "test_a_leaver_who_cannot_be_read_is_locked_at_once",
            _TROUBLE + "test_who_could_not_be_read_and_did_not_leave_is_let_in_by_the_first_good_reads",
        ),
        "A lock without a read stays only until there is one.",
    ),
    Mutant(
        "who left by an event is locked when the read has failed",
        "sync/people_of_keys.py",
        "        except (OktaError, TimeoutError) as error:\n            # Of many",
        "        except TimeoutError as error:\n            # Of many",
        (_TROUBLE + "test_a_leaver_who_cannot_be_read_is_locked_at_once",),
        "A leaver is locked whatever else fails: a read that fails as well.",
    ),
    Mutant(
        "who left by an event waits for a read as long as it takes",
        "sync/people_of_keys.py",
        "asyncio.timeout(LONGEST_READ)",
        "asyncio.timeout(None)",
        (_TROUBLE + "test_a_leaver_who_cannot_be_read_is_locked_at_once",),
        "A read that hangs keeps no leaver in.",
    ),
    Mutant(
        "each of many leavers who cannot be read is waited for",
        "sync/people_of_keys.py",
        "            self._is_unanswered = True\n",
        "",
        (_TROUBLE + "test_of_many_leavers_who_cannot_be_read_one_is_waited_for",),
        "The last of many leavers is locked as soon as the first.",
    ),
    Mutant(
        "an event is believed more than the last read",
        "sync/people_of_keys.py",
        "is_locking and read.doubt and read.published is not None",
        "is_locking and read.published is not None",
        (_TROUBLE + "test_a_leaver_whom_reads_still_show_is_locked_at_once_and_let_in_again_after_30_seconds",),
        "Who did not leave is let in again.",
    ),
    Mutant(
        "an event of a suspension locks where suspensions are ignored",
        "sync/people_of_keys.py",
        "        return is_locking and read.doubt",
        "        return read.doubt",
        (_TROUBLE + "test_where_suspensions_are_ignored_their_events_lock_nobody",),
        "The setting counts for events too.",
    ),
    Mutant(
        "the first pass waits for the log",
        "sync/follower.py",
        "asyncio.timeout(BEGUN_WITHIN)",
        "asyncio.timeout(None)",
        (_TROUBLE + "test_passes_and_looks_begin_although_the_log_is_not_answered",),
        "A log that hangs keeps no leaver in.",
    ),
    Mutant(
        "the first pass waits until all of an old log is read",
        "sync/follower.py",
        "            if await self._hints.position() is not None:\n",
        "            if False:\n",
        (_TROUBLE + "test_passes_and_looks_begin_although_the_log_is_not_answered",),
        "Days of events keep no leaver in.",
    ),
    Mutant(
        "a look is given up though its records cannot be written",
        "sync/hint_worker.py",
        " and one.stop is None for one",
        " for one",
        (_TROUBLE + "test_a_leaver_whose_end_cannot_be_recorded_is_locked_and_tried_until_it_can",),
        "Whoever was locked without a record is seen to until it is whole.",
    ),
    Mutant(
        "what follows from an end is hinted at before it only",
        "sync/hint_worker.py",
        "self._hints.add([*behind, *self._of_lists(look, before, people)]",
        "self._hints.add([*self._of_lists(look, before, people)]",
        (_REGRESSIONS + "test_what_follows_from_an_end_is_looked_at_again_if_that_was_done_too_early",),
        "What follows may have been looked at before the end had come about.",
    ),
    Mutant(
        "a server is renewed that was deleted when it was listed",
        "sync/renewing.py",
        "keys.newest(key) < asked_at",
        "keys.newest(key) <= asked_at",
        (_REGRESSIONS + "test_a_server_that_is_deleted_while_servers_are_renewed_stays_deleted",),
        "What was deleted stays deleted.",
    ),
)
