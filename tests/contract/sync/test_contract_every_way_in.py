"""Every route into a cluster and an organisation: each has the same result, and each is really used."""

from __future__ import annotations

from itertools import cycle, product

import pytest
from cluster_world import WayIn, pod_token
from contract.sync.office import ROOMY, built_office
from teleport_okta.model import labels
from teleport_okta.model.names import app_server_name
from teleport_okta.teleport.pod_token import PATH_VARIABLE

PEOPLE = {"ada@x.io", "grace@x.io", "mary@x.io"}

RARER_WAYS = [
    WayIn(by="balancer"),
    WayIn(by="balancer", join="kubernetes", credential="DPoP"),
    WayIn(trusts="pins"),
    WayIn(by="proxy", trusts="pins"),
    WayIn(by="proxy", join="kubernetes", trusts="pins"),
    WayIn(by="balancer", trusts="pins"),
    WayIn(okta_by="https"),
    WayIn(okta_by="https", credential="DPoP", by="proxy"),
]


def in_words(way):
    return "-".join(vars(way).values())


# The editions take turns: each meets both ways to the cluster, both join methods and all credentials.
USUAL_WAYS = [
    pytest.param(way := WayIn(by=by, join=join, credential=credential), edition, id=f"{in_words(way)}-{edition}")
    for (by, join, credential), edition in zip(
        product(("direct", "proxy"), ("token", "kubernetes"), ("SSWS", "private_key_jwt", "DPoP")),
        cycle(("ent", "oss")),
        strict=False,
    )
]


@pytest.fixture
def enter(tmp_path, monkeypatch):
    """Build an office with this route. A Community cluster gets local users, because it has no SAML."""
    monkeypatch.setenv(PATH_VARIABLE, str(pod_token(tmp_path)))

    def build(way, edition="ent"):
        settings = ROOMY | {"sync": {"local_users": edition == "oss"}}
        proxied = {"proxy_listen": ("127.0.0.1", 0)}
        return built_office(tmp_path, edition=edition, settings=settings, way=way, cluster=proxied)

    return build


@pytest.mark.parametrize(("way", "edition"), USUAL_WAYS)
async def test_people_and_what_they_may_reach_come_and_go_by_every_way(enter, way, edition):
    async with enter(way, edition) as office:
        await come_and_go(office, with_lists=edition == "ent")
        assert_this_way_was_taken(office.world, way)


@pytest.mark.parametrize("way", RARER_WAYS, ids=in_words)
async def test_the_rarer_ways_lead_to_the_same(enter, way):
    async with enter(way) as office:
        await come_and_go(office, with_lists=True)
        assert_this_way_was_taken(office.world, way)


async def come_and_go(office, *, with_lists):
    """Passes after which people, a group and an app exist, are changed, and are gone; each leaves nothing to do."""
    looms = office.group("Looms", "ada@x.io", "grace@x.io")
    figma = office.app("Figma", "mary@x.io", groups=[looms])
    await office.settled()
    assert set(office.world.owned()) == PEOPLE
    assert reachable(office, looms, figma) == ("Looms", "Figma", True)
    assert staffed(office, looms, figma) == ([{"ada@x.io", "grace@x.io"}, {"mary@x.io"}] if with_lists else [])

    office.okta.update_group(looms.id, name="Mills")
    office.okta.remove_member(looms.id, office.person("grace@x.io").id)
    office.okta.update_app(figma.id, label="Penpot")
    office.okta.assign(figma.id, office.person("ada@x.io").id)
    await office.settled()
    assert reachable(office, looms, figma) == ("Mills", "Penpot", True)
    assert staffed(office, looms, figma) == ([{"ada@x.io"}, {"ada@x.io", "mary@x.io"}] if with_lists else [])

    office.okta.delete_group(looms.id)
    office.okta.delete_app(figma.id)
    await office.settled()
    assert set(office.world.owned()) == PEOPLE
    assert reachable(office, looms, figma) == (None, None, False)
    assert staffed(office, looms, figma) == []


def reachable(office, group, app):
    """The names of a group and an app in the cluster, and whether the group grants the app."""
    user_group, server = office.user_groups().get(group.id), office.server(app)
    return (
        user_group and user_group.Header.Metadata.Labels[labels.GROUP_NAME],
        server and server.Metadata.Labels[labels.APP_NAME],
        bool(user_group) and list(user_group.Spec.Applications) == [app_server_name(app.id)],
    )


def staffed(office, *objects):
    """The members of the lists of these groups and apps; each list has its roles."""
    made = [found for found in objects if found.id in office.lists()]
    assert all(None not in office.roles(found) for found in made)
    return [office.imported(found) for found in made]


def assert_this_way_was_taken(world, way):
    assert_the_cluster_saw(world.teleport, way)
    assert_the_organisation_saw(world.okta, way)


def assert_the_cluster_saw(teleport, way):
    """Both identities are connected, or only the host; through the proxy exactly if that is the route."""
    clients = 2 if way.trusts == "bot" else 1
    assert teleport.open_connections == clients
    assert teleport.proxy.open_connections == (0 if way.by == "direct" else clients)
    joins_by_grpc, joins_by_https = teleport.calls.of("RegisterUsingToken"), teleport.calls.of("credentials")
    assert (joins_by_grpc, joins_by_https) == ((1, 0) if way.by == "direct" else (0, 1))


def assert_the_organisation_saw(okta, way):
    """With DPoP a token takes three requests: that it is needed, then the nonce, come as refusals.

    See `docs/reference/okta.md` 1.6.
    """
    tokens, refusals = {"SSWS": (0, 0), "private_key_jwt": (1, 0), "DPoP": (3, 2)}[way.credential]
    assert okta.calls.endpoints["POST /oauth2/v1/token"] == tokens
    assert okta.calls.statuses[400] == refusals
