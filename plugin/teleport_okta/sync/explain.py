"""Explanations of a person or an object: the chain from the object in Okta to what follows from it in Teleport.

The chains are computed from known facts; only the journal is read for them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.model.hint import HintKind
from teleport_okta.model.okta import UserStatus
from teleport_okta.model.provisioned import is_pushed
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import ACCESS_LIST, LOCK, MEMBER, ROLE, TRAITS, USER, Action
from teleport_okta.state.journal_entry import Result
from teleport_okta.sync.explain_direct_roles import role_on_user, stray_roles
from teleport_okta.sync.explain_facts import gathered
from teleport_okta.sync.explain_find import OF_APP, OF_GROUP, OF_USER, find, looked_in
from teleport_okta.sync.explain_lists import (
    added_link,
    app_chain,
    group_chain,
    is_ours,
    list_chain,
    membership_keys,
    owned_lists,
    passing,
    roles_of,
    why_no_list,
)
from teleport_okta.sync.explain_roles import MOST_SHOWN
from teleport_okta.sync.explanation import ENDED, Explanation, Link, moment

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from datetime import datetime

    from teleport_okta.model.access import TeleportMember
    from teleport_okta.model.hint import Hint
    from teleport_okta.model.provisioned import ProvisionedUser
    from teleport_okta.settings import Settings
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.state.people_seen import SeenPerson
    from teleport_okta.state.store import Store
    from teleport_okta.sync.explain_facts import Facts
    from teleport_okta.sync.explanation import Match
    from teleport_okta.sync.registry import Registry


async def explained(
    store: Store, settings: Settings, registry: Registry | None, *, of: str, asked: str, now: datetime
) -> Explanation:
    """Explain what is called `asked`, by the registry, or without one by what was last seen.

    Raises StateError.
    """
    facts = await gathered(store, settings, registry, asked, now)
    found = explain(facts, of, asked)
    if found.chain is None:
        return found
    entries = await store.journal.latest(frozenset(found.chain.all_keys()))
    return replace(found, chain=found.chain.with_entries(entries, now))


def explain(facts: Facts, of: str, asked: str) -> Explanation:
    """Explain what is called `asked`, without the entries of the journal."""
    matches = find(facts, of, asked)
    answer = Explanation(of, asked, facts.is_live, facts.seen_at, matches=tuple(matches))
    if len(matches) != 1:
        return answer if matches else replace(answer, looked_in=looked_in(facts, of))
    (match,) = matches
    chain = _chain(facts, match)
    return replace(answer, chain=chain, open=tuple(_open(facts, match)))


def _chain(facts: Facts, match: Match) -> Link:
    if match.of == OF_USER:
        return _person(facts, match)
    if match.of == OF_GROUP:
        return group_chain(facts, match.okta_id, match.name)
    if match.of == OF_APP:
        return app_chain(facts, match.okta_id, match.name)
    return list_chain(facts, match.id)


def _names(facts: Facts, match: Match) -> list[str]:
    return facts.names_of(match.okta_id) or ([match.name] if not match.okta_id else [])


def _person(facts: Facts, match: Match) -> Link:
    person = facts.people.get(match.okta_id)
    names = _names(facts, match)
    record = facts.provisioned.get(match.okta_id)
    said = () if record is None else (_said(record),)
    if facts.is_scim_alone:
        text = "; ".join(said) or "no SCIM request about them is known"
    elif person is None:
        text = "; ".join(("no usable row in Okta's last listing of people", *said))
    else:
        text = f"{person.status} in Okta when last read, at {moment(person.at)}"
        text += "; suspended since, see the lock" if _is_suspended_since(facts, person) else ""
        text = "; ".join((text, *said))
    then = [] if person is None or _has_left(facts, person) else [*_assignment(facts, match.okta_id)]
    for name in names:
        then += [_user(facts, name), *_in_lists(facts, name, match.okta_id)]
    if not names:
        then.append(_no_user(facts, match))
    return Link("person", text, match.name, match.okta_id, tuple(then))


def _said(record: ProvisionedUser) -> str:
    """Describe the last SCIM request about a person."""
    if record.denied_at is None:
        return f"provisioned through SCIM, active since its request of {moment(record.modified)} or earlier"
    how = "deleted" if record.is_deleted else "deactivated"
    return f"{how} through SCIM at {moment(record.denied_at)}"


def _is_suspended_since(facts: Facts, person: SeenPerson) -> bool:
    """Whether our newest lock on a person is for a suspension after the person was last read.

    After the event of a suspension only the status is read, and the row of the person is not updated.
    """
    locks = (one for one in facts.past if one.kind == LOCK and one.okta_id == person.okta_id)
    newest = next((one for one in locks if one.outcome == Result.DONE), None)
    return newest is not None and (newest.action, newest.harm) == (Action.LOCK, LOCK) and newest.time > person.at


def _has_left(facts: Facts, person: SeenPerson) -> bool:
    """Whether the journal has the end of the person's user after the person was last seen."""
    return not facts.names_of(person.okta_id) and any(
        (entry.kind, entry.action, entry.okta_id) == (USER, Action.DELETE, person.okta_id)
        and entry.outcome == Result.DONE
        and entry.time >= person.at
        for entry in facts.past
    )


