from __future__ import annotations

import json
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
    assert check(recording) == ("users.json: 1 user, 1 passed over: no loss", True)
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
