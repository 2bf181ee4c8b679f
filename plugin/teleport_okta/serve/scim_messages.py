"""Between what `status` and `scim-token` show of SCIM and the messages of the admin API, both ways."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from teleport_okta_api import admin_pb2 as api

from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.state.scim_tokens import AddedToken, ScimToken

if TYPE_CHECKING:
    from collections.abc import Iterable


def token_to_message(token: ScimToken) -> api.ScimToken:
    """Write a token."""
    message = api.ScimToken(id=token.id)
    message.created.FromDatetime(token.created)
    if token.last_used is not None:
        message.last_used.FromDatetime(token.last_used)
    return message


def token_from_message(message: api.ScimToken) -> ScimToken:
    """Read a token."""
    last_used = message.last_used.ToDatetime(UTC) if message.HasField("last_used") else None
    return ScimToken(message.id, message.created.ToDatetime(UTC), last_used)


def tokens_to_message(tokens: Iterable[ScimToken]) -> api.ListScimTokensResponse:
    """Write a list of tokens."""
    return api.ListScimTokensResponse(tokens=[token_to_message(token) for token in tokens])


def tokens_from_message(message: api.ListScimTokensResponse) -> tuple[ScimToken, ...]:
    """Read a list of tokens."""
    return tuple(token_from_message(token) for token in message.tokens)


def added_to_message(added: AddedToken) -> api.NewScimTokenResponse:
    """Write a token that was added."""
    return api.NewScimTokenResponse(token=token_to_message(added.token), replaced=added.replaced or "")


def added_from_message(message: api.NewScimTokenResponse) -> AddedToken:
    """Read a token that was added."""
    return AddedToken(token_from_message(message.token), message.replaced or None)


def door_to_message(door: ScimDoor) -> api.ScimDoor:
    """Write what is shown of the endpoint."""
    message = api.ScimDoor(
        address=door.address,
        reason=door.reason,
        problem=door.problem,
        public_url=door.public_url,
        active=door.active,
        denied=door.denied,
        failures=door.failures,
        answers=door.answers,
    )
    if door.last_request is not None:
        message.last_request.FromDatetime(door.last_request)
    return message


def door_from_message(message: api.ScimDoor) -> ScimDoor:
    """Read what is shown of the endpoint."""
    return ScimDoor(
        address=message.address,
        reason=message.reason,
        problem=message.problem,
        public_url=message.public_url,
        active=message.active,
        denied=message.denied,
        last_request=message.last_request.ToDatetime(UTC) if message.HasField("last_request") else None,
        failures=message.failures,
        answers=dict(message.answers),
    )
