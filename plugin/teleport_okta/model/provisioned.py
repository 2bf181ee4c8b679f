"""The statements of SCIM clients: which people have a user, and which must not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

OKTA_USER_ID: Final = "00u"
"""The prefix of the id of every Okta user (`docs/reference/okta.md` 2.1)."""

UNKNOWN_TO_OKTA: Final = "scim-user-"
"""The prefix of the id that replaces the Okta id if a client gave none."""

PUSHED: Final = "scim-"
"""The prefix of the name of a pushed group's access list; the SCIM id of the group follows."""


SCIM_IDS: Final = uuid.UUID("6f3f1f0e-9b1c-5d3e-8a57-0d1c1f9a7c2e")
"""The namespace of the ids that we derive, so that they differ from ids that others derive from the same names."""


def scim_id(organization_id: str, okta_id: str, incarnation: int) -> str:
    """Return the SCIM id of a person: derived, so that it is the same after a lost state; another after a deletion."""
    return str(uuid.uuid5(SCIM_IDS, f"{organization_id}/{okta_id}/{incarnation}"))


def is_person_id(okta_id: str) -> bool:
    """Whether an id is that of a person: an Okta user's, or its replacement."""
    return okta_id.startswith((OKTA_USER_ID, UNKNOWN_TO_OKTA))


def is_pushed(name: str) -> bool:
    """Whether an access list is that of a pushed group, by its name."""
    return name.startswith(PUSHED) and not name.startswith(UNKNOWN_TO_OKTA)


@dataclass(frozen=True, slots=True)
class ProvisionedUser:
    """One person as a SCIM client last sent them. Times are aware UTC.

    `id` is the SCIM id. `attributes` are all other attributes, by their SCIM names, an extension's in an object under
    its URN. `denied_at` is when the client stated that the person must not have a user, by Okta's clock; None while
    the person is to have one. `is_deleted`: the client deleted the resource, which is no longer listed; its denial
    stays. `is_answered`: the client got the answer that this was done.
    """

    id: str
    okta_id: str
    user_name: str
    external_id: str | None
    attributes: Mapping[str, Any] = field(repr=False)
    created: datetime
    modified: datetime
    denied_at: datetime | None = None
    is_deleted: bool = False
    is_answered: bool = True
    incarnation: int = 0
    spelling: str = ""
    """The spelling of the name in Teleport, if it differs in case from the client's."""

    @property
    def name(self) -> str:
        """The name of the user in Teleport; a change of case only does not rename the user."""
        return self.spelling or self.user_name

    @property
    def active(self) -> bool:
        """Whether the person is to have a user."""
        return self.denied_at is None


@dataclass(frozen=True, slots=True)
class ProvisionedGroup:
    """A group as a SCIM client last sent it, without its members. Times are aware UTC.

    `id` is the SCIM id. `okta_id` is its Okta group, if list sync keeps a list of that; empty if the group has its own
    list. `is_answered` is as for a user.
    """

    id: str
    display_name: str
    external_id: str | None
    created: datetime
    modified: datetime
    okta_id: str = ""
    is_deleted: bool = False
    is_answered: bool = True

    @property
    def list_name(self) -> str:
        """The name of the access list that the group has."""
        return self.okta_id or f"{PUSHED}{self.id}"


class Verdict(StrEnum):
    """The result of a request of a SCIM client."""

    DONE = "done"
    """It is done in Teleport."""

    CONFLICT = "conflict"
    """Another object prevents it, until a person changes that."""

    LATER = "later"
    """It could not be done now, or waits for a person to approve it; the same request may succeed later."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """The result, the reason if it is not done, and the remedy. `is_begun`: a part was written to Teleport."""

    verdict: Verdict
    why: str = ""
    is_begun: bool = False
