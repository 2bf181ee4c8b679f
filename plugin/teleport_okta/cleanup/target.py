"""Which organisation a cleanup is about, by the settings and the options of the command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from teleport_okta.cleanup.ownership import Claim
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.model.names import DEFAULT_ROLE
from teleport_okta.okta.okta_errors import OktaError

if TYPE_CHECKING:
    from teleport_okta.okta.people_reader import OktaReads
    from teleport_okta.settings import Settings, SyncSettings

_OWNER: Final = re.compile(r"00o[0-9A-Za-z]+")


class OrganizationUnknownError(TeleportOktaError):
    """Okta does not answer with the organisation's id, which is in the owner label. Give the id with --owner."""


async def claim_of(
    settings: Settings,
    okta: OktaReads,
    *,
    owner: str | None,
    vendor: bool,
    organization: str | None,
    ours: bool = True,
) -> Claim:
    """Return the claim of a cleanup for the organisation of the settings.

    Okta is asked for the organisation's id, unless `owner` gives it: the organisation may not exist any more. With
    `vendor` leftovers of the vendor's integration are claimed too, of the same organisation and of the one at the
    address `organization`; without `ours` nothing else is. Raises OrganizationUnknownError or ConfigError.
    """
    if organization is not None and not vendor:
        what = "--org names the organisation of the vendor's leftovers, and --vendor was not given"
        raise ConfigError(what, remedy="give both, or neither")
    others = () if organization is None else (organization,)
    if owner is not None:
        if not _OWNER.fullmatch(owner):
            what = f"{owner!r} is not the id of an Okta organisation, which begins with 00o"
            raise ConfigError(what, remedy="copy it from a label teleport-okta/owner in Teleport")
        return Claim(owner, (settings.okta.org_url, *others), vendor, ours)
    try:
        found = await okta.organization()
    except OktaError as error:
        hint = (
            "if the organisation does not exist any more, give its id: --owner 00o…, as in labels teleport-okta/owner"
        )
        raise OrganizationUnknownError(error.what, remedy="; ".join(filter(None, [error.remedy, hint]))) from error
    return Claim(found.id, (settings.okta.org_url, found.url, *others), vendor, ours)


def default_roles_of(settings: SyncSettings) -> tuple[str, ...]:
    """Return the roles that every user of ours was given by these settings."""
    return (DEFAULT_ROLE,) if settings.default_roles is None else settings.default_roles
