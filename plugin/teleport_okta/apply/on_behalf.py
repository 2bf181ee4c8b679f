"""The caller on whose behalf the present task changes something, for the journal.

It is a context variable and not an argument: between a request and the record of a change lies the procedure for a key,
which is the same for all callers. Tasks that a request starts inherit the variable.
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
    """Record the changes that are made in this block as those of a caller."""
    token = _WHO.set(who)
    try:
        yield
    finally:
        _WHO.reset(token)


def present_person() -> str:
    """Return the caller of the present task; empty if there is none."""
    return _WHO.get()
