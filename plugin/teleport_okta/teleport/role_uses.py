"""Which roles are named by other roles and by SAML connectors.

The server refuses to delete a role that a user has or that an access list grants or demands. It does not look at other
roles and at connectors (`docs/reference/teleport.md` 4.3, `docs/reference/teleport-observed.md` 5.5).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from teleport.legacy.types import types_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.model.teleport import TeleportRole
    from teleport_okta.teleport.connection import Connection


def roles_named_by(role: TeleportRole) -> frozenset[str]:
    """Return the roles that a role that was read lets people request, search as, or review."""
    allow = types_pb2.RoleV6.FromString(role.raw or b"").Spec.Allow
    request, review = allow.Request, allow.ReviewRequests
    return frozenset({*request.Roles, *request.SearchAsRoles, *review.Roles, *review.PreviewAsRoles})


async def roles_of_connectors(connection: Connection) -> Mapping[str, frozenset[str]]:
    """Return the roles that each SAML connector maps attributes to. Raises RpcError.

    The server is told not to download any metadata for the answer.
    """
    reply = await connection.call(
        connection.auth.GetSAMLConnectors,
        types_pb2.ResourcesWithSecretsRequest(WithSecrets=False, SAMLValidationNoFollowURLs=True),
        name="AuthService/GetSAMLConnectors",
        subject="SAML connectors",
    )
    return {
        connector.Metadata.Name: frozenset(chain.from_iterable(one.Roles for one in connector.Spec.AttributesToRoles))
        for connector in reply.SAMLConnectors
    }
