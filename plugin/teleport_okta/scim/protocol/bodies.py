"""The bodies of POST and PUT: a whole user, a whole group (RFC 7644 §3.3, §3.5.1)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from teleport_okta.scim.protocol.envelope import read_envelope
from teleport_okta.scim.protocol.members import read_members
from teleport_okta.scim.protocol.records import Record, assign_members, content_of
from teleport_okta.scim.protocol.schemas import GROUP
from teleport_okta.scim.protocol.values import read_value
from teleport_okta.scim.resources import GroupContent, UserContent
from teleport_okta.scim.scim_errors import ScimType, bad_request

if TYPE_CHECKING:
    from typing import Any

    from teleport_okta.scim.protocol.attributes import Attribute


def read_user(body: object, *, replaces: UserContent | None) -> UserContent:
    """Read a user. `replaces`: what a PUT replaces; None for a POST.

    A PUT clears what it leaves out, except `active`: a client whose template forgets it must not lock people out or let
    them in. Attributes that are unknown or that the server makes are ignored, as Okta sends back what it read.

    Raises ScimError for a body that is no user.
    """
    record: Record = {}
    assign_members(record, read_envelope(body), is_add=False)
    content = content_of(record)
    if content.active is None and replaces is not None:
        return replace(content, active=replaces.active)
    return content


def read_group(body: object) -> GroupContent:
    """Read a group. What is left out is empty, the members as well (RFC 7643 §2.5).

    Raises ScimError for a body that is no group.
    """
    values: dict[str, Any] = {}
    for name, value in read_envelope(body).items():
        attribute = written_attribute(name)
        if attribute is not None:
            values[attribute.name] = (
                read_members(value) if attribute.name == "members" else read_value(attribute, value)
            )
    return GroupContent(
        display_name=checked_display_name(values.get("displayName")),
        external_id=values.get("externalId"),
        members=values.get("members", ()),
    )


def written_attribute(name: str) -> Attribute | None:
    """Return the attribute of a group that a member of an object is about; None if it is unknown or read-only."""
    urn, _, short = name.rpartition(":")
    if urn and GROUP.schema(urn) is None:
        return None
    attribute = GROUP.attribute(GROUP.core, short)
    return None if attribute is None or attribute.is_read_only else attribute


def checked_display_name(name: str | None) -> str:
    """Return the name of a group.

    Raises ScimError (invalidValue) if it is missing, blank or has invisible characters.
    """
    if name is None or not name.strip() or not name.isprintable():
        raise bad_request(
            ScimType.INVALID_VALUE, "displayName must be a text of visible characters; it is missing or has others."
        )
    return name
