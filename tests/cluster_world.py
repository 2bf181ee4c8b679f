"""A world of both sandboxes and the product between them, over real HTTP, TLS and gRPC, in virtual time."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from teleport_okta import app
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.model import labels
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.settings import Settings


@dataclass
class World:
    """The parts of a world that a test uses."""

    okta: OktaOrganization
    okta_app: App
    teleport: TeleportSandbox
    parts: app.Parts
    clock: VirtualClock
    settings: Settings
    process: AsyncExitStack

    async def restart(self):
        """End the process, and start another on the same state."""
        await self.process.aclose()
        self.parts = await self.process.enter_async_context(app.opened(self.settings, clock=self.clock))

    async def run(self):
        """One full pass."""
        return await self.parts.full_pass.run(trigger="test")

    def hire(self, login, **profile):
        """Add a person who is assigned to the app."""
        user = self.okta.create_user({"firstName": "A", "lastName": "B", "login": login, "email": login, **profile})
        self.okta.assign(self.okta_app.id, user.id)
        return user

    async def hired(self, *logins):
        """Add a person for each login, and make a pass after which they are users."""
        people = [self.hire(login) for login in logins]
        assert (await self.run()).succeeded
        return people

    def meddle_after_listing(self, deed):
        """Do a deed once, between the next listing of the users and its use."""
        users = self.parts.teleport.users
        listing = users.list

        async def listed():
            found = await listing()
            users.list = listing
            deed()
            return found

        users.list = listed

    def users(self):
        """All users of the cluster by name, as stored."""
        return {user.Metadata.Name: user for user in self.teleport.cluster.users.all_stored()}

    def owned(self):
        """Name to Okta id of the users that carry our owner label."""
        return {
            name: user.Metadata.Labels.get(labels.OKTA_ID, "")
            for name, user in self.users().items()
            if user.Metadata.Labels.get(labels.OWNER) == self.okta.id
        }

    def foreign(self):
        """The other users, as bytes."""
        return {
            name: user.SerializeToString()
            for name, user in self.users().items()
            if user.Metadata.Labels.get(labels.OWNER) != self.okta.id
        }

    def locks(self):
        """The locks in force, by the user whom they are about."""
        now = self.clock.now().timestamp()
        return {
            lock.Spec.Target.User: lock
            for lock in self.teleport.cluster.locks.all_stored()
            if not lock.Spec.HasField("Expires") or lock.Spec.Expires.seconds > now
        }


@dataclass(frozen=True)
class WayIn:
    """How the product connects to the cluster and the organisation, as an administrator chooses."""

    by: str = "direct"
    """`direct`, `proxy`, or `balancer`: a proxy behind a load balancer that ends TLS itself."""

    join: str = "token"
    """The join method: `token` or `kubernetes`."""

    trusts: str = "bot"
    """What the first join trusts: the CA in the `bot`'s file, or `pins` of the CA; then there is no bot."""

    credential: str = "SSWS"
    """`SSWS`, `private_key_jwt` or `DPoP`."""

    okta_by: str = "http"
    """`http`, or `https` with a certificate of a CA that only `okta.ca` has."""


USUAL = WayIn()

WITH_DIRECTORY = {"sync": {"apps_and_groups": True}, "access_lists": {"default_owners": ["owner@x.io"]}}
"""Settings under which groups, apps and access lists are imported too."""


@asynccontextmanager
async def built_world(
    directory, *, edition="ent", version="18.1.3", settings=None, lag=None, way=USUAL, clock=None, cluster=None
):
    """Build a world with an app and no people; `settings` replace the usual ones, section by section.

    Usually people alone are synced; `WITH_DIRECTORY` brings groups, apps and access lists.

    `clock` is virtual unless given, `cluster` has further options of the Teleport sandbox. A world of the join method
    kubernetes has its pod's token at `pod_token(directory)`.
    """
    clock = clock or VirtualClock(datetime.now(UTC))
    sandboxes = built_sandboxes(
        directory, clock, edition=edition, version=version, settings=settings, lag=lag, way=way, cluster=cluster
    )
    async with sandboxes as (okta, okta_app, teleport, sections), AsyncExitStack() as process:
        parts = await process.enter_async_context(app.opened(parse(sections), clock=clock))
        yield World(okta, okta_app, teleport, parts, clock, parse(sections), process)


@asynccontextmanager
async def built_sandboxes(directory, clock, *, edition, version, settings, lag=None, way=USUAL, cluster=None):
    """Start both sandboxes; yield the organisation, its app, the cluster, and the sections of a configuration.

    A cluster that is reached directly has the address of a proxy, but no proxy, unless `cluster` says where it listens.
    """

    def now():
        return clock.now().timestamp()

    okta = OktaOrganization(now=now, rng=random.Random(7))
    okta_app = okta.create_app("Teleport")
    options = {"now": now, "sleep": clock.sleep, "behind_load_balancer": way.by == "balancer"}
    options |= {"proxy_listen": None if way.by == "direct" else ("127.0.0.1", 0)} | (cluster or {})
    async with (
        OktaSandbox(okta, tls=way.okta_by == "https") as okta_server,
        TeleportSandbox(directory / "teleport", edition=edition, version=version, lag=lag, **options) as teleport,
    ):
        teleport.cluster.proxy_address = teleport.cluster.proxy_address or "127.0.0.1:3080"
        sections = {
            "teleport": _reaching(teleport, way) | _joining(teleport, way, directory),
            "okta": _reached(okta_server, way, directory) | _credential(okta, way, directory) | {"app_id": okta_app.id},
            "sync": {"apps_and_groups": False},
            "storage": {"data_dir": str(directory / "data")},
        }
        for section, values in (settings or {}).items():
            sections.setdefault(section, {}).update(values)
        yield okta, okta_app, teleport, sections


def pod_token(directory):
    """Where a pod in a world of this directory finds its service account's token."""
    return directory / "pod-token"


def _reaching(teleport, way):
    if way.by == "direct":
        return {"addr": teleport.address}
    return {"addr": teleport.proxy_address, "proxy_ca": str(teleport.proxy_ca_path)}


def _joining(teleport, way, directory):
    known = {"identity": str(teleport.identity_path)} if way.trusts == "bot" else {"ca_pins": teleport.ca_pins}
    if way.join == "token":
        return known | {"join_token": teleport.join_token}
    teleport.administrator.create_kubernetes_token("pods", ["Okta"], ["teleport:okta"])
    pod_token(directory).write_text(teleport.cluster.kubernetes.service_account_token("teleport:okta"))
    return known | {"join_method": "kubernetes", "join_token": "pods"}


def _reached(server, way, directory):
    if way.okta_by == "http":
        return {"org_url": server.url}
    ca = directory / "okta-ca.pem"
    ca.write_bytes(server.ca_pem)
    return {"org_url": server.https_url, "ca": str(ca)}


def _credential(okta, way, directory):
    if way.credential == "SSWS":
        return {"api_token": okta.ssws_token}
    key = ec.generate_private_key(ec.SECP256R1())
    path = directory / "okta-key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    client = okta.add_client(key.public_key(), "key-1", require_dpop=way.credential == "DPoP")
    return {"client_id": client.id, "private_key": str(path), "private_key_id": "key-1"}