def _assignment(facts: Facts, okta_id: str) -> Iterator[Link]:
    """Yield why a person is synced, as far as that is known."""
    if facts.source_app is None:
        text = "everyone a SCIM client provisions" if facts.is_scim_alone else "everyone in the organisation"
        yield Link("source", f"{text} is synced")
        return
    app = facts.apps.get(facts.source_app)
    text = "the app that people come from"
    okta = facts.okta
    roster = None if okta is None else okta.direct.get(facts.source_app)
    if roster is not None and not roster.problem and okta_id in roster.ids:
        text += "; assigned individually"
    for group_id, grants in {} if okta is None else okta.grants.items():
        members = None if okta is None else okta.members.get(group_id)
        if members is not None and facts.source_app in grants.ids and okta_id in members.ids:
            label = facts.groups[group_id].name if group_id in facts.groups else ""
            text += f"; assigned by the group {label} ({group_id})"
    yield Link("app", text, app.label if app else "", facts.source_app)


def _user(facts: Facts, name: str) -> Link:
    """Explain a user: its origin, default roles, our locks on it, and the memberships left under its name."""
    okta_id = facts.users.get(name, "")
    if name in facts.others and name not in facts.users:
        return Link(USER, "a user of Teleport who is not ours; no person in Okta is known for it", name)
    then = [Link(LOCK, "", name, okta_id, keys=((LOCK, name),))]
    then += [Link(ROLE, "given to every user of ours", role) for role in facts.imports.policy.default_roles]
    return Link(USER, "a user of ours", name, okta_id, tuple(then), ((USER, name),))


def _no_user(facts: Facts, match: Match) -> Link:
    """Explain why a person has no user, as far as is known, and how an earlier user ended."""
    person = facts.people.get(match.okta_id)
    former = sorted({entry.name for entry in facts.past if entry.kind == USER and _is_of(entry.okta_id, match)})
    text = "no user of ours"
    unactivated = {UserStatus.STAGED, UserStatus.PROVISIONED}
    if any(_is_about(row.row.kind, row.row.name, row.row.okta_id, match, []) for row in facts.quarantine):
        text += ": set aside, see below"
    elif person is not None and person.status in unactivated and not facts.imports.policy.create_unactivated:
        text += f": {person.status}, and sync.create_unactivated is false"
    then = tuple(Link(LOCK, "", name, match.okta_id, keys=((LOCK, name),)) for name in former)
    keys = tuple((USER, name) for name in former)
    return Link(ENDED, text, "", match.okta_id, then, keys)


def _is_of(okta_id: str, match: Match) -> bool:
    return not match.okta_id or okta_id == match.okta_id


def _in_lists(facts: Facts, name: str, okta_id: str) -> Iterator[Link]:
    """Yield the groups and apps of a person with their lists, and the other lists that have the person."""
    sources = _sources(facts, okta_id)
    yield from (_by_okta(facts, name, source) for source in sources)
    if facts.actual is None:
        yield from _journaled_lists(facts, name, sources)
        return
    yield from stray_roles(facts, name, sources)
    unknown = facts.unread(ACCESS_LIST, MEMBER)
    if unknown:
        yield Link("note", f"who is in which list is {unknown}")
    through = {source for source in sources if _is_effective(facts, name, source)}
    shown = {source for source in sources if is_ours(facts, source)}
    for list_name in sorted(facts.actual.members.keys() & facts.actual.access_lists.keys() - shown):
        member = facts.actual.members[list_name].others.get(name)
        if member is not None and not member.is_imported:
            yield _added_to(facts, member, list_name)
        elif facts.actual.members[list_name].has_import(name):
            text = "imported; by what was last read, Okta does not have them in it, or that could not be read"
            if is_pushed(list_name):
                text = f"in its list, because the group was pushed through SCIM{_with_them(facts, list_name, okta_id)}"
            then = tuple(roles_of(facts, list_name))
            yield Link(ACCESS_LIST, text, facts.title(list_name), list_name, then, membership_keys(list_name, name))
        if _is_effective(facts, name, list_name):
            through.add(list_name)
    yield from _nested(facts, through)
    yield from owned_lists(facts, name)


