"""SAML connectors, as far as a look at them goes (`reference/teleport.md` 4.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.types import types_pb2

from teleport_okta.teleport.errors import NotFoundError

if TYPE_CHECKING:
    from teleport_okta.teleport.connection import Connection


async def saml_connector_exists(connection: Connection, name: str) -> bool:
    """Whether there is a SAML connector of this name; raises RpcError where that cannot be asked."""
    try:
        await connection.call(
            connection.auth.GetSAMLConnector,
            types_pb2.ResourceWithSecretsRequest(Name=name),
            name="AuthService/GetSAMLConnector",
            subject=f"SAML connector {name!r}",
        )
    except NotFoundError:
        return False
    return True
