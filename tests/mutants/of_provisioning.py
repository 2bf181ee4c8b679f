"""Faults in what a SCIM client's word is worth, and in what it is answered."""

from __future__ import annotations

from mutants.mutant import Mutant

_DOORS = "unit/desired/test_desired_person_sources.py::"
_PUSHED = "unit/plan/test_plan_pushed_groups.py::"
_USERS = "contract/scim/test_contract_scim_users.py::"
_GROUPS = "contract/scim/test_contract_scim_groups.py::"
_UNBOUND = "contract/scim/test_contract_scim_unbound_groups.py::"
_RECOVERED = "unit/desired/test_desired_scim_recovery.py::"

OF_PROVISIONING = (
    Mutant(
        "a denial of the client denies nothing",
        "desired/person_sources.py",
        "denied = {okta_id for okta_id, record in records.items() if not record.active}",
        "denied = set[str]()",
        (_DOORS + "test_a_denial_of_the_client_ends_a_person_whom_the_api_shows",),
        "Whom the client took away has no user, whatever the API shows.",
    ),
    Mutant(
        "the client's word undoes what the API says",
        "desired/person_sources.py",
        "taken_away = snapshot.unassigned | snapshot.ended.keys()",
        "taken_away = frozenset[str]()",
        (_DOORS + "test_a_denial_of_the_api_counts_whatever_the_client_says",),
        "A denial of the API counts, whatever the client says.",
    ),
    Mutant(
        "an assignment as old as the denial ends it",
        "desired/person_sources.py",
        "made > denied",
        "made >= denied",
        (_DOORS + "test_an_assignment_made_after_the_denial_ends_it",),
        "Only a later assignment ends a denial.",
    ),
    Mutant(
        "the client's word lifts a suspension",
        "desired/person_sources.py",
        "is_scim_only=not is_all",
        "is_scim_only=False",
        (_DOORS + "test_a_suspension_that_the_api_told_is_not_lifted_by_the_clients_word",),
        "A client knows nothing of suspensions.",
    ),
    Mutant(
        "a suspension of somebody unlisted is forgotten",
        "desired/person_sources.py",
        "UserStatus.SUSPENDED if is_suspended else UserStatus.ACTIVE",
        "UserStatus.ACTIVE",
        (_DOORS + "test_a_suspended_person_who_is_unlisted_is_made_locked",),
        "Somebody suspended is locked, whichever door made the user.",
    ),
    Mutant(
        "who was taken away is locked for as long as certificates last",
        "plan/user_steps.py",
        "DEPROVISIONED_LOCK if okta_id in facts.desired.deprovisioned else LEAVER_LOCK",
        "LEAVER_LOCK",
        (
            _DOORS + "test_who_was_taken_away_is_locked_until_provisioned_again_and_others_for_as_long_as_"
            "certificates_last",
        ),
        "A denial of the client lasts until it is taken back.",
    ),
    Mutant(
        "a list without a record ends",
        "plan/list_endings.py",
        " or desired.is_unlisted(okta_id)",
        "",
        (
            _PUSHED + "test_a_list_of_which_no_record_is_known_ends_for_nothing",
            _PUSHED + "test_where_nothing_but_pushed_groups_is_known_what_was_imported_before_stays",
        ),
        "A lost state ends no list.",
    ),
    Mutant(
        "a request is answered before it is so",
        "sync/provision.py",
        "if has_user is is_wanted and not is_stuck:",
        "if True:",
        (_USERS + "test_a_local_user_of_that_name_is_a_conflict",),
        "An answer says what is in Teleport.",
    ),
    Mutant(
        "a denial that cannot be done now is forgotten",
        "scim/users.py",
        "if after.active and not settlement.is_begun:",
        "if not settlement.is_begun:",
        (_USERS + "test_while_teleport_does_not_answer_the_client_gets_429_and_nothing_is_half_done",),
        "A leaver is locked when Teleport is back, also if the client gives up.",
    ),
    Mutant(
        "what is granted and cannot be done now is kept",
        "scim/users.py",
        "if after.active and not settlement.is_begun:",
        "if False:",
        (_USERS + "test_while_teleport_does_not_answer_the_client_gets_429_and_nothing_is_half_done",),
        "Nothing is half done.",
    ),
    Mutant(
        "unknown members are dropped",
        "scim/groups.py",
        "        if unknown:\n",
        "        if False:\n",
        (_GROUPS + "test_an_unknown_member_refuses_the_whole_request",),
        "The client does not believe that a push worked which did not.",
    ),
    Mutant(
        "a group that was written in part is answered as done",
        "sync/provision.py",
        "failed = [one for one in settled.outcomes if one.result is not Result.DONE]\n",
        "failed: list[Outcome] = []\n",
        (_GROUPS + "test_a_write_that_teleport_took_in_part_is_not_answered_as_done",),
        "A write that Teleport took in part is repeated.",
    ),
    Mutant(
        "a new state answers before it knows who was denied",
        "scim/service.py",
        "            await self._provisioner.take_over()\n",
        "            pass\n",
        ("contract/scim/test_contract_both_doors.py::test_scim_ids_survive_a_lost_state",),
        "After a lost state a client finds the ids that it remembers.",
    ),
    Mutant(
        "a lost state is taken over only while it is empty",
        "desired/scim_recovery.py",
        "given not in ids and okta_id not in people",
        "not ids",
        (_RECOVERED + "test_who_is_known_by_now_is_not_taken_over",),
        "A request that came first leaves nobody else's denial unknown.",
    ),
    Mutant(
        "a denial is lost because somebody else has the name",
        "desired/scim_recovery.py",
        "is_deleted=record.user_name.casefold() in names",
        "is_deleted=False",
        (_RECOVERED + "test_a_denial_under_a_name_that_another_person_has_now_stays_and_is_not_shown_any_more",),
        "Two records of one name cannot be written, and then none is.",
    ),
    Mutant(
        "a group that is hidden from us is unbound",
        "desired/group_sources.py",
        "(is_absence_believed and not is_unreadable)",
        "not is_unreadable",
        (_UNBOUND + "test_a_distrusted_listing_ends_no_binding",),
        "A narrowed admin role makes no second list.",
    ),
    Mutant(
        "a group is unbound while the end of its list is held",
        "desired/group_sources.py",
        " or group_id in lists:",
        ":",
        (_UNBOUND + "test_while_the_end_is_held_the_group_stays_bound_and_the_client_gets_429",),
        "What the brake holds goes on as it was.",
    ),
    Mutant(
        "a request about a group that was unbound is answered, and nothing is made",
        "scim/groups.py",
        "if settlement.verdict is Verdict.DONE and group.okta_id:",
        "if False:",
        (_UNBOUND + "test_a_request_that_ends_the_list_itself_is_answered_when_there_is_another",),
        "An answer says what is in Teleport.",
    ),
)
