"""App servers, as `docs/reference/teleport.md` 4.6 and `docs/reference/teleport-observed.md` 2 have them."""

import pytest
from teleport.legacy.client.proto.authservice_pb2 import (
    DeleteAllApplicationServersRequest,
    DeleteApplicationServerRequest,
    ListResourcesRequest,
    UpsertApplicationServerRequest,
)
from teleport.legacy.types.types_pb2 import AppServerV3, KeepAlive, RoleV6, SortBy
from teleport_okta.sandbox.teleport import ListingLag

YEAR_ONE = -62_135_596_800


def app_server(name, host_id="sidecar-1", *, uri="https://acme.example/home/wiki", origin="", labels=None, expires=0):
    server = AppServerV3()
    server.Metadata.Name = server.Spec.App.Metadata.Name = name
    server.Spec.HostID = host_id
    server.Spec.App.Spec.URI = uri
    for metadata in (server.Metadata, server.Spec.App.Metadata):
        metadata.Labels.update(labels or {})
        if origin:
            metadata.Labels["teleport.dev/origin"] = origin
    if expires:
        server.Metadata.Expires.seconds = int(expires)
    return server


async def upserted(client, server):
    return await client.auth.UpsertApplicationServer(UpsertApplicationServerRequest(Server=server))


async def deleted(client, name, host_id="sidecar-1", namespace="default"):
    request = DeleteApplicationServerRequest(Namespace=namespace, HostID=host_id, Name=name)
    return await client.auth.DeleteApplicationServer(request)


async def listing(client, **request):
    return await client.auth.ListResources(ListResourcesRequest(ResourceType="app_server", **request))


async def listed(client, **request):
    reply = await listing(client, **request)
    return [(one.AppServer.Spec.HostID, one.AppServer.Metadata.Name) for one in reply.Resources]


async def test_kinds_and_versions_are_filled(host, sandbox):
    await upserted(host, app_server("wiki", origin="okta"))
    stored = sandbox.cluster.app_servers.stored("sidecar-1/wiki")
    assert (stored.Kind, stored.Version, stored.Spec.Version) == ("app_server", "v3", "18.1.3")
    assert (stored.Spec.App.Kind, stored.Spec.App.Version) == ("app", "v3")


async def test_the_answer_has_the_new_expiry_of_the_app_server(host, clock):
    reply = await upserted(host, app_server("wiki", expires=clock() + 3600))
    assert (reply.Name, reply.Namespace, reply.HostID) == ("wiki", "default", "sidecar-1")
    assert reply.Type == KeepAlive.APP
    assert reply.Expires.seconds == int(clock()) + 3600


async def test_without_an_expiry_the_answer_has_only_the_year_one(host):
    reply = await upserted(host, app_server("wiki"))
    assert reply.Expires.seconds == YEAR_ONE
    assert [field.name for field, _ in reply.ListFields()] == ["Expires"]


async def test_a_server_is_gone_at_its_expiry_unless_it_is_upserted_again(host, clock):
    await upserted(host, app_server("mail", expires=clock() + 60))
    await upserted(host, app_server("wiki", expires=clock() + 60))
    clock.advance(59)
    await upserted(host, app_server("wiki", expires=clock() + 60))
    clock.advance(2)
    assert await listed(host) == [("sidecar-1", "wiki")]


@pytest.mark.parametrize("where", ["server", "app"])
async def test_a_bot_may_not_write_origin_okta(bot, refusal, where):
    server = app_server("wiki")
    metadata = server.Metadata if where == "server" else server.Spec.App.Metadata
    metadata.Labels["teleport.dev/origin"] = "okta"
    text = "only the Okta role can create app servers and apps with an Okta origin"
    assert await refusal(upserted(bot, server)) == ("INVALID_ARGUMENT", text)


async def test_a_bot_may_write_other_origins_and_delete_those_of_okta(bot, host):
    await upserted(bot, app_server("wiki", origin="dynamic"))
    await upserted(host, app_server("mail", origin="okta"))
    await deleted(bot, "mail")
    assert await listed(bot) == [("sidecar-1", "wiki")]


