"""Faults in access lists: their roles, their members, and what a name leaves behind in them."""

from __future__ import annotations

from mutants.mutant import Mutant

OF_LISTS = (
    Mutant(
        "roles go with a list that is gone while its members cannot be read",
        "plan/list_decisions.py",
        "return LeaveAsFound(name, found if is_ours else None)",
        "return NoList(candidate, WhyNone.EMPTY)",
        ("unit/plan/test_plan_list_roles.py::test_roles_of_a_list_that_is_gone_stay_while_its_members_cannot_be_read",),
        "What cannot be read is left as it is.",
    ),
    Mutant(
        "anybody comes into what a name leaves behind",
        "plan/user_decisions.py",
        "return _left_memberships(wanted, lists, facts) or Arrive(wanted)",
        "return Arrive(wanted)",
        ("unit/plan/test_plan_left_memberships.py::test_a_new_person_waits_and_is_told_for_what",),
        "Nobody inherits the memberships of a former holder of the name.",
    ),
    Mutant(
        "the person who had a name waits like somebody else",
        "model/inheritance.py",
        "if self.holders.get(name) == okta_id:",
        "if False:",
        (
            "unit/plan/test_plan_left_memberships.py::test_only_the_last_holder_of_a_name_gets_the_memberships_that_were_left",
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
        "plan/list_steps.py",
        "plan = Plan(changes=tuple(_leavers(found, facts)))",
        "pass",
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
        "a list ends while its people are about to become users",
        "plan/list_decisions.py",
        "if members.stays or candidate.is_pushed or facts.holders.expects(candidate.people):",
        "if members.stays or candidate.is_pushed:",
        (
            "unit/plan/test_plan_waiting.py::test_a_list_stays_with_its_roles_while_a_person_of_it_is_to_become_a_user",
            "contract/sync/test_contract_registry.py::test_what_a_listing_does_not_show_yet_stays_when_it_is_planned_before_its_people",
        ),
        "A list stays while somebody of its group or app is to become a user.",
    ),
    Mutant(
        "roles end while the people of their list are about to become users",
        "plan/list_decisions.py",
        "    if facts.holders.expects(candidate.people):\n        return NoList(candidate, WhyNone.EXPECTED)\n",
        "",
        ("unit/plan/test_plan_waiting.py::test_the_roles_of_a_list_that_is_not_made_yet_stay_too",),
        "Roles stay while somebody of their group or app is to become a user.",
    ),
    Mutant(
        "without lists, roles end while their people are about to become users",
        "plan/list_decisions.py",
        "if (people or facts.holders.expects(candidate.people)) and not candidate.is_pushed:",
        "if people and not candidate.is_pushed:",
        ("unit/plan/test_plan_waiting.py::test_roles_stay_where_lists_are_switched_off",),
        "Roles stay while somebody of their group or app is to become a user.",
    ),
    Mutant(
        "who waits for a user loses memberships",
        "plan/list_facts.py",
        "            | staying_while_waiting(candidate, self.members_of(okta_id), self.holders)\n",
        "",
        ("unit/plan/test_plan_waiting.py::test_a_person_who_cannot_be_taken_over_yet_stays_a_member",),
        "Who cannot be taken over yet keeps memberships.",
    ),
    Mutant(
        "before a first full pass nobody is expected to become a user",
        "sync/people_and_users.py",
        "self._expected: set[str] | AllIds = ALL",
        "self._expected: set[str] | AllIds = set()",
        (
            "contract/sync/test_contract_registry.py::test_it_knows_who_is_still_to_become_a_user_and_before_a_first_pass_that_may_be_anybody",
        ),
        "What no pass has read yet ends no list.",
    ),
    Mutant(
        "whom the last pass found says nothing of who had a name",
        "state/user_names.py",
        "SELECT name, okta_id, seen AS time, 0 AS sequence FROM user_names WHERE name IN ({})",
        "SELECT name, okta_id, seen AS time, 0 AS sequence FROM user_names WHERE 0 AND name IN ({})",
        (
            "contract/sync/test_contract_inheritance.py::test_it_is_known_who_had_a_name_though_the_state_that_saw_the_user_made_is_lost",
        ),
        "The person who had a name last comes back into what people gave.",
    ),
    Mutant(
        "a listing that is not believed takes roles whose list is gone",
        "plan/orphaned_roles.py",
        "return not desired.is_unknown(okta_id, listing_of(okta_id))",
        "return True",
        (
            "unit/plan/test_plan_list_roles.py::test_roles_whose_list_is_gone_stay_while_only_an_untrusted_listing_lacks_the_group",
        ),
        "Absences of a listing that is not believed end nothing.",
    ),
    Mutant(
        "a list waits for a role that is there already",
        "plan/list_roles.py",
        "for change in self.changes if met_by(change) is not None)",
        "for change in self.changes)",
        ("unit/plan/test_plan_list_roles.py::test_a_list_is_repaired_while_its_role_only_loses_an_app",),
        "A need is one that some step meets.",
    ),
    Mutant(
        "the lock of somebody whose record a login replaced ends in the plan that locks them as a leaver",
        "plan/user_steps.py",
        "if facts.replaced.get(name) == okta_id and okta_id not in facts.desired.present:",
        "if False:",
        (
            "unit/plan/test_plan_locks.py::test_a_suspensions_lock_stays_on_a_user_of_that_person_whose_labels_a_login_took_away",
        ),
        "A leaver is locked.",
    ),
)
