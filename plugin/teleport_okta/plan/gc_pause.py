"""Keeping the search for garbage cycles out of the way of planning.

A plan of a large organisation is millions of small values, and none of them is part of a cycle. Python looks through
them again and again while they are made, which takes more than a third of the time.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """Do not look for cycles during the block; it concerns the whole process, so nothing may be awaited in it."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
