"""Conversion between Teleport's messages of access lists and members and the values of `model.access`.

Reading and writing follow `convert`, except the end of a membership (`docs/reference/teleport.md` 4.9): if it is
absent, the server reads 1970, and the membership has ended. "Never" must be sent as year 1.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1 import accesslist_pb2 as pb
from teleport.accesslist.v1 import accesslist_service_pb2 as service_pb
from teleport.header.v1 import resourceheader_pb2

from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportMember
from teleport_okta.model.labels import GRANT, GRANT_IMPORTED, OWNER, owner_of
from teleport_okta.model.names import SYSTEM_USER
from teleport_okta.teleport.convert import YEAR_ONE, labels_of, replace_labels, set_stamp, time_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

LIST: Final = pb.MEMBERSHIP_KIND_LIST
USER: Final = pb.MEMBERSHIP_KIND_USER

LARGEST_REQUEST: Final = 1024 * 1024
"""The largest size in bytes of the request that makes a list, far below the 4 MiB that a server accepts. Members that
do not fit are added one by one."""

_FIELD: Final = 6
"""The largest number of bytes that a member takes in a request beside its own: the tag and the length."""


def access_list_from_message(message: pb.AccessList) -> TeleportAccessList:
    """Return an access list as read."""
    metadata, spec, status = message.header.metadata, message.spec, message.status
    needed = spec.membership_requires
    return TeleportAccessList(
        name=metadata.name,
        title=spec.title,
        labels=labels_of(metadata.labels),
        description=spec.description,
        owners=tuple(ListOwner(owner.name, is_list=owner.membership_kind == LIST) for owner in spec.owners),
        grants=tuple(spec.grants.roles),
        owner_grants=tuple(spec.owner_grants.roles),
        has_requirements=bool(needed.roles or needed.traits),
        parents=tuple(sorted({*status.member_of, *status.owner_of})),
        revision=metadata.revision,
        raw=message.SerializeToString(),
    )


def access_list_from_bytes(raw: bytes) -> TeleportAccessList:
    """Return an access list from the bytes of its message."""
    return access_list_from_message(pb.AccessList.FromString(raw))


def new_access_list(access_list: TeleportAccessList) -> pb.AccessList:
    """Return the message to send for a list that does not exist yet.

    Its five parts are present, empty or not, since the server refuses a list without one. It is reviewed every six
    months, on the first; the date of the first review is the server's to compute, and it does while there is none.
    """
    spec = pb.AccessListSpec(
        audit=pb.AccessListAudit(
            recurrence=pb.Recurrence(
                frequency=pb.REVIEW_FREQUENCY_SIX_MONTHS, day_of_month=pb.REVIEW_DAY_OF_MONTH_FIRST
            )
        ),
        membership_requires=pb.AccessListRequires(),
        ownership_requires=pb.AccessListRequires(),
        grants=pb.AccessListGrants(),
        owner_grants=pb.AccessListGrants(),
    )
    for owner in access_list.owners:
        spec.owners.add(name=owner.name, membership_kind=LIST if owner.is_list else USER)
    message = pb.AccessList(header=_header("access_list", access_list.name), spec=spec)
    amend_access_list(message, access_list)
    return message


def creation_request(
    access_list: TeleportAccessList, names: Iterable[str], *, joined: datetime
) -> service_pb.UpsertAccessListWithMembersRequest:
    """Return the request that makes a list with as many of its first members as fit into `LARGEST_REQUEST`."""
    request = service_pb.UpsertAccessListWithMembersRequest(access_list=new_access_list(access_list))
    size = request.ByteSize()
    for member in new_members(access_list.name, names, owner=owner_of(access_list.labels) or "", joined=joined):
        size += member.ByteSize() + _FIELD
        if size > LARGEST_REQUEST:
            break
        request.members.append(member)
    return request


def amend_access_list(message: pb.AccessList, access_list: TeleportAccessList) -> None:
    """Set our fields in the message of a list: labels, title, description and the roles that it grants."""
    spec = message.spec
    replace_labels(message.header.metadata.labels, access_list.labels)
    if spec.title != access_list.title:
        spec.title = access_list.title
    if spec.description != access_list.description:
        spec.description = access_list.description
    if tuple(spec.grants.roles) != access_list.grants:
        spec.grants.roles[:] = access_list.grants
    if tuple(spec.owner_grants.roles) != access_list.owner_grants:
        spec.owner_grants.roles[:] = access_list.owner_grants


def remove_list_owners(message: pb.AccessList, names: Collection[str]) -> None:
    """Remove lists of these names from the owners in a message; the other owners stay as they are."""
    gone = [owner for owner in message.spec.owners if owner.membership_kind == LIST and owner.name in names]
    for owner in gone:
        message.spec.owners.remove(owner)


def roles_demanded(access_list: TeleportAccessList) -> frozenset[str]:
    """Return the roles that a list requires of its members or its owners. It must have been read."""
    spec = pb.AccessList.FromString(access_list.raw or b"").spec
    return frozenset({*spec.membership_requires.roles, *spec.ownership_requires.roles})


def member_from_message(message: pb.Member) -> TeleportMember:
    """Return a member as read; one whose end is absent ended in 1970."""
    spec = message.spec
    return TeleportMember(
        name=spec.name,
        is_list=spec.membership_kind == LIST,
        labels=labels_of(message.header.metadata.labels),
        expires=time_of(spec.expires),
        reason=sys.intern(spec.reason),
        added_by=sys.intern(spec.added_by),
    )


def imported_labels(owner: str) -> dict[str, str]:
    """Return the labels of an imported member of this owner."""
    return {OWNER: owner, GRANT: GRANT_IMPORTED}


def is_plainly_imported(message: pb.Member, owner: str) -> bool:
    """Whether a member is an imported user without an end: only the name of such a member is kept in memory.

    A member whose kind is unset is not a user.
    """
    labels, spec = message.header.metadata.labels, message.spec
    return (
        spec.membership_kind == USER
        and labels.get(GRANT) == GRANT_IMPORTED
        and labels.get(OWNER) == owner
        and spec.expires.seconds <= YEAR_ONE
    )


def new_members(list_name: str, names: Iterable[str], *, owner: str, joined: datetime) -> Iterator[pb.Member]:
    """Yield the messages to send for imported members.

    Header and spec must agree about the list and the name, because the server does not check it, nor the kind
    (`docs/reference/teleport-observed.md` 1.9). It requires the time of joining and who added the member. The end is
    "never".
    """
    spec = pb.MemberSpec(access_list=list_name, membership_kind=USER, added_by=SYSTEM_USER)
    set_stamp(spec.joined, joined)
    spec.expires.seconds = YEAR_ONE
    header = _header("access_list_member", "")
    replace_labels(header.metadata.labels, imported_labels(owner))
    for name in names:
        header.metadata.name = spec.name = name
        yield pb.Member(header=header, spec=spec)


def _header(kind: str, name: str) -> resourceheader_pb2.ResourceHeader:
    header = resourceheader_pb2.ResourceHeader(kind=kind, version="v1")
    header.metadata.name = name
    return header
