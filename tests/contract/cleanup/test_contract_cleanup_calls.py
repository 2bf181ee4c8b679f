"""The calls to Teleport that only a cleanup makes."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from contract.cleanup.removing import built_removal, left_of
from teleport.legacy.types.types_pb2 import RoleV6, SAMLConnectorV2
from teleport_okta.model import labels
from teleport_okta.model.names import member_role
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport.amend import NotAsReadError
from teleport_okta.teleport.list_errors import ListIsNestedError, OnlyOwnersError


@pytest.fixture
def lists(removal):
    return removal.world.parts.teleport.access_lists


@pytest.fixture
def people(removal):
    return removal.office.people


async def test_only_lists_are_taken_out_of_owners_and_never_the_last_owner(removal, lists, people):
    for name in ("inner", "other"):
        people.create(name, owners=["zoe"])
    people.create("outer", owners=["inner", "zoe"], owner_lists=["other"], grants=["access"])
    people.create("only", owners=(), owner_lists=["other"])
    before = people.stored("outer").SerializeToString()
    assert not await lists.detach_owners("outer", {"inner", "zoe"})
    assert people.stored("outer").SerializeToString() == before
    assert await lists.detach_owners("outer", {"other"})
    assert [owner.name for owner in people.stored("outer").spec.owners] == ["inner", "zoe"]
    assert not await lists.detach_owners("outer", {"other"})
    assert not await lists.detach_owners("nowhere", {"other"})
    with pytest.raises(OnlyOwnersError, match="no owner but other"):
        await lists.detach_owners("only", {"other"})


async def test_owners_whom_people_change_meanwhile_stay_as_they_made_them(removal, lists, people):
    people.create("inner", owners=["zoe"])
    people.create("outer", owners=["zoe"], owner_lists=["inner"])
    read = lists.get

    async def overtaken(name):
        found = await read(name)
        lists.get = read
        people.edit("outer", owners=["zoe", "yuki"])
        return found

    lists.get = overtaken
    assert await lists.detach_owners("outer", {"inner"})
    assert [owner.name for owner in people.stored("outer").spec.owners] == ["zoe", "yuki"]


async def test_only_a_nested_list_is_taken_out_of_members(removal, lists, people):
    people.create("inner", owners=["zoe"])
    people.create("outer", owners=["zoe"])
    people.add_member("outer", "zoe")
    people.nest("outer", "inner")
    assert not await lists.detach_member("outer", "zoe")
    assert await lists.detach_member("outer", "inner")
    assert not await lists.detach_member("outer", "inner")
    assert not await lists.detach_member("nowhere", "inner")
    assert [member.header.metadata.name for member in people.members("outer")] == ["zoe"]


@pytest.mark.parametrize("origin", [{}, {labels.ORIGIN: labels.ORIGIN_OKTA}], ids=["bot", "host"])
async def test_a_list_is_deleted_only_with_the_labels_that_were_read(removal, lists, people, origin):
    carried = {labels.OKTA_ORG: "https://x.okta.com", **origin}
    people.create("theirs", owners=["zoe"], labels=carried)
    read = await lists.get("theirs")
    people.edit("theirs", labels={**carried, "team": "blue"})
    with pytest.raises(NotAsReadError):
        await lists.delete_as_read(read)
    assert people.stored("theirs")
    people.edit("theirs", labels=carried)
    people.create("outer", owners=["zoe"])
    people.nest("outer", "theirs")
    with pytest.raises(ListIsNestedError):
        await lists.delete_as_read(read)
    people.remove_member("outer", "theirs")
    assert await lists.delete_as_read(read)
    assert not await lists.delete_as_read(read)


@pytest.mark.parametrize("origin", [{}, {labels.ORIGIN: labels.ORIGIN_OKTA}], ids=["bot", "host"])
async def test_a_role_is_deleted_only_with_the_labels_that_were_read(removal, origin):
    roles, store = removal.world.parts.teleport.roles, removal.cluster.roles
    message = RoleV6(Version="v7", Kind="role")
    message.Metadata.Name = "theirs"
    message.Metadata.Labels.update({labels.OKTA_ORG: "https://x.okta.com", **origin})
    store.create(message)
    read = await roles.get("theirs")
    with pytest.raises(NotAsReadError):
        await roles.delete_as_read(replace(read, labels={}))
    assert await roles.delete_as_read(read)
    assert not await roles.delete_as_read(read)


def role_that_names(removal, role):
    message = RoleV6(Version="v7", Kind="role")
    message.Metadata.Name = "helpdesk"
    message.Spec.Allow.Request.SearchAsRoles.append(role)
    removal.cluster.roles.create(message)


def connector_that_gives(removal, role):
    message = SAMLConnectorV2(Kind="saml", Version="v2")
    message.Metadata.Name = "corporate"
    message.Spec.AttributesToRoles.add(Name="groups", Value="staff", Roles=["access", role])
    removal.cluster.stores["saml"].create(message)


def list_that_demands(removal, role):
    removal.office.people.create("manual", title="By hand", owners=["zoe"])
    removal.office.people.require_of_members("manual", roles=[role])


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (role_that_names, "role helpdesk"),
        (connector_that_gives, "SAML connector corporate"),
        (list_that_demands, "access list By hand (manual)"),
    ],
)
async def test_a_role_that_is_named_anywhere_else_stays(removal, use, words):
    [role, *_] = sorted(name for _, name in removal.ours("role") if name.startswith(member_role("")))
    use(removal, role)
    report = await removal.removed()
    assert left_of(report.plan, "role") == {role: f"it is in use by {words}"}
    assert removal.ours("role") == {("role", role)}


async def test_while_connectors_cannot_be_read_roles_stay(removal):
    removal.office.teleport.faults.add(Fault("*/GetSAMLConnectors", grpc.StatusCode.UNKNOWN, "no"))
    before = removal.ours("role")
    report = await removal.removed()
    assert removal.ours("role") == before
    assert set(report.plan.unread) == {"saml"}


@pytest.mark.parametrize("edition", ["ent", "oss"])
async def test_the_host_can_find_out_whether_the_cluster_has_plugins(tmp_path, edition):
    async with built_removal(tmp_path, edition=edition) as removal:
        assert await removal.world.parts.teleport.plugins.is_offered() is (edition == "ent")
