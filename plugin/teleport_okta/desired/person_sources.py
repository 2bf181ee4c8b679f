"""Both doors for one person: the listing of Okta's API, and the last request of a SCIM client.

A user exists only while no door denies it. The API denies a user by a statement (a deactivation, an assignment that is
gone while the person can be read), never by an absence. A SCIM client denies a user by `active: false`, or by deleting
the resource. That denial ends when the client ends it, or when the API shows an assignment that was made later. Apart
from denials, the facts of the API win over those of the client.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.desired.scim_profile import profile_of
from teleport_okta.model.okta import STATUS_NOT_GIVEN, MalformedRow, PersonFacts, UserStatus
from teleport_okta.model.provisioned import OKTA_USER_ID
from teleport_okta.model.reasons import DeprovisionedByScim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.okta import Snapshot
    from teleport_okta.model.provisioned import ProvisionedUser


def with_provisioned(snapshot: Snapshot, records: Mapping[str, ProvisionedUser], *, is_all: bool = False) -> Snapshot:
    """Return the snapshot with the statements of both doors; `records` are those of SCIM, by Okta id.

    With `is_all` SCIM is the only door, and its record of a person is complete.
    """
    if not records:
        return snapshot
    people: list[PersonFacts] = []
    malformed: list[MalformedRow] = []
    denied = {okta_id for okta_id, record in records.items() if not record.active}
    seen: set[str] = set()
    for person in snapshot.people:
        record = records.get(person.okta_id)
        if record is None:
            people.append(person)
        elif record.active or _was_assigned_after(person, record):
            denied.discard(person.okta_id)
            seen.add(person.okta_id)
            people.append(replace(person, scim_id=record.id))
    for row in snapshot.malformed:
        record = records.get(row.okta_id or "")
        if record is None or (record.active and _says_something(row)):
            malformed.append(row)
            seen.add(row.okta_id or "")
    taken_away = snapshot.unassigned | snapshot.ended.keys()
    scim_only = [
        replace(
            _from_scim(record, is_all=is_all, is_suspended=okta_id in snapshot.suspended),
            is_unasked=okta_id in snapshot.unconfirmed,
        )
        for okta_id, record in records.items()
        if record.active and okta_id not in seen and okta_id not in taken_away
    ]
    there = {person.okta_id for person in scim_only}
    return replace(
        snapshot,
        people=(*people, *scim_only),
        malformed=tuple(malformed),
        ended={**snapshot.ended, **dict.fromkeys(denied, DeprovisionedByScim())},
        deprovisioned=frozenset(denied),
        unassigned=snapshot.unassigned - denied,
        unconfirmed=snapshot.unconfirmed - denied - there,
        suspended=snapshot.suspended - denied,
        leaving=snapshot.leaving - denied,
    )


def _was_assigned_after(person: PersonFacts, record: ProvisionedUser) -> bool:
    """Whether the API shows an assignment that was made after a denial."""
    made, denied = person.assigned_at, record.denied_at
    return made is not None and denied is not None and made > denied


def _says_something(row: MalformedRow) -> bool:
    """Whether at least one status of a row could be read."""
    return row.status != STATUS_NOT_GIVEN or row.assignment_status not in {None, STATUS_NOT_GIVEN}


def _from_scim(record: ProvisionedUser, *, is_all: bool, is_suspended: bool) -> PersonFacts:
    return PersonFacts(
        okta_id=record.okta_id,
        name=record.name,
        status=UserStatus.SUSPENDED if is_suspended else UserStatus.ACTIVE,
        assignment_status=None,
        profile=profile_of(record.attributes, record.user_name),
        app_profile={},
        scim_id=record.id,
        # Okta's API may show a suspension that the client does not send; a person without an Okta id has none there.
        is_scim_only=not is_all and record.okta_id.startswith(OKTA_USER_ID),
    )