def _with_them(facts: Facts, list_name: str, okta_id: str) -> str:
    """Describe whether a pushed group has a person in it now."""
    group = None if facts.okta is None else facts.okta.pushed.get(list_name)
    return " with them in it" if group is not None and okta_id in group.people else "; they are not in it any more"


def _is_effective(facts: Facts, name: str, list_name: str) -> bool:
    """Whether a person is a direct member of a list, and the membership has not expired."""
    members = facts.members(list_name)
    member = members.others.get(name)
    if member is None:
        return name in members.imported
    return member.expires is None or member.expires > facts.now


def _added_to(facts: Facts, member: TeleportMember, list_name: str) -> Link:
    """Explain who added a person to a list, and what follows from it while it lasts."""
    text = added_link(facts, member).text
    if not _is_effective(facts, member.name, list_name):
        return Link(ACCESS_LIST, f"{text}, which is over", facts.title(list_name), list_name)
    return Link(ACCESS_LIST, text, facts.title(list_name), list_name, tuple(roles_of(facts, list_name)))


def _journaled_lists(facts: Facts, name: str, sources: Container[str]) -> Iterator[Link]:
    """Yield the lists to which a person was added after the rosters in the state were read."""
    for list_name, entry in sorted(_memberships(facts, name).items()):
        if entry.action == Action.CREATE and list_name not in sources and facts.has_list(list_name):
            then, keys = tuple(roles_of(facts, list_name)), membership_keys(list_name, name)
            yield Link(ACCESS_LIST, "in it, as the journal has it", facts.title(list_name), list_name, then, keys)
    yield Link("note", "groups and lists are as they were last read; lists in which people put them are not known here")


def _memberships(facts: Facts, name: str) -> dict[str, JournalEntry]:
    """Return the newest journal entry about a person's membership of each list, among the entries that were read."""
    found: dict[str, JournalEntry] = {}
    for entry in facts.past:
        list_name, _, member = entry.name.partition("/")
        if entry.kind == MEMBER and member == name and entry.outcome == Result.DONE:
            found.setdefault(list_name, entry)
    return found


def _sources(facts: Facts, okta_id: str) -> list[str]:
    """Return the ids of the groups that a person is in, and of the apps that the person has individually."""
    if facts.okta is None or not okta_id:
        return []
    groups = sorted(one for one, roster in facts.okta.members.items() if okta_id in roster.ids)
    return groups + sorted(one for one, roster in facts.okta.direct.items() if okta_id in roster.ids)


def _by_okta(facts: Facts, name: str, source: str) -> Link:
    """Explain what follows from a group that a person is in, or an app that the person has individually."""
    is_app = source.startswith(OKTA_APP_ID)
    known = facts.apps.get(source) if is_app else None
    label = known.label if known else facts.groups[source].name if source in facts.groups else ""
    then: list[Link] = [passing(facts, source)]
    if facts.gives_role(source):
        then.append(role_on_user(facts, name, source))
    elif not facts.has_list(source):
        then.append(Link(ENDED, why_no_list(facts, source), source, source, keys=((ACCESS_LIST, source),)))
    elif not is_ours(facts, source):
        then.append(Link(ACCESS_LIST, "not ours, so it is left alone", facts.title(source), source))
    elif facts.actual is not None and facts.unread(ACCESS_LIST, MEMBER):
        text = f"whether they are in its list is {facts.unread(ACCESS_LIST, MEMBER)}"
        then.append(Link(ACCESS_LIST, text, facts.title(source), source))
    else:
        then.append(_membership(facts, name, source))
    return Link(
        "app" if is_app else "group", "has it individually" if is_app else "is in it", label, source, tuple(then)
    )


