"""An address that leads nowhere: an unknown host, and one that was never set."""

from __future__ import annotations

import random
import socket

import pytest
from teleport_okta.app import HASTY
from teleport_okta.clock import VirtualClock
from teleport_okta.settings import TeleportSettings
from teleport_okta.teleport.connect_cluster import connect_cluster
from teleport_okta.teleport.proxy import dialing
from teleport_okta.teleport.proxy.proxy_errors import ProxyUnreachableError
from teleport_okta.teleport.route import find_route


async def test_an_unknown_host_is_a_matter_of_spelling():
    with pytest.raises(ProxyUnreachableError, match="no address was found for this name") as caught:
        await find_route("proxy.invalid:443", extra_ca=None, clock=VirtualClock())
    assert "spelling of teleport.addr" in caught.value.remedy
    assert (
        dialing.reason_of(socket.gaierror(-3, "Temporary failure"))
        == "no address was found for this name (Temporary failure)"
    )


@pytest.mark.parametrize("is_set", [True, False])
async def test_an_address_that_is_not_set_is_said_to_be_so(tmp_path, unused_tcp_port, is_set):
    fields = {"addr"} if is_set else set()
    settings = TeleportSettings().model_copy(update={"addr": f"localhost:{unused_tcp_port}"})
    settings.model_fields_set.clear()
    settings.model_fields_set.update(fields)
    with pytest.raises(ProxyUnreachableError) as caught:
        await connect_cluster(
            settings, tmp_path, directory=tmp_path, clock=VirtualClock(), rng=random.Random(1), policy=HASTY
        )
    assert ("set teleport.addr" in caught.value.remedy) is not is_set
