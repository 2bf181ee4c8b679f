"""An organisation of thirty people, an empty cluster, and an installation that knows both."""

from __future__ import annotations

import pytest
from processes import Sandbox, installation_of


@pytest.fixture
def okta(tmp_path):
    sandbox = Sandbox.started("okta", "--users", 30, "--dir", tmp_path / "okta")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def teleport(tmp_path):
    """A cluster whose listings do not lag: a forked verb follows the one before it sooner than they would show it."""
    sandbox = Sandbox.started("teleport", "--no-lag", "--dir", tmp_path / "teleport")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def installation(tmp_path, okta, teleport):
    return installation_of(tmp_path, okta, teleport)


@pytest.fixture
def crowded(tmp_path, teleport):
    """An installation for a hundred people, on a cluster that makes users slowly: so a pass has a middle."""
    sandbox = Sandbox.started("okta", "--users", 100, "--dir", tmp_path / "crowd")
    teleport.control("POST", "/faults", {"method": "*/CreateUser", "latency": 0.2})
    yield installation_of(tmp_path, sandbox, teleport)
    sandbox.stop()