def _membership(facts: Facts, name: str, list_name: str) -> Link:
    members, title = facts.members(list_name), facts.title(list_name)
    keys, then = membership_keys(list_name, name), tuple(roles_of(facts, list_name))
    member = members.others.get(name)
    until = f"; until {moment(member.expires)}" if member is not None and member.expires is not None else ""
    if facts.actual is None:
        journaled = _memberships(facts, name).get(list_name)
        has_ended = journaled is not None and journaled.action == Action.DELETE
        was_in = "its list, in which they were when last seen"
        text = "not in its list any more, as the journal has it" if has_ended else was_in
        return Link(ENDED if has_ended else ACCESS_LIST, text, title, list_name, () if has_ended else then, keys)
    if member is not None and not member.is_imported:
        added = _added_to(facts, member, list_name)
        return replace(added, text=f"in its list; {added.text}; people's, so Okta does not take it away")
    if member is not None and not _is_effective(facts, name, list_name):
        return Link(ENDED, f"in its list{until}, which is over", title, list_name, (), keys)
    if members.has_import(name):
        return Link(ACCESS_LIST, f"in its list, because they are in it in Okta{until}", title, list_name, then, keys)
    if name in facts.nesting.through_others(list_name, {}, ()):
        return Link(ACCESS_LIST, "in its list through a nested one", title, list_name, then)
    return Link(
        ENDED, "not in its list yet: that is due, unless something below says otherwise", title, list_name, (), keys[:1]
    )


def _nested(facts: Facts, direct: set[str]) -> Iterator[Link]:
    """Yield the lists in which one of a person's lists is nested, at any depth."""
    nesting, reached, waiting = facts.nesting, set(direct), sorted(direct)
    while waiting:
        child = waiting.pop(0)
        for parent in nesting.parents(child):
            if parent in reached:
                continue
            reached.add(parent)
            waiting.append(parent)
            text = f"through {facts.title(child)} ({child}), which is nested in it"
            yield Link(ACCESS_LIST, text, facts.title(parent), parent, tuple(roles_of(facts, parent)))


def _open(facts: Facts, match: Match) -> Iterator[Link]:
    """Yield the holds, the quarantine, the hints and the left memberships of an object."""
    names = _names(facts, match) or [match.name] if match.of == OF_USER else []
    held = [one for one in facts.findings.held if _is_about(one.kind, one.name, one.okta_id, match, names)]
    for one in held[:MOST_SHOWN]:
        why = f"; {one.why}" if one.why else ""
        yield Link("held", f"{one.kind}: {one.reason} ({one.evidence}){why}", one.name, one.okta_id)
    if len(held) > MOST_SHOWN:
        yield Link("held", f"{len(held) - MOST_SHOWN} more; `status --format json` has them all")
    for entry in facts.quarantine:
        row = entry.row
        if _is_about(row.kind, row.name, row.okta_id, match, names):
            text = f"{row.kind}, since {moment(entry.since)}: {row.reason} -> {row.remedy}"
            yield Link("quarantine", f"{text}; next try {moment(entry.next_try)}", row.name, row.okta_id)
    for left in facts.left:
        if left.name in names or (match.of != OF_USER and left.list_name == match.id):
            text = (
                "a membership that was left behind in the name: its next person waits until it is released or taken out"
            )
            yield Link("left", text, f"{left.title} ({left.list_name}/{left.name})")
    for hint in facts.hints:
        if _concerns(hint, match):
            tried = f", tried {hint.tries} times" if hint.tries else ""
            yield Link("waiting", f"a look at {_looked_at(hint)}, because of {hint.cause or 'a change'}{tried}")


def _looked_at(hint: Hint) -> str:
    about = " ".join(one for one in (hint.of, hint.with_) if one)
    return f"{hint.kind} {about}".rstrip()


def _is_about(kind: str, name: str, okta_id: str, match: Match, names: list[str]) -> bool:
    """Whether a hold or a quarantined row is about the object."""
    if match.okta_id and okta_id == match.okta_id:
        return True
    list_name, _, member = name.partition("/") if kind == MEMBER else ("", "", "")
    if match.of == OF_USER:
        return member in names or (kind in {USER, LOCK, TRAITS} and not okta_id and name in names)
    return list_name == match.id or (kind == ACCESS_LIST and name == match.id)


def _concerns(hint: Hint, match: Match) -> bool:
    if hint.kind is HintKind.ALL or (hint.kind in {HintKind.PEOPLE, HintKind.CHANGED_PEOPLE} and match.of == OF_USER):
        return True
    if hint.kind is HintKind.CHANGED_GROUPS:
        return match.of == OF_GROUP
    return bool(match.id) and match.id in {hint.of, hint.with_}
