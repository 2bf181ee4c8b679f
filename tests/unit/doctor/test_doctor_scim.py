"""Findings about a SCIM endpoint: its token, its certificate, and the running service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from teleport_okta.clock import VirtualClock
from teleport_okta.doctor.scim_door import check_door, of_service
from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.sandbox.web_certificate import WebCertificate
from teleport_okta.settings_scim import ScimSettings
from unit.scim.scim_client import settings

HASH = "$2b$04$" + "a" * 53


@pytest.fixture
def clock():
    return VirtualClock(datetime.now(UTC))


@pytest.fixture
def files(tmp_path):
    """A certificate for scim.example.com and this machine, and its key."""
    issued = WebCertificate.issue("test CA", ["scim.example.com"])
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    write_key(key, issued.key)
    return certificate, key


def write_key(path, key):
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def found(configured, clock, *, tokens=1):
    return {finding.check: finding for finding in check_door(configured, tokens=tokens, clock=clock)}


def over_tls(files, **keys):
    certificate, key = files
    return settings(listen="0.0.0.0:8443", certificate=certificate, key=key, **keys)


def test_nothing_is_shown_if_nothing_is_configured(clock):
    assert check_door(ScimSettings(), tokens=0, clock=clock) == []


def test_an_endpoint_that_is_well(clock, files):
    shown = found(over_tls(files), clock)
    assert {check: finding.severity for check, finding in shown.items()} == {
        "tokens": "ok", "certificate": "ok", "names": "ok", "chain": "note", "key": "ok",
    }  # fmt: skip


def test_without_any_token_the_service_will_not_listen(clock, files):
    finding = found(over_tls(files), clock, tokens=0)["tokens"]
    assert (finding.severity, "scim-token new" in finding.remedy) == ("error", True)


def test_a_configured_hash_is_a_token_too(clock, files):
    shown = found(over_tls(files, token_hash=HASH), clock, tokens=0)
    assert "tokens" not in shown
    assert shown["token_hash"].severity == "ok"


def test_an_invalid_hash_is_an_error(clock, files):
    assert found(over_tls(files, token_hash="secret"), clock)["token_hash"].severity == "error"


def test_the_key_of_another_certificate_is_an_error(clock, files):
    write_key(files[1], ec.generate_private_key(ec.SECP256R1()))
    finding = found(over_tls(files), clock)["certificate"]
    assert (finding.severity, "does not match the certificate" in finding.what) == ("error", True)


@pytest.mark.parametrize(("days", "severity"), [(340, "ok"), (360, "warning"), (400, "error")])
def test_a_certificate_that_ends_soon_is_a_warning_and_one_that_has_ended_an_error(clock, files, days, severity):
    clock.advance(timedelta(days=days).total_seconds())
    assert found(over_tls(files), clock)["certificate"].severity == severity


def test_a_certificate_for_other_names_is_a_warning(clock, files):
    finding = found(over_tls(files, public_url="https://other.example.com/scim/v2"), clock)["names"]
    assert (finding.severity, "other.example.com" in finding.what) == ("warning", True)


def test_a_key_that_everybody_can_read_is_a_warning(clock, files):
    files[1].chmod(0o644)
    assert found(over_tls(files), clock)["key"].severity == "warning"


def test_plain_http_behind_a_proxy_is_a_note(clock):
    shown = found(settings(listen="0.0.0.0:8080", behind_proxy=True), clock)
    assert (shown["TLS"].severity, "behind_proxy" in shown["TLS"].what) == ("note", True)
    assert shown["trusted_proxies"].severity == "note"
    assert "trusted_proxies" not in found(
        settings(listen="0.0.0.0:8080", behind_proxy=True, trusted_proxies=("10.0.0.0/8",)), clock
    )


def answers(configured, door, *, is_running=True):
    [finding] = of_service(configured, door, is_running=is_running)
    return finding


def test_a_service_that_answers_is_well():
    assert answers(settings(), ScimDoor(address="https://127.0.0.1:1")).severity == "ok"


def test_a_service_that_does_not_listen_is_an_error():
    finding = answers(settings(), ScimDoor(reason="there is no token"))
    assert (finding.severity, "without a restart" in finding.remedy) == ("error", True)
    finding = answers(settings(), None)
    assert (finding.severity, finding.remedy.startswith("restart")) == ("error", True)


def test_a_service_with_its_old_certificate_is_a_warning():
    finding = answers(settings(), ScimDoor(address="https://127.0.0.1:1", problem="key.pem cannot be read"))
    assert (finding.severity, "key.pem cannot be read" in finding.what) == ("warning", True)


def test_while_no_service_runs_the_public_url_is_not_tried():
    finding = answers(settings(), None, is_running=False)
    assert (finding.check, finding.severity) == ("public_url", "note")
