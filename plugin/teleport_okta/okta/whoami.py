"""Facts about the connection to Okta, for people who examine it (`docs/reference/okta.md` 1.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.okta.needs import ORGANIZATION
from teleport_okta.okta.okta_errors import OktaError
from teleport_okta.okta.people_reader import OktaReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.okta.client import OktaClient


@dataclass(frozen=True, slots=True)
class Whoami:
    """The organisation that answers, with the rate limits of our credential.

    `name` is None if it could not be read; nothing depends on it. `limits` are the requests a minute that Okta grants
    this credential, by bucket, as far as they are known; `clock_skew` is Okta's time minus ours in seconds.
    """

    organization_id: str
    url: str
    name: str | None
    limits: Mapping[str, int]
    clock_skew: float | None


async def whoami(client: OktaClient) -> Whoami:
    """Read the organisation; needs no permission. Raises NotAnOktaOrganizationError, or another OktaError."""
    organization = await OktaReads(client).organization()
    return Whoami(
        organization_id=organization.id,
        url=organization.url,
        name=await _name(client),
        limits=client.limits,
        clock_skew=client.clock_skew,
    )


async def _name(client: OktaClient) -> str | None:
    try:
        name = (await client.get(ORGANIZATION.path, scope=ORGANIZATION.scope)).get("companyName")
    except OktaError:
        return None
    return name if isinstance(name, str) and name else None
