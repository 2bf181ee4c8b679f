"""Settings of the whole suite."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import re
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile(
    "thorough", max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_SAID = "said"
_directories = itertools.count()
_LONGEST_ID = 100


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test by the parameter's name if its value is long: it can have megabytes, or a key made a moment ago."""
    return argname if isinstance(val, (str, bytes)) and len(val) > _LONGEST_ID else None


def pytest_configure() -> None:
    """Let Ctrl-C end the processes that tests start, also if a shell script has started the tests in its background.

    Such a shell lets SIGINT be ignored, and each process passes that on to its children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of garbage collection, which would go through all of it each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Undo what the product sets up of the log if a test runs a command in this process."""
    root, product = logging.getLogger(), logging.getLogger("teleport_okta")
    levels = root.level, product.level
    try:
        return (yield)
    finally:
        root.setLevel(levels[0])
        product.setLevel(levels[1])
        for handler in list(root.handlers):
            if type(handler).__module__.startswith("teleport_okta."):
                root.removeHandler(handler)
                handler.close()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a directory for the test; pytest's own fixture looks through those of all earlier tests for a number."""
    name = re.sub(r"\W", "_", request.node.name)[:26]
    path = tmp_path_factory.getbasetemp() / f"{name}{next(_directories)}"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Print a line at the end of the run, in whichever process the test was."""
    return lambda line: record_property(_SAID, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests said, passed or not."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                for name, line in report.user_properties:
                    if name == _SAID:
                        terminalreporter.write_line(str(line))
