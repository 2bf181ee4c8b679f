"""Finding the object of a name: a user, a group, an app or a list, by its Okta id or by its name for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, LOCK, USER, USER_GROUP
from teleport_okta.sync.explanation import Match

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teleport_okta.sync.explain_facts import Facts

OF_USER: Final = "user"
OF_GROUP: Final = "group"
OF_APP: Final = "app"
OF_LIST: Final = "list"

KINDS: Final = (OF_USER, OF_GROUP, OF_APP, OF_LIST)

_LOOKED_IN: Final = {
    OF_USER: ("people of Okta", "Teleport users", "quarantine"),
    OF_GROUP: ("groups of Okta", "user groups and lists of ours in Teleport"),
    OF_APP: ("apps of Okta", "app servers and lists of ours in Teleport"),
    OF_LIST: ("access lists of Teleport",),
}
_PAST_OF: Final = {
    OF_USER: {USER, LOCK},
    OF_GROUP: {USER_GROUP, ACCESS_LIST},
    OF_APP: {APP_SERVER, ACCESS_LIST},
    OF_LIST: {ACCESS_LIST},
}


def find(facts: Facts, of: str, asked: str) -> list[Match]:
    """Return the objects that a name means: by id, by the exact name, or else by the name in any case of letters.

    A person in Okta comes before a user whose person is not known, and an object that exists before one that only the
    journal has.
    """
    if not asked:
        return []
    tiers = (_present(facts, of), _without_okta(facts, of), _past(facts, of))
    return next((found for tier in tiers if (found := _of_name(tier, of, asked))), [])


def looked_in(facts: Facts, of: str) -> tuple[str, ...]:
    """Return where a name was looked for."""
    unread = of != OF_USER and (facts.actual is None if of == OF_LIST else facts.okta is None)
    places = [*_LOOKED_IN[of], "journal"]
    unknown = "" if facts.actual is None or of == OF_USER else facts.unread(ACCESS_LIST, USER_GROUP, APP_SERVER)
    if unknown:
        places.append(f"what Teleport holds is {unknown}")
    if unread and facts.imports_directory:
        places.append("groups, apps and lists were not read yet, so only what was last seen of them")
    elif unread:
        places.append("sync.apps_and_groups is false, so no groups, apps and lists are read")
    return tuple(places)


def _of_name(rows: Iterable[tuple[str, str]], of: str, asked: str) -> list[Match]:
    rows = list(rows)
    for fits in (
        lambda okta_id, _: okta_id == asked,
        lambda _, name: name == asked,
        lambda _, name: name.casefold() == asked.casefold(),
    ):
        found = {okta_id or name: Match(of, name, okta_id) for okta_id, name in rows if fits(okta_id, name)}
        if found:
            return sorted(found.values(), key=lambda match: (match.name, match.okta_id))
    return []


def _present(facts: Facts, of: str) -> Iterator[tuple[str, str]]:
    """Yield ids and names of objects; the best known name of an object comes last."""
    match of:
        case "user":
            rows = [entry.row for entry in facts.quarantine if entry.row.kind == USER and entry.row.okta_id]
            yield from ((row.okta_id, row.name) for row in rows)
            yield from ((one.okta_id, one.name) for one in facts.people.values())
            yield from ((okta_id, name) for name, okta_id in facts.users.items() if okta_id)
        case "group":
            yield from _held_of(facts, is_app=False)
            if facts.okta is not None:
                yield from ((row.okta_id, "") for row in facts.okta.groups.malformed if row.okta_id)
                yield from ((row.id, row.name) for row in facts.okta.groups.rows)
        case "app":
            yield from _held_of(facts, is_app=True)
            if facts.okta is not None:
                yield from ((row.okta_id, "") for row in facts.okta.apps.malformed if row.okta_id)
                yield from ((row.id, app_server_name(row.id)) for row in facts.okta.apps.rows)
                yield from ((row.id, row.label) for row in facts.okta.apps.rows)
        case _:
            if facts.actual is None:
                yield from ((one.okta_id, one.title) for one in facts.seen_lists.values())
            else:
                yield from ((found.name, found.title) for found in facts.actual.access_lists.values())


def _without_okta(facts: Facts, of: str) -> Iterator[tuple[str, str]]:
    """Yield the users whose person is not known."""
    if of == OF_USER:
        yield from (("", name) for name in facts.others)
        yield from (("", name) for name, okta_id in facts.users.items() if not okta_id)
        yield from (("", entry.row.name) for entry in facts.quarantine if entry.row.kind == USER)


def _held_of(facts: Facts, *, is_app: bool) -> Iterator[tuple[str, str]]:
    """Yield the groups or apps that still have objects of ours in Teleport."""
    yield from (
        (one.okta_id, one.title) for one in facts.seen_lists.values() if one.okta_id.startswith(OKTA_APP_ID) is is_app
    )
    if facts.actual is None:
        return
    for found in facts.actual.access_lists.values():
        if labels.owner_of(found.labels) == facts.owner and found.name.startswith(OKTA_APP_ID) is is_app:
            yield found.name, found.title
    of_servers = facts.actual.app_servers.values() if is_app else ()
    for server in of_servers:
        yield labels.okta_id_of(server.labels) or "", server.labels.get(labels.APP_NAME, "")
    for group in () if is_app else facts.actual.user_groups.values():
        if labels.owner_of(group.labels) == facts.owner:
            yield group.name, group.labels.get(labels.GROUP_NAME, "")


def _past(facts: Facts, of: str) -> Iterator[tuple[str, str]]:
    for entry in facts.past:
        if entry.kind not in _PAST_OF[of]:
            continue
        if of in {OF_USER, OF_LIST} or entry.okta_id.startswith(OKTA_APP_ID) is (of == OF_APP):
            yield entry.okta_id, entry.name
