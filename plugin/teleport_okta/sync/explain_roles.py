"""The chain of a role: the objects that it allows people to use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import APP_SERVER, ROLE, USER_GROUP
from teleport_okta.sync.explanation import Link

if TYPE_CHECKING:
    from teleport_okta.sync.explain_facts import Facts

MOST_SHOWN: Final = 100
"""How many members, people or groups of one object are named; the rest are counted."""


def role_link(
    facts: Facts, name: str, text: str, *, keys: tuple[tuple[str, str], ...] = (), then: tuple[Link, ...] = ()
) -> Link:
    """Return the link of a role with the objects that it allows; `keys` and `then` are added to those of the role."""
    unknown = facts.unread(ROLE)
    role = None if facts.actual is None else facts.actual.roles.get(name)
    if unknown:
        return Link(ROLE, f"{text}; what it allows is {unknown}", name, then=then, keys=(*keys, (ROLE, name)))
    if role is None or labels.owner_of(role.labels) != facts.owner:
        return Link(ROLE, f"{text}; not ours, so what it allows is not known here", name, then=then, keys=keys)
    allow = role.allow
    group_ids = allow.group_labels.get(labels.GROUP_ID, ()) if allow else ()
    uses = [_group_link(facts, one) for one in group_ids]
    for app_id in allow.app_labels.get(labels.APP_ID, ()) if allow else ():
        server = app_server_name(app_id)
        there = facts.actual is not None and server in facts.actual.app_servers
        text_of = f"may be used, as {server}" if there else "may be used, once it is an app server"
        uses.append(Link("app", text_of, name_of(facts, app_id), app_id, keys=((APP_SERVER, server),)))
    reviewed = f", to review requests for {', '.join(allow.review)}" if allow and allow.review else ""
    return Link(ROLE, text + reviewed, name, then=(*uses, *then), keys=(*keys, (ROLE, name)))


def _group_link(facts: Facts, group_id: str) -> Link:
    text = "may be used"
    if facts.actual is not None and group_id not in facts.actual.user_groups:
        text += ", if it is a user group" if facts.unread(USER_GROUP) else ", once it is a user group"
    return Link(USER_GROUP, text, name_of(facts, group_id), group_id, keys=((USER_GROUP, group_id),))


def name_of(facts: Facts, okta_id: str) -> str:
    """Return the name of a group or an app in Okta."""
    if okta_id.startswith(OKTA_APP_ID):
        app = facts.apps.get(okta_id)
        return app.label if app else ""
    group = facts.groups.get(okta_id)
    return group.name if group else facts.title(okta_id)
