"""The log: one line a record, without secrets and without control characters."""

from __future__ import annotations

import json
import logging

import pytest
from teleport_okta.clock import VirtualClock
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
def test_a_secret_is_redacted_in_messages_and_tracebacks(tmp_path, layout):
    text = log_of(tmp_path, layout, fail)
    assert "secret" not in text
    assert text.count("[redacted]") >= 2


def test_a_json_line_has_time_severity_component_and_message(tmp_path):
    line = json.loads(log_of(tmp_path, "json", lambda logger: logger.warning("ünïcode %d", 7)))
    assert (line["severity"], line["component"], line["message"]) == ("WARNING", "sync.engine", "ünïcode 7")
    assert line["time"].endswith("Z")


def test_lines_below_the_severity_are_not_logged(tmp_path):
    assert log_of(tmp_path, "text", lambda logger: logger.info("x"), severity="warn") == ""


def test_a_name_cannot_forge_a_line(tmp_path):
    text = log_of(tmp_path, "text", lambda logger: logger.info("user %s", "a\n2026 INFO [x] all is well"))
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("layout", ["text", "json"])
def test_lines_that_cannot_be_written_are_reported_once_and_not_shown(tmp_path, layout, capsys):
    logs.set_up(output="/dev/full", severity="info", layout=layout, secrets=[SECRET])
    logger = logging.getLogger("teleport_okta.sync.engine")
    for _ in range(3):
        logger.warning("a token %s and \x1b[31m", SECRET)
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: lines of the log are lost: No space left on device; first one of teleport_okta.sync")
    logs.set_up(output=str(tmp_path / "log"), severity="info", layout=layout)
    logger.warning("written")
    assert (tmp_path / "log").read_text().count("written") == 1
    assert capsys.readouterr().err == ""


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
def test_only_characters_that_affect_a_terminal_are_escaped(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize("layout", ["text", "json"])
def test_no_control_character_of_a_message_a_field_or_a_traceback_is_written(tmp_path, layout):
    hostile = "a\x1b[2J\x9b\u202eb"

    def emit(logger):
        logger.info("user %s", hostile, extra=logs.with_fields({"name": hostile}))
        try:
            raise ValueError(hostile)
        except ValueError:
            logger.exception("broken")

    text = log_of(tmp_path, layout, emit)
    assert all(line.isprintable() for line in text.split("\n"))
    if layout == "json":
        assert json.loads(text.splitlines()[0])["name"] == hostile


def test_fields_are_keys_of_a_json_line_without_secrets(tmp_path):
    extra = logs.with_fields({"event": "change", "name": SECRET})
    line = json.loads(log_of(tmp_path, "json", lambda logger: logger.info("done", extra=extra)))
    assert (line["event"], line["name"]) == ("change", "[redacted]")


@pytest.mark.parametrize("layout", ["text", "json"])
def test_every_line_of_a_pass_names_it_and_no_other_line_does(tmp_path, layout):
    def emit(logger):
        with logs.working("20260105T090000Z-7"):
            logger.info("inside")
        logger.info("outside")

    inside, outside = log_of(tmp_path, layout, emit).splitlines()
    if layout == "json":
        assert json.loads(inside)["pass"] == "20260105T090000Z-7"
        assert "pass" not in json.loads(outside)
    else:
        assert inside.endswith("inside pass=20260105T090000Z-7")
        assert outside.endswith("outside")


def test_the_id_of_a_pass_is_its_start_and_a_number():
    ids = logs.WorkIds(VirtualClock())
    assert [ids.next(), ids.next()] == ["20260105T090000Z-1", "20260105T090000Z-2"]
    assert ids.current == ""


def test_a_command_shows_warnings_escaped_on_standard_error(capsys):
    root = logging.getLogger()
    root.handlers[:] = []
    logs.set_up_for_command()
    logging.getLogger("teleport_okta.x").warning("user %s", "a\x1b[2J")
    logging.getLogger("teleport_okta.x").info("nothing")
    assert capsys.readouterr().err == "warning: user a\\x1b[2J\n"
