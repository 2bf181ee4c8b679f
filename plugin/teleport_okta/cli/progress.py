"""A progress bar on standard error, when that is a terminal."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from teleport_okta.observe.text import printable
from teleport_okta.observe.waits import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import RenderableType

_SHORTEST_SHOWN: Final = 1.0


class _ProgressWithWait(Progress):
    """A bar, and below it the wait that the command is in, with its duration if it is known."""

    _longest = ""
    _since = 0.0

    def get_renderables(self) -> Iterable[RenderableType]:
        """Yield the bar, and the longest wait once it has lasted a second.

        The wait has a line of its own: beside the bar it would be cut off in 80 columns.
        """
        yield from super().get_renderables()
        longest, now = next(iter(waits()), ""), time.monotonic()
        if longest != self._longest:
            self._longest, self._since = longest, now
        if longest and now - self._since >= _SHORTEST_SHOWN:
            yield Text(printable(f"  waiting for {longest}"), style="dim", no_wrap=True, overflow="ellipsis")


@contextmanager
def progress_bar(label: str, console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves the bar. Off a terminal it draws nothing.

    The bar is drawn on standard error if no `console` is given.
    """
    console = console or Console(stderr=True)
    with _ProgressWithWait(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
