"""Fixtures of the Okta sandbox's tests."""

from __future__ import annotations

import pytest
from unit.sandbox_okta.sandbox_okta_world import PROMPT, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def prompt_world() -> World:
    """An organisation whose background work is done at once."""
    return World(PROMPT)
