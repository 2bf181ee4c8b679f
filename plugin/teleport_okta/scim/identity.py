"""The Okta id of a SCIM user, and the ids of users and groups for clients."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Final

from teleport_okta.model.provisioned import SCIM_IDS, UNKNOWN_TO_OKTA
from teleport_okta.state.scim_users import folded

if TYPE_CHECKING:
    from teleport_okta.scim.resources import UserContent

_OKTA_USER_ID: Final = re.compile("00u[0-9A-Za-z]{17}")
"""The id of an Okta user. Any other external id does not identify a person in Okta."""


def okta_id_named(external_id: str | None) -> str:
    """Return an external id that is an Okta id; empty for any other."""
    return external_id if external_id is not None and _OKTA_USER_ID.fullmatch(external_id) else ""


def id_without_okta(content: UserContent) -> str:
    """Return a substitute for the Okta id of a user without one, made from the first userName."""
    return f"{UNKNOWN_TO_OKTA}{uuid.uuid5(SCIM_IDS, folded(content.user_name))}"


def group_id(organization_id: str, display_name: str, number: int) -> str:
    """Return the SCIM id of a group, made from its first name and the number of earlier groups with that name."""
    return str(uuid.uuid5(SCIM_IDS, f"{organization_id}/group/{folded(display_name)}/{number}"))
