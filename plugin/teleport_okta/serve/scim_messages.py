"""Between the tokens of SCIM clients and the messages of the admin API, both ways."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from teleport_okta_api import admin_pb2 as api

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
