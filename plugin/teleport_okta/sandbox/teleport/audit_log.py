"""The audit events that the server has received (`docs/reference/teleport.md` 4.17), kept for assertions."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from teleport.legacy.types.events.events_pb2 import OneOf

ENTRY_LIMIT: Final = 64 * 1024
"""The most bytes that an event may have in the server's log, as JSON."""

KEPT: Final = 10_000
"""The number of events that are kept, the newest ones."""


class AuditLog:
    """The newest events, oldest first, each as it was stored."""

    def __init__(self) -> None:
        self._events: deque[OneOf] = deque(maxlen=KEPT)

    @property
    def events(self) -> tuple[OneOf, ...]:
        """All events that are kept."""
        return tuple(self._events)

    def of(self, event_type: str) -> list[Any]:
        """Return the events of one type (`okta.user.sync`), out of their wrapper."""
        found = map(unwrapped, self._events)
        return [event for event in found if event is not None and event.Metadata.Type == event_type]

    def add(self, event: OneOf) -> None:
        """Keep an event."""
        self._events.append(event)

    def clear(self) -> None:
        """Delete all events."""
        self._events.clear()


def unwrapped(event: OneOf) -> Any:  # noqa: ANN401 - one of the five messages, or None
    """Return the event in a wrapper. None for an empty wrapper, and for a type that the sandbox does not have."""
    name = event.WhichOneof("Event")
    return None if name is None else getattr(event, name)


def size_of(event: Message) -> int:
    """Return the approximate size of an event in the server's log, in bytes: its field names differ a little."""
    text = MessageToDict(event, preserving_proto_field_name=True)
    return len(json.dumps(text, ensure_ascii=False, separators=(",", ":")).encode())
