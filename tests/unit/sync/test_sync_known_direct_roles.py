"""The known direct roles, updated user by user."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from teleport_okta.model.direct_roles import direct_roles, with_role
from teleport_okta.model.names import member_role
from teleport_okta.sync.known_direct_roles import KnownDirectRoles
from worlds import ORG, owned_user

NAMES, IDS = ["ada", "bob"], ["00gA", "00gB"]
deeds = st.lists(
    st.tuples(st.sampled_from(["give", "take off", "forget", "theirs", "fill"]), *map(st.sampled_from, (NAMES, IDS)))
)


@given(deeds)
def test_it_is_the_same_as_a_listing_of_the_users(history):
    known, users = KnownDirectRoles(), {}
    for deed, name, okta_id in history:
        user = users.get(name, owned_user(f"00u{name}", name))
        match deed:
            case "give" if member_role(okta_id) not in user.roles:
                users[name] = with_role(user, okta_id)
                known.give(okta_id, name)
            case "take off":
                users[name] = replace(user, roles=tuple(one for one in user.roles if one != member_role(okta_id)))
                known.take_off(okta_id, name)
            case "forget":
                users.pop(name, None)
                known.forget_user(name)
            case "theirs":
                users[name] = replace(user, roles=(member_role(okta_id),), labels=user.labels)
                known.record_user(users[name], ORG, ())
            case "fill":
                known.fill(direct_roles(users.values(), ORG, ()))
        listed = direct_roles(users.values(), ORG, ())
        assert {okta_id: held for okta_id, held in known.by_id().items() if len(held)} == listed
        assert known.given(NAMES) == {okta_id for okta_id, held in listed.items() if held.imported}
        assert known.had(NAMES) == listed.keys()
