"""The fields that make up the content of each kind of object in Teleport, declared once.

Digests (`plan/digest.py`), the fields of a change as people see them (`plan/view.py`), and the comparison of an object
with what was sent (`teleport/`) read this table. A test shows that the converters in `teleport/` write each field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from teleport_okta.model.access import TeleportAccessList, TeleportAppServer, TeleportMember, TeleportUserGroup
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.teleport import RoleAllow, TeleportLock, TeleportRole, TeleportUser

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from teleport_okta.model.access import ListOwner
    from teleport_okta.model.teleport import ConnectorRef

Content: TypeAlias = (
    TeleportUser
    | TeleportLock
    | TeleportRole
    | TeleportUserGroup
    | TeleportAppServer
    | TeleportAccessList
    | TeleportMember
    | DirectRole
)
"""An object of Teleport, or a part of one, that a change writes."""


@dataclass(frozen=True, slots=True)
class ContentField:
    """One field of a kind. `name` is its attribute.

    Digests call it `key` (None: as the attribute), and `digested` makes the JSON value there (None: the value itself).
    A digest has no times in it, so it only has whether there is an end. Fields of one key are a list in the digest.
    People see the field as `shown` (None: as the attribute; empty: not at all).
    `is_ordered`: the order of the values counts. `is_kept`: updates set it, and not only the creation.
    """

    name: str
    key: str | None = None
    shown: str | None = None
    digested: Callable[[Any], object] | None = None
    is_ordered: bool = True
    is_kept: bool = True


def _is_set(value: object) -> bool:
    return value is not None


def _is_unset(value: object) -> bool:
    return value is None


def _connector(connector: ConnectorRef | None) -> object:
    return connector and [connector.type, connector.id]


def _allow(allow: RoleAllow | None) -> object:
    return allow and [allow.app_labels, allow.group_labels, allow.review]


def _owners(owners: tuple[ListOwner, ...]) -> object:
    return [[owner.name, owner.is_list] for owner in owners]


FIELDS: Final[Mapping[type[Content], tuple[ContentField, ...]]] = {
    TeleportUser: (
        ContentField("roles", is_ordered=False),
        ContentField("traits"),
        ContentField("expires", digested=_is_set),
        ContentField("connector", digested=_connector),
    ),
    TeleportLock: (
        ContentField("user", shown="target.user"),
        ContentField("message"),
        # The end of a lock is set when the change is applied: the plan shows how long the lock is in force instead.
        ContentField("expires", "for ever", digested=_is_unset, shown=""),
    ),
    TeleportRole: (ContentField("allow", digested=_allow),),
    TeleportUserGroup: (ContentField("applications"),),
    TeleportAppServer: (ContentField("uri"), ContentField("description"), ContentField("user_groups", "groups")),
    TeleportAccessList: (
        ContentField("title"),
        ContentField("description"),
        ContentField("owners", digested=_owners, is_kept=False),
        ContentField("grants"),
        ContentField("owner_grants", "grants"),
    ),
    TeleportMember: (
        ContentField("is_list", "list", shown=""),
        ContentField("expires", digested=_is_set),
    ),
    DirectRole: (ContentField("role"),),
}
"""The fields of each kind. Every kind has a name and labels as well.

A change of a key or of the digested value changes stored digests: approvals would be void, and each object would look
as if another client had edited it.
"""


def kept_content(content: Content) -> Hashable:
    """Return the labels and the fields that updates set: equal if an update would change nothing.

    Revisions are left out, and the expiry of app servers, which every renewal changes.
    """
    values = (
        _hashable(getattr(content, field.name), is_ordered=field.is_ordered)
        for field in FIELDS[type(content)]
        if field.is_kept
    )
    return (frozenset(content.labels.items()), *values)


def _hashable(value: Any, *, is_ordered: bool) -> Hashable:  # noqa: ANN401 - fields have many types
    if isinstance(value, Mapping):
        return frozenset(value.items())
    if isinstance(value, RoleAllow):
        return frozenset(value.app_labels.items()), frozenset(value.group_labels.items()), value.review
    return value if is_ordered else frozenset(value)
