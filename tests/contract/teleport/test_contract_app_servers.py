from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from teleport_okta.model.access import TeleportAppServer
from teleport_okta.model.labels import APP_ID, ORIGIN, ORIGIN_OKTA, OWNER
from teleport_okta.sandbox.teleport import ListingLag
from teleport_okta.teleport.app_servers import AnotherHostsAppServerError

if TYPE_CHECKING:
    from datetime import datetime

    from teleport.legacy.types.types_pb2 import AppServerV3
    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport

LAGGING = pytest.mark.parametrize("listing_lag", [ListingLag.observed()], ids=["lagging"])
UNKNOWN_FIELD = b"\xfa\x3e\x05later"
LABELS = {OWNER: "00o1", APP_ID: "0oa1", ORIGIN: ORIGIN_OKTA}
HOUR = timedelta(hours=1)


@pytest.fixture
def wiki(teleport: Teleport) -> TeleportAppServer:
    """An app of our own host."""
    return TeleportAppServer(
        "okta-wiki",
        teleport.app_servers.host_id,
        LABELS,
        uri="https://org.okta.com/home/wiki",
        description="The wiki",
        user_groups=("00g1", "00g2"),
    )


@pytest.fixture
def end(clock: VirtualClock) -> datetime:
    """When an app that is set now ends."""
    return clock.now() + HOUR


def stored(sandbox: TeleportSandbox, server: TeleportAppServer) -> AppServerV3:
    message = sandbox.cluster.app_servers.stored(f"{server.host_id}/{server.name}")
    assert message is not None
    return message


async def test_the_life_of_an_app_server(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, sandbox: TeleportSandbox
) -> None:
    servers = teleport.app_servers
    assert await servers.upsert(wiki, end) == wiki
    [listed] = await servers.list()
    assert listed == wiki
    assert listed.expires == end

    moved = replace(listed, uri="https://org.okta.com/home/wiki/2", user_groups=())
    assert await servers.upsert(moved, end) == moved
    assert await servers.list() == [moved]

    assert await servers.delete(moved)
    assert not await servers.delete(moved)
    assert await servers.list() == []


async def test_an_app_server_and_its_app_are_told_alike(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, sandbox: TeleportSandbox
) -> None:
    await teleport.app_servers.upsert(wiki, end)

    message = stored(sandbox, wiki)
    app = message.Spec.App
    assert (message.Kind, message.Version, app.Kind, app.Version) == ("app_server", "v3", "app", "v3")
    assert message.Metadata.Name == app.Metadata.Name == "okta-wiki"
    assert dict(message.Metadata.Labels) == dict(app.Metadata.Labels) == LABELS
    assert message.Spec.HostID == teleport.host.identity.subject.split(".")[0]
    assert (app.Spec.URI, list(app.Spec.UserGroups)) == (wiki.uri, ["00g1", "00g2"])


async def test_without_renewal_an_app_ends_within_the_hour_and_with_it_stays(
    teleport: Teleport, wiki: TeleportAppServer, clock: VirtualClock
) -> None:
    servers = teleport.app_servers
    stays = replace(wiki, name="okta-mail")
    for server in (wiki, stays):
        await servers.upsert(server, clock.now() + HOUR)
    clock.advance(40 * 60)
    listed = {server.name: server for server in await servers.list()}
    await servers.renew(listed["okta-mail"], clock.now() + HOUR)

    clock.advance(21 * 60)

    assert [server.name for server in await servers.list()] == ["okta-mail"]


async def test_a_renewal_sets_what_was_read_and_not_what_was_made_of_it(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime
) -> None:
    read = await teleport.app_servers.upsert(wiki, end)

    await teleport.app_servers.renew(replace(read, uri="https://elsewhere"), end + HOUR)

    [listed] = await teleport.app_servers.list()
    assert listed == wiki
    assert listed.expires == end + HOUR


async def test_a_renewal_is_no_change(teleport: Teleport, wiki: TeleportAppServer, end: datetime) -> None:
    first = await teleport.app_servers.upsert(wiki, end)
    assert await teleport.app_servers.renew(first, end + HOUR) == first


async def test_what_we_do_not_know_of_an_app_survives_its_renewal(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, sandbox: TeleportSandbox
) -> None:
    await teleport.app_servers.upsert(wiki, end)
    message = stored(sandbox, wiki)
    for part in (message, message.Spec, message.Spec.App, message.Spec.App.Spec):
        part.MergeFromString(UNKNOWN_FIELD)
    sandbox.cluster.app_servers.upsert(message)

    [listed] = await teleport.app_servers.list()
    await teleport.app_servers.renew(listed, end)

    assert stored(sandbox, wiki).SerializeToString().count(UNKNOWN_FIELD) == 4


async def test_apps_of_other_hosts_are_seen_and_left_alone(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.resources.create_app_server("okta-wiki", host_id="another", uri="https://elsewhere")
    await teleport.app_servers.upsert(wiki, end)

    theirs = next(server for server in await teleport.app_servers.list() if server.host_id == "another")

    for touch in (teleport.app_servers.upsert(theirs, end), teleport.app_servers.renew(theirs, end)):
        with pytest.raises(AnotherHostsAppServerError, match="host another"):
            await touch
    with pytest.raises(AnotherHostsAppServerError):
        await teleport.app_servers.delete(theirs)
    assert await teleport.app_servers.delete(wiki)
    assert await teleport.app_servers.list() == [theirs]


async def test_labels_that_the_app_does_not_have_count_as_missing(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, sandbox: TeleportSandbox
) -> None:
    await teleport.app_servers.upsert(wiki, end)
    message = stored(sandbox, wiki)
    del message.Spec.App.Metadata.Labels[APP_ID]
    sandbox.cluster.app_servers.upsert(message)

    [listed] = await teleport.app_servers.list()

    assert APP_ID not in listed.labels


async def test_a_listing_of_several_pages_is_whole(teleport: Teleport, sandbox: TeleportSandbox) -> None:
    names = {f"app-{number}" for number in range(1001)}
    for name in names:
        sandbox.administrator.resources.create_app_server(name, host_id="another", uri="https://elsewhere")
    sandbox.calls.reset()

    assert {server.name for server in await teleport.app_servers.list()} == names
    assert sandbox.calls.of("ListResources") == 2


@LAGGING
async def test_our_own_writes_win_over_listings_that_lag_behind(
    teleport: Teleport, wiki: TeleportAppServer, end: datetime, clock: VirtualClock
) -> None:
    written = await teleport.app_servers.upsert(wiki, end)
    assert await teleport.app_servers.list() == [wiki]
    clock.advance(2)
    assert await teleport.app_servers.list() == [wiki]

    await teleport.app_servers.delete(written)
    assert await teleport.app_servers.list() == []
