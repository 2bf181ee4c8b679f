"""Our gRPC services over real TLS, and clients with certificates of a cluster's CAs, or of none."""

from __future__ import annotations

import asyncio
import functools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING

import grpc
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from teleport.okta.v1 import okta_service_pb2_grpc
from teleport.scim.v1 import scim_service_pb2_grpc
from teleport_okta.clock import SystemClock, VirtualClock
from teleport_okta.sandbox.teleport.authority import CertificateAuthority, Host, Subject
from teleport_okta.serve.admin import AdminService
from teleport_okta.serve.client_certificate import ClusterCAs
from teleport_okta.serve.offers import Offer
from teleport_okta.serve.remote import RemoteLimits, serving_remote
from teleport_okta.settings_serve import ServeSettings
from teleport_okta.sync.status import Status

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.serve.remote import RemoteListener

CLUSTER = "cluster.test"
HOUR = timedelta(hours=1)


def key_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def pem(certificate):
    return certificate.public_bytes(Encoding.PEM)


class HeldClock(VirtualClock):
    """A clock that waits for nobody: what is done again and again is done once."""

    async def sleep(self, seconds):
        await asyncio.Event().wait()


@dataclass
class FakeCluster:
    """A cluster's CAs, and what it says of callers (`ClusterView`)."""

    host: list[CertificateAuthority] = field(default_factory=lambda: [CertificateAuthority(CLUSTER)])
    user: list[CertificateAuthority] = field(default_factory=lambda: [CertificateAuthority(CLUSTER)])
    refuses: Exception | None = None
    trouble: Exception | None = None
    asked: list = field(default_factory=list)

    def known_cas(self):
        return ClusterCAs(CLUSTER, tuple(ca.certificate for ca in self.host), ())

    async def read_cas(self):
        if self.trouble is not None:
            raise self.trouble
        return ClusterCAs(CLUSTER, tuple(ca.certificate for ca in self.host), tuple(ca.certificate for ca in self.user))

    async def check_standing(self, caller):
        self.asked.append(caller)
        if self.refuses is not None:
            raise self.refuses


@dataclass
class Client:
    """A key and a certificate, and how to connect with them; without them none is shown."""

    key: bytes | None = None
    certificate: bytes | None = None
    roots: bytes = b""

    def channel(self, port):
        credentials = grpc.ssl_channel_credentials(self.roots, self.key, self.certificate)
        return grpc.aio.secure_channel(
            f"localhost:{port}", credentials, options=[("grpc.use_local_subchannel_pool", 1)]
        )


class Engine:
    """Answers a status, and remembers who had something approved."""

    approved_by = None

    async def status(self):
        return Status(version="0.1.0", state="idle", last_success=None, quarantine=())

    async def approve(self, digest, *, by):
        self.approved_by = by
        return SimpleNamespace(digest=digest, expires=None, harmed=())


@dataclass
class RemoteWorld:
    """A listener, the cluster whose callers it serves, and the CA of its own certificate."""

    cluster: FakeCluster
    web: CertificateAuthority
    directory: Path
    engine: Engine
    listener: RemoteListener | None = None

    @property
    def port(self):
        return self.listener.port

    def show_new_certificate(self, ca=None, key=None):
        """Put a new certificate of the listener's own into its files."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        certificate = (ca or self.web).issue_server(key.public_key(), ["localhost"])
        (self.directory / "serve.crt").write_bytes(pem(certificate))
        (self.directory / "serve.key").write_bytes(key_pem(key))
        return certificate

    def client(self, issue=None):
        """Return a client that trusts the listener; `issue` makes its certificate of a public key."""
        if issue is None:
            return Client(roots=self.web.pem)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = issue(key.public_key())
        return Client(key_pem(key), pem(certificate), self.web.pem)

    def user(self, name="ada", roles=("access",), *, ca=None, lifetime=HOUR, **how):
        ca = ca or self.cluster.user[0]
        return self.client(lambda key: ca.issue_user(key, Subject(name, tuple(roles), **how), lifetime))

    def host(self, role="Proxy", *, ca=None, name="11111111-2222-3333-4444-555555555555", lifetime=HOUR):
        ca = ca or self.cluster.host[0]
        return self.client(lambda key: ca.issue_host(key, Host(name, role), lifetime))


@asynccontextmanager
async def built_remote(directory, *, limits=None, offers=(), clock=None, cluster=None, **lists):
    """Serve over TLS on loopback, to callers in `lists` (readers, writers, scim_callers)."""
    cluster = cluster or FakeCluster()
    world = RemoteWorld(cluster, CertificateAuthority("web"), directory, Engine())
    world.show_new_certificate()
    settings = ServeSettings(
        listen="127.0.0.1:0", certificate=directory / "serve.crt", key=directory / "serve.key", **lists
    )
    clock = clock or SystemClock()
    admin = AdminService(world.engine, None, clock)
    async with serving_remote(
        settings, (admin.offer(), *offers), cluster, clock=clock, limits=limits or RemoteLimits()
    ) as listener:
        world.listener = listener
        yield world


def every_service():
    """Servicers of all services that are planned, with no content of their own."""
    return (
        Offer(
            "teleport.scim.v1.SCIMService",
            functools.partial(
                scim_service_pb2_grpc.add_SCIMServiceServicer_to_server, scim_service_pb2_grpc.SCIMServiceServicer()
            ),
        ),
        Offer(
            "teleport.okta.v1.OktaService",
            functools.partial(
                okta_service_pb2_grpc.add_OktaServiceServicer_to_server, okta_service_pb2_grpc.OktaServiceServicer()
            ),
        ),
    )


async def call(client, port, method, message=b"", *, timeout=10.0):
    """Call a method by its path with raw bytes; return the raw answer."""
    async with client.channel(port) as channel:
        return await channel.unary_unary(method)(message, timeout=timeout)


async def outcome(client, port, method, message=b"", *, timeout=10.0):
    """Call a method, and return the code and the details that it ends with."""
    try:
        await call(client, port, method, message, timeout=timeout)
    except grpc.aio.AioRpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


STATUS = "/teleport_okta_api.Admin/GetStatus"
APPROVE = "/teleport_okta_api.Admin/Approve"
HEALTH = "/grpc.health.v1.Health/Check"
