"""Conversion of explanations to and from messages."""

from __future__ import annotations

from datetime import UTC

from teleport_okta_api import admin_pb2 as api

from teleport_okta.serve.messages import history_from_message, history_to_message
from teleport_okta.sync.explanation import Explanation, Link, Match


def explanation_to_message(found: Explanation) -> api.Explanation:
    """Convert an explanation to a message."""
    message = api.Explanation(
        of=found.of,
        asked=found.asked,
        is_live=found.is_live,
        chain=None if found.chain is None else _link_to_message(found.chain),
        open=map(_link_to_message, found.open),
        matches=[api.Match(of=match.of, name=match.name, okta_id=match.okta_id) for match in found.matches],
        looked_in=found.looked_in,
    )
    if found.seen_at is not None:
        message.seen_at.FromDatetime(found.seen_at)
    return message


def explanation_from_message(message: api.Explanation) -> Explanation:
    """Convert an explanation from a message."""
    return Explanation(
        of=message.of,
        asked=message.asked,
        is_live=message.is_live,
        seen_at=message.seen_at.ToDatetime(UTC) if message.HasField("seen_at") else None,
        chain=_link_from_message(message.chain) if message.HasField("chain") else None,
        open=tuple(map(_link_from_message, message.open)),
        matches=tuple(Match(match.of, match.name, match.okta_id) for match in message.matches),
        looked_in=tuple(message.looked_in),
    )


def _link_to_message(link: Link) -> api.Link:
    return api.Link(
        kind=link.kind,
        text=link.text,
        name=link.name,
        okta_id=link.okta_id,
        then=map(_link_to_message, link.then),
        entries=history_to_message(link.entries).entries,
    )


def _link_from_message(message: api.Link) -> Link:
    return Link(
        kind=message.kind,
        text=message.text,
        name=message.name,
        okta_id=message.okta_id,
        then=tuple(map(_link_from_message, message.then)),
        entries=tuple(history_from_message(api.ListHistoryResponse(entries=message.entries))),
    )
