"""An organisation with a wrong clock: its timestamps, and its checks of times."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

import pytest
from teleport_okta.sandbox.okta import Delays, Settings
from unit.sandbox_okta.sandbox_okta_client import Client, claims_of
from unit.sandbox_okta.sandbox_okta_world import START, World, profile

NOW = int(START)
AHEAD, BEHIND = 300, -300


def world_at(skew: float) -> World:
    return World(Settings(clock_skew=skew, delays=Delays(search=2)))


def date(world: World) -> float:
    return parsedate_to_datetime(world.get("/api/v1/org").headers["Date"]).timestamp()


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_answers_and_objects_carry_the_organisation_s_time(skew: int) -> None:
    world = world_at(skew)
    assert date(world) == NOW + skew
    ada = world.org.create_user(profile("ada"))
    assert ada.created == NOW + skew


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_the_reset_of_a_limit_follows_the_organisation_s_clock(skew: int) -> None:
    world = world_at(skew)
    response = world.get("/api/v1/users")
    assert int(response.headers["X-Rate-Limit-Reset"]) == NOW + skew + 61
    assert int(response.headers["X-Rate-Limit-Reset"]) - date(world) == 61


@pytest.mark.parametrize("skew", [AHEAD, BEHIND])
def test_setting_the_clock_neither_ends_nor_lengthens_a_limit_s_window(skew: int) -> None:
    world = World()
    before = int(world.get("/api/v1/users").headers["X-Rate-Limit-Remaining"])
    world.org.skew_clock(skew)
    assert int(world.get("/api/v1/users").headers["X-Rate-Limit-Remaining"]) == before - 1
    world.now += 60
    assert int(world.get("/api/v1/users").headers["X-Rate-Limit-Remaining"]) == before


def test_setting_the_clock_back_delays_no_background_work() -> None:
    world = world_at(0)
    ada = world.org.create_user(profile("ada")).id
    world.org.skew_clock(BEHIND)
    assert ada not in world.ids('/api/v1/users?search=status+eq+"ACTIVE"')
    world.now += 2
    assert ada in world.ids('/api/v1/users?search=status+eq+"ACTIVE"')


def test_to_a_clock_behind_an_honest_assertion_is_from_the_future() -> None:
    client = Client(world_at(BEHIND))
    status, answer = client.ask(client.assertion(iat=NOW))
    assert (status, answer["error"]) == (401, "invalid_client")
    assert "future" in str(answer["error_description"])
    assert client.ask(client.assertion(iat=NOW + BEHIND))[0] == 200


def test_to_a_clock_ahead_an_honest_assertion_may_be_expired() -> None:
    client = Client(world_at(AHEAD))
    status, answer = client.ask(client.assertion(exp=NOW + 200))
    assert (status, answer["error_description"]) == (401, "The client_assertion token is expired.")
    assert client.ask(client.assertion(exp=NOW + AHEAD + 1))[0] == 200


@pytest.mark.parametrize("skew", [AHEAD + 1, BEHIND - 1])
def test_a_proof_has_to_be_of_the_organisation_s_time(skew: int) -> None:
    client = Client(world_at(skew))
    status, answer = client.ask(proof=client.proof(iat=NOW))
    assert (status, answer["error_description"]) == (400, "'iat' claim in the DPoP proof JWT is invalid.")
    assert client.ask(proof=client.proof(iat=NOW + skew))[1]["error"] == "use_dpop_nonce"


def test_a_token_is_dated_by_the_organisation_s_clock_and_lives_its_hour() -> None:
    world = world_at(AHEAD)
    client = Client(world)
    client.use("okta.users.read")
    assert claims_of(str(world.authorization))["iat"] == NOW + AHEAD
    world.now += 3599
    assert world.get("/api/v1/users").status == 200
    world.now += 1
    assert world.get("/api/v1/users").status == 401
