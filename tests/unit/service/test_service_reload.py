"""Settings that are read again: some apply at once, some wait for a restart, and invalid ones are refused."""

from __future__ import annotations

import logging

import pytest
from teleport_okta.config import differing, digests_of, parse
from teleport_okta.errors import ConfigError
from teleport_okta.service.reload import Reloaded, Reloader, merged

OKTA = {"org_url": "https://example.okta.com", "api_token": "00secret", "app_id": "0oaAPP"}
SETTINGS = parse({"okta": OKTA})


def test_settings_are_compared_by_digests_and_no_secret_is_in_them():
    other = parse({"okta": {**OKTA, "api_token": "00other"}, "sync": {"interval": "5m", "default_roles": ["a"]}})
    assert differing(digests_of(SETTINGS), digests_of(other)) == (
        "okta.api_token",
        "sync.default_roles",
        "sync.interval",
    )
    assert "00secret" not in str(digests_of(SETTINGS))
    assert differing(digests_of(SETTINGS), digests_of(parse({"okta": OKTA, "sync": {"interval": "600s"}}))) == ()
    assert differing(digests_of(SETTINGS), {"sync.of_another_release": "1"}) == ()


def test_settings_of_the_process_wait_for_a_restart():
    new = parse({"okta": OKTA, "sync": {"interval": "5m"}, "teleport": {"addr": "other:443"}})
    mixed, outcome = merged(SETTINGS, new)
    assert outcome == Reloaded(("sync.interval",), ("teleport.addr",))
    assert (mixed.sync, mixed.teleport) == (new.sync, SETTINGS.teleport)


def test_an_invalid_mixture_of_settings_is_refused():
    scim = {"listen": "127.0.0.1:8443", "public_url": "https://scim.example.com/scim/v2"}
    new = parse({"okta": {"org_url": OKTA["org_url"]}, "sync": {"source": "scim"}, "scim": scim})
    with pytest.raises(ConfigError, match=r"scim\.listen.*restart"):
        merged(SETTINGS, new)
    with pytest.raises(ConfigError, match=r"plugin\.name"):
        merged(parse({"okta": {**OKTA, "app_id": None}, "plugin": {"name": "okta"}}), SETTINGS)


@pytest.fixture
def world():
    """A reloader, the settings that it reads next, those that were taken over, and how often the log was opened."""

    class World:
        next = SETTINGS

        def __init__(self):
            self.taken, self.logs = [], []
            self.reloader = Reloader(SETTINGS, self.read, self.logs.append)

        def read(self):
            if isinstance(self.next, ConfigError):
                raise self.next
            return self.next

    return World()


async def test_the_log_is_reopened_and_unchanged_settings_stop_nothing(world):
    world.reloader.attach(world.taken.append)
    assert await world.reloader.reload() == Reloaded()
    world.next = parse({"okta": OKTA, "log": {"severity": "debug"}})
    assert await world.reloader.reload() == Reloaded(("log.severity",))
    assert (world.taken, world.logs) == ([], [SETTINGS, world.next])
    world.next = parse({"okta": OKTA, "brake": {"floor": 3}})
    assert (await world.reloader.reload()).changed == ("brake.floor", "log.severity")
    assert world.taken == [world.next]


async def test_an_unusable_file_changes_nothing_but_the_log_is_reopened(world, caplog, tmp_path):
    world.reloader.attach(world.taken.append)
    key = {"client_id": "0oaX", "private_key": str(tmp_path / "none.pem"), "api_token": None}
    for bad in (ConfigError("line 1"), parse({"okta": {**OKTA, **key}})):
        world.next = bad
        with caplog.at_level(logging.ERROR, "teleport_okta"):
            await world.reloader._reload()
    assert (world.taken, world.logs) == ([], [SETTINGS, SETTINGS])
    assert "line 1" in caplog.text
    assert "none.pem" in caplog.text


async def test_before_the_service_is_connected_only_the_log_is_reopened_and_the_rest_follows(world):
    world.next = parse({"okta": OKTA, "sync": {"interval": "5m"}})
    world.reloader.hang_up()
    assert world.logs == [SETTINGS]
    world.reloader.attach(world.taken.append)
    (task,) = world.reloader._tasks
    await task
    assert world.taken == [world.next]
