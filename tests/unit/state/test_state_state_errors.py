"""SQLite's errors in words: which of them mean that the disk is full."""

from __future__ import annotations

import shutil
import sqlite3
from types import SimpleNamespace

import pytest
from teleport_okta.state.state_errors import StateFullError, explain


def explained(path, code):
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return explain(error, path)


@pytest.mark.parametrize(("free", "is_full"), [(0, True), (10**9, False)])
def test_an_input_output_error_means_a_full_disk_where_no_room_is_left(tmp_path, monkeypatch, free, is_full):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free))
    error = explained(tmp_path / "state.db", sqlite3.SQLITE_IOERR_WRITE)
    assert isinstance(error, StateFullError) is is_full
    assert error.remedy


def test_a_full_database_means_a_full_disk_whatever_the_file_system_says(tmp_path):
    error = explained(tmp_path / "state.db", sqlite3.SQLITE_FULL)
    assert isinstance(error, StateFullError)
