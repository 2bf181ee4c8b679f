"""An office that was synced, what its cluster holds as bytes, and a cleanup of it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass

from contract.sync.office import Office, built_office
from teleport.legacy.types.types_pb2 import PluginV1
from teleport_okta.cleanup.inventory import Options
from teleport_okta.cleanup.run import Cleanup
from teleport_okta.cleanup.target import claim_of, default_roles_of
from teleport_okta.model import labels

SOMEBODY = "root (uid 0, pid 7)"


@dataclass
class Removal:
    """An office, and what is left of it."""

    office: Office

    @property
    def world(self):
        return self.office.world

    @property
    def cluster(self):
        return self.office.teleport.cluster

    @property
    def administrator(self):
        return self.office.teleport.administrator

    @property
    def owner(self):
        return self.office.okta.id

    @property
    def vendors(self):
        """The labels of what the vendor's integration made for the same organisation."""
        return {labels.ORIGIN: labels.ORIGIN_OKTA, labels.OKTA_ORG: self.world.settings.okta.org_url}

    @property
    def ours_by_label(self):
        """The labels that make something ours."""
        return {**self.vendors, labels.OWNER: self.owner}

    async def cleanup(self, *, vendor=False, ours=True, organization=None, owner=None, **options):
        """A cleanup with these options, as the command line makes one."""
        parts, settings = self.world.parts, self.world.settings
        claim = await claim_of(
            settings, parts.okta.people, owner=owner, vendor=vendor, ours=ours, organization=organization
        )
        return Cleanup(
            teleport=parts.teleport,
            store=parts.store,
            clock=self.world.clock,
            claim=claim,
            options=Options(**options),
            default_roles=default_roles_of(settings.sync),
            who=SOMEBODY,
        )

    async def previewed(self, **options):
        """What a cleanup would do."""
        return await (await self.cleanup(**options)).preview()

    async def removed(self, **options):
        """Look, then do exactly that."""
        shown = await self.previewed(**options)
        return await (await self.cleanup(**options)).apply(shown.plan.digest)

    def held(self, *, but=lambda _labels: False):
        """All objects of the cluster as bytes, but for those of certain labels."""
        found = {}
        for kind, store in self.cluster.stores.items():
            for one in store.all_stored():
                metadata = store.kind._metadata(one)
                if not but(metadata.Labels if hasattr(metadata, "Labels") else metadata.labels):
                    found[kind, store.kind.name_of(one)] = one.SerializeToString(deterministic=True)
        for one in self.cluster.list_members.all_stored():
            if not but(one.header.metadata.labels):
                name = f"{one.spec.access_list}/{one.header.metadata.name}"
                found["member", name] = one.SerializeToString(deterministic=True)
        for name, devices in self.cluster.mfa_devices.items():
            found["mfa", name] = b"".join(device.SerializeToString(deterministic=True) for device in devices)
        return found

    def ours(self, *kinds):
        """Kind and name of everything that carries our owner label, members of lists left out."""
        others = self.held(but=lambda carried: carried.get(labels.OWNER) == self.owner)
        return {
            key for key in self.held().keys() - others.keys() if key[0] != "member" and (not kinds or key[0] in kinds)
        }

    def of_others(self):
        """Everything that does not carry our owner label, as bytes; members of our lists left out."""
        lists = {name for _, name in self.ours("access_list")}
        held = self.held(but=lambda carried: carried.get(labels.OWNER) == self.owner)
        return {key: one for key, one in held.items() if key[0] != "member" or key[1].partition("/")[0] not in lists}

    def surround(self):
        """Put what others made around what is ours: people, the vendor, another organisation."""
        administrator, resources, lists = self.administrator, self.office.administrator, self.office.people
        elsewhere = {**self.vendors, labels.OWNER: "00oSOMEBODYELSE"}
        administrator.create_user("zoe", roles=["access"])
        administrator.add_mfa_device("zoe")
        administrator.create_user("vera", labels=self.vendors)
        administrator.create_user("yuki", labels=elsewhere)
        administrator.create_lock("by-hand", "ada@x.io", message="asked by HR")
        resources.create_user_group("theirs", labels=self.vendors)
        resources.create_user_group("elsewhere", labels=elsewhere)
        resources.create_app_server("theirs", host_id="another-host", uri="https://x.test", labels=self.vendors)
        resources.create_app_server("app", host_id="another-host", uri="https://x.test")
        if self.cluster.edition.enterprise:
            lists.create("manual", owners=["zoe"], grants=["access"])
            lists.add_member("manual", "zoe")
            lists.add_member("manual", "ada@x.io", labels={labels.GRANT: labels.GRANT_IMPORTED})
            lists.create("vendors", owners=["zoe"], grants=["access"], labels=self.vendors)
            administrator.sso_login("eve@x.io", roles=["access"])
            administrator.add_mfa_device("eve@x.io")

    def add_plugin(self, name="okta", *, url=None, sync_users=True, hosted=False):
        """Put a plugin resource into the cluster."""
        plugin = PluginV1(kind="plugin", sub_kind="access", version="v1")
        plugin.metadata.Name = name
        if hosted:
            plugin.metadata.Labels["teleport.dev/hosted-plugin"] = "true"
        plugin.spec.okta.org_url = url or self.world.settings.okta.org_url
        plugin.spec.okta.sync_settings.sync_users = sync_users
        self.cluster.stores["plugin"].create(plugin)


def kinds(keys):
    """How many of each kind."""
    counts = {}
    for kind, *_ in keys:
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def left_of(plan, kind):
    """What of a kind stays of what should go, with the reasons."""
    return {row.name: row.why for row in plan.kept if row.kind == kind and row.is_left}


@asynccontextmanager
async def built_removal(directory, *, edition="ent", settings=None, **options):
    """Build an office in which three people, two groups and two apps have been synced."""
    sections = {"sync": {"local_users": True, "default_roles": ["access"]}} if edition == "oss" else {}
    for section, values in (settings or {}).items():
        sections[section] = sections.get(section, {}) | values
    async with built_office(directory, edition=edition, settings=sections, **options) as office:
        office.group("Engineering", "ada@x.io", "bob@x.io")
        looms = office.group("Looms", "cy@x.io")
        office.app("Figma", "ada@x.io")
        office.app("Wiki", groups=[looms])
        assert (await office.next_pass()).succeeded
        yield Removal(office)
