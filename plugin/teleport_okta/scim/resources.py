"""The resources that the SCIM door keeps: users and groups, as the client last wrote them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class UserContent:
    """What a client says of a user.

    `attributes` are all other attributes that the schema knows and the client may write, the core's by their names as
    the schema spells them, an extension's in an object under its URN; null and empty values are left out, and
    `password` is never kept. `active` is None where a client does not say.
    """

    user_name: str
    external_id: str | None = None
    active: bool | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupContent:
    """What a client says of a group. `members` are SCIM ids of users, in the order of the request, each once."""

    display_name: str
    external_id: str | None = None
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupPatch:
    """What a PATCH does to a group: the new name and external id, and who comes and goes.

    None means unchanged; an empty `external_id` unassigns it. `members`: the complete new list; if it is None,
    `added` come and `removed` go, and nobody is in both. Ids in `added` may be in the group already, and ids in
    `removed` may be missing from it.
    """

    display_name: str | None = None
    external_id: str | None = None
    members: tuple[str, ...] | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScimUser:
    """A stored user: its content, `active` always known, and what the server says of it. Times are aware UTC."""

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
