"""The log: one line a record, without secrets and without control characters."""

from __future__ import annotations

import json
import logging

import pytest
from teleport_okta.errors import ConfigError
from teleport_okta.observe import logs
from teleport_okta.observe.text import printable

SECRET = 'top"secret\\token'


@pytest.fixture(autouse=True)
def _restored():
    root, product = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = (list(root.handlers), root.level, product.level)
    yield
    root.handlers[:], level, product_level = before
    root.setLevel(level)
    product.setLevel(product_level)


def log_of(tmp_path, layout, emit, severity="info"):
    path = tmp_path / "log"
    logs.set_up(output=str(path), severity=severity, layout=layout, secrets=[SECRET])
    emit(logging.getLogger("teleport_okta.sync.engine"))
    return path.read_text()


def fail(logger):
    try:
        raise ValueError(f"said {SECRET}")
    except ValueError:
        logger.exception("broken by %s", SECRET)


@pytest.mark.parametrize("layout", ["text", "json"])
def test_a_secret_is_blotted_out_of_messages_and_tracebacks(tmp_path, layout):
    text = log_of(tmp_path, layout, fail)
    assert "secret" not in text
    assert text.count("[redacted]") >= 2


def test_a_json_line_says_when_how_bad_where_and_what(tmp_path):
    line = json.loads(log_of(tmp_path, "json", lambda logger: logger.warning("ünïcode %d", 7)))
    assert (line["severity"], line["component"], line["message"]) == ("WARNING", "sync.engine", "ünïcode 7")
    assert line["time"].endswith("Z")


def test_the_severity_is_the_least_that_is_written(tmp_path):
    assert log_of(tmp_path, "text", lambda logger: logger.info("x"), severity="warn") == ""


def test_a_name_can_not_forge_a_line(tmp_path):
    text = log_of(tmp_path, "text", lambda logger: logger.info("user %s", "a\n2026 INFO [x] all is well"))
    assert len(text.splitlines()) == 1


def test_warnings_of_libraries_are_logged_too(tmp_path):
    text = log_of(tmp_path, "text", lambda _: logging.getLogger("asyncio").error("a task was lost"))
    assert "[asyncio] a task was lost" in text


def test_a_log_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"log\.output"):
        logs.set_up(output=str(tmp_path / "no" / "log"), severity="info", layout="text")


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain ünïcode 🚀", "plain ünïcode 🚀"), ("a\nb", "a\\nb"), ("\x1b[2J", "\\x1b[2J"), ("\ud800", "\\ud800")],
)
def test_only_what_could_disturb_a_terminal_is_escaped(text, shown):
    assert printable(text) == shown
