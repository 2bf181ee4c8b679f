"""The records of people and groups that a SCIM client sent, which win over Okta's API (`desired/person_sources.py`)."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.group_sources import keeps_no_list
from teleport_okta.desired.scim_recovery import recovered_groups, recovered_users
from teleport_okta.desired.trust import GROUPS
from teleport_okta.model.hint import Hint, HintKind
from teleport_okta.model.provisioned import UNKNOWN_TO_OKTA, is_pushed
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER
from teleport_okta.state.scim_users import folded
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from teleport_okta.desired.trust import Absences
    from teleport_okta.model.directory import Directory
    from teleport_okta.model.okta import PersonFacts
    from teleport_okta.model.provisioned import ProvisionedUser
    from teleport_okta.plan.actual import ActualDirectory, ActualUsers
    from teleport_okta.settings import Settings
    from teleport_okta.state.store import Store
    from teleport_okta.sync.reading import DirectoryFacts

_UNBOUND: Final = "list sync no longer keeps a list for a pushed group"

_log = logging.getLogger(__name__)


async def provisioned(
    store: Store, settings: Settings, ids: Collection[str] | None = None
) -> dict[str, ProvisionedUser]:
    """Return the records of some or all people, by Okta id; none if SCIM is off.

    Raises StateError.
    """
    if not settings.is_provisioned:
        return {}
    return await (store.scim_users.everybody() if ids is None else store.scim_users.some(ids))


async def provisioned_named(store: Store, settings: Settings, user_name: str) -> dict[str, ProvisionedUser]:
    """Return the record of a name, by Okta id; none if SCIM is off. Raises StateError."""
    found = await store.scim_users.named(user_name) if settings.is_provisioned else None
    return {} if found is None else {found.okta_id: found}


async def provisioned_as(store: Store, settings: Settings, asked: str) -> dict[str, ProvisionedUser]:
    """Return the records of a name or an Okta id, by Okta id, with those of deleted resources. Raises StateError."""
    if not settings.is_provisioned:
        return {}
    found = (await store.scim_users.named(asked), await store.scim_users.of_person(asked))
    return {one.okta_id: one for one in found if one is not None}


@contextmanager
def _continuing_without_a_record() -> Iterator[None]:
    """Continue if the state cannot be written: leavers must be locked all the same, and the next pass writes it."""
    try:
        yield
    except StateError as error:
        _log.warning("a record of a SCIM client could not be stored: %s", error)


async def bound_by_name(
    store: Store, records: Mapping[str, ProvisionedUser], people: Iterable[PersonFacts]
) -> dict[str, ProvisionedUser]:
    """Return the records; a record without an Okta id is bound to the person who has its name in Okta's API.

    The binding is stored, and stays if the person is renamed.
    """
    bound = dict(records)
    nameless = {folded(one.user_name): one for one in records.values() if one.okta_id.startswith(UNKNOWN_TO_OKTA)}
    if not nameless:
        return bound
    for person in people:
        record = nameless.get(folded(person.name or ""))
        if record is not None and not record.is_deleted and person.okta_id not in bound:
            del nameless[folded(record.user_name)], bound[record.okta_id]
            bound[person.okta_id] = replace(record, okta_id=person.okta_id)
            with _continuing_without_a_record():
                await store.scim_users.bind(record, person.okta_id)
    return bound


async def recover_users(
    store: Store, settings: Settings, actual: ActualUsers, *, owner: str, now: datetime
) -> dict[str, ProvisionedUser]:
    """Return the records of all people; people whom only Teleport's labels show are stored first.

    Raises StateError.
    """
    records = await provisioned(store, settings)
    if not settings.is_provisioned or actual.locks_unread:
        return records
    found = recovered_users(actual.users.values(), actual.locks.values(), records.values(), owner=owner, now=now)
    if not found:
        return records
    _log.warning("the state lacks people who were provisioned: restoring %d from Teleport's labels", len(found))
    with _continuing_without_a_record():
        await store.scim_users.put_all(found)
    return records | {user.okta_id: user for user in found}


async def recover_groups(
    store: Store, settings: Settings, actual: ActualDirectory, *, owner: str, now: datetime
) -> None:
    """Store the pushed groups that only Teleport's lists show. Raises StateError."""
    if not settings.is_provisioned or actual.is_unread(ACCESS_LIST, MEMBER):
        return
    known = {group.list_name: group for group in await store.scim_groups.every()}
    if not any(is_pushed(name) and name not in known for name in actual.access_lists):
        return
    users = (await store.scim_users.everybody()).values()
    found = recovered_groups(actual.access_lists.values(), actual.members, users, known.values(), owner=owner, now=now)
    if not found:
        return
    _log.warning("the state lacks groups that were pushed: restoring %d from their access lists", len(found))
    with _continuing_without_a_record():
        await store.scim_groups.put_all(found)


async def with_pushed(store: Store, settings: Settings, directory: Directory) -> Directory:
    """Return a directory with the groups that a SCIM client pushed; unchanged if SCIM is off.

    Raises StateError.
    """
    if not settings.is_provisioned:
        return directory
    found = await store.scim_groups.with_lists()
    return replace(directory, pushed=found.pushed, unpushed=found.unpushed)


async def end_bindings(
    store: Store, settings: Settings, facts: DirectoryFacts, absences: Mapping[str, Absences], now: datetime
) -> None:
    """Unbind the pushed groups for whose Okta group list sync no longer keeps a list: they get lists of their own.

    If log events are followed, hints of them are stored; otherwise the next pass or request makes the lists. Raises
    StateError.
    """
    if not settings.is_provisioned or facts.actual.is_unread(ACCESS_LIST):
        return
    is_absence_believed = GROUPS in absences and absences[GROUPS].believed
    ended = [
        group
        for group in await store.scim_groups.bound()
        if keeps_no_list(
            group.okta_id,
            facts.okta,
            facts.imports,
            facts.actual.access_lists,
            is_absence_believed=is_absence_believed,
        )
    ]
    for group in ended:
        _log.info(
            "the pushed group %s has a list of its own from now on: none is kept for the Okta group %s any more",
            group.id,
            group.okta_id,
        )
    own = [replace(group, okta_id="").list_name for group in ended]
    hints = [Hint(HintKind.GROUP, name, cause=_UNBOUND) for name in own] if settings.sync.follow_log else []
    if ended:
        await store.scim_groups.unbind(ended, hints=hints, at=now)
