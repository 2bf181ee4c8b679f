"""The preview of filters: what passes, and which lists would come and go."""

from __future__ import annotations

from teleport_okta.desired.preview import PresentList, Verdict, preview
from worlds_directory import ADA, BOB, app, group, imports, organization, unread


def previewed(*rows, lists=(), managed=(ADA,), **settings):
    return preview(organization(*rows), imports(**settings), {one.okta_id: one for one in lists}, frozenset(managed))


def verdicts(found):
    return {match.okta_id: match.verdict for match in found.matches}


def test_what_passes_is_listed_with_its_filter_and_how_many_are_in_it():
    found = previewed(group("00gENG", "Engines", [ADA, BOB]), group("00gOPS"), group_filters=["Eng*"])
    [match] = found.matches
    assert (match.name, match.filter, match.people, match.members) == ("Engines", "Eng*", 2, 1)
    assert match.verdict is Verdict.ADDED


def test_groups_come_before_apps_and_each_by_name():
    found = previewed(app("0oaA", "A"), group("00gZ", "Z"), group("00gB", "B"))
    assert [match.name for match in found.matches] == ["B", "Z", "A"]


def test_a_list_is_kept_while_it_has_a_member():
    lists = [PresentList("00gENG", "Engines", 1, 0), PresentList("00gOPS", "Ops", 1, 1)]
    found = previewed(group("00gENG", members=[ADA]), group("00gOPS"), lists=lists)
    assert verdicts(found) == {"00gENG": Verdict.KEPT, "00gOPS": Verdict.KEPT}
    assert not found.ending


def test_without_a_user_of_ours_no_list_is_made_and_a_list_ends():
    found = previewed(group("00gENG", members=[BOB]), lists=[PresentList("00gENG", "Engines", 1, 0)])
    assert verdicts(found) == {"00gENG": Verdict.EMPTY}
    assert [one.present.okta_id for one in found.ending] == ["00gENG"]


def test_lists_that_do_not_pass_any_more_end_and_say_why():
    lists = [PresentList("00gOPS", "Ops", 3, 0), PresentList("00gOLD", "Old", 1, 0)]
    found = previewed(group("00gOPS", members=[ADA]), lists=lists, group_filters=["Eng*"])
    assert {one.present.okta_id: one.reason for one in found.ending} == {
        "00gOPS": "no filter of access_lists.group_filters lets it pass",
        "00gOLD": "it is no longer in Okta",
    }


def test_a_group_that_was_not_read_is_unknown_and_its_list_kept():
    rows = (group("00gNEW", members=None, users_count=7), unread(group("00gENG")))
    found = previewed(*rows, lists=[PresentList("00gENG", "Engines", 1, 0)])
    assert verdicts(found) == {"00gNEW": Verdict.UNKNOWN, "00gENG": Verdict.KEPT}
    assert [match.people for match in found.matches if match.okta_id == "00gNEW"] == [7]


def test_a_group_for_which_okta_counts_no_people_needs_no_read():
    assert verdicts(previewed(group("00gNEW", members=None, users_count=0))) == {"00gNEW": Verdict.EMPTY}


def test_the_json_says_what_was_asked_and_when_it_was_seen():
    shown = previewed(group("00gENG"), group_filters=["Eng*"]).as_json()
    assert shown["group_filters"] == ("Eng*",)
    assert shown["seen_at"] == "2026-01-05T09:00:00+00:00"
