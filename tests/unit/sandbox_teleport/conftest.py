"""A small cluster per test: virtual time, real TLS on loopback, and clients with the identities that tests use."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from rsa_key import key_source
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST, MEMBERSHIP_KIND_USER, AccessList, Member
from teleport.accesslist.v1.accesslist_service_pb2_grpc import AccessListServiceStub
from teleport.legacy.client.proto.authservice_pb2_grpc import AuthServiceStub
from teleport.legacy.client.proto.joinservice_pb2_grpc import JoinServiceStub
from teleport.legacy.types.types_pb2 import PluginV1, RegisterUsingTokenRequest, SAMLConnectorV2, UserV2
from teleport.okta.v1.okta_service_pb2_grpc import OktaServiceStub
from teleport.plugins.v1.plugin_service_pb2_grpc import PluginServiceStub
from teleport.users.v1.users_service_pb2_grpc import UsersServiceStub
from teleport_okta.sandbox.teleport import TeleportSandbox
from teleport_okta.sandbox.teleport.control import Control
from teleport_okta.sandbox.teleport.identity_file import private_key_pem
from teleport_okta.sandbox.teleport.metadata import YEAR_ONE

_PEM = re.compile(rb"-----BEGIN .*?-----END [A-Z ]+-----\n", re.DOTALL)


class Clock:
    """Unix seconds that move only when told."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Client:
    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        self.auth: Any = AuthServiceStub(self.channel)
        self.users: Any = UsersServiceStub(self.channel)
        self.join: Any = JoinServiceStub(self.channel)
        self.access_lists: Any = AccessListServiceStub(self.channel)
        self.plugins: Any = PluginServiceStub(self.channel)
        self.okta: Any = OktaServiceStub(self.channel)


@pytest.fixture(autouse=True)
def ready_rsa_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the sandbox the RSA keys of earlier tests: a test still gets none twice."""
    monkeypatch.setattr("teleport_okta.sandbox.rsa_keys.new_rsa_key", key_source())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def proxy_listen() -> tuple[str, int] | None:
    """Start no proxy: modules with tests of one override this."""
    return None


@pytest.fixture
def start(tmp_path: Path, clock: Clock, proxy_listen: tuple[str, int] | None) -> Callable[..., TeleportSandbox]:
    """Make a sandbox that is not running yet; waits end at once and move the clock."""

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)

    def make(**options: Any) -> TeleportSandbox:
        return TeleportSandbox(tmp_path, **{"now": clock, "sleep": sleep, "proxy_listen": proxy_listen, **options})

    return make


@pytest.fixture
async def sandbox(start: Callable[..., TeleportSandbox]) -> AsyncIterator[TeleportSandbox]:
    async with start() as running:
        yield running


@pytest.fixture
async def control(sandbox: TeleportSandbox) -> AsyncIterator[aiohttp.ClientSession]:
    """Return a client of the sandbox's control interface."""
    async with Control(sandbox) as running, aiohttp.ClientSession(running.url) as session:
        yield session


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Client]]:
    """Connect to a sandbox with the text of an identity file, or without any certificate."""
    async with AsyncExitStack() as stack:

        def dial(sandbox: TeleportSandbox, identity: bytes | None = None) -> Client:
            key, certificate = _PEM.findall(identity)[:2] if identity else (None, None)
            credentials = grpc.ssl_channel_credentials(sandbox.issuer.host.pem, key, certificate)
            options = [
                ("grpc.ssl_target_name_override", "teleport.cluster.local"),
                ("grpc.max_send_message_length", -1),
            ]
            options.append(("grpc.use_local_subchannel_pool", 1))
            client = Client(grpc.aio.secure_channel(sandbox.address, credentials, options))
            stack.push_async_callback(client.channel.close)
            return client

        yield dial


@pytest.fixture
def bot(sandbox: TeleportSandbox, connect: Callable[..., Client]) -> Client:
    return connect(sandbox, sandbox.identity_path.read_bytes())


@pytest.fixture
async def join_host(connect: Callable[..., Client]) -> Callable[..., Awaitable[bytes]]:
    """Join a sandbox as the Okta service and return key and certificate as PEM."""

    async def join(sandbox: TeleportSandbox, *, over: grpc.aio.Channel | None = None, **request: Any) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        fields = {"HostID": "sidecar-1", "NodeName": "sidecar", "Role": "Okta", "Token": sandbox.join_token, **request}
        client = connect(sandbox) if over is None else Client(over)
        certificates = await client.join.RegisterUsingToken(
            RegisterUsingTokenRequest(
                PublicTLSKey=key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
                PublicSSHKey=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
                **fields,
            )
        )
        return private_key_pem(key) + certificates.TLS

    return join


