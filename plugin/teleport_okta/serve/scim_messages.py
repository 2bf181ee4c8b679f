"""Conversion of SCIM tokens and the status of the SCIM endpoint to and from messages."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from teleport_okta_api import admin_pb2 as api

from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.state.scim_tokens import AddedToken, ScimToken

if TYPE_CHECKING:
    from collections.abc import Iterable


def token_to_message(token: ScimToken) -> api.ScimToken:
    """Convert a token to a message."""
    message = api.ScimToken(id=token.id)
    message.created.FromDatetime(token.created)
    if token.last_used is not None:
        message.last_used.FromDatetime(token.last_used)
    return message


def token_from_message(message: api.ScimToken) -> ScimToken:
    """Convert a token from a message."""
    last_used = message.last_used.ToDatetime(UTC) if message.HasField("last_used") else None
    return ScimToken(message.id, message.created.ToDatetime(UTC), last_used)


def tokens_to_message(tokens: Iterable[ScimToken]) -> api.ListScimTokensResponse:
    """Convert tokens to a message."""
    return api.ListScimTokensResponse(tokens=[token_to_message(token) for token in tokens])


def tokens_from_message(message: api.ListScimTokensResponse) -> tuple[ScimToken, ...]:
    """Convert tokens from a message."""
    return tuple(token_from_message(token) for token in message.tokens)


def added_to_message(added: AddedToken) -> api.NewScimTokenResponse:
    """Convert an added token to a message."""
    return api.NewScimTokenResponse(token=token_to_message(added.token), replaced=added.replaced or "")


def added_from_message(message: api.NewScimTokenResponse) -> AddedToken:
    """Convert an added token from a message."""
    return AddedToken(token_from_message(message.token), message.replaced or None)


def door_to_message(door: ScimDoor) -> api.ScimDoor:
    """Convert the status of the endpoint to a message."""
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
    """Convert the status of the endpoint from a message."""
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
