"""Every way into a cluster and an organisation: each ends in the same users, and each is really the way taken."""

from __future__ import annotations

from itertools import product

import pytest
from cluster_world import WayIn, built_world, pod_token
from teleport_okta.teleport.pod_token import PATH_VARIABLE

PEOPLE = {"ada@x.io", "grace@x.io", "mary@x.io"}

WAYS = [
    WayIn(by=by, join=join, credential=credential)
    for by, join, credential in product(
        ("direct", "proxy"), ("token", "kubernetes"), ("SSWS", "private_key_jwt", "DPoP")
    )
]
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


@pytest.fixture
def enter(tmp_path, monkeypatch):
    """Build a world that is entered this way. A Community cluster gets plain local users, as it needs."""
    monkeypatch.setenv(PATH_VARIABLE, str(pod_token(tmp_path)))

    def build(way, edition="ent"):
        settings = {"sync": {"local_users": edition == "oss"}}
        return built_world(tmp_path, edition=edition, settings=settings, way=way)

    return build


@pytest.mark.parametrize("edition", ["ent", "oss"])
@pytest.mark.parametrize("way", WAYS, ids=in_words)
async def test_everybody_is_created_by_every_way_and_a_second_pass_plans_nothing(enter, way, edition):
    async with enter(way, edition) as world:
        await create_everybody(world)
        assert_this_way_was_taken(world, way)


@pytest.mark.parametrize("way", RARER_WAYS, ids=in_words)
async def test_the_rarer_ways_lead_to_the_same(enter, way):
    async with enter(way) as world:
        await create_everybody(world)
        assert_this_way_was_taken(world, way)


async def create_everybody(world):
    """A pass after which they are users, and another that finds nothing to do."""
    await world.hired(*PEOPLE)
    assert set(world.owned()) == PEOPLE
    again = await world.run()
    assert again.succeeded
    assert not again.plan.changes


def assert_this_way_was_taken(world, way):
    assert_the_cluster_saw(world.teleport, way)
    assert_the_organisation_saw(world.okta, way)


def assert_the_cluster_saw(teleport, way):
    """Both identities are connected, or the host alone, and through the proxy exactly if that is the way."""
    clients = 2 if way.trusts == "bot" else 1
    assert teleport.open_connections == clients
    assert teleport.proxy.open_connections == (0 if way.by == "direct" else clients)
    joins_by_grpc, joins_by_https = teleport.calls.of("RegisterUsingToken"), teleport.calls.of("credentials")
    assert (joins_by_grpc, joins_by_https) == ((1, 0) if way.by == "direct" else (0, 1))


def assert_the_organisation_saw(okta, way):
    """With DPoP a token takes three requests: that it is needed, then the nonce, come as refusals (`okta.md` 1.6)."""
    tokens, refusals = {"SSWS": (0, 0), "private_key_jwt": (1, 0), "DPoP": (3, 2)}[way.credential]
    assert okta.calls.endpoints["POST /oauth2/v1/token"] == tokens
    assert okta.calls.statuses[400] == refusals
