"""The interface of the engine for the SCIM endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from teleport_okta.model.hint import Hint, HintKind
    from teleport_okta.model.provisioned import Settlement


class Provisioner(Protocol):
    """Applies stored requests in Teleport (`sync/provision.py`)."""

    def hints(self, kind: HintKind, of: str) -> list[Hint]:
        """Return the hints for later looks at the object of a request."""
        ...

    def okta_now(self) -> datetime:
        """Return the present time by Okta's clock."""
        ...

    async def take_over(self) -> None:
        """Restore users and groups from Teleport into a new state. Raises TeleportOktaError if that fails."""
        ...

    async def organization_id(self) -> str:
        """Return the id of the Okta organisation. Raises TeleportOktaError if it is not known yet."""
        ...

    def person_named(self, user_name: str) -> str:
        """Return the Okta id of the person with a user name; empty if none is known."""
        ...

    async def settle(
        self, okta_id: str, *, is_wanted: bool, is_new: bool = False, groups: Collection[str] = ()
    ) -> Settlement:
        """Apply the stored request about a person, and return the result; raises nothing.

        `is_new`: the client has just begun to want the person, so Okta's API may not show it yet. `groups` are the
        names of the lists of pushed groups to which the person belongs again.
        """
        ...

    async def groups_off(self) -> str:
        """Return why no groups can be pushed; empty if they can. Raises TeleportOktaError if that is not known yet."""
        ...

    async def check_lists_are_read(self) -> None:
        """Raise TeleportOktaError until the lists have been read: after a lost state, groups are restored from them."""
        ...

    async def kept_group_named(self, name: str) -> str:
        """Return the Okta group of a name for which list sync keeps a list; empty unless there is exactly one.

        Raises TeleportOktaError.
        """
        ...

    async def settle_group(self, list_name: str) -> Settlement:
        """Apply the stored request about a group, and return the result; raises nothing."""
        ...
