"""The resources of the SCIM endpoint: users and groups, as the client last wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class UserContent:
    """The content of a user, from a client.

    `attributes` are all other attributes of the schema that the client may write: the core's by name, an extension's in
    an object under its URN. Null and empty values are left out, and `password` is never stored. `active` is None if the
    client does not give it.
    """

    user_name: str
    external_id: str | None = None
    active: bool | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupContent:
    """The content of a group, from a client. `members` are SCIM ids of users, in the request's order, each once."""

    display_name: str
    external_id: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupPatch:
    """The change that a PATCH makes to a group: name, external id and members.

    None means unchanged; an empty `external_id` unassigns it. `members`: the complete new list; if it is None,
    `added` are added and `removed` are removed, and no id is in both. Ids in `added` may be in the group already, and
    ids in `removed` may be missing from it.
    """

    display_name: str | None = None
    external_id: str | None = None
    members: tuple[str, ...] | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScimUser:
    """A stored user: its content, in which `active` is set, and the server's attributes. Times are aware UTC."""

    id: str
    content: UserContent
    created: datetime
    modified: datetime


@dataclass(frozen=True, slots=True)
class ScimGroup:
    """A stored group."""

    id: str
    content: GroupContent
    created: datetime
    modified: datetime
