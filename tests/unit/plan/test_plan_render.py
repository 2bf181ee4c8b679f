"""What people read of a plan, as text, JSON and Markdown: everything that is needed to judge it."""

from __future__ import annotations

import json

import pytest
from teleport_okta.model.findings import Findings, Quarantined
from teleport_okta.plan.changes import FieldChange
from teleport_okta.plan.markdown import as_markdown
from teleport_okta.plan.render import Selection, as_json, as_text, summary
from teleport_okta.plan.view import ChangeView, PlanView
from teleport_okta.plan.words import object_words

PEOPLE = tuple(f"person{number:02}@x.io" for number in range(12))


def change(action, kind, subject, okta_id="", **more):
    return ChangeView(action, kind, subject.rpartition("/")[2], subject, okta_id, more.pop("reason", "why"), **more)


def plan(*changes, **more):
    return PlanView("abc", changes=changes, **more)


NEW_LIST = change("create", "access_list", "00gENG", "00gENG", title="Engineering", members=PEOPLE)


def test_the_counts_are_by_kind_and_action():
    changes = [change("delete", "member", f"00gENG/{name}") for name in PEOPLE[:7]]
    assert summary(plan(*changes, change("delete", "user", "eve"), unchanged=30)) == (
        "1 user and 7 memberships to delete, 30 unchanged"
    )
    more = [change("create", kind, "a") for kind in ("user", "user", "role", "access_list")]
    assert summary(plan(*more, change("lock", "lock", "eve"), change("unlock", "lock", "bob"))) == (
        "2 users, 1 role and 1 access list to create, 1 user to lock, 1 user to unlock, 0 unchanged"
    )
    assert summary(plan(unchanged=3)) == "nothing to do, 3 unchanged"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("user", 'a "b"', "00u1"), r'user "a \"b\"" (00u1)'),
        (("access_list", "00gENG", "00gENG", "Engineering"), 'access list "Engineering" (00gENG)'),
        (("role", "access-okta-00gENG", "00gENG", "Engineering"), 'role "Engineering" (access-okta-00gENG)'),
        (("member", "00gENG/ada", "00uADA", "Engineering"), 'membership "ada" (00uADA) in "Engineering" (00gENG)'),
        (("member", "00gENG/ada"), 'membership "ada" in 00gENG'),
        (("app_server", "0oa1"), 'app server "0oa1"'),
        (("saml", "okta"), 'saml "okta"'),
    ],
)
def test_names_are_quoted_and_titles_stand_beside_ids(words, shown):
    assert object_words(*words) == shown


def test_a_new_list_shows_the_first_members_and_how_many_more_and_all_when_asked():
    few = as_text(plan(NEW_LIST)).splitlines()
    assert few[0] == '+ create access list "Engineering" (00gENG): why'
    assert few[1].startswith('    12 members: "person00@x.io", "person01@x.io"')
    assert few[1].endswith('"person07@x.io" and 4 more (--members shows all)')
    every = as_text(plan(NEW_LIST), Selection(all_members=True)).splitlines()[1]
    assert all(f'"{name}"' in every for name in PEOPLE)


def test_json_has_every_member_and_the_counts():
    shown = json.loads(json.dumps(as_json(plan(NEW_LIST))))
    assert shown["changes"][0]["members"] == list(PEOPLE)
    assert shown["changes"][0]["title"] == "Engineering"
    assert shown["counts"] == {"create": {"access_list": 1}}


def test_no_name_and_no_reason_is_cut():
    long = change("create", "user", "n" * 300, reason="r" * 300)
    assert "n" * 300 in as_text(plan(long))
    assert "r" * 300 in as_text(plan(long))


def test_a_new_object_shows_its_fields_without_labels_and_a_changed_one_what_was_before():
    fields = (FieldChange("grants", "", "dev"), FieldChange("labels.a", "", "b"), FieldChange("title", "", "Ops"))
    made = as_text(plan(change("create", "access_list", "00gOPS", title="Ops", fields=fields))).splitlines()
    assert made[:3] == ['+ create access list "Ops" (00gOPS): why', "    grants: dev", "    1 label"]
    fields = (FieldChange("grants", "dev", ""), FieldChange("labels.a", "", "b"))
    changed = as_text(plan(change("update", "access_list", "00gOPS", title="Ops", fields=fields))).splitlines()
    assert changed[1:3] == ["    grants: dev -> (none)", "    labels.a: (none) -> b"]


MIXED = (NEW_LIST, change("delete", "user", "eve"), change("create", "member", "00gOPS/ada"))
SET_ASIDE = (
    Quarantined.from_text("user", "bob", "00uBOB", "taken", "rename"),
    Quarantined.from_text("role", "r", "", "not ours", "move"),
)


