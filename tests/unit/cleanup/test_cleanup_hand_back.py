"""Handing back a user who was taken over: our parts are removed, others stay."""

from __future__ import annotations

from dataclasses import replace

from teleport_okta.cleanup.hand_back import handed_back
from teleport_okta.model import labels
from teleport_okta.model.direct_roles import with_role
from teleport_okta.model.names import member_role
from worlds import NOW, owned_user

ADA = owned_user("00uADA", "ada", roles=("access", "okta-requester"))


def test_member_roles_that_we_gave_go_and_those_that_others_gave_stay():
    theirs = replace(ADA, roles=(*ADA.roles, member_role("00gOPS")))
    back = handed_back(with_role(theirs, "00gENG"), default_roles=("okta-requester",), now=NOW)
    assert back.roles == ("access", member_role("00gOPS"))
    assert labels.DIRECT_ROLES not in back.labels
