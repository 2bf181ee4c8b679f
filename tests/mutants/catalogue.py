"""Hand-made faults in lines that keep people safe. Each is found by the tests that it names.

A mutant says where it lies (`file`, below `plugin/teleport_okta`), what is there (`snippet`, found exactly once in the
file), what to put there instead, which tests must fail then, and which promise it breaks.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One fault. Every test of `tests`, a path below `tests/` with `::` and a name, must fail with it."""

    name: str
    file: str
    snippet: str
    replacement: str
    tests: tuple[str, ...]
    promise: str


MUTANTS = (
    Mutant(
        "the lease has no margin",
        "teleport/lease.py",
        "MARGIN: Final = WRITE_DEADLINE + CLOCK_TOLERANCE + 2.0",
        "MARGIN: Final = 0.0",
        ("contract/teleport/test_contract_lease.py::test_it_counts_as_lost_before_a_write_could_outlast_it",),
        "A write that began in time is over before another process may write.",
    ),
    Mutant(
        "a record is settled at once",
        "apply/settling.py",
        "READS_LAG: Final = timedelta(seconds=30)",
        "READS_LAG: Final = timedelta()",
        ("unit/apply/test_apply_settling.py::test_a_record_stays_open_for_30_seconds",),
        "What became of a call is read only when listings show it.",
    ),
    Mutant(
        "the baseline follows absences that failed",
        "sync/remembering.py",
        "        and outcome.result is not Result.DONE\n",
        "        and False\n",
        ("contract/sync/test_contract_baseline.py::test_it_stays_where_an_absence_could_not_be_applied",),
        "A listing is compared with the last one whose absences were settled.",
    ),
    Mutant(
        "the baseline follows an incomplete listing",
        "sync/remembering.py",
        "settled = people.incomplete is None and not",
        "settled = not",
        ("contract/sync/test_contract_baseline.py::test_a_listing_that_broke_off_sets_none",),
        "A listing is compared with the last complete one.",
    ),
    Mutant(
        "an empty listing is judged without what is owned",
        "desired/trust.py",
        "if not listed and (before or owned_count):",
        "if not listed and before:",
        ("unit/desired/test_desired_people.py::test_an_empty_listing_is_not_believed_while_we_own_users",),
        "An empty listing is not believed while we own users.",
    ),
    Mutant(
        "a person whose rows contradict each other is gone",
        "desired/people.py",
        "gone={okta_id: reason for okta_id, reason in gone.items() if okta_id not in present},",
        "gone=gone,",
        ("unit/desired/test_desired_people.py::test_somebody_whose_rows_contradict_each_other_is_not_gone",),
        "Two statements that contradict each other prove nothing.",
    ),
    Mutant(
        "a user without an Okta id is no user of ours",
        "desired/people.py",
        'owned_names.get(candidate.name) in {candidate.okta_id, ""}',
        "owned_names.get(candidate.name) == candidate.okta_id",
        ("unit/desired/test_desired_people.py::test_a_user_of_ours_without_an_id_stays_with_the_name",),
        "A user of ours stays while the person of that name is there.",
    ),
    Mutant(
        "rules may give labels that begin with okta/",
        "desired/import_labels.py",
        '"teleport.internal/", "okta/")',
        '"teleport.internal/")',
        (
            "unit/desired/test_desired_import_labels.py::test_a_rule_that_cannot_be_used_is_reported_and_the_others_apply",
        ),
        "A rule cannot set the labels by which objects are recognised.",
    ),
    Mutant(
        "any lock counts as having left",
        "plan/locks.py",
        "return any(lock.expires is not None for lock in self.about(user_name, okta_id))",
        "return bool(self.about(user_name, okta_id))",
        ("unit/plan/test_plan_locks.py::test_a_suspension_is_no_beginning_of_a_leave",),
        "Every leave is counted against the hour, also that of a suspended person.",
    ),
    Mutant(
        "harm that is not counted uses the hour up",
        "plan/brake.py",
        "if past.counted and past.harmed.kind == kind",
        "if past.harmed.kind == kind",
        ("unit/plan/test_plan_brake.py::test_harm_that_is_not_counted_uses_nothing_up",),
        "What was approved, and the rest of a harm, uses nothing of the limit up.",
    ),
    Mutant(
        "roles go with a list that is gone while its members cannot be read",
        "plan/access_lists.py",
        "        if candidate.unread:\n            self._kept_roles.add(name)\n",
        "        if candidate.unread:\n",
        ("unit/plan/test_plan_list_roles.py::test_roles_of_a_list_that_is_gone_stay_while_its_members_cannot_be_read",),
        "What cannot be read is left as it is.",
    ),
    Mutant(
        "a user is deleted who is not ours any more",
        "apply/calls.py",
        "return is_same_owner and current.revision",
        "return current.revision",
        ("unit/apply/test_apply_steps.py::test_a_user_who_is_not_ours_any_more_is_not_deleted",),
        "Nothing is deleted that does not carry our owner label.",
    ),
    Mutant(
        "an approval is used up before the last step",
        "apply/steps.py",
        "used = last and outcome.result is Result.DONE and change.harm.approval",
        "used = outcome.result is Result.DONE and change.harm.approval",
        ("unit/apply/test_apply_steps.py::test_an_approval_is_not_used_up_before_the_last_step",),
        "An approval admits all of a harm.",
    ),
    Mutant(
        "anybody's locks are released",
        "apply/releasing.py",
        "if labels.owner_of(lock.labels) == owner and lock.in_force(clock.now())",
        "if lock.in_force(clock.now())",
        ("unit/apply/test_apply_releasing.py::test_only_the_owners_locks_that_are_in_force_are_taken_off",),
        "We touch what carries our owner label, and nothing else.",
    ),
    Mutant(
        "a lock that has ended is released",
        "apply/releasing.py",
        "if labels.owner_of(lock.labels) == owner and lock.in_force(clock.now())",
        "if labels.owner_of(lock.labels) == owner",
        ("unit/apply/test_apply_releasing.py::test_only_the_owners_locks_that_are_in_force_are_taken_off",),
        "An operator is told what was released, and that is what still stopped somebody.",
    ),
    Mutant(
        "a full database is an error like another",
        "state/errors.py",
        "primary == sqlite3.SQLITE_FULL or ",
        "",
        (
            "unit/state/test_state_errors.py::test_a_full_database_means_a_full_disk_whatever_the_file_system_says",
            "unit/state/test_state_store.py::test_a_full_disk_is_reported_and_what_was_there_is_kept",
        ),
        "An error names its cause and the remedy.",
    ),
    Mutant(
        "a full disk that SQLite reports as an I/O error is not seen",
        "state/errors.py",
        " or (primary == sqlite3.SQLITE_IOERR and _is_full(path))",
        "",
        ("unit/state/test_state_errors.py::test_an_input_output_error_means_a_full_disk_where_no_room_is_left",),
        "An error names its cause and the remedy.",
    ),
    Mutant(
        "a harm whose answer was lost has not begun",
        "apply/run.py",
        "(outcome.result is Result.DONE or outcome.unanswered)",
        "outcome.result is Result.DONE",
        ("unit/apply/test_run_trouble.py::test_a_harm_that_may_have_begun_is_counted_once",),
        "Harm is reserved against the hour once.",
    ),
    Mutant(
        "anybody comes into what a name leaves behind",
        "plan/users.py",
        "if self._waits(wanted, self._inheritance.of_newcomer(wanted.name, wanted.okta_id)):",
        "if False:",
        ("unit/plan/test_plan_left_memberships.py::test_a_new_person_waits_and_is_told_for_what",),
        "Nobody inherits the memberships of a former holder of the name.",
    ),
    Mutant(
        "the person who had a name waits like somebody else",
        "model/inheritance.py",
        "if self.holders.get(name) == okta_id:",
        "if False:",
        (
            "unit/plan/test_plan_left_memberships.py::test_only_the_person_who_had_the_name_last_comes_into_what_is_left",
        ),
        "The person who had a name last comes back into what people gave.",
    ),
    Mutant(
        "a release is forgotten with the next pass",
        "state/left_memberships.py",
        "released.get(row[:2])",
        "None",
        ("unit/state/test_state_left_memberships.py::test_a_release_lasts_as_long_as_its_membership_stays_behind",),
        "What an operator released stays released until the person has come.",
    ),
    Mutant(
        "a leaver stays in a list that cannot be read",
        "plan/access_lists.py",
        "                self._take_leavers_out(name)\n            return",
        "                pass\n            return",
        (
            "unit/plan/test_plan_members.py::test_a_leaver_leaves_an_unread_list_also_where_people_gave_the_import_an_end",
        ),
        "What a person has goes with the person.",
    ),
    Mutant(
        "a nested list that no listing shows is gone",
        "teleport/nested_lists.py",
        "found = await access_lists.get(name)",
        "found = None",
        ("contract/sync/test_contract_lists_listed.py::test_a_nested_list_made_between_two_readings_stays",),
        "Only what Teleport does not find by name is gone.",
    ),
    Mutant(
        "the members of a list are those of similar names too",
        "teleport/members_of_one_list.py",
        "return claimed != list_name and claimed.startswith(list_name)",
        "return False",
        (
            "contract/sync/test_contract_lists_listed.py::test_an_empty_list_goes_where_lists_of_similar_names_show_their_members",
        ),
        "A member is of the list that it says.",
    ),
    Mutant(
        "harm is put off by its own refusal",
        "sync/quarantine.py",
        "if change.harm is None and slot in waiting and plan_digest",
        "if slot in waiting and plan_digest",
        ("unit/sync/test_sync_put_off.py::test_harm_of_a_refused_user_is_never_put_off",),
        "Harm is tried in every pass.",
    ),
    Mutant(
        "harm is put off with a harmless step of the same user",
        "sync/quarantine.py",
        "lambda change: change.harm is None and _slot(change) in put_off",
        "lambda change: _slot(change) in put_off",
        (
            "unit/sync/test_sync_put_off.py::test_harm_of_a_user_goes_on_where_a_harmless_step_of_the_same_user_is_put_off",
        ),
        "Harm is tried in every pass.",
    ),
    Mutant(
        "refused harm waits longer each time",
        "sync/quarantine.py",
        "if change.harm is not None or change.action is Action.UNLOCK:",
        "if change.action is Action.UNLOCK:",
        (
            "unit/sync/test_sync_put_off.py::test_what_is_refused_again_and_again_waits_longer_but_harm_and_unlocking_do_not",
        ),
        "Harm is tried in every pass.",
    ),
    Mutant(
        "unlocking is put off",
        "sync/quarantine.py",
        "for slot, one in put_off.items() if slot not in unlocked}",
        "for slot, one in put_off.items()}",
        ("unit/sync/test_sync_put_off.py::test_nothing_of_a_user_who_is_to_be_unlocked_is_put_off",),
        "Nobody stays locked because something else of theirs was refused.",
    ),
    Mutant(
        "any lock of a person is the lock of a record",
        "apply/settling.py",
        "return any(lock.expires is None if entry.harm == LOCK else lock.expires is not None for lock in locks)",
        "return bool(locks)",
        (
            "contract/sync/test_contract_settling.py::test_a_leavers_lock_that_was_never_set_is_not_found_in_the_lock_of_a_suspension",
        ),
        "A lock's record is settled by that lock.",
    ),
    Mutant(
        "an earlier held set admits what is held besides",
        "state/approvals.py",
        "if present and present <= then:",
        "if present:",
        ("unit/state/test_state_approvals.py::test_an_earlier_held_set_is_refused_when_others_are_held_now",),
        "An operator admits nothing that was not shown.",
    ),
)