@pytest.mark.parametrize("server", [app_server("wiki"), app_server("wiki", "another-host", origin="okta")])
async def test_the_host_may_write_without_origin_and_for_other_hosts(host, server):
    await upserted(host, server)
    assert await listed(host) == [(server.Spec.HostID, "wiki")]


@pytest.mark.parametrize(
    ("server", "text"),
    [
        (app_server(""), "missing parameter Name"),
        (app_server("wiki", ""), "missing app server HostID"),
        (app_server("wiki", uri=""), 'app "wiki" URI is empty'),
        (app_server("my wiki"), 'signs: "/appServers/default/sidecar-1/my wiki"'),
        (app_server("wiki", "my/host"), 'signs: "/appServers/default/my/host/wiki"'),
        (app_server("wiki", labels={"a b": ""}), 'invalid label key: "a b"'),
    ],
)
async def test_missing_and_wrong_values_are_refused(bot, refusal, server, text):
    code, said = await refusal(upserted(bot, server))
    assert code == "INVALID_ARGUMENT"
    assert text in said


async def test_an_app_may_be_missing_from_a_server_of_origin_okta_only(host, sandbox, refusal):
    server = app_server("wiki", origin="okta")
    server.Spec.ClearField("App")
    assert await refusal(upserted(host, server)) == ("INVALID_ARGUMENT", "missing app server App")
    assert sandbox.crashes == []


async def test_two_hosts_may_have_apps_of_one_name(host):
    await upserted(host, app_server("wiki", "a"))
    await upserted(host, app_server("wiki", "b"))
    await deleted(host, "wiki", "a")
    assert await listed(host) == [("b", "wiki")]


@pytest.mark.parametrize(("host_id", "namespace"), [("sidecar-1", "default"), ("other", "default"), ("sidecar-1", "")])
async def test_a_missing_object_cannot_be_deleted(host, refusal, host_id, namespace):
    await upserted(host, app_server("wiki", "third"))
    expected = ("NOT_FOUND", f'key "/appServers/{namespace}/{host_id}/wiki" is not found')
    assert await refusal(deleted(host, "wiki", host_id, namespace)) == expected


async def test_deleting_all_takes_those_of_every_host(host):
    await upserted(host, app_server("wiki", "a"))
    await upserted(host, app_server("wiki", "b"))
    await host.auth.DeleteAllApplicationServers(DeleteAllApplicationServersRequest(Namespace="default"))
    assert await listed(host) == []


async def test_pages_start_at_the_key(bot, sandbox):
    sandbox.cluster.app_servers.seed(app_server(name, host_id) for name in ("wiki", "mail") for host_id in ("a", "b"))
    first = await listing(bot, Limit=3)
    assert (len(first.Resources), first.NextKey, first.TotalCount) == (3, "b/wiki", 0)
    assert await listed(bot, Limit=3, StartKey="b/wiki") == [("b", "wiki")]


async def test_a_page_holds_1000_servers_unless_more_are_asked_for(bot, sandbox):
    sandbox.cluster.app_servers.seed(app_server(f"app-{number:04}") for number in range(1200))
    assert len((await listing(bot)).Resources) == 1000
    assert len((await listing(bot, Limit=1100)).Resources) == 1100


async def test_a_negative_limit_is_refused(bot, refusal):
    assert await refusal(listing(bot, Limit=-1)) == ("INVALID_ARGUMENT", "negative parameter limit")


async def test_a_counted_listing_shows_each_app_once_even_if_several_hosts_serve_it(bot, sandbox):
    sandbox.cluster.app_servers.seed(app_server(name, host_id) for name in ("wiki", "mail") for host_id in ("a", "b"))
    reply = await listing(bot, NeedTotalCount=True, Limit=1)
    assert ([one.AppServer.Metadata.Name for one in reply.Resources], reply.TotalCount) == (["mail"], 2)
    assert await listed(bot, NeedTotalCount=True, StartKey=reply.NextKey) == [("a", "wiki")]


async def test_a_listing_can_be_sorted_by_the_app_name(bot, sandbox):
    sandbox.cluster.app_servers.seed([app_server("wiki", "a"), app_server("mail", "b")])
    assert await listed(bot, SortBy=SortBy(Field="name")) == [("b", "mail"), ("a", "wiki")]