@pytest.fixture
async def host(
    sandbox: TeleportSandbox, connect: Callable[..., Client], join_host: Callable[..., Awaitable[bytes]]
) -> Client:
    return connect(sandbox, await join_host(sandbox))


@pytest.fixture
def refusal() -> Callable[[Awaitable[Any]], Awaitable[tuple[str, str]]]:
    """Await a call that must fail, and return its code and text."""

    async def catch(call: Awaitable[Any]) -> tuple[str, str]:
        with pytest.raises(grpc.RpcError) as caught:
            await call
        error: Any = caught.value
        return error.code().name, error.details()

    return catch


@pytest.fixture
def person() -> Callable[..., UserV2]:
    """Build a user message."""

    def build(name: str, *, origin: str = "", **spec: Any) -> UserV2:
        user = UserV2(Kind="user", Version="v2")
        user.Metadata.Name = name
        if origin:
            user.Metadata.Labels["teleport.dev/origin"] = origin
        user.Spec.Roles.extend(spec.get("roles", []))
        for trait, values in spec.get("traits", {}).items():
            user.Spec.Traits.Values[trait].Values.extend(values)
        return user

    return build


@pytest.fixture
def access_list() -> Callable[..., AccessList]:
    """Build a list that the server takes, owned by `grace` unless owners are given as (name, is a list)."""

    def build(name: str, *, owners: Sequence[tuple[str, bool]] = (("grace", False),), **labels: str) -> AccessList:
        message = AccessList()
        message.header.metadata.name = name
        message.header.metadata.labels.update(labels)
        spec = message.spec
        spec.title = f"The {name}"
        for owner, is_list in owners:
            spec.owners.add(name=owner, membership_kind=MEMBERSHIP_KIND_LIST if is_list else MEMBERSHIP_KIND_USER)
        for part in (spec.audit, spec.membership_requires, spec.ownership_requires, spec.grants):
            part.SetInParent()
        return message

    return build


@pytest.fixture
def member(clock: Clock) -> Callable[..., Member]:
    """Build a member that the server takes, for ever unless `expires` (Unix seconds) is given."""

    def build(list_name: str, name: str, *, is_list: bool = False, expires: int = YEAR_ONE, **labels: str) -> Member:
        message = Member()
        message.header.metadata.name = name
        message.header.metadata.labels.update(labels)
        spec = message.spec
        spec.access_list, spec.name, spec.added_by = list_name, name, "grace"
        spec.membership_kind = MEMBERSHIP_KIND_LIST if is_list else MEMBERSHIP_KIND_USER
        spec.joined.seconds, spec.expires.seconds = int(clock()), expires
        return message

    return build


METADATA = """<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor entityID="{entity}" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{sso}"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://second"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"""


@pytest.fixture
def metadata() -> Callable[..., str]:
    """Build the metadata of an Okta app."""

    def build(entity: str = "http://www.okta.com/exk1", sso: str = "https://org.okta.com/app/exk1/sso/saml") -> str:
        return METADATA.format(entity=entity, sso=sso)

    return build


@pytest.fixture
def connector(metadata: Callable[..., str]) -> Callable[..., SAMLConnectorV2]:
    """Build a connector that the server takes, with inline metadata unless the spec has a URL."""

    def build(name: str = "okta", **spec: Any) -> SAMLConnectorV2:
        message = SAMLConnectorV2()
        message.Metadata.Name = name
        message.Spec.AssertionConsumerService = f"https://proxy.example/v1/webapi/saml/acs/{name}"
        if "EntityDescriptorURL" not in spec:
            message.Spec.EntityDescriptor = metadata()
        message.Spec.AttributesToRoles.add(Name="groups", Value="*", Roles=["access"])
        for field, value in spec.items():
            setattr(message.Spec, field, value)
        return message

    return build


class Web:
    """The pages that the server can download: (status, body) or an exception by URL, and which URLs it asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, str] | Exception] = {}
        self.asked: list[str] = []

    async def __call__(self, url: str) -> tuple[int, bytes]:
        self.asked.append(url)
        page = self.pages[url]
        if isinstance(page, Exception):
            raise page
        status, body = page
        return status, body.encode()


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
def plugin() -> Callable[..., PluginV1]:
    """Build an okta plugin that the server takes; `sync` sets fields of its sync settings."""

    def build(name: str = "okta", **sync: Any) -> PluginV1:
        message = PluginV1()
        message.metadata.Name = name
        message.spec.okta.org_url = "https://org.okta.com"
        for field, value in {"sync_users": True, "sso_connector_id": "okta", **sync}.items():
            if isinstance(value, list):
                getattr(message.spec.okta.sync_settings, field).extend(value)
            else:
                setattr(message.spec.okta.sync_settings, field, value)
        message.credentials.static_credentials_ref.Labels["okta/org"] = "https://org.okta.com"
        return message

    return build
