"""The check of genuine log events, on events of our own making."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from recordings import okta_log_events
from recordings.okta_log_events import check, events_of, main

SUSPENDED = {
    "uuid": "u1",
    "eventType": "user.lifecycle.suspend",
    "published": "2026-01-05T09:00:00.000Z",
    "outcome": {"result": "SUCCESS"},
    "target": [{"id": "00uADA", "type": "User"}],
}


def written(folder, *events, name="events.json"):
    path = folder / name
    path.write_text(json.dumps({"events": [{"kind": "real", "event": event} for event in events]}))
    return path


def test_each_event_is_shown_with_what_it_became(tmp_path, capsys):
    written(tmp_path, SUSPENDED, SUSPENDED | {"target": None}, SUSPENDED | {"eventType": "new.thing", "published": ""})
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "events.json: 3 events: no loss",
        "  1. user.lifecycle.suspend SUCCESS: status (gone)",
        "  2. user.lifecycle.suspend SUCCESS: names no object: a full pass",
        "  3. new.thing SUCCESS, without a time: unknown",
    ]


def test_an_event_that_cannot_be_read_is_not_fine(tmp_path):
    path = written(tmp_path, SUSPENDED, SUSPENDED | {"eventType": None})
    assert check(path).lines[2] == "  2. FAIL None: a log event has no type"
    assert main([str(tmp_path)]) == 1


def test_a_part_that_gets_lost_is_named(tmp_path, monkeypatch):
    read = okta_log_events.log_event
    monkeypatch.setattr(okta_log_events, "log_event", lambda row: replace(read(row), targets=(), published=None))
    checked = check(written(tmp_path, SUSPENDED))
    assert not checked.fine
    assert "published '2026-01-05T09:00:00.000Z' was not read; the targets are [('User', '00uADA')]" in checked.lines[1]


def test_a_page_of_the_log_as_okta_gives_it_is_a_file_of_events_too(tmp_path):
    path = tmp_path / "page.json"
    path.write_text(json.dumps([SUSPENDED]))
    assert events_of(path) == [SUSPENDED]


@pytest.mark.parametrize("content", ["", "7", "[]", "{}", '{"events": {"a": 1}}', '[{"method": "GET"}]', "[null]"])
def test_other_files_are_passed_over(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    assert events_of(tmp_path / "other.json") == []
    assert main([str(tmp_path)]) == 1
