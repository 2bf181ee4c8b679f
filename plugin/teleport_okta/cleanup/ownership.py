"""Which objects a cleanup may remove, by their labels (`docs/ownership.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.model import labels
from teleport_okta.model.organization_address import host_of

if TYPE_CHECKING:
    from collections.abc import Mapping

BOT: Final = "teleport.internal/bot"
"""The label of users who are bots (`docs/reference/teleport.md` 5.1)."""


class Provenance(StrEnum):
    """Which integration made an object."""

    OURS = "ours"
    VENDOR = "vendor"


@dataclass(frozen=True, slots=True)
class Claim:
    """Selects the objects that carry the owner's label.

    With `vendor` it also selects leftovers of the vendor's integration, of these `organizations` (addresses) only;
    without `ours` nothing else.
    """

    owner: str
    organizations: tuple[str, ...] = ()
    vendor: bool = False
    ours: bool = True

    def provenance(self, carried: Mapping[str, str]) -> Provenance | None:
        """Return which integration made an object with these labels; None if the object must not be removed.

        Teleport's preset roles are never selected, although `okta-requester` has the vendor's origin.
        """
        if labels.RESOURCE_TYPE in carried:
            return None
        if labels.owner_of(carried) == self.owner:
            return Provenance.OURS if self.ours else None
        if self.vendor and labels.is_leftover(carried) and self.covers(carried.get(labels.OKTA_ORG, "")):
            return Provenance.VENDOR
        return None

    def covers(self, organization: str) -> bool:
        """Whether an address belongs to one of the organizations."""
        host = host_of(organization)
        return host != "" and host in map(host_of, self.organizations)

    def why_not(self, carried: Mapping[str, str]) -> tuple[str, str] | None:
        """Return why an object of another integration is not selected, and the remedy; None for any other object."""
        owner, is_preset = labels.owner_of(carried), labels.RESOURCE_TYPE in carried
        is_foreign = labels.is_leftover(carried) if owner is None else is_preset or owner != self.owner
        if self.provenance(carried) is not None or not is_foreign:
            return None
        organization = carried.get(labels.OKTA_ORG, "")
        if is_preset:
            return "it is a preset of Teleport", ""
        if owner:
            return f"it belongs to the organisation {owner}", ""
        if not host_of(organization):
            return "it has the vendor's labels, and none that names the organisation", "remove it with `tctl rm`"
        if self.covers(organization):
            return "it is a leftover of the vendor's integration", "--vendor removes it"
        return f"it is a leftover of another organisation, {organization}", f"--vendor --org {organization} removes it"
