"""What the journal adds to a chain: what made a link, what changed it last, and which lock is in force."""

from __future__ import annotations

from datetime import timedelta

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.sync.explanation import ENDED, Link
from worlds import NOW

LIST, MEMBER, LOCK = ("access_list", "00gENG"), ("member", "00gENG/ada"), ("lock", "ada")


def entry(number, key, action, *, reason="why", okta_id="00uADA", harm="", at=NOW):
    kind, name = key
    return JournalEntry(
        at, "start", kind, name, okta_id, action, reason, "", "", Result.DONE, sequence=number, harm=harm
    )


def told(link, *entries, now=NOW):
    """The link with these entries of the journal."""
    found = {}
    for one in entries:
        found.setdefault((one.kind, one.name), []).append(one)
    return link.with_entries(found, now)


def numbers(link):
    return [one.sequence for one in link.entries]


def test_a_membership_was_made_by_itself_or_with_its_list_whichever_was_later():
    link = Link("access_list", "in it", keys=(MEMBER, LIST))
    assert numbers(told(link, entry(3, LIST, "create"))) == [3]
    assert numbers(told(link, entry(3, LIST, "create"), entry(7, MEMBER, "create"))) == [7]
    assert numbers(told(link, entry(7, MEMBER, "create"), entry(9, LIST, "create"))) == [9]


def test_what_changed_an_object_after_it_was_made_is_told_too():
    link = Link("access_list", "a list", keys=(LIST,))
    assert numbers(told(link, entry(3, LIST, "create"), entry(5, LIST, "update"))) == [3, 5]
    assert numbers(told(link, entry(2, LIST, "update"), entry(3, LIST, "create"))) == [3]


def test_a_user_who_was_taken_over_was_never_created():
    assert numbers(told(Link("user", "", keys=(("user", "ada"),)), entry(4, ("user", "ada"), "update"))) == [4]


def test_what_has_ended_is_told_by_the_newest_entry():
    link = Link(ENDED, "gone", keys=(LIST,))
    assert numbers(told(link, entry(3, LIST, "create"), entry(8, LIST, "delete"))) == [8]


def test_a_link_of_which_the_journal_has_nothing_stays_without():
    assert told(Link("user", "", keys=(("user", "ada"),))).entries == ()


def lock(*entries, now=NOW):
    root = told(Link("user", "", then=(Link("lock", "", "ada", "00uADA", keys=(LOCK,)),)), *entries, now=now)
    return root.then[0].text if root.then else None


def test_a_lock_in_force_says_why_and_until_when():
    leaver = entry(1, LOCK, "lock", reason="no longer assigned", harm="user")
    assert lock(leaver) == "no longer assigned; it lasts until 2026-01-06T15:15:00Z"
    assert lock(leaver, now=NOW + LEAVER_LOCK) is None
    suspended = entry(1, LOCK, "lock", reason="suspended in Okta", harm="lock")
    assert lock(suspended, now=NOW + timedelta(days=99)) == "suspended in Okta; it lasts until that ends"


def test_a_lock_that_was_taken_off_is_not_there():
    assert lock(entry(1, LOCK, "lock", harm="lock"), entry(2, LOCK, "unlock")) is None
    assert lock() is None


def test_a_lock_of_a_former_holder_says_whom_it_is_about():
    assert "about 00uBOB, who had the name before" in lock(entry(1, LOCK, "lock", okta_id="00uBOB", harm="user"))
