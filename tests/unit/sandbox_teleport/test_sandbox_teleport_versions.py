"""The features and defects of each version (`docs/reference/teleport.md` 8)."""

import pytest
from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST, AccessList
from teleport.accesslist.v1.accesslist_service_pb2 import (
    GetAccessListRequest,
    GetAccessListsRequest,
    ListAccessListsRequest,
)
from teleport.legacy.client.proto.authservice_pb2 import CreateRoleRequest, PingRequest
from teleport.legacy.types.types_pb2 import RoleV6
from teleport.users.v1.users_service_pb2 import GetUserRequest
from teleport_okta.sandbox.teleport import TeleportSandbox
from teleport_okta.sandbox.teleport.presets import BOT_USER

MAJORS = (15, 16, 17, 18, 19)


@pytest.fixture
async def bot_of(start, connect):
    """Start a server of a major version and return the bot's client."""
    running = []

    async def begin(major):
        sandbox = await start(version=f"{major}.1.3").__aenter__()
        running.append(sandbox)
        return connect(sandbox, sandbox.identity_path.read_bytes())

    yield begin
    for sandbox in running:
        await sandbox.__aexit__(None, None, None)


@pytest.mark.parametrize("major", MAJORS)
async def test_entitlements_came_with_17_and_the_booleans_are_always_there(bot_of, major):
    features = (await (await bot_of(major)).auth.Ping(PingRequest())).ServerFeatures
    assert bool(features.entitlements) is (major >= 17)
    assert features.SAML
    assert features.IdentityGovernance


@pytest.mark.parametrize("major", MAJORS)
async def test_the_users_service_is_there(bot_of, major):
    reply = await (await bot_of(major)).users.GetUser(GetUserRequest(name=BOT_USER))
    assert reply.user.Metadata.Name == BOT_USER


@pytest.mark.parametrize(("major", "newest"), [(16, "v7"), (17, "v7"), (18, "v8")])
@pytest.mark.parametrize("version", ["", "v8"])
async def test_a_role_of_no_or_an_unknown_version_gets_the_newest(bot_of, major, newest, version):
    role = RoleV6(Version=version)
    role.Metadata.Name = "r"
    created = await (await bot_of(major)).auth.CreateRole(CreateRoleRequest(Role=role))
    assert created.Version == newest


def nested(parent, child):
    """Two lists, the second of which is an owner and a member of the first."""
    lists = []
    for name in (parent, child):
        found = AccessList()
        found.header.metadata.name = name
        lists.append(found)
    lists[0].spec.owners.add(name=child, membership_kind=MEMBERSHIP_KIND_LIST)
    lists[1].status.member_of.append(parent)
    lists[1].status.owner_of.append(parent)
    return lists


@pytest.mark.parametrize(("major", "knows"), [(16, False), (17, True)])
async def test_nesting_came_with_17(start, connect, major, knows):
    async with start(version=f"{major}.0.0") as sandbox:
        sandbox.cluster.access_lists.seed(nested("parent", "zchild"))
        lists = connect(sandbox, sandbox.identity_path.read_bytes()).access_lists
        for shown in (
            (await lists.GetAccessLists(GetAccessListsRequest())).access_lists,
            (await lists.ListAccessLists(ListAccessListsRequest())).access_lists,
            [await lists.GetAccessList(GetAccessListRequest(name=name)) for name in ("parent", "zchild")],
        ):
            assert (shown[0].spec.owners[0].membership_kind == MEMBERSHIP_KIND_LIST) is knows
            assert (bool(shown[1].status.member_of), bool(shown[1].status.owner_of)) == (knows, knows)


@pytest.mark.parametrize(("major", "key"), [(16, b"RSA PRIVATE KEY"), (17, b"PRIVATE KEY")])
def test_keys_are_rsa_before_17(start, major, key):
    text = start(version=f"{major}.0.0").issue_identity(BOT_USER, ["teleport-okta"]).text()
    assert text.startswith(b"-----BEGIN " + key)


@pytest.mark.parametrize(
    ("server", "client", "accepted"),
    [
        ("17.5.0", "18.0.0", True),
        ("17.5.0", "19.4.0", True),
        ("17.5.0", "16.0.0", True),
        ("17.5.0", "15.9.9", False),
        ("18.1.3", "17.0.0", True),
        ("18.1.3", "16.9.9", False),
        ("19.0.0", "18.0.0", True),
        ("19.0.0", "17.9.9", False),
    ],
)
async def test_clients_of_the_major_before_and_all_newer_ones_are_served(
    start, connect, refusal, server, client, accepted
):
    async with start(version=server) as sandbox:
        call = connect(sandbox).auth.Ping(PingRequest(), metadata=[("version", client)])
        if accepted:
            assert (await call).ServerVersion == server
        else:
            assert (await refusal(call))[0] == "UNAVAILABLE"


@pytest.mark.parametrize("version", ["18", "latest", "v18.0.0.1"])
def test_other_versions_cannot_be_played(tmp_path, version):
    with pytest.raises(ValueError, match="version"):
        TeleportSandbox(tmp_path, version=version)
