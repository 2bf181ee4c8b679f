"""The cost of passes as text, in calls to Okta."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from teleport_okta.model.cost import PassCost, ReadingProgress


def cost_lines(cost: PassCost) -> Iterator[str]:
    """Yield the calls of the last reading, and a forecast for the next."""
    yield f"Okta calls: {_calls(cost.made)}"
    if cost.next_calls:
        slowest = max(cost.next_seconds, key=lambda bucket: cost.next_seconds[bucket])
        wait = (
            f"at least {duration(cost.takes)}, because of {slowest}" if cost.takes else "within one rate-limit window"
        )
        yield f"the next pass, if nothing changes: {_calls(cost.next_calls)}; {wait}"


def progress_line(progress: ReadingProgress) -> str:
    """Return the progress of a reading in words."""
    line = f"reading Okta: {progress.done} of about {progress.of} calls"
    if progress.takes:
        line += f"; at least {duration(progress.takes)} in all"
    for bucket, seconds in sorted(progress.waits.items()):
        line += f"; waiting {duration(seconds)} for the rate limit of {bucket}"
    return line


def duration(seconds: float) -> str:
    """Return a duration as people say it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _calls(calls: Mapping[str, int]) -> str:
    named = ", ".join(f"{count} {bucket}" for bucket, count in sorted(calls.items()))
    return f"{sum(calls.values())} ({named})" if named else "none"
