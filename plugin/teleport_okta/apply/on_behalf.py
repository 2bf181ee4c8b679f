"""Who asked for the changes that the present task makes, for the journal.

It is kept beside the calls: the way from a request to the record of a change leads through the procedure for a key,
which is the same for everybody. Tasks that a request starts inherit it.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_WHO: Final[ContextVar[str]] = ContextVar("who", default="")


@contextmanager
def on_behalf_of(who: str) -> Iterator[None]:
    """Put changes that are made in this block on record as those of a caller."""
    token = _WHO.set(who)
    try:
        yield
    finally:
        _WHO.reset(token)


def present_person() -> str:
    """Return who asked for what the present task does; empty if it was no caller."""
    return _WHO.get()
