"""The log: text or JSON lines, to a stream or a file, with known secrets redacted."""

from __future__ import annotations

import logging
import math
import sys
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.errors import ConfigError
from teleport_okta.observe.text import json_text, printable, printable_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from teleport_okta.clock import Clock

ROOT: Final = "teleport_okta"

_SEVERITIES: Final = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
_STDERR: Final = {"stderr", "error", "2"}
_STDOUT: Final = {"stdout", "out", "1", ""}
_SHORTEST_SECRET: Final = 6
_REDACTED: Final = "[redacted]"
_REPORT_INTERVAL: Final = 60.0


_FIELDS: Final = "fields"
_work: ContextVar[str] = ContextVar("work", default="")


@contextmanager
def working(pass_id: str) -> Iterator[None]:
    """Add the id of a pass or look to every line that is logged in the block and in tasks started there."""
    token = _work.set(pass_id)
    try:
        yield
    finally:
        _work.reset(token)


class WorkIds:
    """Ids for passes and looks: the time of the start, and a number that counts up within this process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = count(1)

    def next(self) -> str:
        """Return a new id, such as `20260105T090000Z-7`."""
        return f"{self._clock.now():%Y%m%dT%H%M%SZ}-{next(self._numbers)}"

    @property
    def current(self) -> str:
        """The id of the pass or look of this task; empty if there is none."""
        return _work.get()


def with_fields(fields: Mapping[str, str]) -> dict[str, object]:
    """Return the logger's `extra` argument that adds these keys to a line of JSON."""
    return {_FIELDS: fields}


class LineCounter(logging.Filter):
    """Counts the lines that were written, so that `SilenceKeeper` can detect silence."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Count a record, and accept it."""
        self.lines += 1
        return True


written: Final = LineCounter()
"""The counter of this process's log."""


class _Formatter(logging.Formatter):
    """Formats a record with its traceback, and redacts every known secret in both."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        self._secrets = tuple(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)

    def format(self, record: logging.LogRecord) -> str:
        message = printable(self._redacted(record.getMessage()))
        traceback = self._redacted(self.formatException(record.exc_info)) if record.exc_info else ""
        traceback = printable_lines(traceback)
        return self.line(record, message, traceback)

    def line(self, record: logging.LogRecord, message: str, traceback: str) -> str:
        text = f"{_time(record)} {record.levelname} [{_component(record)}] {message}"
        work = _work.get()
        text = f"{text} pass={work}" if work else text
        return f"{text}\n{traceback}" if traceback else text

    def _redacted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text


class _JsonFormatter(_Formatter):
    def line(self, record: logging.LogRecord, message: str, traceback: str) -> str:
        fields = {
            "time": _time(record),
            "severity": record.levelname,
            "component": _component(record),
            "message": message,
        }
        if traceback:
            fields["traceback"] = traceback
        work = _work.get()
        if work:
            fields["pass"] = work
        more: Mapping[str, str] = getattr(record, _FIELDS, {})
        fields |= {key: self._redacted(value) for key, value in more.items()}
        return json_text(fields)


def set_up(*, output: str, severity: str, layout: str, secrets: Iterable[str] = ()) -> None:
    """Write the log to the output of the settings; `layout` is text or json. Libraries log warnings and errors only.

    Secrets shorter than six characters are not redacted, because ordinary words would be redacted with them.
    Raises ConfigError if the file cannot be opened.
    """
    formatter = _JsonFormatter(secrets) if layout == "json" else _Formatter(secrets)
    handler = _handler(output)
    handler.setFormatter(formatter)
    handler.addFilter(written)
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
        if isinstance(old, _FileHandler):
            with suppress(OSError):  # the disk is full, and what is left of a line cannot be written
                old.close()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(ROOT).setLevel(_SEVERITIES[severity])


def is_on_stderr() -> bool:
    """Whether the log is written to standard error, so that a logged error need not be printed there again."""
    return any(
        isinstance(handler, logging.StreamHandler) and handler.stream is sys.stderr
        for handler in logging.getLogger().handlers
    )


class _ReportsLostLines(logging.Handler):
    """Reports on standard error that lines are lost (the disk is full), at most once a minute.

    The report of `logging` itself would be a traceback for each line, with its text unredacted.
    """

    _reported = -math.inf

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is that of `logging`
        """Report the exception that is being handled, without the text of the line."""
        now = time.monotonic()
        if now - self._reported < _REPORT_INTERVAL or sys.stderr is None:
            return
        self._reported = now
        error = sys.exception()
        why = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        with suppress(OSError, ValueError):
            sys.stderr.write(f"error: lines of the log are lost: {why}; first one of {record.name}:{record.lineno}\n")


class _StreamHandler(_ReportsLostLines, logging.StreamHandler[Any]):
    """Writes to a standard stream."""


class _FileHandler(_ReportsLostLines, logging.FileHandler):
    """Writes to a file that `set_up` opened. The next `set_up` closes it, and leaves handlers of others open."""


class _StandardError(logging.Handler):
    """Writes to the current standard error, in the format of a command's own errors."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{record.levelname.lower()}: {printable(record.getMessage())}\n")


def set_up_for_command() -> None:
    """Print warnings to standard error while a command runs, unless a log is set up already."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(_StandardError(logging.WARNING))


def is_standard_stream(output: str) -> bool:
    """Whether the log is written to standard output or standard error."""
    return output in _STDERR | _STDOUT


def _handler(output: str) -> logging.Handler:
    if output in _STDERR:
        return _StreamHandler(sys.stderr)
    if output in _STDOUT:
        return _StreamHandler(sys.stdout)
    try:
        return _FileHandler(output, encoding="utf-8")
    except OSError as error:
        what = f"log.output: {output} cannot be opened: {error.strerror}"
        raise ConfigError(what, remedy="check its path and permissions") from error


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _component(record: logging.LogRecord) -> str:
    return record.name.removeprefix(f"{ROOT}.")
