"""Both sandboxes over HTTPS and gRPC, and an administrator between them who enrols."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import grpc
import pytest
from cluster_world import WayIn, built_sandboxes
from cryptography.hazmat.primitives.serialization import Encoding
from google.protobuf.json_format import MessageToDict
from teleport.legacy.types.types_pb2 import RoleV6
from teleport_okta import app
from teleport_okta.clock import VirtualClock
from teleport_okta.config import parse
from teleport_okta.saml.app_body import app_body
from teleport_okta.saml.enrolment import Enrolment
from teleport_okta.saml.metadata import read_metadata
from teleport_okta.saml.request import EnrolmentRequest
from teleport_okta.sandbox.teleport.faults import Fault

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

PROXY = "teleport.example.com"
CONNECTOR = "okta-integration"
ACS = f"https://{PROXY}/v1/webapi/saml/acs/{CONNECTOR}"
LABEL = "Teleport sandbox.teleport.test"
OKTA_WRITES = ("POST", "PUT", "PATCH", "DELETE")
TELEPORT_WRITES = ("Create", "Update", "Upsert", "Delete", "Set")


@dataclass
class EnrolmentWorld:
    """Everything that an enrolment meets. `noted` is what it remembers from one run to the next."""

    okta: OktaOrganization
    teleport: TeleportSandbox
    clock: VirtualClock
    sections: dict
    parts: app.Parts = None
    noted: list = field(default_factory=list)
    process: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def start(self):
        """Start a process that is connected to both sides."""
        settings = parse(self.sections)
        base = await self.process.enter_async_context(app.opened_base(settings, clock=self.clock, policy=app.HASTY))
        self.parts = await self.process.enter_async_context(app.connected(base, settings))

    async def restart(self):
        """End the process, and start another one."""
        await self.process.aclose()
        await self.start()

    def enrolment(self, *, org_hosts=None, noted=True, **wishes):
        """An enrolment with these answers; `noted`: it knows what was noted before."""
        return Enrolment(
            self.parts.saml_apps,
            self.parts.teleport,
            EnrolmentRequest(**({"proxy": PROXY} | wishes)),
            org_id=self.okta.id,
            org_url=self.org_url,
            org_hosts=self.parts.org_hosts() if org_hosts is None else org_hosts,
            clock=self.clock,
            known_app_id=self.noted[-1] if noted and self.noted else "",
            remember=self._note,
        )

    async def _note(self, made):
        self.noted.append(made.id)

    async def enrol(self, **wishes):
        """Look and do it; return the steps."""
        enrolment = self.enrolment(**wishes)
        found = await enrolment.look()
        return [step async for step in enrolment.run(found)]

    async def looked(self, **wishes):
        """What would be done."""
        enrolment = self.enrolment(**wishes)
        return enrolment.steps(await enrolment.look())

    @property
    def org_url(self):
        """The organisation's address, as the configuration has it."""
        return self.sections["okta"]["org_url"]

    # What there is.

    @property
    def apps(self):
        """The SAML apps of Okta that send people to the connector."""
        return [one for one in self.okta.apps.all if one.settings.get("signOn", {}).get("ssoAcsUrl") == ACS]

    @property
    def app(self):
        """The only one."""
        [one] = self.apps
        return one

    async def app_json(self):
        """The app as Okta's API shows it."""
        return await self.parts.saml_apps._client.get(f"/api/v1/apps/{self.app.id}")

    @property
    def everyone(self):
        """The id of the group Everyone."""
        return self.okta.groups.everyone

    @property
    def is_assigned(self):
        """Whether Everyone has the app."""
        return self.okta.assignments.groups.get(self.app.id, self.everyone) is not None

    @property
    def connectors(self):
        """The connectors as stored, by name."""
        return {one.Metadata.Name: MessageToDict(one) for one in self.teleport.cluster.saml_connectors.all_stored()}

    @property
    def plugins(self):
        """The plugins as stored, by name."""
        return {one.metadata.Name: MessageToDict(one) for one in self.teleport.cluster.plugins.all_stored()}

    def settings(self, name="okta"):
        """The settings of a plugin."""
        return self.plugins[name]["spec"]["okta"]

    @property
    def whole(self):
        """What an enrolment leaves on both sides, without the ids, keys and revisions of this world."""
        connectors, plugins = self.connectors, self.plugins
        for connector in connectors.values():
            del connector["Spec"]["SigningKeyPair"], connector["Metadata"]["Revision"]
            connector["Spec"]["EntityDescriptor"] = bool(connector["Spec"]["EntityDescriptor"])
        for plugin in plugins.values():
            del plugin["metadata"]["Revision"]
        sign_on = [one.settings["signOn"] for one in self.apps]
        text = json.dumps([sign_on, connectors, plugins, [one.label for one in self.apps], self.is_assigned])
        text = text.replace(self.org_url, "ORG").replace(self.okta.id, "00o")
        for one in self.apps:
            for word, instead in ((one.id, "0oa"), (one.external_key, "exk"), (one.name, "NAME")):
                text = text.replace(word, instead)
        return text

    # What was written.

    def mark(self):
        """Count writes from here on."""
        self._calls = self.okta.mark()
        self.teleport.calls.reset()

    @property
    def okta_writes(self):
        """The calls since the mark that change something in Okta."""
        made = self.okta.calls_since(self._calls)
        return {
            call: count
            for call, count in (made.endpoints + made.unknown).items()
            if call.startswith(OKTA_WRITES) and "/oauth2/" not in call
        }

    @property
    def teleport_writes(self):
        """The calls since the mark that change something in Teleport; the lease is none."""
        return {
            name: count
            for path, count in self.teleport.calls.calls.items()
            if (name := path.rpartition("/")[2]).startswith(TELEPORT_WRITES)
        }

    @property
    def untouched(self):
        """Whether nothing was written on either side since the mark."""
        return not self.okta_writes and not self.teleport_writes

    # What people do.

    async def make_connector(self, name=CONNECTOR, *, labels=None, acs=ACS, mappings=None, **spec):
        """Make a connector by hand."""
        return await self.teleport.administrator.connectors.create(
            name,
            acs=acs,
            attributes_to_roles=mappings or [{"name": "groups", "value": "Admins", "roles": ["editor"]}],
            labels=labels,
            **(spec or {"issuer": "http://www.okta.com/exk", "sso": "https://acme.okta.com/sso"}),
        )

    def take_plugins_away(self):
        """Let the cluster have no plugin service, as an older one or one without the licence."""
        unknown = "unknown service teleport.plugins.v1.PluginService"
        self.teleport.faults.add(Fault("*PluginService/*", code=grpc.StatusCode.UNIMPLEMENTED, message=unknown))

    def narrow_bot(self, *rules):
        """Give the bot's role these rules alone: (kinds, verbs, where)."""
        role = RoleV6()
        role.CopyFrom(self.teleport.cluster.roles.stored("teleport-okta"))
        del role.Spec.Allow.Rules[:]
        for kinds, verbs, where in rules:
            role.Spec.Allow.Rules.add(Resources=kinds, Verbs=verbs, Where=where)
        self.teleport.cluster.roles.upsert(role)


