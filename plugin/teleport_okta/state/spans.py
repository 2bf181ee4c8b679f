"""The age of a record: by the boot clock within one boot of the machine, otherwise by the time of day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.clock import Boot


def younger_than(span: str) -> str:
    """Return the SQL condition that a record is younger than the seconds in parameter `span`, beside those of `moment`.

    The time of day can be set, so it counts only if the boot clock cannot. A record from the future counts as young.
    """
    return (
        f"((boot != '' AND boot = :boot AND elapsed <= :elapsed AND elapsed > :elapsed - :{span}) "
        f"OR (NOT (boot != '' AND boot = :boot AND elapsed <= :elapsed) AND time > :now - :{span}))"
    )


def moment(now: datetime, boot: Boot) -> dict[str, object]:
    """Return the parameters of `younger_than`, without the span."""
    return {"now": now.timestamp(), "boot": boot.id, "elapsed": boot.elapsed}


def age(time: datetime, of: Boot | None, now: datetime, boot: Boot) -> timedelta:
    """Return the age of a record with this time."""
    if of is not None and of.id and of.id == boot.id and of.elapsed <= boot.elapsed:
        return timedelta(seconds=boot.elapsed - of.elapsed)
    return now - time
