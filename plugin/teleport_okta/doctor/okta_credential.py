"""The credential for Okta: whether it is accepted, and whether it may do more than read, which is all we need.

We cannot try what an admin role allows without changing something. We can try scopes, and read the roles if the
credential may.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from teleport_okta.doctor.findings import Section
from teleport_okta.okta import needs
from teleport_okta.okta.fields import text_if_readable
from teleport_okta.okta.okta_errors import (
    OktaError,
    OktaForbiddenError,
    OktaScopeError,
    OktaTokenRefusedError,
    OktaUnauthorizedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.okta.examination import ExaminedClient
    from teleport_okta.settings import OktaSettings

HERE: Final = Section.OKTA

_SCOPES_TO_MANAGE: Final = {
    needs.CREATE_APP.scope: needs.APPS.path,
    "okta.groups.manage": needs.GROUPS.path,
    "okta.users.manage": needs.USERS.path,
}
"""Scopes that this product, or Teleport's own integration, asks for; each with a read that a token of it allows."""

_SEE_ROLES: Final = "okta.roles.read"

_MAY_ALL: Final = frozenset({"SUPER_ADMIN", "ORG_ADMIN"})
_MAY_READ: Final = frozenset({"READ_ONLY_ADMIN", "REPORT_ADMIN"})
"""Types of standard roles (`docs/reference/okta.md` 1.4); for the type CUSTOM only its permissions count."""

_ENOUGH: Final = "a role that may view users, groups and apps, and read the System Log, is enough"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The result for the credential.

    `closed` is why no further call is possible, `narrow` why only single scopes can be tried; else both are empty.
    """

    findings: tuple[Finding, ...]
    closed: str = ""
    narrow: str = ""


async def check_credential(examined: ExaminedClient, settings: OktaSettings) -> Accepted:
    """Try one read with the credential. An answer that a permission is missing also proves that Okta accepts it."""
    check = "credential"
    client = examined.client
    narrow = ""
    try:
        await client.first_page(needs.USERS.path, {"limit": "1"})
    except OktaScopeError:
        narrow = "not every scope that is needed is granted"
    except OktaForbiddenError:
        pass
    except (OktaUnauthorizedError, OktaTokenRefusedError) as error:
        return Accepted((HERE.failed(check, error),), "Okta does not accept the credential")
    except OktaError as error:
        return Accepted((HERE.failed(check, error),), "Okta could not be asked")
    if settings.client_id is None:
        return Accepted((await _api_token(client),))
    bound = "its tokens are bound to a key (DPoP)" if examined.proves_possession else "without DPoP"
    return Accepted((HERE.ok(check, f"service app {settings.client_id} is accepted, {bound}"),), narrow=narrow)


async def _api_token(client: OktaClient) -> Finding:
    """Describe an API token: it acts as its owner, and ends if it is not used (`docs/reference/okta.md` 1.1)."""
    try:
        profile = (await client.get("/api/v1/users/me")).get("profile")
        login = profile.get("login") if isinstance(profile, dict) else None
    except OktaError:
        login = None
    return HERE.note(
        "credential",
        f"an API token is accepted; it acts as {login or 'the administrator who made it'}, with that role, and ends "
        "30 days after its last use, or when that administrator is deactivated",
        "use a service app (okta.client_id, okta.private_key): it needs no administrator, and its scopes limit it",
    )


async def check_extent(client: OktaClient, settings: OktaSettings) -> list[Finding]:
    """Check whether the credential may do more than read, with one or two calls a scope, and up to three for roles."""
    if settings.client_id is None:
        return [await _roles(client, None)]
    granted = {scope: await _is_granted(client, scope, path) for scope, path in _SCOPES_TO_MANAGE.items()}
    return [of_scopes(granted), await _roles(client, settings.client_id)]


async def _is_granted(client: OktaClient, scope: str, path: str) -> bool | None:
    """Whether Okta issues a token with this scope; None if Okta does not answer. The token is only used to read."""
    try:
        await client.first_page(path, {"limit": "1"}, scope=scope)
    except OktaScopeError:
        return False
    except OktaForbiddenError:
        return True
    except OktaError:
        return None
    return True


def of_scopes(granted: Mapping[str, bool | None]) -> Finding:
    """Report the scopes of a service app that allow changes; None: unknown."""
    check = "read-only"
    unknown = [scope for scope, has in granted.items() if has is None]
    present = [scope for scope, has in granted.items() if has]
    if not present:
        if unknown:
            return HERE.unchecked(check, f"Okta did not say whether {_listed(unknown)} {_is_or_are(unknown)} granted")
        return HERE.ok(check, f"none of {', '.join(granted)} is granted: it can only read, which is enough")
    of_enrolment = {need.scope for need in needs.ENROLMENT}
    what = f"{_listed(present)} {_is_or_are(present)} granted, and the service only reads"
    if not of_enrolment.isdisjoint(present):
        what += f"; `teleport-okta enroll` alone uses {_listed(sorted(of_enrolment))}"
    remedy = f"revoke {'it' if len(present) == 1 else 'them'} {needs.WHERE_SCOPES_ARE_GRANTED}, once you are enrolled"
    return HERE.note(check, what, remedy)


def _listed(scopes: Sequence[str]) -> str:
    *others, last = scopes
    return f"{', '.join(others)} and {last}" if others else last


def _is_or_are(scopes: Sequence[str]) -> str:
    return "is" if len(scopes) == 1 else "are"


async def _roles(client: OktaClient, client_id: str | None) -> Finding:
    """Read the admin roles of the service app, or of the API token's owner; few credentials allow that."""
    whose = "the service app's" if client_id is not None else "those of the token's owner"
    try:
        if client_id is not None:
            path = f"/oauth2/v1/clients/{quote(client_id, safe='')}/roles"
            rows = (await client.first_page(path, {}, scope=_SEE_ROLES)).rows
        else:
            owner = text_if_readable(await client.get("/api/v1/users/me"), "id") or ""
            rows = (await client.first_page(f"/api/v1/users/{quote(owner, safe='')}/roles", {})).rows
    except OktaError:
        return of_roles(None, whose=whose, is_bounded=client_id is not None)
    found = [row for row in rows if isinstance(row, dict)]
    return of_roles(
        [(text_if_readable(row, "type") or "", text_if_readable(row, "label") or "") for row in found],
        whose=whose,
        is_bounded=client_id is not None,
    )


def of_roles(roles: Iterable[tuple[str, str]] | None, *, whose: str, is_bounded: bool) -> Finding:
    """Report what the admin roles (type and label) allow; None if they could not be read.

    `is_bounded`: scopes limit them.
    """
    check = "admin roles"
    if roles is None:
        needed = f"the scope {_SEE_ROLES}" if is_bounded else "an owner who may view roles"
        return HERE.unchecked(check, f"{whose} are unknown: reading them takes {needed}, and nothing else needs that")
    found = tuple(roles)
    if not found:
        return HERE.note(check, f"{whose}: none is shown; a group may still give one")
    types = {kind for kind, _ in found}
    named = ", ".join(label or kind for kind, label in found)
    if types <= _MAY_READ:
        return HERE.ok(check, f"{whose}: {named}, which can only read, and sees everything")
    if not types.isdisjoint(_MAY_ALL) and not is_bounded:
        what = f"{whose}: {named}; the token can change everything in Okta, and the service only reads"
        return HERE.warning(check, what, f"make the token as an administrator with a smaller role: {_ENOUGH}")
    return HERE.note(check, f"{whose}: {named}; the service only reads: {_ENOUGH}")
