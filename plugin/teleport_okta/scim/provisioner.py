"""What the SCIM door needs of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from teleport_okta.model.hint import Hint, HintKind
    from teleport_okta.model.provisioned import Settlement


class Provisioner(Protocol):
    """Brings people to what their records say (`sync/provision.py`)."""

    def hints(self, kind: HintKind, of: str) -> list[Hint]:
        """Return what is to be looked at again some time after a request."""
        ...

    def okta_now(self) -> datetime:
        """Return the time of day by Okta's clock."""
        ...

    async def take_over(self) -> None:
        """Have what Teleport tells of users written into a new state. Raises TeleportOktaError where that cannot be."""
        ...

    async def organization_id(self) -> str:
        """Return the id of the Okta organisation. Raises TeleportOktaError where nobody knows it yet."""
        ...

    def person_named(self, user_name: str) -> str:
        """Return the Okta id of the person who has a name; empty where nobody is known to have it."""
        ...

    async def settle(
        self, okta_id: str, *, is_wanted: bool, is_new: bool = False, groups: Collection[str] = ()
    ) -> Settlement:
        """Bring the user of a person to what the record says, and return what became of it; raises nothing.

        `is_new`: the client says only now that the person is wanted, so that Okta's API may not show it yet.
        `groups` are the names of the lists of pushed groups that the person is to be in again.
        """
        ...

    async def groups_off(self) -> str:
        """Say why no groups can be pushed; empty where they can. Raises TeleportOktaError where nobody knows yet."""
        ...

    async def check_lists_are_read(self) -> None:
        """Raise TeleportOktaError while nobody has read the lists, which tell of groups after a lost state."""
        ...

    async def kept_group_named(self, name: str) -> str:
        """Return the Okta group of a name of which list sync keeps a list; empty unless it is exactly one.

        Raises TeleportOktaError.
        """
        ...

    async def settle_group(self, list_name: str) -> Settlement:
        """Bring the list of a group to what is said of it, and return what became of it; raises nothing."""
        ...
