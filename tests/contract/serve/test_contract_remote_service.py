"""The whole service in a process of its own: calls that `[serve]` allows, and their records."""

from __future__ import annotations

import json
import re
import signal
import urllib.request

import grpc
import pytest
from contract.scim.door import free_port
from contract.serve.remote_world import key_pem, pem
from cryptography.hazmat.primitives.asymmetric import ec
from grpc_health.v1 import health_pb2, health_pb2_grpc
from processes import PATIENCE, Sandbox, installation_of
from teleport_okta import __version__
from teleport_okta.sandbox.teleport.authority import CertificateAuthority
from teleport_okta_api import admin_pb2 as api
from teleport_okta_api import admin_pb2_grpc as api_grpc
from waiting import eventually

ADA = "ada.admin@example.com"
EVE = "eve@example.com"
LOCKED = "locked@example.com"


class Served:
    """A running service with a listener, and people of its cluster."""

    def __init__(self, directory, okta, teleport):
        self.teleport = teleport
        self.web = CertificateAuthority("web")
        key = ec.generate_private_key(ec.SECP256R1())
        (directory / "serve.crt").write_bytes(pem(self.web.issue_server(key.public_key(), ["localhost"])))
        (directory / "serve.key").write_bytes(key_pem(key))
        self.port = free_port()
        self.installation = installation_of(directory, okta, teleport)
        self.installation.sections["serve"] = {
            "listen": f"127.0.0.1:{self.port}",
            "certificate": str(directory / "serve.crt"),
            "key": str(directory / "serve.key"),
            "readers": ["role:auditor"],
            "writers": [f"user:{ADA}"],
        }
        self.process = self.installation.start()
        eventually(lambda: "gRPC calls are answered" in self.installation.log, "the listener")

    def make_user(self, name, *roles):
        self.teleport.control("POST", "/users", {"name": name, "roles": list(roles)})

    def channel(self, name, *roles):
        """A connection with a certificate that the cluster issues."""
        request = urllib.request.Request(
            self.teleport.line["control"].rstrip("/") + "/identities",
            method="POST",
            data=json.dumps({"user": name, "roles": roles}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            key, certificate = re.findall(rb"-----BEGIN .*?-----END [A-Z ]+-----\n", answer.read(), re.DOTALL)[:2]
        credentials = grpc.ssl_channel_credentials(self.web.pem, key, certificate)
        return grpc.aio.secure_channel(
            f"localhost:{self.port}", credentials, options=[("grpc.use_local_subchannel_pool", 1)]
        )


@pytest.fixture
def served(tmp_path):
    okta = Sandbox.started("okta", "--users", 3, "--dir", tmp_path / "okta")
    teleport = Sandbox.started("teleport", "--no-lag", "--dir", tmp_path / "teleport")
    service = Served(tmp_path, okta, teleport)
    yield service
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(PATIENCE)
    okta.stop()
    teleport.stop()


async def refusal(call):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    return refused.value.code()


async def test_people_read_and_write_by_their_certificates_and_are_on_record(served):
    served.make_user(ADA, "editor")
    served.make_user(EVE, "auditor")
    token = api.NewScimTokenRequest(digest="ab" * 32)
    async with served.channel(ADA, "editor") as ada, served.channel(EVE, "auditor") as eve:
        for channel in (ada, eve):
            status = await api_grpc.AdminStub(channel).GetStatus(api.GetStatusRequest())
            assert status.version == __version__
            health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
            assert health.status == health_pb2.HealthCheckResponse.SERVING
        assert await refusal(api_grpc.AdminStub(eve).NewScimToken(token)) is grpc.StatusCode.PERMISSION_DENIED
        made = await api_grpc.AdminStub(ada).NewScimToken(token)
        assert made.token.id == "abababab"
        entries = served.installation.json("history")
        assert f"{ADA} (Teleport user, role editor), from 127.0.0.1" in str(entries)
    served.make_user(LOCKED, "auditor")
    served.teleport.control("POST", "/locks", {"name": "l", "user": LOCKED})
    async with served.channel(LOCKED, "auditor") as locked:
        call = api_grpc.AdminStub(locked).GetStatus(api.GetStatusRequest())
        assert await refusal(call) is grpc.StatusCode.PERMISSION_DENIED
    assert served.installation.run("status").returncode == 0
