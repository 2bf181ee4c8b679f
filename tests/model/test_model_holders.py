"""The model of names gives a user to the person whom the rules name, and to nobody else."""

from __future__ import annotations

import pytest

from model.holders import Contender, NamesBefore

ADA = Contender("00uA", "ada", is_settled=True)
RIVAL = Contender("00uB", "Ada", is_settled=True)
STAGED = Contender("00uA", "ada", is_settled=False)
STAGED_RIVAL = Contender("00uB", "Ada", is_settled=False)


def before(owned=None, *, taken=(), locked=()):
    return NamesBefore(owned or {}, frozenset(taken), frozenset(locked))


@pytest.mark.parametrize(
    ("found", "person", "others", "may"),
    [
        (before(), ADA, [], True),
        (before(), STAGED, [], False),
        (before({"ada": "00uA"}), STAGED, [], True),
        (before(), ADA, [RIVAL], False),
        (before({"ada": "00uA"}), ADA, [RIVAL], True),
        (before(), ADA, [STAGED_RIVAL], True),
        (before({"Ada": "00uB"}), ADA, [STAGED_RIVAL], False),
        (before({"ada": "00uC"}), ADA, [], False),
        (before(taken=["ada"]), ADA, [], False),
        (before(locked=[("ada", "00uC")]), ADA, [], False),
        (before(locked=[("ada", "00uA")]), ADA, [], True),
    ],
)
def test_who_may_have_a_name(found, person, others, may):
    assert found.may_have(person, [person, *others]) is may
