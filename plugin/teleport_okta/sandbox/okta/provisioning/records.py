"""An app's records of the people and groups that it provisions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.app_defaults import Json


@dataclass(slots=True, eq=False)
class Account:
    """An app's record of a person's user on the SCIM server. It stays after the end of the assignment."""

    scim_id: str | None = None
    mapped: Json = field(default_factory=dict)
    """The attributes that were queued last, so that a change which does not touch them pushes nothing."""

    was_deactivated: bool = False
    """Whether the last assignment ended with the deactivation of the person."""


@dataclass(slots=True, eq=False)
class GroupPush:
    """A group that an app pushes: a mapping from the group to one on the SCIM server."""

    id: str
    app_id: str
    group_id: str
    name: str
    """The group's name in the app."""

    found_as: str
    """The name by which the group is looked up when the push begins."""

    renames: bool = True
    """Whether the group in the app gets the name of the organisation's group."""

    active: bool = True
    scim_id: str | None = None
    members: dict[str, str] = field(default_factory=dict)
    """The SCIM ids of the members that were pushed, by user id."""

    error: str | None = None
    """The error of the last job, if it failed."""
