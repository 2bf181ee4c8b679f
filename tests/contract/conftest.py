from __future__ import annotations

import os

import pytest
from rsa_key import key_source


@pytest.fixture(autouse=True)
def no_public_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust none of the machine's CAs: no test calls a public server, and each client would take 20 ms to read them."""
    monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
    monkeypatch.setenv("SSL_CERT_DIR", os.devnull)


@pytest.fixture(autouse=True)
def ready_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the sandboxes the RSA keys of earlier tests: a test still gets none twice."""
    monkeypatch.setattr("teleport_okta.sandbox.rsa_keys.new_rsa_key", key_source())
