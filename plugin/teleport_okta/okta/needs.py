"""What an endpoint asks of our credential: OAuth scope and admin role permission (`reference/okta.md` 1.3, 1.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Need:
    """A scope of the service app, and what its admin role (or the role of an API token's owner) must allow."""

    scope: str
    permission: str


_READS: Final = (
    ("/api/v1/apps", Need("okta.apps.read", "View applications and their details (okta.apps.read)")),
    ("/api/v1/users", Need("okta.users.read", "View users and their details (okta.users.read)")),
    ("/api/v1/groups", Need("okta.groups.read", "View groups and their details (okta.groups.read)")),
    ("/api/v1/logs", Need("okta.logs.read", "the System Log, which takes a standard Read-only Administrator role")),
    ("/api/v1/org", Need("okta.orgs.read", "View organization settings")),
)

READ_SCOPES: Final = ("okta.users.read", "okta.apps.read")
"""What a service app asks for. The organisation's id needs no scope: it is read from `/.well-known`."""


def remedy_for(path: str) -> str:
    """Say what to grant so that a refused read of `path` is allowed."""
    for prefix, need in _READS:
        if path == prefix or path.startswith(f"{prefix}/"):
            return (
                f"a service app needs the scope {need.scope} granted under Okta API Scopes; its admin role, or that of "
                f"the API token's owner, needs {need.permission} over a resource set that holds the object"
            )
    return "check the scopes and the admin role of the service app or of the API token's owner"
