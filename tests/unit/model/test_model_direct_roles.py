"""Member roles that stand on users: which are ours, and what is left of a user when they go."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.model import labels
from teleport_okta.model.direct_roles import direct_roles, given_ids, with_role, without_direct_roles, without_role
from teleport_okta.model.names import member_role
from worlds import ORG, owned_user

ADA = owned_user("00uADA", "ada")
ENG, OPS = member_role("00gENG"), member_role("00gOPS")


def test_a_role_comes_and_goes_without_a_trace():
    given = with_role(with_role(ADA, "00gOPS"), "00gENG")
    assert given.roles == ("okta-requester", OPS, ENG)
    assert given.labels == {**ADA.labels, labels.DIRECT_ROLES: "00gENG,00gOPS"}
    assert without_role(without_role(given, "00gENG", kept=()), "00gOPS", kept=()) == ADA


def test_a_role_that_is_there_already_does_not_become_ours():
    theirs = replace(ADA, roles=(*ADA.roles, ENG))
    assert with_role(theirs, "00gENG") is theirs
    assert without_role(theirs, "00gENG", kept=()) is theirs
    assert without_direct_roles(theirs) == theirs


def test_a_label_without_the_role_says_nothing_and_goes_with_the_next_change():
    taken = replace(with_role(ADA, "00gENG"), roles=ADA.roles)
    assert given_ids(taken) == frozenset()
    assert with_role(taken, "00gOPS").labels[labels.DIRECT_ROLES] == "00gOPS"
    assert without_direct_roles(taken) == ADA


def test_who_has_which_role_is_told_by_origin():
    users = [
        with_role(ADA, "00gENG"),
        replace(owned_user("00uBOB", "bob"), roles=(ENG,)),
        replace(with_role(owned_user("00uCY", "cy"), "00gENG"), labels={labels.DIRECT_ROLES: "00gENG"}),
    ]
    held = direct_roles(users, ORG, ())["00gENG"]
    assert (held.imported, set(held.others)) == ({"ada"}, {"bob", "cy"})
    held = direct_roles(users, ORG, (ENG,))["00gENG"]
    assert (held.imported, set(held.others)) == (frozenset(), {"ada", "bob", "cy"})
