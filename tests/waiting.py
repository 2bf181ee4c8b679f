"""Waiting for other processes."""

from __future__ import annotations

import time

from processes import PATIENCE


def eventually(condition, what, *, within=PATIENCE):
    """Wait for another process, for as long as it takes but not for ever; return what the condition returned."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")
