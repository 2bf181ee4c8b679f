"""Fixtures of the Okta sandbox's tests."""

from __future__ import annotations

import pytest
from rsa_key import key_source
from unit.sandbox_okta.sandbox_okta_world import PROMPT, World


@pytest.fixture(autouse=True)
def ready_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the organisation the RSA keys of earlier tests: a test still gets none twice."""
    monkeypatch.setattr("teleport_okta.sandbox.rsa_keys.new_rsa_key", key_source())


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def prompt_world() -> World:
    """An organisation whose background work is done at once."""
    return World(PROMPT)
