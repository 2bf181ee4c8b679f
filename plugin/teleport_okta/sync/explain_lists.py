"""The chains of groups, apps and lists: their objects in Teleport, the filter, the grants and the members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.provisioned import is_pushed
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import ACCESS_LIST, APP_SERVER, MEMBER, ROLE, USER_GROUP
from teleport_okta.sync.explain_direct_roles import role_of
from teleport_okta.sync.explain_roles import MOST_SHOWN, name_of, role_link
from teleport_okta.sync.explanation import ENDED, Link, moment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.model.access import TeleportMember
    from teleport_okta.model.directory import Roster
    from teleport_okta.model.reasons import Reason
    from teleport_okta.sync.explain_facts import Facts

_NOT_LISTED: Final = "Okta's last listing has no usable row of it"


def group_chain(facts: Facts, okta_id: str, name: str) -> Link:
    """Explain a group."""
    group = facts.groups.get(okta_id)
    then: list[Link] = []
    if group is None:
        text = _not_listed(facts, okta_id, is_app=False)
    else:
        text = f"a group of Okta, listed at {_read_at(facts, is_app=False)}"
        then += [_people(facts, okta_id), *_granted_by(facts, okta_id)]
    then += [_user_group(facts, okta_id), *_list_of(facts, okta_id)]
    return Link("group", text, group.name if group else name, okta_id, tuple(then))


def app_chain(facts: Facts, okta_id: str, name: str) -> Link:
    """Explain an app."""
    app = facts.apps.get(okta_id)
    then: list[Link] = []
    if app is None:
        text = _not_listed(facts, okta_id, is_app=True)
    else:
        text = f"an app of Okta, {app.status}, listed at {_read_at(facts, is_app=True)}"
        then += [_people(facts, okta_id), *_granting(facts, okta_id)]
    then += [_app_server(facts, okta_id), *_list_of(facts, okta_id)]
    return Link("app", text, app.label if app else name, okta_id, tuple(then))


def list_chain(facts: Facts, name: str) -> Link:
    """Explain a list: its source, its grants, and its members by origin."""
    title = facts.title(name)
    if not facts.has_list(name):
        return Link(ACCESS_LIST, "there is no such list any more", title, name, (_ended(ACCESS_LIST, name),))
    if not is_ours(facts, name):
        then = (*roles_of(facts, name), *_members(facts, name))
        text = "a list that people made: it does not carry our owner label"
        return Link(ACCESS_LIST, text, title, name, then)
    if is_pushed(name):
        made_of = Link("group", _pushed(facts, name), title, name)
        then = (made_of, *roles_of(facts, name), *_owners(facts, name), *_members(facts, name))
        return Link(
            ACCESS_LIST, "a list of ours; people decide what it grants", title, name, then, ((ACCESS_LIST, name),)
        )
    is_app = name.startswith(OKTA_APP_ID)
    known = facts.apps if is_app else facts.groups
    of = "app" if is_app else "group"
    source = f"a {of} of Okta" if name in known else _not_listed(facts, name, is_app=is_app)
    made_of = Link(of, source, name_of(facts, name), name, (passing(facts, name),))
    return Link(
        ACCESS_LIST,
        "a list of ours",
        title,
        name,
        (made_of, *roles_of(facts, name), *_owners(facts, name), *_members(facts, name)),
        ((ACCESS_LIST, name),),
    )


def _pushed(facts: Facts, list_name: str) -> str:
    """Describe a group that a SCIM client pushed."""
    group = None if facts.okta is None else facts.okta.pushed.get(list_name)
    if group is None:
        return "pushed through SCIM once; the group is not known now, so its list stays as it is"
    return f"pushed through SCIM as {group.name}, with {len(group.people)} people"


def is_ours(facts: Facts, list_name: str) -> bool:
    """Whether a list is ours."""
    if facts.actual is None:
        return list_name in facts.seen_lists
    found = facts.actual.access_lists.get(list_name)
    return found is not None and labels.owner_of(found.labels) == facts.owner


def passing(facts: Facts, okta_id: str) -> Link:
    """Return the filter that a group or an app passes, or why it has no list."""
    desired = facts.desired(okta_id)
    if desired is None:
        return Link("filter", "groups and apps have never been read")
    candidate = desired.candidates.get(okta_id)
    if candidate is None:
        return Link("filter", f"no list is wanted: {_why_none(desired, okta_id)}")
    option = f"access_lists.{candidate.of}_filters"
    return Link("filter", f"passes {option}" if candidate.why != "*" else f"everything passes {option}", candidate.why)


def roles_of(facts: Facts, list_name: str) -> list[Link]:
    """Return the roles that a list grants, with the objects that each allows."""
    found = None if facts.actual is None else facts.actual.access_lists.get(list_name)
    if found is None:
        name = member_role(list_name)
        text = "granted to members; what it allows is known to a running service"
        return [Link(ROLE, text, name, keys=((ROLE, name),))]
    roles = [role_link(facts, name, "granted to members") for name in found.grants]
    if found.has_requirements:
        roles.insert(
            0, Link("requirements", "membership takes effect only for people who meet the requirements of the list")
        )
    return roles


def _owners(facts: Facts, list_name: str) -> Iterator[Link]:
    found = None if facts.actual is None else facts.actual.access_lists.get(list_name)
    if found is None:
        return
    owners = ", ".join(f"list {one.name}" if one.is_list else one.name for one in found.owners) or "nobody"
    role = reviewer_role(list_name)
    granted = [role_link(facts, name, "granted to owners") for name in found.owner_grants if name == role]
    yield Link("owners", owners, then=tuple(granted))


def owned_lists(facts: Facts, name: str) -> Iterator[Link]:
    """Yield the lists that a user owns by name, with the roles of owners."""
    lists = {} if facts.actual is None else facts.actual.access_lists
    for list_name, found in sorted(lists.items()):
        if any(owner.name == name and not owner.is_list for owner in found.owners):
            granted = [role_link(facts, role, "granted to owners") for role in found.owner_grants]
            yield Link(ACCESS_LIST, "an owner of it", found.title, list_name, tuple(granted))


def _members(facts: Facts, list_name: str) -> Iterator[Link]:
    """Yield the members of a list by origin, and the lists that it is nested in."""
    if facts.actual is None:
        seen = facts.seen_lists.get(list_name)
        counts = f"{seen.imported} imported, {seen.added} added by people" if seen else "not known"
        yield Link("members", f"when last seen: {counts}; who they are is known to a running service")
        return
    unknown = facts.unread(ACCESS_LIST, MEMBER)
    if unknown:
        yield Link("members", unknown)
        return
    members = facts.members(list_name)
    given_an_end = {name for name, one in members.others.items() if one.is_imported}
    imported = sorted(members.imported | given_an_end)
    who = "the SCIM client" if is_pushed(list_name) else "Okta"
    links = [
        Link(
            MEMBER, f"{who} has them in it" + _end(members.others.get(name)), name, facts.users.get(name, ""), keys=keys
        )
        for name in imported[:MOST_SHOWN]
        for keys in [membership_keys(list_name, name)]
    ]
    yield Link("members", f"because of {who}: {len(imported)}{_cut(imported)}", then=tuple(links))
    added = sorted(one.name for one in members.others.values() if not one.is_imported)
    links = [added_link(facts, members.others[name]) for name in added[:MOST_SHOWN]]
    yield Link("members", f"added by people: {len(added)}{_cut(added)}", then=tuple(links))
    for parent in facts.nesting.parents(list_name):
        then = tuple(roles_of(facts, parent))
        yield Link(
            ACCESS_LIST, "this list is nested in it, so its members are in both", facts.title(parent), parent, then
        )


def membership_keys(list_name: str, member: str) -> tuple[tuple[str, str], ...]:
    """Return the keys of an imported member in the journal: the member was added alone, or made with the list."""
    return (MEMBER, f"{list_name}/{member}"), (ACCESS_LIST, list_name)


def added_link(facts: Facts, member: TeleportMember) -> Link:
    """Describe who added a member, why, and until when."""
    text = f"added by {member.added_by or 'a person'} in Teleport"
    text += f", because: {member.reason}" if member.reason else ""
    if member.is_list:
        return Link(ACCESS_LIST, f"nested; {text}{_end(member)}", facts.title(member.name), member.name)
    return Link(MEMBER, text + _end(member), member.name, facts.users.get(member.name, ""))


def _end(member: TeleportMember | None) -> str:
    return f"; until {moment(member.expires)}" if member is not None and member.expires is not None else ""


def _cut(names: Collection[str]) -> str:
    return f", of whom the first {MOST_SHOWN} are shown" if len(names) > MOST_SHOWN else ""


def _people(facts: Facts, okta_id: str) -> Link:
    """Return the people of a group, or those with an app individually, and which of them have no user."""
    roster = _roster(facts, okta_id)
    where = "individually assigned" if okta_id.startswith(OKTA_APP_ID) else "in the group"
    if roster is None:
        return Link("people", f"the people {where} were not read: they are read only if there may be a list")
    if roster.problem:
        return Link("people", f"the people {where} cannot be read: {roster.problem}")
    without = sorted(roster.ids - facts.managed)
    text = f"{len(roster.ids)} {where}, users of ours among them: {len(roster.ids) - len(without)}"
    links = []
    for one in without[:MOST_SHOWN]:
        person = facts.people.get(one)
        why = f"no user of ours; {person.status} in Okta" if person else "no user of ours; not among those to be synced"
        links.append(Link("person", why, person.name if person else "", one))
    return Link("people", f"{text}; read at {moment(roster.read_at)}", then=tuple(links))


def _granted_by(facts: Facts, group_id: str) -> Iterator[Link]:
    roster = None if facts.okta is None else facts.okta.grants.get(group_id)
    if roster is None:
        return
    if roster.problem:
        yield Link("grants", f"which apps it grants in Okta cannot be read: {roster.problem}")
        return
    apps = ", ".join(f"{name_of(facts, one)} ({one})" for one in sorted(roster.ids)) or "no apps"
    yield Link("grants", f"{apps}, by Okta")


def _granting(facts: Facts, app_id: str) -> Iterator[Link]:
    grants = {} if facts.okta is None else facts.okta.grants
    groups = sorted(one for one, roster in grants.items() if not roster.problem and app_id in roster.ids)
    for group_id in groups[:MOST_SHOWN]:
        yield Link("group", "grants the app to its members in Okta", name_of(facts, group_id), group_id)
    if len(groups) > MOST_SHOWN:
        yield Link("group", f"{len(groups) - MOST_SHOWN} more groups grant it")


def _user_group(facts: Facts, group_id: str) -> Link:
    unknown = facts.unread(USER_GROUP)
    if facts.actual is None or unknown:
        return Link(USER_GROUP, unknown, group_id, group_id, keys=((USER_GROUP, group_id),))
    found = facts.actual.user_groups.get(group_id)
    if found is None:
        why = facts.imports.groups_off or "there is none"
        return Link(ENDED, f"no user group: {why}", group_id, group_id, keys=((USER_GROUP, group_id),))
    apps = ", ".join(name_of(facts, facts.app_of_server(one)) or one for one in found.applications) or "no apps"
    return Link(USER_GROUP, f"grants {apps}", group_id, group_id, keys=((USER_GROUP, group_id),))


def _app_server(facts: Facts, app_id: str) -> Link:
    name = app_server_name(app_id)
    keys = ((APP_SERVER, name),)
    desired = facts.desired(app_id)
    left_out = _text(None if desired is None else desired.left_out.get(app_id))
    unknown = facts.unread(APP_SERVER)
    if facts.actual is None or unknown:
        text = f"no app server: {left_out}" if left_out else unknown
        return Link(APP_SERVER, text, name, app_id, keys=keys)
    found = facts.actual.app_servers.get(name)
    if found is None:
        why = left_out or facts.imports.apps_off or "there is none"
        return Link(ENDED, f"no app server: {why}", name, app_id, keys=keys)
    groups = ", ".join(name_of(facts, one) for one in found.user_groups) or "no user groups"
    return Link(APP_SERVER, f"granted by {groups}", name, app_id, keys=keys)


def _list_of(facts: Facts, okta_id: str) -> Iterator[Link]:
    """Yield the filter that a group or an app passes, and its list, or why there is none."""
    desired = facts.desired(okta_id)
    if facts.gives_role(okta_id):
        yield passing(facts, okta_id)
        yield role_of(facts, okta_id)
        return
    if facts.has_list(okta_id):
        yield passing(facts, okta_id)
        yield _its_list(facts, okta_id)
        return
    if desired is not None and okta_id in desired.candidates:
        yield passing(facts, okta_id)
    yield Link(ENDED, why_no_list(facts, okta_id), okta_id, okta_id, keys=((ACCESS_LIST, okta_id),))


def _its_list(facts: Facts, name: str) -> Link:
    if not is_ours(facts, name):
        return Link(ACCESS_LIST, "not ours, so it is left alone", facts.title(name), name)
    then = (*roles_of(facts, name), *_owners(facts, name), *_members(facts, name))
    return Link(ACCESS_LIST, "its list", facts.title(name), name, then, ((ACCESS_LIST, name),))


def why_no_list(facts: Facts, okta_id: str) -> str:
    """Describe why a group or an app has no list."""
    desired = facts.desired(okta_id)
    candidate = None if desired is None else desired.candidates.get(okta_id)
    if desired is None:
        return "no list, as far as is known: groups and apps have never been read"
    unknown = "" if facts.actual is None else facts.unread(ACCESS_LIST, MEMBER)
    if unknown:
        return f"its list is {unknown}"
    if candidate is None:
        return f"no list: {_why_none(desired, okta_id)}"
    reason = f"who is in it cannot be read: {candidate.unread}" if candidate.unread else facts.imports.lists_off
    if reason:
        return f"no list: {reason}"
    if candidate.people.isdisjoint(facts.managed):
        return "no list: no user of ours is in it"
    return "no list yet: it is due in the next pass, unless something below says otherwise"


def _roster(facts: Facts, okta_id: str) -> Roster | None:
    if facts.okta is None:
        return None
    return (facts.okta.direct if okta_id.startswith(OKTA_APP_ID) else facts.okta.members).get(okta_id)


def _not_listed(facts: Facts, okta_id: str, *, is_app: bool) -> str:
    if facts.okta is None:
        return "groups and apps have never been read"
    listing = facts.okta.apps if is_app else facts.okta.groups
    problem = next((row.reason for row in listing.malformed if row.okta_id == okta_id), "")
    if problem:
        return f"Okta's row of it cannot be used: {problem}"
    text = f"not among the {'apps' if is_app else 'groups'} that Okta listed at {_read_at(facts, is_app=is_app)}"
    doubt = listing.incomplete or listing.untrusted
    return f"{text}, which proves nothing: {doubt}" if doubt else text


def _read_at(facts: Facts, *, is_app: bool) -> str:
    if facts.okta is None:
        return "no time"
    return moment(facts.okta.apps.read_at if is_app else facts.okta.groups.read_at)


def _ended(kind: str, name: str) -> Link:
    return Link(ENDED, "its end, in the journal", name, keys=((kind, name),))


def _why_none(desired: DesiredDirectory, okta_id: str) -> str:
    return _text(desired.no_list.get(okta_id)) or _NOT_LISTED


def _text(cause: Reason | None) -> str:
    return "" if cause is None else text_of(cause)
