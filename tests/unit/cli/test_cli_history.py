"""The output of `history` for an entry."""

from __future__ import annotations

from datetime import UTC, datetime

from teleport_okta.cli.history import entry_lines
from teleport_okta.observe.text import Tone
from teleport_okta.state.journal_entry import JournalEntry, Result

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
PEOPLE = tuple(f"person{number}" for number in range(10))


def entry(kind, name, **more):
    more = {"okta_id": "", "action": "create", "outcome": Result.DONE} | more
    return JournalEntry(NOON, "start", kind, name, reason="why", before_digest="aaaa", after_digest="bbbb", **more)


def texts(*arguments, **options):
    return [line.text for line in entry_lines(*arguments, **options)]


def test_names_are_quoted_and_titles_stand_beside_ids_without_digests():
    made = entry("member", "00gENG/ada", okta_id="00uADA", title="Engineering", sequence=7, who="teresa (uid 1000)")
    (line,) = texts(made)
    assert line == (
        '7 2026-01-05T12:00:00Z [start] create membership "ada" (00uADA) in "Engineering" (00gENG): done; why; '
        "by teresa (uid 1000)"
    )


def test_a_locked_user_is_called_so_with_the_harm_and_its_approval():
    locked = entry("lock", "eve", action="lock", harm="user", evidence="stated", approval="cccc", sequence=8)
    assert texts(locked) == [
        '8 2026-01-05T12:00:00Z [start] lock user "eve": done; why; harm of kind user (stated, approved by cccc)'
    ]


def test_a_new_list_names_its_members():
    made = entry("access_list", "00gENG", okta_id="00gENG", title="Engineering", members=PEOPLE)
    assert texts(made)[1].endswith("and 2 more (--members shows all)")
    assert all(f'"{name}"' in texts(made, all_members=True)[1] for name in PEOPLE)


def test_a_failed_change_is_an_error():
    (line,) = entry_lines(entry("user", "ada", outcome=Result.FAILED, error="access denied"))
    assert line.tone is Tone.ERROR
    assert line.text.endswith("failed; why; access denied")
