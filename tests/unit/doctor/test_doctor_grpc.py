"""Findings about the gRPC listener: its files, its lists and its socket."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from teleport_okta.config import parse
from teleport_okta.doctor.grpc_listener import check_listener, check_listening, of_named_roles
from teleport_okta.sandbox.web_certificate import WebCertificate

NOW = datetime.now(UTC)


@pytest.fixture
def files(tmp_path):
    issued = WebCertificate.issue("test CA", ["grpc.example.com"])
    certificate, key = tmp_path / "serve.crt", tmp_path / "serve.key"
    certificate.write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    write_key(key, issued.key)
    return {"certificate": str(certificate), "key": str(key)}


def write_key(path, key, encryption=None):
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption()))


def configured(files, **serve):
    okta = {"org_url": "https://acme.okta.com", "api_token": "00secret", "app_id": "0oaA"}
    return parse({"okta": okta, "serve": files | {"listen": "127.0.0.1:9443", "readers": ["user:ada"]} | serve})


def found(settings, now=NOW):
    return {finding.check: finding for finding in check_listener(settings, now)}


def severities(settings, now=NOW):
    return {check: finding.severity.value for check, finding in found(settings, now).items()}


def test_a_listener_without_problems_shows_its_callers(files):
    shown = found(configured(files, writers=["role:editor"]))
    assert {check: one.severity.value for check, one in shown.items()} == {
        "certificate": "ok", "names": "ok", "key": "ok", "callers": "ok",
    }  # fmt: skip
    assert shown["callers"].what == "readers: user:ada; writers: role:editor"
    assert "grpc.example.com" in shown["names"].what


def test_nothing_is_shown_if_nothing_is_configured():
    assert check_listener(configured({}, listen=None), NOW) == []


@pytest.mark.parametrize(("days", "severity"), [(300, "ok"), (360, "warning"), (400, "error")])
def test_a_certificate_by_its_end(files, days, severity):
    assert severities(configured(files), NOW + timedelta(days=days))["certificate"] == severity


@pytest.mark.parametrize("damage", ["absent", "garbage", "another", "encrypted"])
def test_files_that_grpc_would_ignore_silently_are_an_error(files, tmp_path, damage):
    key = tmp_path / "serve.key"
    match damage:
        case "absent":
            key.unlink()
        case "garbage":
            key.write_bytes(b"nonsense")
        case "another":
            write_key(key, ec.generate_private_key(ec.SECP256R1()))
        case "encrypted":
            write_key(key, ec.generate_private_key(ec.SECP256R1()), BestAvailableEncryption(b"secret"))
    shown = found(configured(files))
    assert (shown["certificate"].severity, "serve.key" in shown["certificate"].what) == ("error", True)
    assert shown["callers"].severity == "ok"


def test_a_key_that_everybody_can_read_is_weak(files, tmp_path):
    (tmp_path / "serve.key").chmod(0o644)
    assert severities(configured(files))["key"] == "warning"


def test_empty_lists_of_callers_are_a_note(files):
    finding = found(configured(files, readers=[]))["callers"]
    assert (finding.severity.value, "every call is refused" in finding.what) == ("note", True)


def test_scim_callers_without_scim_are_a_note(files):
    assert found(configured(files, scim_callers=["host-role:Proxy"]))["SCIM callers"].severity == "note"


def test_a_role_that_does_not_exist_is_a_warning(files):
    serve = configured(files, readers=["role:auditor", "user:nobody"], writers=["role:editor", "role:auditor"]).serve
    [finding] = of_named_roles(serve, {"editor"})
    assert (finding.severity.value, "role:auditor" in finding.what) == ("warning", True)
    assert list(of_named_roles(serve, None)) == []


async def test_a_running_service_that_does_not_listen_is_an_error(unused_tcp_port):
    listen = f"127.0.0.1:{unused_tcp_port}"
    [finding] = await check_listening(listen, is_running=True)
    assert (finding.severity.value, "restart" in finding.remedy) == ("error", True)
    assert await check_listening(listen, is_running=False) == []
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", unused_tcp_port)
    [finding] = await check_listening(f"0.0.0.0:{unused_tcp_port}", is_running=True)
    server.close()
    assert finding.severity == "ok"
