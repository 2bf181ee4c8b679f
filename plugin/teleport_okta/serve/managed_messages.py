"""Conversion of the source of the settings, and of the result of each part of the sync, to and from messages."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC
from typing import TYPE_CHECKING

from teleport_okta_api import admin_pb2 as api

from teleport_okta.model.managed import Managed
from teleport_okta.model.part_result import Holdings, Part, PartResult

if TYPE_CHECKING:
    from teleport_okta.sync.status import Status


def write_managed(message: api.GetStatusResponse, status: Status) -> None:
    """Write the source of the settings and the parts of a status into a message."""
    message.failure = status.failure.value
    message.holdings.CopyFrom(api.Holdings(**asdict(status.holdings)))
    for result in status.parts:
        written = message.parts.add(part=result.part.value, error=result.error)
        if result.succeeded is not None:
            written.succeeded.FromDatetime(result.succeeded)
        if result.failed is not None:
            written.failed.FromDatetime(result.failed)
    if status.managed is not None:
        message.managed.CopyFrom(api.Managed(**asdict(status.managed)))


def managed_from_message(message: api.GetStatusResponse) -> Managed | None:
    """Convert the source of the settings from a message."""
    if not message.HasField("managed"):
        return None
    found = message.managed
    return Managed(
        source=found.source,
        plugin=found.plugin,
        is_running=found.is_running,
        reason=found.reason,
        digest=found.digest,
        warnings=tuple(found.warnings),
        report=found.report,
    )


def parts_from_message(message: api.GetStatusResponse) -> tuple[PartResult, ...]:
    """Convert the results of the parts from a message."""
    return tuple(
        PartResult(
            Part(found.part),
            found.error,
            found.succeeded.ToDatetime(UTC) if found.HasField("succeeded") else None,
            found.failed.ToDatetime(UTC) if found.HasField("failed") else None,
        )
        for found in message.parts
    )


def holdings_from_message(message: api.Holdings) -> Holdings:
    """Convert the numbers of objects from a message."""
    return Holdings(
        users=message.users,
        user_groups=message.user_groups,
        app_servers=message.app_servers,
        group_lists=message.group_lists,
        app_lists=message.app_lists,
        pushed_lists=message.pushed_lists,
        roles=message.roles,
        members=message.members,
    )
