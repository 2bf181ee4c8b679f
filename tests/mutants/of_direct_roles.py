"""Faults in what is done to member roles that stand on users, where a cluster has no access lists."""

from __future__ import annotations

from mutants.mutant import Mutant

_PLAN = "unit/plan/test_plan_direct_roles.py::"
_CONTRACT = "contract/sync/test_contract_direct_roles.py::"

OF_DIRECT_ROLES = (
    Mutant(
        "a member role that others gave is ours",
        "model/direct_roles.py",
        "okta_id in given and member_role(okta_id) not in default_roles for",
        "member_role(okta_id) not in default_roles for",
        (f"{_PLAN}test_a_role_that_others_gave_is_left_alone",),
        "What others gave to a user stays.",
    ),
    Mutant(
        "a member role that is a default role is taken off",
        "model/direct_roles.py",
        "okta_id in given and member_role(okta_id) not in default_roles for",
        "okta_id in given for",
        (f"{_PLAN}test_a_role_that_is_a_default_role_is_neither_given_nor_taken_off",),
        "Default roles are kept on every user of ours.",
    ),
    Mutant(
        "a member role that a user has already becomes ours",
        "model/direct_roles.py",
        "    if role in user.roles:\n        return user\n",
        "",
        (
            "unit/model/test_model_direct_roles.py::test_a_role_that_is_there_already_does_not_become_ours",
            f"{_CONTRACT}test_a_role_that_others_give_at_that_moment_does_not_become_ours",
        ),
        "What others gave to a user stays.",
    ),
    Mutant(
        "roles go off users while nobody is sure that there are no lists",
        "plan/access_lists.py",
        "return self._imports.gives_roles or not self._imports.lists_off",
        "return True",
        (f"{_PLAN}test_access_lists_that_are_off_by_a_gate_or_at_first_sight_change_no_role_of_a_user",),
        "What is unknown is left as it is.",
    ),
    Mutant(
        "roles go on users where lists are off for the while",
        "plan/access_lists.py",
        "if not self._keep_roles(candidate, candidate.name) or not self._imports.gives_roles:",
        "if not self._keep_roles(candidate, candidate.name):",
        (f"{_PLAN}test_access_lists_that_are_off_by_a_gate_or_at_first_sight_change_no_role_of_a_user",),
        "What is unknown is left as it is.",
    ),
    Mutant(
        "a cluster that denies its lists has none",
        "sync/policy.py",
        "if lists.enabled or lists.unknown or lists.denied or lists.gated:",
        "if lists.enabled or lists.unknown:",
        ("unit/sync/test_sync_gives_roles.py::test_elsewhere_roles_are_granted_by_lists_or_by_nothing",),
        "Roles are put on users only where there are surely no lists.",
    ),
    Mutant(
        "one answer proves that there are no lists",
        "sync/policy.py",
        "return not (lists.at_first_sight and any(cluster.has(feature) for feature in _OF_ENTERPRISE))",
        "return True",
        ("unit/sync/test_sync_gives_roles.py::test_one_answer_is_believed_only_without_other_features_of_enterprise",),
        "Roles are put on users only where there are surely no lists.",
    ),
    Mutant(
        "the absence from a roster is stated",
        "plan/members.py",
        "    return Harm(harmed, Evidence.ABSENT, listing=members_of(candidate.okta_id))\n",
        "    return Harm(harmed, Evidence.STATED)\n",
        (f"{_PLAN}test_a_roster_that_contradicts_its_count_takes_nothing_off",),
        "A roster that is contradicted takes nobody out.",
    ),
    Mutant(
        "a leaver's roles are harm of their own",
        "plan/direct_roles.py",
        "            if name in ids and name not in departing\n",
        "            if name in ids\n",
        (f"{_PLAN}test_a_leaver_takes_the_roles_along",),
        "What a person has goes with the person.",
    ),
    Mutant(
        "a role goes before those who have it lost it",
        "plan/orphaned_roles.py",
        "needs = on_users.needs_of_end(okta_id)",
        "needs: tuple[Need, ...] = ()",
        (f"{_PLAN}test_everybody_loses_a_role_that_is_wanted_no_more_and_the_role_goes",),
        "While the brake holds what somebody loses, the role stays.",
    ),
    Mutant(
        "a role goes that others gave somebody",
        "plan/orphaned_roles.py",
        "        if not keeping:\n",
        "        if True:\n",
        (f"{_PLAN}test_a_role_that_others_gave_somebody_stays_and_that_is_said",),
        "A server refuses to delete a role that a user has.",
    ),
    Mutant(
        "a role goes though its list does not grant it",
        "plan/direct_roles.py",
        "        if member_role(found.name) not in found.grants:\n            return []\n",
        "",
        (f"{_PLAN}test_a_role_stays_while_its_list_does_not_grant_it",),
        "Wider first, then narrower.",
    ),
    Mutant(
        "a role goes though its list does not have the person",
        "plan/direct_roles.py",
        "self.of(found.name).imported & people & (members.imported | lasting)",
        "self.of(found.name).imported & people",
        (f"{_PLAN}test_a_role_stays_while_its_list_does_not_have_the_person",),
        "Wider first, then narrower.",
    ),
    Mutant(
        "a role is put on whoever has the name by now",
        "apply/calls.py",
        "if who != (labels.owner_of(given.labels), change.okta_id):",
        "if False:",
        (f"{_CONTRACT}test_a_user_who_stands_for_somebody_else_by_then_is_given_nothing",),
        "A stranger gets nothing by a name.",
    ),
    Mutant(
        "a user who is handed back keeps the member roles that we gave",
        "cleanup/hand_back.py",
        "    user = without_direct_roles(user)\n",
        "",
        ("unit/cleanup/test_cleanup_hand_back.py::test_member_roles_that_we_gave_go_and_those_that_others_gave_stay",),
        "What the integration gave goes with it.",
    ),
    Mutant(
        "a lost answer of a role that was taken off is looked for in a list",
        "apply/settling.py",
        '        case "member" if entry.object_name:\n',
        '        case "member" if False:\n',
        (f"{_CONTRACT}test_a_removal_whose_record_was_left_open_is_settled_by_looking_at_the_user",),
        "A lost answer is settled by looking.",
    ),
)
