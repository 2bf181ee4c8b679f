from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_public_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust none of the machine's CAs: no test calls a public server, and each client would take 20 ms to read them."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
