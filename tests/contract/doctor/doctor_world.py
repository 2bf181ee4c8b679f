"""An installation between both sandboxes, which `doctor` looks into; nothing of it has to be well."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from processes import Installation
from teleport_okta import app
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.doctor.examine import examine
from teleport_okta.doctor.findings import worst
from teleport_okta.model import labels
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.okta.saml_apps import SamlApps
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

if TYPE_CHECKING:
    from pathlib import Path

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.users import User


PEOPLE = 20


@dataclass(frozen=True)
class Report:
    """What the doctor found."""

    findings: tuple[Finding, ...]

    def __getitem__(self, name):
        """The findings of one check, named `section/check`."""
        section, _, check = name.partition("/")
        found = [finding for finding in self.findings if (finding.section.value, finding.check) == (section, check)]
        assert found, f"no finding of {name}"
        return found

    def severity(self, name):
        """How a check came out; the worst, where there are several findings."""
        return worst(self[name]).value

    def says(self, name):
        """The words of a check, remedies included."""
        return "\n".join(f"{finding.what} -> {finding.remedy}" for finding in self[name])

    def bad(self):
        """The names of the checks that are worse than a note."""
        return [
            f"{finding.section.value}/{finding.check}"
            for finding in self.findings
            if finding.severity in {"warning", "error"}
        ]

    def text(self):
        return "\n".join(f"{finding.check}: {finding.what} -> {finding.remedy}" for finding in self.findings)


@dataclass
class Clinic:
    """Everything a test wants to touch."""

    directory: Path
    okta: OktaOrganization
    okta_app: App
    people: list[User]
    teleport: TeleportSandbox
    sections: dict
    clock: VirtualClock
    environment: dict = field(default_factory=dict)
    rng: random.Random = field(default_factory=lambda: random.Random(3))

    @property
    def data(self):
        return self.directory / "data"

    async def joined(self):
        """Let the installation join, and pass once."""
        async with app.opened(parse(self.sections), clock=self.clock) as parts:
            assert (await parts.full_pass.run(trigger="test")).succeeded
        return self

    async def connect(self, name="okta", **changed):
        """Make the app and a SAML connector that agree, as an enrolment leaves them; `changed` are facts of the latter.

        The metadata is read as the product reads it.
        """
        acs = f"https://{self.teleport.cluster.proxy_address}/v1/webapi/saml/acs/{name}"
        self.okta.change_sign_on(self.okta_app.id, acs_url=acs, audience=acs)
        facts = {
            "acs": acs,
            "attributes_to_roles": [{"name": "groups", "value": "Everyone", "roles": ["okta-requester"]}],
            "entity_descriptor": (await self.metadata()).descriptor,
            "labels": {labels.APP_ID: self.okta_app.id},
        }
        await self.teleport.administrator.connectors.create(name, **(facts | changed))

    async def metadata(self):
        """The metadata of the app, as Okta has it now."""
        okta = parse(self.sections | {"plugin": {}, "sync": {"source": "organization"}}).okta
        async with client_of(okta, clock=self.clock, rng=self.rng, environment={}) as client:
            apps = SamlApps(client)
            app_ = await apps.get(self.okta_app.id)
            return read_metadata(await apps.metadata(app_), org_hosts=[client.address.host])

    async def examine(self, *, clock=None):
        def written():
            path = Installation(self.directory, self.sections).config
            path.chmod(0o600)
            return path

        findings = await examine(
            await asyncio.to_thread(written),
            clock=clock or self.clock,
            rng=self.rng,
            environment=self.environment,
        )
        return Report(findings)

    def issue_bot(self, **options):
        """Write an identity file over the bot's."""
        user, roles = options.pop("user", "bot-teleport-okta"), options.pop("roles", ["teleport-okta"])
        self.teleport.issue_identity(user, roles, **options).write(self.teleport.identity_path)


@asynccontextmanager
async def clinic_of(directory, *, by="direct", service_app=True, tls=True, cluster=None, **sections):
    """Build an installation that is well, by HTTPS with a service app unless told otherwise."""
    clock = VirtualClock(datetime.now(UTC))

    def now():
        return clock.now().timestamp()

    okta = OktaOrganization(now=now, rng=random.Random(7))
    okta_app = okta.create_app("Teleport")
    people = [okta.hire("Person", f"{index:02}") for index in range(PEOPLE)]
    options = {"now": now, "sleep": clock.sleep, "behind_load_balancer": by == "balancer"}
    options |= {"proxy_listen": None if by == "direct" else ("127.0.0.1", 0)} | (cluster or {})
    async with OktaSandbox(okta, tls=tls) as server, TeleportSandbox(directory / "teleport", **options) as teleport:
        teleport.cluster.proxy_address = teleport.cluster.proxy_address or "127.0.0.1:3080"
        if by == "direct":
            reaching = {"addr": teleport.address}
        else:
            reaching = {"addr": teleport.proxy_address, "proxy_ca": str(teleport.proxy_ca_path)}
        reached = {"org_url": server.url}
        if tls:
            ca = directory / "okta-ca.pem"
            ca.write_bytes(server.ca_pem)
            reached = {"org_url": server.https_url, "ca": str(ca)}
        credential = _service_app(okta, directory) if service_app else {"api_token": okta.ssws_token}
        usual = {
            "teleport": reaching | {"identity": str(teleport.identity_path), "join_token": teleport.join_token},
            "okta": reached | credential | {"app_id": okta_app.id},
            "sync": {},
            "storage": {"data_dir": str(directory / "data")},
        }
        for section, values in sections.items():
            usual[section] = usual.get(section, {}) | values
        yield Clinic(directory, okta, okta_app, people, teleport, usual, clock)


def _service_app(okta, directory):
    key = ec.generate_private_key(ec.SECP256R1())
    path = directory / "okta-key.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    client = okta.add_client(key.public_key(), "key-1")
    return {"client_id": client.id, "private_key": str(path), "private_key_id": "key-1"}