@asynccontextmanager
async def built_enrolment_world(directory, *, edition="ent", settings=None, way=None, cluster=None, clock=None):
    """Build a world with nothing enrolled, and a process in it."""
    clock = clock or VirtualClock(datetime.now(UTC))
    sandboxes = built_sandboxes(
        directory,
        clock,
        edition=edition,
        version="18.1.3",
        settings=settings,
        way=way or WayIn(okta_by="https"),
        cluster=cluster,
    )
    async with sandboxes as (okta, okta_app, teleport, sections):
        okta.delete_app(okta_app.id)
        del sections["okta"]["app_id"]
        sections["sync"] = {"source": "organization"}
        world = EnrolmentWorld(okta, teleport, clock, sections)
        await world.start()
        async with world.process:
            world.mark()
            yield world


async def refused(world, expected, match, **wishes):
    """Look, expect an error with a remedy, and check that nothing was written; return the error."""
    with pytest.raises(expected, match=match) as error:
        await world.looked(**wishes)
    assert error.value.remedy
    assert world.untouched
    return error.value


async def taken(run, steps):
    """Take down the steps of a run as far as it comes."""
    async for step in run:
        steps.append(step)


def sends_people_to(acs=ACS, **others):
    """Settings of an app that sends people there; `others` are of `signOn`."""
    settings = app_body("any", acs)["settings"]
    return {"signOn": settings["signOn"] | others}


def holds_present_key(world):
    """Whether the connector has the certificate that the app signs with now, and no other."""
    document = world.connectors[CONNECTOR]["Spec"]["EntityDescriptor"].encode()
    [held] = read_metadata(document, org_hosts=["localhost"]).certificates
    key = world.okta.signing_keys.require(world.app, world.app.kid)
    return held.der == world.okta.signing_keys.certificate(key).public_bytes(Encoding.DER)


def but_metadata(connector):
    """A connector as stored, without what a new key changes."""
    spec = {key: value for key, value in connector["Spec"].items() if key != "EntityDescriptor"}
    return spec, connector["Metadata"]["Labels"]
