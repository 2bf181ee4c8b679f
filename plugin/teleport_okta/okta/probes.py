"""What our credential may read, found out by reading as little as possible (`docs/reference/okta.md` 1.7).

Each need is asked for with its scope alone, so that a scope that was not granted and a role that does not allow are
told apart: the one is refused by the token endpoint, the other by the API. Permissions to write cannot be probed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.needs import ORGANIZATION, Need, assigned_to
from teleport_okta.okta.okta_errors import OktaError, OktaForbiddenError, OktaNotFoundError, OktaScopeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.okta.client import OktaClient

_ONE: Final = {"limit": "1"}
_TRY_AGAIN: Final = "try again later; if it stays so, check okta.org_url and the way to it"


class Outcome(Enum):
    """What came of a probe."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    EMPTY = "empty"
    """Allowed, but nothing is there, or a resource set hides it."""

    UNKNOWN = "unknown"
    """Okta could not be asked; the detail says why."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One need and what came of it, in words for an operator; the remedy is empty where none is called for."""

    need: Need
    outcome: Outcome
    detail: str
    remedy: str = ""


async def probe(client: OktaClient, *, wanted: Iterable[Need], app_id: str | None = None) -> tuple[ProbeResult, ...]:
    """Read one object for each need, and one person of the app where an id is given; costs a call or two each.

    Refusals and failures are results. The order is that of `wanted`, the app last.
    """
    asked = (*wanted, assigned_to(app_id)) if app_id is not None else tuple(wanted)
    return tuple([await _probe(client, need) for need in asked])


async def _probe(client: OktaClient, need: Need) -> ProbeResult:
    try:
        found = await _anything(client, need)
    except OktaScopeError as error:
        return ProbeResult(need, Outcome.REFUSED, f"the scope {need.scope} is not granted: {error.what}", error.remedy)
    except OktaForbiddenError as error:
        remedy = (
            f"give the admin role of the service app, or of the API token's owner, {need.permission} over a resource "
            "set that holds the objects"
        )
        return ProbeResult(need, Outcome.REFUSED, f"our admin role does not allow it: {error.what}", remedy)
    except OktaError as error:
        if isinstance(error, OktaNotFoundError) and need.absent:
            return ProbeResult(need, Outcome.REFUSED, f"not there, or hidden from us: {error.what}", need.absent)
        return ProbeResult(need, Outcome.UNKNOWN, error.what, error.remedy or _TRY_AGAIN)
    if not found and need.empty:
        remedy = "look at the resource set of our admin role: what it leaves out looks as if it were not there"
        return ProbeResult(need, Outcome.EMPTY, f"{need.path} lists nothing; it may be that {need.empty}", remedy)
    return ProbeResult(need, Outcome.ALLOWED, f"GET {need.path}")


async def _anything(client: OktaClient, need: Need) -> bool:
    """Whether the read brings anything; the organisation itself is no listing."""
    if need == ORGANIZATION:
        return bool(await client.get(need.path, scope=need.scope))
    return bool((await client.first_page(need.path, _ONE, scope=need.scope)).rows)
