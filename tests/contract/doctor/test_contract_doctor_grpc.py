"""The gRPC listener as part of an examination."""

from __future__ import annotations

from contract.doctor.doctor_world import clinic_of
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from teleport_okta.sandbox.web_certificate import WebCertificate


async def test_the_listener_is_checked_against_the_roles_of_the_cluster(tmp_path):
    issued = WebCertificate.issue("test CA")
    certificate, key = tmp_path / "serve.crt", tmp_path / "serve.key"
    certificate.write_bytes(issued.certificate.public_bytes(Encoding.PEM))
    key.touch(mode=0o600)
    key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    serve = {"listen": "127.0.0.1:9443", "certificate": str(certificate), "key": str(key)}
    async with clinic_of(tmp_path, serve=serve | {"readers": ["role:editor"]}) as clinic:
        report = await clinic.examine()
        assert report.bad() == []
        assert report.severity("gRPC/certificate") == "ok"
        clinic.sections["serve"]["writers"] = ["role:absent"]
        report = await clinic.examine()
        assert report.bad() == ["gRPC/callers"]
        assert "'absent'" in report.says("gRPC/callers")
