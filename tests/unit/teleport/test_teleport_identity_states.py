from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport_okta.settings import TeleportSettings
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.identity_states import stored_states
from unit.teleport.small_pki import NOW, SmallCA, host_subject, identity_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def settings(tmp_path: Path, ca: SmallCA) -> TeleportSettings:
    path = tmp_path / "bot"
    path.write_bytes(identity_file(ca))
    HostStore(tmp_path).save(identity_file(ca, subject=host_subject()))
    return TeleportSettings(identity=path)


def test_whole_files_are_told_by_name_and_end(settings: TeleportSettings, tmp_path: Path) -> None:
    host, bot = stored_states(settings, tmp_path, NOW)
    assert (host.which, host.problem, host.source) == ("host", "", str(tmp_path / "host" / "identity"))
    assert host.expires is not None
    assert (bot.which, bot.problem, bot.source) == ("bot", "", str(settings.identity))


def test_what_is_missing_says_what_that_switches_off(tmp_path: Path) -> None:
    host, bot = stored_states(TeleportSettings(), tmp_path, NOW)
    assert "no user is created" in host.problem
    assert "existing users are not taken over" in bot.problem
    assert (host.subject, bot.subject) == ("", "")


def test_what_is_weak_or_damaged_says_so(settings: TeleportSettings, tmp_path: Path) -> None:
    assert settings.identity is not None
    settings.identity.write_text("nonsense")
    host, bot = stored_states(settings, tmp_path, NOW + timedelta(minutes=50))
    assert "expires soon" in host.problem
    assert "no PEM block" in bot.problem
    host, _ = stored_states(settings, tmp_path, NOW + timedelta(hours=2))
    assert host.problem == "it has expired"
