"""Tests what our credential may read, by reading as little as possible (`docs/reference/okta.md` 1.7).

Each need is tested by a token with only its scope. So a missing scope is distinguished from a missing permission: the
token endpoint refuses the first, the API the second. Permissions to write cannot be tested.
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
_TRY_AGAIN: Final = "try again later; if this persists, check okta.org_url and the network"


class Outcome(Enum):
    """The outcome of a probe."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    EMPTY = "empty"
    """Allowed, but there is no object, or a resource set hides them all."""

    UNKNOWN = "unknown"
    """Okta gave no answer; the detail has the reason."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One need with its outcome, as text for an operator; the remedy is empty if none is needed."""

    need: Need
    outcome: Outcome
    detail: str
    remedy: str = ""


async def probe(client: OktaClient, *, wanted: Iterable[Need], app_id: str | None = None) -> tuple[ProbeResult, ...]:
    """Read one object for each need, and one person of the app if its id is given; each takes a call or two.

    Refusals and failures are results, not errors. The order is that of `wanted`, with the app last.
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
            "set that contains the objects"
        )
        return ProbeResult(need, Outcome.REFUSED, f"our admin role does not allow it: {error.what}", remedy)
    except OktaError as error:
        if isinstance(error, OktaNotFoundError) and need.absent:
            return ProbeResult(need, Outcome.REFUSED, f"does not exist, or is hidden: {error.what}", need.absent)
        return ProbeResult(need, Outcome.UNKNOWN, error.what, error.remedy or _TRY_AGAIN)
    if not found and need.empty:
        remedy = "check the resource set of our admin role: objects outside it are hidden without an error"
        return ProbeResult(need, Outcome.EMPTY, f"{need.path} lists nothing; perhaps {need.empty}", remedy)
    return ProbeResult(need, Outcome.ALLOWED, f"GET {need.path}")


async def _anything(client: OktaClient, need: Need) -> bool:
    """Whether the read returns an object; the organisation itself is not a listing."""
    if need == ORGANIZATION:
        return bool(await client.get(need.path, scope=need.scope))
    return bool((await client.first_page(need.path, _ONE, scope=need.scope)).rows)
