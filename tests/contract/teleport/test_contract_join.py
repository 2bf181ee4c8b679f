from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport.host_identity import obtain_host_identity
from teleport_okta.teleport.identity import parse_identity
from teleport_okta.teleport.join_errors import (
    JoinPodRefusedError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    JoinUnreachableError,
    PinMismatchError,
)
from teleport_okta.teleport.pod_token import PATH_VARIABLE
from teleport_okta.teleport.route import Direct

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.identity import Identity

REGISTER = "RegisterUsingToken"


@pytest.fixture
def obtain(sandbox: TeleportSandbox, tmp_path: Path, clock: VirtualClock) -> Callable[..., Any]:
    """Start once: `obtain(token=…, bot=…, ca_pins=…)`."""

    async def start(**how: Any) -> Identity:
        return await obtain_host_identity(
            tmp_path / "data",
            **{"route": Direct(sandbox.address), "token": sandbox.join_token, "bot": None, **how},
            clock=clock,
            rng=random.Random(1),
        )

    return start


async def test_a_host_joins_once_and_is_of_role_okta(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity
) -> None:
    joined = await obtain(bot=bot)

    assert await obtain(bot=bot, token=None) == joined
    assert joined.is_okta_host
    assert joined.cluster == bot.cluster == sandbox.cluster.name
    assert sandbox.calls.of(REGISTER) == 1


async def test_pins_do_instead_of_an_identity_file(obtain: Callable[..., Any], sandbox: TeleportSandbox) -> None:
    assert (await obtain(ca_pins=sandbox.ca_pins)).is_okta_host


async def test_a_wrong_pin_keeps_the_token_from_the_server(
    obtain: Callable[..., Any], sandbox: TeleportSandbox
) -> None:
    with pytest.raises(PinMismatchError, match=sandbox.ca_pins[0]):
        await obtain(ca_pins=["sha256:" + "0" * 64])
    assert sandbox.calls.of(REGISTER) == 0


async def test_a_wrong_token_is_refused_without_showing_it(obtain: Callable[..., Any], bot: Identity) -> None:
    with pytest.raises(JoinTokenRefusedError, match="tctl tokens add --type=okta") as caught:
        await obtain(bot=bot, token="no-such-token")
    assert "no-such-token" not in str(caught.value)


async def test_an_expired_token_is_refused(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity, clock: VirtualClock
) -> None:
    sandbox.administrator.create_token("short", ["Okta"], expires=clock.now().timestamp() + 60)
    clock.advance(61)

    with pytest.raises(JoinTokenRefusedError):
        await obtain(bot=bot, token="short")


async def test_a_token_for_other_roles_is_told_apart(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity
) -> None:
    sandbox.administrator.create_token("for-nodes", ["Node"])

    with pytest.raises(JoinTokenRoleError):
        await obtain(bot=bot, token="for-nodes")


async def test_an_outage_while_joining_is_waited_out(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity
) -> None:
    sandbox.faults.add(Fault(f"*/{REGISTER}", reset=True, count=2))

    assert (await obtain(bot=bot)).is_okta_host


async def test_nobody_listening_is_said_so(obtain: Callable[..., Any], bot: Identity, unused_tcp_port: int) -> None:
    address = f"127.0.0.1:{unused_tcp_port}"
    for trust in ({"bot": bot}, {"ca_pins": ["sha256:00"]}):
        with pytest.raises(JoinUnreachableError, match=address):
            await obtain(route=Direct(address), **trust)


async def test_an_identity_file_from_before_a_rotation_is_named_and_a_renewed_one_joins(
    obtain: Callable[..., Any], sandbox: TeleportSandbox, bot: Identity
) -> None:
    for phase in ("init", "update_clients", "update_servers", "standby"):
        sandbox.administrator.rotate(phase)

    with pytest.raises(JoinUnreachableError, match="not from before its last CA rotation"):
        await obtain(bot=bot)

    assert (await obtain(bot=parse_identity(sandbox.renew_bot().text(), source="bot"))).is_okta_host


@pytest.mark.parametrize("jwks", [True, False], ids=["static_jwks", "in_cluster"])
async def test_a_pods_token_that_is_not_good_says_what_a_good_one_is(
    obtain: Callable[..., Any],
    sandbox: TeleportSandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    jwks: bool,
) -> None:
    kubernetes = sandbox.cluster.kubernetes
    keys = kubernetes.jwks if jwks else None
    sandbox.administrator.create_kubernetes_token("pods", ["Okta"], ["teleport:okta"], keys)
    mounted = tmp_path / "token"
    monkeypatch.setenv(PATH_VARIABLE, str(mounted))
    mounted.write_text(kubernetes.service_account_token("teleport:okta", audience="https://elsewhere.example"))

    with pytest.raises(JoinPodRefusedError, match="compare") as caught:
        await obtain(token="pods", method="kubernetes", ca_pins=sandbox.ca_pins)

    assert mounted.read_text() not in str(caught.value)