async def test_a_listing_can_be_narrowed_by_labels_and_words_of_the_app(bot, sandbox):
    sandbox.cluster.app_servers.seed([app_server("wiki", labels={"team": "red"}), app_server("mail")])
    assert await listed(bot, Labels={"team": "red"}) == [("sidecar-1", "wiki")]
    assert await listed(bot, Labels={"team": "blue"}) == []
    assert await listed(bot, SearchKeywords=["AIL"]) == [("sidecar-1", "mail")]


async def test_only_apps_within_reach_are_listed(sandbox, connect):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "member"
    role.Spec.Allow.AppLabels.Values["teleport.internal/okta-app-id"].Values.extend(["0oa1", "0oa3"])
    role.Spec.Allow.Rules.add(Resources=["app_server"], Verbs=["list", "read"])
    sandbox.cluster.roles.seed([role])
    sandbox.administrator.create_user("ada", roles=["member"])
    sandbox.cluster.app_servers.seed(
        app_server(f"app{number}", labels={"teleport.internal/okta-app-id": f"0oa{number}"}) for number in range(1, 5)
    )
    ada = connect(sandbox, sandbox.issue_identity("ada", ["member"]).text())
    assert [name for _, name in await listed(ada)] == ["app1", "app3"]


async def test_labels_of_the_server_do_not_count_for_reach(sandbox, bot):
    server = app_server("wiki")
    server.Metadata.Labels["team"] = "red"
    await upserted(bot, server)
    assert await listed(bot, Labels={"team": "red"}) == []


@pytest.mark.parametrize(
    ("verbs", "call", "missing"),
    [
        (["create"], lambda client: upserted(client, app_server("wiki")), "update"),
        (["update"], lambda client: upserted(client, app_server("wiki")), "create"),
        (["read"], listing, "list"),
        (["list"], listing, "read"),
        (["list"], lambda client: deleted(client, "wiki"), "delete"),
    ],
)
async def test_each_verb_is_needed(sandbox, connect, refusal, verbs, call, missing):
    role = RoleV6(Version="v7")
    role.Metadata.Name = "some"
    role.Spec.Allow.Rules.add(Resources=["app_server"], Verbs=verbs)
    sandbox.cluster.roles.seed([role])
    sandbox.administrator.create_user("ada", roles=["some"])
    client = connect(sandbox, sandbox.issue_identity("ada", ["some"]).text())
    expected = ("PERMISSION_DENIED", f'access denied to perform action "{missing}" on "app_server"')
    assert await refusal(call(client)) == expected


async def test_kinds_that_are_not_played_are_empty_and_unknown_ones_refused(bot, sandbox, connect, refusal):
    sandbox.administrator.create_user("ed", roles=["editor"])
    editor = connect(sandbox, sandbox.issue_identity("ed", ["editor"]).text())
    reply = await editor.auth.ListResources(ListResourcesRequest(ResourceType="node"))
    assert not reply.Resources
    expected = ("UNIMPLEMENTED", "resource type plugin does not support pagination")
    assert await refusal(bot.auth.ListResources(ListResourcesRequest(ResourceType="plugin"))) == expected


async def test_listings_stay_behind_writes(start, connect, clock):
    async with start(lag=ListingLag.observed()) as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upserted(bot, app_server("wiki"))
        assert await listed(bot) == []
        clock.advance(0.5)
        assert await listed(bot) == [("sidecar-1", "wiki")]


async def test_the_community_edition_has_them_too(start, connect):
    async with start(edition="oss") as sandbox:
        bot = connect(sandbox, sandbox.identity_path.read_bytes())
        await upserted(bot, app_server("wiki"))
        assert await listed(bot) == [("sidecar-1", "wiki")]


async def test_listings_show_revisions_only_of_objects_from_before_the_start(sandbox, bot, connect):
    await upserted(bot, app_server("wiki"))
    assert not (await listing(bot)).Resources[0].AppServer.Metadata.Revision
    await sandbox.restart_auth()
    again = connect(sandbox, sandbox.identity_path.read_bytes())
    assert (await listing(again)).Resources[0].AppServer.Metadata.Revision
