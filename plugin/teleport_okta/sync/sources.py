"""Reading what a pass needs of both systems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.errors import ConfigError
from teleport_okta.plan.actual import ActualUsers

if TYPE_CHECKING:
    from teleport_okta.config import Settings
    from teleport_okta.model.okta import MalformedRow, OktaApp, OktaOrganization, PersonFacts, Snapshot
    from teleport_okta.okta.reads import OktaReads
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class OktaFacts:
    """One organisation, the app (None when the whole organisation is the source), and its people."""

    organization: OktaOrganization
    app: OktaApp | None
    people: Snapshot


async def read_okta(okta: OktaReads, settings: Settings) -> OktaFacts:
    """Read the organisation and the people of the configured source, with the fewest calls.

    Raises OktaError when nothing could be read; a listing that broke off comes back as an incomplete snapshot.
    """
    organization = await okta.organization()
    if settings.sync.source == "organization":
        return OktaFacts(organization, None, await okta.people_of_organization())
    app_id = settings.okta.app_id
    if app_id is None:
        what = "okta.app_id is not set"
        raise ConfigError(what, remedy="give the id of the SAML app (0oa…)")
    app = await okta.app(app_id)
    return OktaFacts(organization, app, await okta.people_of_app(app_id))


async def read_person(okta: OktaReads, settings: Settings, okta_id: str) -> PersonFacts | MalformedRow | None:
    """Read one person of the configured source; None when they are not in it any more. Raises OktaError."""
    if settings.sync.source == "organization":
        return await okta.person_of_organization(okta_id)
    return await okta.person_of_app(settings.okta.app_id or "", okta_id)


async def read_teleport(teleport: Teleport) -> ActualUsers:
    """Read all users, locks and roles of the cluster; raises TeleportError."""
    users = await teleport.users.list()
    locks = await teleport.locks.list()
    roles = await teleport.roles.list()
    return ActualUsers(
        users={user.name: user for user in users}, locks={lock.name: lock for lock in locks}, roles=tuple(roles)
    )
