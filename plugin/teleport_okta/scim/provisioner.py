"""What the SCIM door needs of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.provisioned import Settlement


class Provisioner(Protocol):
    """Brings people to what their records say (`sync/provisioning.py`)."""

    def okta_now(self) -> datetime:
        """Return the time of day by Okta's clock."""
        ...

    async def organization_id(self) -> str:
        """Return the id of the Okta organisation. Raises TeleportOktaError where nobody knows it yet."""
        ...

    def person_named(self, user_name: str) -> str:
        """Return the Okta id of the person who has a name; empty where nobody is known to have it."""
        ...

    async def settle(self, okta_id: str, *, is_wanted: bool) -> Settlement:
        """Bring the user of a person to what the record says, and return what became of it; raises nothing."""
        ...
