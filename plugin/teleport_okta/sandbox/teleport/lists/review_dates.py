"""The next review date of a list (`docs/reference/teleport.md` 4.9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.accesslist.v1.accesslist_pb2 import Recurrence

_LAST_DAY: Final = 31


def next_review_date(base: datetime, recurrence: Recurrence) -> datetime:
    """Return midnight UTC of the recurrence's day, `months` after the month of `base`."""
    months = base.year * 12 + base.month - 1 + recurrence.frequency
    if recurrence.day_of_month == _LAST_DAY:
        return _first_of(months + 1) - timedelta(days=1)
    return _first_of(months).replace(day=recurrence.day_of_month)


def moment_of(stamp: Timestamp) -> datetime:
    """Return the protobuf time with its zone."""
    return stamp.ToDatetime(tzinfo=UTC)


def _first_of(months: int) -> datetime:
    year, month = divmod(months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)
