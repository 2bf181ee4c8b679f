"""Keys of the configuration file are changed, and nothing else of it."""

from __future__ import annotations

import os
import stat
import tomllib

import pytest
from teleport_okta.config_edit import UnwritableFileError, check_writable, edited, lines_of, write_config
from teleport_okta.errors import ConfigError

TEXT = """# How we reach both sides.
[teleport]
addr = "teleport.example.com:443"  # the proxy

[okta]
org_url = "https://acme.okta.com"
app_id = "0oaOLD"  # the app

# Lists.
[access_lists]
default_owners = [
    "ada",  # the head
]
"""


def test_comments_and_order_stay():
    found = edited(TEXT, {"okta": {"app_id": "0oaNEW"}, "plugin": {"name": "okta"}}, source="x")
    assert found == TEXT.replace("0oaOLD", "0oaNEW") + '\n[plugin]\nname = "okta"\n'


def test_a_value_of_none_removes_the_key():
    found = edited(TEXT, {"okta": {"app_id": None}, "sync": {"connector": None}}, source="x")
    assert tomllib.loads(found) == {
        "teleport": {"addr": "teleport.example.com:443"},
        "okta": {"org_url": "https://acme.okta.com"},
        "access_lists": {"default_owners": ["ada"]},
    }


def test_a_key_that_has_the_value_already_is_not_touched():
    assert edited(TEXT, {"access_lists": {"default_owners": ["ada"]}}, source="x") == TEXT


@pytest.mark.parametrize("text", ["[okta", "okta = 3", "[[okta]]\nx = 1"])
def test_a_text_that_is_not_a_configuration_is_refused(text):
    with pytest.raises(ConfigError, match="x: "):
        edited(text, {"okta": {"app_id": "0oa"}}, source="x")


def test_a_file_keeps_its_mode_and_says_whether_it_changed(tmp_path):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(TEXT)
    path.chmod(0o640)
    assert write_config(path, {"plugin": {"name": "okta"}})
    assert not write_config(path, {"plugin": {"name": "okta"}})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_only_its_owner_may_read_a_new_file(tmp_path):
    path = tmp_path / "new.toml"
    assert write_config(path, {"okta": {"api_token": "/x"}})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tomllib.loads(path.read_text()) == {"okta": {"api_token": "/x"}}


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text(TEXT)
    link.symlink_to(real)
    write_config(link, {"plugin": {"name": "okta"}})
    assert link.is_symlink()
    assert "[plugin]" in real.read_text()


def full(_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("attempt", [check_writable, write_config])
def test_a_file_that_cannot_be_written_stays_and_the_error_has_the_lines(tmp_path, monkeypatch, attempt):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(TEXT)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnwritableFileError, match="No space left") as caught:
        attempt(path, {"plugin": {"name": "okta"}, "okta": {"app_id": None}, "sync": {"connector": None}})
    assert caught.value.lines == ("[plugin]", 'name = "okta"', "# remove okta.app_id")
    assert path.read_text() == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_a_check_changes_nothing(tmp_path):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(TEXT)
    assert check_writable(path, {"plugin": {"name": "okta"}})
    assert not check_writable(path, {"okta": {"app_id": "0oaOLD"}})
    assert path.read_text() == TEXT
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_needs_no_change_need_not_be_writable(tmp_path, monkeypatch):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(TEXT)
    monkeypatch.setattr(os, "fsync", full)
    assert not write_config(path, {"okta": {"app_id": "0oaOLD"}})


def test_the_lines_for_a_person_can_be_copied():
    lines = lines_of({"okta": {"app_id": "0oaNEW"}, "sync": {"default_roles": []}, "plugin": {"name": None}})
    assert tomllib.loads("\n".join(lines)) == {"okta": {"app_id": "0oaNEW"}, "sync": {"default_roles": []}}
