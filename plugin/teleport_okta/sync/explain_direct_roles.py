"""The chains of direct roles, in a cluster without access lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.access import ListMembers
from teleport_okta.model.names import member_role
from teleport_okta.plan.changes import MEMBER, ROLE
from teleport_okta.sync.explain_roles import MOST_SHOWN, role_link
from teleport_okta.sync.explanation import ENDED, Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.sync.explain_facts import Facts

_NOBODY: Final = ListMembers()
_WITHOUT_LISTS: Final = "the cluster has no access lists"


def role_on_user(facts: Facts, name: str, okta_id: str) -> Link:
    """Explain whether a user has the member role of a group or an app of the person."""
    role, keys, held = member_role(okta_id), ((MEMBER, f"{okta_id}/{name}"),), _held(facts, okta_id)
    if facts.actual is None:
        return Link(
            ROLE, f"on the user itself, as far as is known without a running service: {_WITHOUT_LISTS}", role, keys=keys
        )
    if name in held.imported:
        text = f"on the user itself, because they are in it in Okta: {_WITHOUT_LISTS}"
        return role_link(facts, role, text, keys=keys)
    if name in held.others:
        return role_link(facts, role, "on the user itself; others gave it, so Okta does not take it away", keys=())
    text = "not on the user yet: that is due, unless something below says otherwise"
    return Link(ENDED, text, role, okta_id, keys=keys)


def stray_roles(facts: Facts, name: str, sources: list[str]) -> Iterator[Link]:
    """Yield the member roles of a user that we gave for groups and apps that the person has left."""
    held = {} if facts.actual is None else facts.actual.direct_roles
    for okta_id in sorted(held.keys() - set(sources)):
        if name in held[okta_id].imported:
            text = "on the user itself; by what was last read, Okta does not have them in it, or that could not be read"
            yield role_link(facts, member_role(okta_id), text, keys=((MEMBER, f"{okta_id}/{name}"),))


def role_of(facts: Facts, okta_id: str) -> Link:
    """Explain which users have the member role of a group or an app."""
    if facts.actual is None:
        text = f"on the users themselves ({_WITHOUT_LISTS}); who has it is known to a running service"
        return Link(ROLE, text, member_role(okta_id), keys=((ROLE, member_role(okta_id)),))
    held = _held(facts, okta_id)
    text = f"on the users themselves ({_WITHOUT_LISTS}): {len(held.imported)} have it because of Okta"
    text += f", {len(held.others)} from others" if held.others else ""
    shown = sorted(held.imported)[:MOST_SHOWN]
    cut = f", of whom the first {MOST_SHOWN} are shown" if len(held.imported) > MOST_SHOWN else ""
    people = [
        Link(MEMBER, "has it", name, facts.users.get(name, ""), keys=((MEMBER, f"{okta_id}/{name}"),)) for name in shown
    ]
    return role_link(facts, member_role(okta_id), text + cut, keys=(), then=tuple(people))


def _held(facts: Facts, okta_id: str) -> ListMembers:
    return _NOBODY if facts.actual is None else facts.actual.direct_roles.get(okta_id, _NOBODY)
