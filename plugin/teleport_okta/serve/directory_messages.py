"""Conversion of values about groups and apps (costs, progress, the preview of filters) to and from messages."""

from __future__ import annotations

from datetime import UTC

from teleport_okta_api import admin_pb2 as api

from teleport_okta.desired.preview import EndingList, FilterMatch, FilterPreview, PresentList, Verdict
from teleport_okta.model.cost import PassCost, ReadingProgress


def cost_to_message(cost: PassCost) -> api.PassCost:
    """Convert the cost of a pass to a message."""
    return api.PassCost(made=dict(cost.made), next_calls=dict(cost.next_calls), next_seconds=dict(cost.next_seconds))


def cost_from_message(message: api.PassCost) -> PassCost:
    """Convert the cost of a pass from a message."""
    return PassCost(dict(message.made), dict(message.next_calls), dict(message.next_seconds))


def progress_to_message(progress: ReadingProgress) -> api.ReadingProgress:
    """Convert the progress of a reading to a message."""
    return api.ReadingProgress(done=progress.done, of=progress.of, takes=progress.takes, waits=progress.waits)


def progress_from_message(message: api.ReadingProgress) -> ReadingProgress:
    """Convert the progress of a reading from a message."""
    return ReadingProgress(message.done, message.of, message.takes, dict(message.waits))


def preview_to_message(preview: FilterPreview) -> api.FilterPreview:
    """Convert a preview of filters to a message."""
    message = api.FilterPreview(
        group_filters=preview.group_filters,
        app_filters=preview.app_filters,
        matches=[
            api.FilterMatch(
                of=match.of,
                okta_id=match.okta_id,
                name=match.name,
                filter=match.filter,
                people=match.people,
                members=match.members,
                verdict=match.verdict.value,
            )
            for match in preview.matches
        ],
        ending=[
            api.EndingList(
                okta_id=one.present.okta_id,
                title=one.present.title,
                imported=one.present.imported,
                added=one.present.added,
                reason=one.reason,
            )
            for one in preview.ending
        ],
        gives_roles=preview.gives_roles,
    )
    message.seen_at.FromDatetime(preview.seen_at)
    return message


def preview_from_message(message: api.FilterPreview) -> FilterPreview:
    """Convert a preview of filters from a message."""
    return FilterPreview(
        seen_at=message.seen_at.ToDatetime(UTC),
        group_filters=tuple(message.group_filters),
        app_filters=tuple(message.app_filters),
        matches=tuple(
            FilterMatch(
                match.of,
                match.name,
                match.okta_id,
                match.filter,
                Verdict(match.verdict),
                match.people if match.HasField("people") else None,
                match.members if match.HasField("members") else None,
            )
            for match in message.matches
        ),
        ending=tuple(
            EndingList(PresentList(one.okta_id, one.title, one.imported, one.added), one.reason)
            for one in message.ending
        ),
        gives_roles=message.gives_roles,
    )
