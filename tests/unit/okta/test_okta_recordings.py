from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from recordings.okta_recordings import check, main
from teleport_okta.model.okta import OktaUser
from teleport_okta.okta import facts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ADA = {"id": "00uAda", "status": "ACTIVE", "profile": {"login": "ada@example.com", "title": "Countess", "city": None}}
LISTING = {
    "method": "GET",
    "path": "/api/v1/users?limit=200",
    "status": 200,
    "headers": {"Content-Type": "application/json", "Link": '<https://x.okta.com/api/v1/users?limit=200>; rel="self"'},
    "request_body": "",
    "body": json.dumps([ADA]),
}


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "users.json"
    path.write_text(json.dumps([LISTING, LISTING | {"path": "/api/v1/groups", "body": "[]"}]))
    return path


def test_a_recording_that_is_read_whole_is_fine(recording: Path) -> None:
    assert check(recording) == ("users.json: 1 user, 0 group: no loss", True)
    assert main([str(recording.parent)]) == 0


def test_an_attribute_that_gets_lost_is_named(recording: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets_titles(body: Mapping[str, object]) -> OktaUser:
        read = OktaUser("00uAda", "ACTIVE", "ada@example.com", {"login": "ada@example.com"})
        assert body["id"] == read.id
        return read

    monkeypatch.setattr(facts, "user", forgets_titles)
    line, fine = check(recording)
    assert not fine
    assert "user 00uAda: profile.title is (<class 'str'>, 'Countess')" in line
    assert main([str(recording.parent)]) == 1


@pytest.mark.parametrize("content", ["", "{}", '[{"method": "GET"}]', json.dumps([LISTING | {"body": '[{"id": 7}]'}])])
def test_a_file_that_cannot_be_read_is_not_fine(tmp_path: Path, content: str) -> None:
    (tmp_path / "users.json").write_text(content)
    _, fine = check(tmp_path / "users.json")
    assert not fine


GROUP = {
    "id": "00gOne",
    "type": "OKTA_GROUP",
    "profile": {"name": "Looms", "description": None},
    "lastMembershipUpdated": "2026-01-05T09:00:00.000Z",
    "_embedded": {"stats": {"usersCount": 3, "appsCount": 1, "hasAdminPrivlege": True}},
}


@pytest.mark.parametrize(
    ("path", "rows", "counted"),
    [
        ("/api/v1/groups?limit=200&expand=stats", [GROUP], "1 group"),
        ("/api/v1/users/00uAda/groups", [GROUP], "1 group"),
        ("/api/v1/apps/0oaOne/groups?limit=200", [{"id": "00gOne", "priority": 0, "profile": {}}], "1 app group"),
        ("/api/v1/groups/rules?limit=50", [{"id": "0prOne", "type": "group_rule"}], "1 passed over"),
    ],
)
def test_groups_and_those_of_apps_are_checked_in_every_folder_below(
    tmp_path: Path, path: str, rows: list[object], counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "some.json").write_text(json.dumps([LISTING | {"path": path, "body": json.dumps(rows)}]))
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"some.json: {counted}: no loss\n"


def test_a_group_that_is_misread_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.json").write_text(json.dumps([LISTING | {"path": "/api/v1/groups", "body": json.dumps([GROUP])}]))
    read = facts.group
    monkeypatch.setattr(facts, "group", lambda row: replace(read(row), users_count=None))
    assert check(tmp_path / "one.json") == (
        "one.json: 1 group: exchange 1: group 00gOne: usersCount is 3, read as None",
        False,
    )


@pytest.mark.parametrize(
    "body",
    [
        {"status": 404, "message": "Resource not found"},
        {"errorCode": "E0000001", "errorSummary": "Api validation failed: group"},
        {"errorCode": "E0000001", "errorCauses": {"errorSummary": "one cause, as an object"}},
        {"errorCode": "E0000001", "errorCauses": [{"domain": "x"}, {"errorSummary": "another"}]},
        {"error": "invalid_scope", "error_description": "One or more scopes"},
        {},
    ],
)
def test_an_error_body_of_any_form_is_read(tmp_path: Path, body: dict[str, object]) -> None:
    (tmp_path / "one.json").write_text(json.dumps([LISTING | {"status": 404, "body": json.dumps(body)}]))
    assert check(tmp_path / "one.json") == ("one.json: 1 error: no loss", True)