def test_a_kind_shows_its_changes_alone_and_the_counts_of_all():
    text = as_text(plan(*MIXED, quarantined=SET_ASIDE), Selection(frozenset({"user"})))
    assert text.splitlines() == [
        '- delete user "eve": why',
        'quarantine: user "bob" (00uBOB): taken -> rename',
        "plan abc: 1 access list and 1 membership to create, 1 user to delete, 0 unchanged, 2 in quarantine",
    ]
    shown = as_json(plan(*MIXED, quarantined=SET_ASIDE), Selection(frozenset({"user"})))
    assert [one["kind"] for one in shown["changes"]] == ["user"]
    assert [one["kind"] for one in shown["quarantined"]] == ["user"]
    assert shown["counts"] == {"create": {"access_list": 1, "member": 1}, "delete": {"user": 1}}


def test_a_summary_shows_no_single_change_and_still_what_needs_a_person():
    text = as_text(plan(*MIXED, quarantined=SET_ASIDE, warnings=("careful",)), Selection(is_summary=True))
    assert text.splitlines()[0] == "warning: careful"
    assert "create access" not in text
    assert "quarantine: " in text


def test_equal_reasons_are_grouped():
    rows = [
        Quarantined.from_text("user", f"u{number}", f"00u{number}", "its login is taken", "rename")
        for number in range(11)
    ]
    rows.insert(3, Quarantined.from_text("user", "", "", "it has no login", "give it one"))
    text = as_text(plan(quarantined=tuple(rows))).splitlines()
    assert text[0] == "quarantine: 11 users: its login is taken -> rename"
    assert text[1].startswith('    "u0" (00u0), "u1" (00u1), ')
    assert text[1].endswith("and 3 more (--format json shows all)")
    assert text[2] == "quarantine: user (no name) (no id): it has no login -> give it one"
    assert len(text) == 4


def test_reasons_that_differ_in_names_and_ids_of_calls_only_are_grouped():
    denied = "UsersService/CreateUser on user {!r}: access denied"
    unread = 'group "{}" cannot be read: GET /api/v1/groups/{}/users: 503 [request id Cj{}, error id oa{}]'
    users = [
        Quarantined.from_text("user", name, f"00u{name}", denied.format(name), f"check 00u{name}")
        for name in ("ada", "bob")
    ]
    groups = [
        Quarantined.from_text("access_list", name, f"00g{name}", unread.format(name, f"00g{name}", name, name), "wait")
        for name in ("Looms", "Sales")
    ]
    without_ids = "group … cannot be read: GET /api/v1/groups/…/users: 503 [request id …, error id …]"
    assert as_text(plan(quarantined=(*users, *groups))).splitlines()[:4] == [
        "quarantine: 2 users: UsersService/CreateUser on user …: access denied -> check …",
        '    "ada" (00uada), "bob" (00ubob)',
        f"quarantine: 2 access lists: {without_ids} -> wait",
        '    "Looms" (00gLooms), "Sales" (00gSales)',
    ]
    [line, _] = as_text(plan(quarantined=(groups[0],))).splitlines()
    assert "GET /api/v1/groups/00gLooms/users: 503 [request id CjLooms, error id oaLooms] -> wait" in line


HOSTILE = "a`b````c|d<img src=x>@team\n```\n# owned"


def test_markdown_counts_in_a_table_and_shows_the_changes_as_a_diff():
    shown = as_markdown(plan(*MIXED, unchanged=5)).splitlines()
    assert shown[0] == "### teleport-okta plan `abc`"
    assert "| | create | delete |" in shown
    assert "| users |  | 1 |" in shown
    assert "| memberships | 1 |  |" in shown
    begin = shown.index("```diff")
    assert shown[begin + 1] == '+ create access list "Engineering" (00gENG): why'
    assert '- delete user "eve": why' in shown[begin : shown.index("```", begin)]


def test_markdown_counts_users_who_are_locked_as_users():
    leaving = (change("lock", "lock", "eve"), change("delete", "user", "eve"), change("unlock", "lock", "bob"))
    shown = as_markdown(plan(*leaving)).splitlines()
    assert "| | lock | unlock | delete |" in shown
    assert "| users | 1 | 1 | 1 |" in shown
    assert not [line for line in shown if line.startswith("| locks")]


def test_markdown_keeps_foreign_text_inside_of_code():
    hostile = change(
        "update", "user", HOSTILE, reason=HOSTILE, fields=(FieldChange("traits.x", HOSTILE, HOSTILE),), title=HOSTILE
    )
    rows = (Quarantined.from_text("user", HOSTILE, "", HOSTILE, HOSTILE),)
    view = plan(hostile, quarantined=rows, warnings=("```", HOSTILE), error=HOSTILE, findings=Findings())
    fence = ""
    for line in as_markdown(view, Selection(all_members=True)).splitlines():
        ticks = line[: len(line) - len(line.lstrip("`"))]
        if not fence and len(ticks) >= 3:
            fence = ticks
        elif fence and line.strip() == fence:
            fence = ""
        elif not fence:
            assert "@team" not in line
            assert "<img" not in line
    assert fence == ""
    assert "# owned" not in as_markdown(view).splitlines()
