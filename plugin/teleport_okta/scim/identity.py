"""Who a SCIM user is: the Okta id behind it, and the ids that clients know."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

from teleport_okta.model.provisioned import SCIM_IDS, UNKNOWN_TO_OKTA
from teleport_okta.state.scim_users import folded

if TYPE_CHECKING:
    from teleport_okta.scim.resources import UserContent

_OKTA_USER_ID: Final = re.compile("00u[0-9A-Za-z]{17}")
"""An Okta user's id; any other external id says nothing about who somebody is in Okta."""


def okta_id_named(external_id: str | None) -> str:
    """Return the Okta id that an external id is; empty for any other."""
    return external_id if external_id is not None and _OKTA_USER_ID.fullmatch(external_id) else ""


def id_without_okta(content: UserContent) -> str:
    """Return what stands for the Okta id of somebody of whom a client names none: made of the first name."""
    return f"{UNKNOWN_TO_OKTA}{uuid.uuid5(SCIM_IDS, folded(content.user_name))}"


def group_id(organization_id: str, display_name: str, number: int) -> str:
    """Return the SCIM id of a group: made of its first name, and of how many had that name before it."""
    return str(uuid.uuid5(SCIM_IDS, f"{organization_id}/group/{folded(display_name)}/{number}"))
