"""Faults in what a reading of Okta is worth: who is gone, which absences are believed, which sizes are remembered."""

from __future__ import annotations

from mutants.mutant import Mutant

OF_READS = (
    Mutant(
        "the baseline follows absences that failed",
        "sync/pass_memory.py",
        "outcome.change.harm.listing == listing and outcome.result is not Result.DONE\n",
        "False\n",
        ("contract/sync/test_contract_baseline.py::test_it_stays_where_an_absence_could_not_be_applied",),
        "A listing is compared with the last one whose absences were settled.",
    ),
    Mutant(
        "the baseline follows an incomplete listing",
        "sync/pass_memory.py",
        "settled = None if people.incomplete is not None or people.lost or",
        "settled = None if people.lost or",
        ("contract/sync/test_contract_baseline.py::test_a_listing_that_was_cut_short_sets_none",),
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
        "gone = {okta_id: cause for okta_id, cause in gone.items() if okta_id not in present}",
        "gone = dict(gone)",
        ("unit/desired/test_desired_people.py::test_a_person_whose_rows_contradict_each_other_is_not_gone",),
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
        "the floor of the brake holds for the smallest organisation too",
        "model/harm.py",
        "max(min(self.floor, max(1, of // 3)), floor(",
        "max(self.floor, floor(",
        ("unit/plan/test_plan_brake.py::test_a_small_organisation_loses_no_more_than_a_third_at_once",),
        "Small organisations have a brake too.",
    ),
    Mutant(
        "a roster that is a little shorter than its count is believed",
        "desired/trust.py",
        "count is None or len(roster.ids) == count:",
        "count is None or abs(len(roster.ids) - count) < 2:",
        ("unit/plan/test_plan_brake_directory.py::test_rosters_that_differ_at_all_from_what_okta_counts_are_doubted",),
        "Two statements that contradict each other prove nothing.",
    ),
    Mutant(
        "the locks of one user lack the lock that we set just now",
        "teleport/locks.py",
        "replaced=replaced, group=stored.user)",
        "replaced=replaced)",
        ("contract/teleport/test_contract_locks.py::test_the_locks_of_one_user_show_our_own_lock_at_once",),
        "Our own writes win over listings that lag behind.",
    ),
    Mutant(
        "each read of the System Log takes a token of its own",
        "okta/service_app.py",
        "limited = self._limited.get(scopes)",
        "limited = None",
        ("unit/okta/test_okta_scopes.py::test_calls_with_a_scope_of_their_own_share_one_token",),
        "A token is used until it expires.",
    ),
)
