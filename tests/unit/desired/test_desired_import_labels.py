"""Labels that import rules add: order, matches, and rules that are left out."""

from __future__ import annotations

import pytest
from teleport_okta.desired.import_labels import ImportLabels
from teleport_okta.model.access import ImportMapping, ImportMatch, ImportRule


def rule(name, priority=0, labels=None, **match):
    mapping = ImportMapping((ImportMatch(**match),), labels or {"rule": name})
    return ImportRule(name, priority, (mapping,))


def test_a_later_priority_overrides_an_earlier_one_whatever_their_order():
    rules = ImportLabels([rule("late", 10, app_ids=("0oaGIT",)), rule("early", 1, app_ids=("0oaGIT",))])
    assert rules.of_app("0oaGIT", "Git").added == {"rule": "late"}


def test_rules_add_up():
    first = rule("a", labels={"env": "prod", "team": "x"}, app_ids=("0oaGIT",))
    second = rule("b", 1, labels={"team": "y"}, app_names=("Git",))
    assert ImportLabels([first, second]).of_app("0oaGIT", "Git").added == {"env": "prod", "team": "y"}


@pytest.mark.parametrize(
    ("expression", "fits"), [("Git", True), ("it", True), ("^it", False), ("^Git$", True), ("git", False)]
)
def test_a_name_is_found_anywhere_unless_the_expression_is_anchored(expression, fits):
    rules = ImportLabels([rule("r", app_names=(expression,), group_names=(expression,))])
    assert bool(rules.of_app("0oaGIT", "Git").added) is fits
    assert bool(rules.of_group("00gGIT", "Git").added) is fits


def test_a_glob_that_can_be_no_expression_is_a_glob():
    rules = ImportLabels([rule("r", app_names=("*-prod",))])
    assert rules.quarantined == ()
    assert rules.of_app("0oaGIT", "git-prod").added == {"rule": "r"}
    assert rules.of_app("0oaGIT", "git-production").added == {}


def test_a_rule_about_apps_says_nothing_of_groups_and_the_other_way_round():
    rules = ImportLabels([rule("a", app_ids=("x",), app_names=("Git",)), rule("g", group_ids=("y",))])
    assert rules.of_group("x", "Git").added == {}
    assert rules.of_app("y", "Wiki").added == {}


def test_one_match_of_several_is_enough():
    mapping = ImportMapping((ImportMatch(app_ids=("0oaA",)), ImportMatch(app_ids=("0oaB",))), {"env": "prod"})
    rules = ImportLabels([ImportRule("r", 0, (mapping,))])
    assert rules.of_app("0oaA", "A").added == rules.of_app("0oaB", "B").added == {"env": "prod"}


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (rule("broken", app_names=("(",)), "no RE2 expression"),
        (rule("broken", group_names=("(?=x)",)), "no RE2 expression"),
        (rule("broken", labels={"with space": "x"}, app_ids=("0oaGIT",)), "no label"),
        (rule("broken", labels={"teleport-okta/owner": "x"}, app_ids=("0oaGIT",)), "not a rule's to set"),
        (rule("broken", labels={"okta/org": "x"}, app_ids=("0oaGIT",)), "not a rule's to set"),
        (rule("broken", labels={"teleport.internal/okta-app-id": "x"}, app_ids=("0oaGIT",)), "not a rule's to set"),
    ],
)
def test_a_rule_that_cannot_be_used_is_reported_and_the_others_apply(broken, why):
    rules = ImportLabels([broken, rule("good", 1, app_ids=("0oaGIT",))])
    assert rules.of_app("0oaGIT", "Git").added == {"rule": "good"}
    assert [row.name for row in rules.quarantined] == ["broken"]
    assert why in rules.quarantined[0].reason


BROKEN = {"app_names": ("^($",)}


def test_what_a_broken_rule_may_give_is_unsettled_whatever_other_rules_gave_before_it():
    rules = ImportLabels(
        [rule("low", 1, {"env": "dev"}, app_ids=("0oaGIT",)), rule("broken", 2, {"env": "x"}, **BROKEN)]
    )
    found = rules.of_app("0oaGIT", "Git")
    assert found.added == {"env": "dev"}
    assert found.leaves("env")
    assert not found.leaves("team")


def test_a_later_rule_settles_what_a_broken_one_may_give():
    rules = ImportLabels(
        [rule("broken", 1, {"env": "x"}, **BROKEN), rule("high", 2, {"env": "dev"}, app_ids=("0oaGIT",))]
    )
    assert not rules.of_app("0oaGIT", "Git").leaves("env")
    assert rules.of_app("0oaWIKI", "Wiki").leaves("env")


def test_without_rules_that_could_be_read_everything_is_unsettled():
    assert ImportLabels((), unread=True).of_group("00gENG", "Eng").leaves("anything")
    assert not ImportLabels(()).of_group("00gENG", "Eng").leaves("anything")
