"""A progress bar on standard error, when that is a terminal."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.text import Text

from teleport_okta.observe.text import printable
from teleport_okta.observe.waits import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Task

_SHORTEST_SHOWN: Final = 1.0


class _WaitColumn(ProgressColumn):
    """The wait that the command is in, with its duration if it is known."""

    def __init__(self) -> None:
        super().__init__()
        self._longest = ""
        self._since = 0.0

    def render(self, task: Task) -> Text:
        """Return the longest wait, once it has lasted a second."""
        longest, now = next(iter(waits()), ""), task.get_time()
        if longest != self._longest:
            self._longest, self._since = longest, now
        is_shown = longest and now - self._since >= _SHORTEST_SHOWN
        return Text(printable(f"waiting for {longest}") if is_shown else "", style="dim", overflow="ellipsis")


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves the bar. Off a terminal it draws nothing."""
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), _WaitColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
