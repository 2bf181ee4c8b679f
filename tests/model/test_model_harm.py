"""The ledger of harm objects to more than an hour may bring, and to nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from teleport_okta.model.harm import Harmed, Limits
from worlds import NOW

from model.harm import ABSENT, STATED, USER, HarmLedger, limit_of

OWNED = [f"person{number}" for number in range(20)]
LIMIT = 5
"""What `Limits(floor=2)` lets a stated hour bring of twenty."""


def harmed(number):
    return Harmed(USER, f"person{number}", f"00u{number}")


def ledger_after(numbers, *, evidence=STATED, minutes=1):
    """A ledger in which these were harmed one after the other, and the last deed."""
    ledger, now, deed = HarmLedger(limit_of(Limits(floor=2))), NOW, None
    for number in numbers:
        ledger.owned(OWNED, now)
        deed = ledger.add(harmed(number), evidence, now)
        now += timedelta(minutes=minutes)
    return ledger, deed


@pytest.mark.parametrize(("evidence", "limit"), [(STATED, LIMIT), (ABSENT, 2)])
def test_one_more_than_the_limit_is_too_much(evidence, limit):
    ledger, deed = ledger_after(range(limit), evidence=evidence)
    assert not ledger.excess(deed)
    ledger, deed = ledger_after(range(limit + 1), evidence=evidence)
    assert f"{limit + 1} of 20 were harmed" in ledger.excess(deed)


def test_harm_of_an_hour_ago_and_of_the_same_person_does_not_count():
    for numbers, minutes in ((range(2 * LIMIT), 12), ([0] * (2 * LIMIT), 1)):
        ledger, deed = ledger_after(numbers, minutes=minutes)
        assert not ledger.excess(deed)


def test_approved_harm_does_not_count_until_the_approval_ends():
    ledger, _ = ledger_after(range(LIMIT))
    ledger.approve({harmed(7)}, NOW + timedelta(minutes=30))
    for minutes, too_much in ((20, False), (40, True)):
        deed = ledger.add(harmed(7), STATED, NOW + timedelta(minutes=minutes))
        assert bool(ledger.excess(deed)) is too_much
