"""Faults in what single keys are planned by, in who holds them, and in what a pass and a single key tell each other."""

from __future__ import annotations

from mutants.mutant import Mutant

_AT_ONCE = "contract/sync/test_contract_keys_at_once.py::"
_BAD_DAY = "contract/sync/test_contract_bad_day.py::"
_FIRST = "contract/sync/test_contract_leavers_first.py::"
_REGISTRY = "contract/sync/test_contract_registry.py::"
_SETTLED = "contract/sync/test_contract_settled_keys.py::"

_BY_ID = "dict.fromkeys((PEOPLE, GROUPS, APPS), _ONLY_BY_ID)"

OF_KEYS = (
    Mutant(
        "a single key does not know what the last pass held",
        "sync/settler.py",
        "            held_whole=registry.held_whole,\n",
        "",
        (
            _SETTLED + "test_what_is_held_and_set_aside_of_others_stays_as_it_is",
            _BAD_DAY + "test_what_is_held_as_a_whole_stays_held_when_one_of_them_is_planned_again",
        ),
        "One of those who are held as a whole alone is still one of those.",
    ),
    Mutant(
        "a single key does not ask who else wants the name",
        "sync/settler.py",
        "        people = await self._with_rivals(people, "
        "[one for one in sorted(rivals) if self._is_asked(one, WHOLE, None)])\n",
        "",
        (_SETTLED + "test_a_name_that_differs_from_anothers_only_in_case_is_contended_for_one_key_as_for_all",),
        "A contended name goes to the same person by one key as by all.",
    ),
    Mutant(
        "somebody whom a read by id does not find is only absent",
        "sync/keyed_people.py",
        "unconfirmed=confirmed.unconfirmed | hidden",
        "unconfirmed=confirmed.unconfirmed",
        (
            _SETTLED + "test_a_person_whom_the_last_listing_had_is_not_gone_because_a_read_by_id_finds_nobody",
            _BAD_DAY + "test_a_person_who_is_hidden_since_a_pass_listed_them_is_not_gone_when_planned_again",
        ),
        "A 404 says nothing of somebody whom the last listing had.",
    ),
    Mutant(
        "a single key ends the group that no read shows",
        "sync/settler.py",
        _BY_ID,
        "dict.fromkeys((PEOPLE, APPS), _ONLY_BY_ID)",
        (_SETTLED + "test_a_group_that_a_read_by_id_does_not_show_ends_in_full_passes_only",),
        "A read by id of something that is gone or hidden ends nothing.",
    ),
    Mutant(
        "a single key ends the app that no read shows",
        "sync/settler.py",
        _BY_ID,
        "dict.fromkeys((PEOPLE, GROUPS), _ONLY_BY_ID)",
        (_SETTLED + "test_an_app_that_a_read_by_id_does_not_show_ends_in_full_passes_only",),
        "A read by id of something that is gone or hidden ends nothing.",
    ),
    Mutant(
        "a single key deletes the user of somebody whom no read shows",
        "sync/settler.py",
        _BY_ID,
        "dict.fromkeys((GROUPS, APPS), _ONLY_BY_ID)",
        (_SETTLED + "test_a_person_whom_no_read_shows_is_deleted_in_full_passes_only",),
        "A read by id of somebody who is gone or hidden ends nothing.",
    ),
    Mutant(
        "a single key believes a roster of a group that contradicts its count",
        "sync/settler.py",
        "return absences | doubted_rosters(of_scope) | of_apps",
        "return absences | of_apps",
        (_SETTLED + "test_a_roster_that_contradicts_its_count_removes_nobody",),
        "Two statements that contradict each other prove nothing.",
    ),
    Mutant(
        "a single key believes that nobody has an app any more",
        "sync/settler.py",
        "return absences | doubted_rosters(of_scope) | of_apps",
        "return absences | doubted_rosters(of_scope)",
        (_SETTLED + "test_an_app_that_nobody_seems_to_have_any_more_removes_nobody",),
        "An empty roster is not believed while its list has imported members.",
    ),
    Mutant(
        "a single key believes grants that contradict their count",
        "sync/settler.py",
        "            directory = replace(directory, okta=without_doubted_grants(directory.okta, absences))\n",
        "            pass\n",
        (_SETTLED + "test_grants_that_contradict_their_count_leave_the_group_its_apps",),
        "What a group grants is unread while that is doubted.",
    ),
    Mutant(
        "a single key expects nobody to become a user",
        "sync/settler.py",
        "            expected=registry.expected,\n",
        "",
        (_REGISTRY + "test_what_a_listing_does_not_show_yet_stays_when_it_is_planned_before_its_people",),
        "A group planned by itself ends no list that somebody would be in who is to become a user.",
    ),
    Mutant(
        "a single key does not know which attributes too many lose",
        "sync/settler.py",
        "            lost_traits=registry.lost_traits,\n",
        "",
        ("contract/sync/test_contract_bad_reads.py::test_one_user_who_is_planned_again_keeps_what_everybody_loses",),
        "An attribute that too many lose stays, for each of them.",
    ),
    Mutant(
        "a single key does not know what names leave behind",
        "sync/settler.py",
        "            inheritance=registry.inheritance,\n",
        "",
        (_REGISTRY + "test_a_key_that_is_settled_brings_nobody_into_what_was_left_behind",),
        "Nobody inherits the memberships of a former holder of the name.",
    ),
    Mutant(
        "facts from before a pass count after it",
        "sync/full_pass.py",
        "                self._context.keys.learned_all(reading.at)\n",
        "",
        (_AT_ONCE + "test_who_returned_before_a_pass_read_stays_though_a_key_was_read_before_that",),
        "A change from facts older than the newest known of its key is not made.",
    ),
    Mutant(
        "leavers are locked when everything is read",
        "sync/full_pass.py",
        "on_people = None if expected_digest else partial(self._lock_leavers, run)",
        "on_people = None",
        (
            _FIRST + "test_the_lock_is_set_while_groups_are_still_being_read",
            _FIRST + "test_an_outage_of_teleport_after_the_locks_leaves_them_set",
        ),
        "Leavers are locked as soon as people are read.",
    ),
    Mutant(
        "leavers of a long reading are deleted without another look",
        "sync/pass_run.py",
        "        self._outdate_leavers(plan)\n",
        "",
        (_SETTLED + "test_a_person_who_returned_while_groups_were_read_for_long_is_not_deleted",),
        "If people were listed long before, a person is read by id before the user is deleted.",
    ),
    Mutant(
        "a listing of people is fresh for ever",
        "sync/pass_run.py",
        "_FRESH: Final = timedelta(minutes=2)",
        "_FRESH: Final = timedelta.max",
        (_SETTLED + "test_a_person_who_returned_while_groups_were_read_for_long_is_not_deleted",),
        "If people were listed long before, a person is read by id before the user is deleted.",
    ),
    Mutant(
        "a key that another unit of work holds is waited for while others are held",
        "sync/procedure.py",
        "if any(not every.is_free(key) or every.newest(key) > reading.at for key in missing):",
        "if any(every.newest(key) > reading.at for key in missing):",
        (_AT_ONCE + "test_two_who_take_each_others_names_do_not_wait_for_each_other_for_ever",),
        "Several keys are held in one order, or had at once.",
    ),
    Mutant(
        "a key that only a read told is written without being held",
        "sync/procedure.py",
        "            for key in sorted(missing):\n                await stack.enter_async_context(every.hold(key))\n",
        "",
        (_AT_ONCE + "test_a_name_that_only_a_read_shows_is_held_while_its_user_is_made",),
        "The change of an object is made while its key is held.",
    ),
    Mutant(
        "a single key makes the findings of all",
        "sync/procedure.py",
        "settle_findings(plan.findings, at=now, scope=reading.scope)",
        "settle_findings(plan.findings, at=now)",
        (_SETTLED + "test_what_is_held_and_set_aside_of_others_stays_as_it_is",),
        "What is held of others can still be approved after a single key.",
    ),
    Mutant(
        "a single key makes the quarantine of all",
        "sync/procedure.py",
        "settle_quarantine(entries, scope=reading.scope)",
        "settle_quarantine(entries)",
        (_SETTLED + "test_what_is_set_aside_of_others_stays_set_aside",),
        "What is set aside of others is still shown, and waits, after a single key.",
    ),
    Mutant(
        "who has become a user is still expected to",
        "sync/people_and_users.py",
        "            self._expected.discard(change.okta_id)\n",
        "            pass\n",
        (_REGISTRY + "test_it_knows_who_is_still_to_become_a_user_and_before_a_first_pass_that_may_be_anybody",),
        "A list stays only while somebody is still to become a user.",
    ),
    Mutant(
        "whom a pass made does not count for the keys that follow",
        "sync/pass_run.py",
        "        self._context.registry.count(self._owner)\n",
        "",
        (_SETTLED + "test_whom_the_last_pass_made_counts_for_how_many_may_leave_by_single_keys",),
        "The brake of a single key counts what the last pass left.",
    ),
    Mutant(
        "memberships stay with a name whose user another door has deleted",
        "apply/results.py",
        'is_met, why = again.is_gone, f"user {need.name} stays after all"',
        'is_met, why = False, f"user {need.name} stays after all"',
        (
            "unit/apply/test_run_needs.py::test_memberships_go_after_a_leaver_whose_user_somebody_else_deleted_meanwhile",
        ),
        "What a person has goes with the person.",
    ),
    Mutant(
        "old facts stop the leavers of an approved plan",
        "sync/pass_run.py",
        "if self._is_approved or self._context.keys.time()",
        "if self._context.keys.time()",
        ("contract/sync/test_contract_long_readings.py::test_a_leaver_leaves_by_a_plan_that_a_person_approved",),
        "A leaver is locked, whatever reading took.",
    ),
    Mutant(
        "a single key after a restart does not know what was deleted just before",
        "sync/full_pass.py",
        "            await self._recall_once()\n            settled = await",
        "            settled = await",
        ("property/test_property_faults.py::test_whatever_happens_nobody_is_harmed_and_everything_converges",),
        "Who has no user of ours is not locked.",
    ),
)
