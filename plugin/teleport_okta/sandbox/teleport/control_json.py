"""What every request to the control address has in common: a JSON object in, JSON out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from aiohttp import web
    from google.protobuf.message import Message

Body = dict[str, Any]


async def body_of(request: web.Request) -> Body:
    """Return the request's body, empty when there is none. ValueError for anything but an object."""
    text = await request.text()
    body = json.loads(text) if text else {}
    if not isinstance(body, dict):
        raise ValueError("the body is a JSON object")  # noqa: TRY004 - wrong input, not a wrong program
    return body


def as_json(message: Message) -> Body:
    """Return a resource with its fields as the API spells them."""
    return MessageToDict(message, preserving_proto_field_name=True)
