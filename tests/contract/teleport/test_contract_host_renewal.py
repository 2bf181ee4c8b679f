"""The host identity: renewed before it ends, and carried through a rotation of the cluster's CA."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from teleport_clients import connect
from teleport_okta.doctor.findings import Severity
from teleport_okta.doctor.teleport_rights import check_rotation
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.teleport import host_renewal
from teleport_okta.teleport.authorities import HostCAs, read_host_cas
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.host_renewal import HostRenewer
from teleport_okta.teleport.identity import parse_identity
from teleport_okta.teleport.route import Direct
from teleport_okta.teleport.teleport_errors import (
    HungUpError,
    PermissionDeniedError,
    UnavailableError,
    UntrustedServerError,
)
from unit.teleport.small_pki import SmallCA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from teleport_okta.clock import VirtualClock
    from teleport_okta.sandbox.teleport import TeleportSandbox
    from teleport_okta.teleport.cluster import Teleport
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity import Identity

PHASES = ("init", "update_clients", "update_servers", "standby")


@pytest.fixture
def store(tmp_path: Path) -> HostStore:
    return HostStore(tmp_path / "data")


@pytest.fixture
async def teleport(
    sandbox: TeleportSandbox, host: Identity, bot: Identity, clock: VirtualClock
) -> AsyncIterator[Teleport]:
    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as client:
        yield client


@pytest.fixture
def keeper(teleport: Teleport, store: HostStore, clock: VirtualClock) -> HostRenewer:
    return HostRenewer(teleport, store, clock=clock)


async def on_new_connections(sandbox: TeleportSandbox, identity: Identity, clock: VirtualClock) -> bool:
    """Whether the server takes an identity on a connection that begins now."""
    async with await connect(sandbox.address, host=identity, clock=clock) as client:
        try:
            await client.host.probe()
        except UnavailableError:
            return False
        return True


async def test_a_good_identity_is_left_as_it_is(
    teleport: Teleport, keeper: HostRenewer, host: Identity, sandbox: TeleportSandbox
) -> None:
    await keeper.look()
    assert teleport.host.identity == host
    assert sandbox.calls.of("GenerateHostCerts") == 0


async def test_after_two_thirds_of_its_life_it_is_renewed_and_stored(
    teleport: Teleport, keeper: HostRenewer, host: Identity, store: HostStore, clock: VirtualClock
) -> None:
    clock.advance((host.not_after - host.not_before).total_seconds() * 2 / 3 + 60)

    await keeper.look()

    renewed = teleport.host.identity
    assert renewed.certificate_pem != host.certificate_pem
    assert renewed.subject == host.subject
    assert store.load() == renewed
    assert await teleport.users.get("nobody") is None


async def test_a_whole_rotation_costs_no_call_and_leaves_one_ca(
    teleport: Teleport, keeper: HostRenewer, host: Identity, store: HostStore, sandbox: TeleportSandbox, clock
) -> None:
    trusted = []
    for phase in PHASES:
        sandbox.administrator.rotate(phase)
        await keeper.look()
        await keeper.look()
        trusted.append(len(teleport.host.identity.ca_pems))
        assert await teleport.users.get("nobody") is None
        assert (await teleport.cluster()).has("adoption")
        assert await on_new_connections(sandbox, teleport.host.identity, clock), phase

    assert trusted == [2, 2, 2, 1]
    assert not await on_new_connections(sandbox, host, clock)
    assert store.load() == teleport.host.identity
    assert store.load_previous() is None


async def test_a_phase_that_was_slept_through_does_no_harm_while_the_old_ca_is_trusted(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    await keeper.look()
    for phase in PHASES[:3]:
        sandbox.administrator.rotate(phase)

    await keeper.look()

    sandbox.administrator.rotate("standby")
    assert await on_new_connections(sandbox, teleport.host.identity, clock)


async def test_a_process_that_was_down_meanwhile_learns_the_new_ca_from_the_bots_file(
    sandbox: TeleportSandbox, host: Identity, store: HostStore, clock: VirtualClock
) -> None:
    for phase in PHASES[:3]:
        sandbox.administrator.rotate(phase)
    renewed = sandbox.issue_identity("bot-teleport-okta", ["teleport-okta"], lifetime=timedelta(hours=1)).text()
    bot = parse_identity(renewed, source="bot")

    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as client:
        await HostRenewer(client, store, clock=clock).look()

        sandbox.administrator.rotate("standby")
        assert await on_new_connections(sandbox, client.host.identity, clock)


async def test_after_a_rotation_a_start_issues_nothing_although_the_bots_file_names_the_old_ca(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, bot: Identity, store: HostStore, clock
) -> None:
    for phase in PHASES:
        sandbox.administrator.rotate(phase)
        await keeper.look()
    stored = store.load()
    assert stored is not None

    async with await connect(sandbox.address, host=stored, bot=bot, clock=clock) as client:
        assert set(client.host.identity.ca_pems) > set(stored.ca_pems)
        assert [finding.severity for finding in await check_rotation(client.host)] == [Severity.OK]
        issued = sandbox.calls.of("GenerateHostCerts")
        await HostRenewer(client, store, clock=clock).look()

        assert sandbox.calls.of("GenerateHostCerts") == issued
        assert client.host.identity == stored
        await client.host.probe()
    assert store.load() == stored


async def test_a_certificate_that_is_refused_at_first_takes_over_later(
    teleport: Teleport, keeper: HostRenewer, host: Identity, store: HostStore, sandbox: TeleportSandbox, clock
) -> None:
    sandbox.administrator.rotate("init")
    await keeper.look()
    before = teleport.host.identity
    sandbox.administrator.rotate("update_clients", refuse_new_for=60)

    with pytest.raises(UnavailableError):
        await keeper.look()
    assert teleport.host.identity == before
    assert store.load() == before
    assert await teleport.users.get("nobody") is None
    issued = sandbox.calls.of("GenerateHostCerts")

    clock.advance(61)
    await keeper.look()
    assert teleport.host.identity != before
    assert store.load() == teleport.host.identity
    assert sandbox.calls.of("GenerateHostCerts") == issued


async def test_a_rotation_that_is_rolled_back_leads_back(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    for phase in ("init", "update_clients", "rollback", "standby"):
        sandbox.administrator.rotate(phase)
        await keeper.look()

    assert len(teleport.host.identity.ca_pems) == 1
    assert await on_new_connections(sandbox, teleport.host.identity, clock)


async def test_a_certificate_that_is_refused_after_all_is_given_up_for_the_one_before(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, clock: VirtualClock
) -> None:
    sandbox.administrator.rotate("init")
    await keeper.look()
    before = teleport.host.identity
    sandbox.administrator.rotate("update_clients")
    await keeper.look()
    assert teleport.host.identity != before
    sandbox.administrator.rotate("rollback", refuse_new_for=3600)

    await sandbox.restart_auth(down_for=0)

    assert await teleport.users.get("nobody") is None
    assert teleport.host.identity == before


async def test_a_process_that_starts_in_the_middle_has_both(
    teleport: Teleport, keeper: HostRenewer, store: HostStore, sandbox: TeleportSandbox
) -> None:
    sandbox.administrator.rotate("init")
    await keeper.look()
    first = teleport.host.identity
    sandbox.administrator.rotate("update_clients")
    await keeper.look()

    assert store.load() == teleport.host.identity
    assert store.load_previous() is not None
    assert store.load_previous().certificate_pem == first.certificate_pem


async def test_what_keeps_it_from_being_renewed_shows(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, host: Identity, clock: VirtualClock
) -> None:
    sandbox.faults.add(Fault("*/GenerateHostCerts", code=grpc.StatusCode.PERMISSION_DENIED, message="no"))
    clock.advance((host.not_after - host.not_before).total_seconds() * 0.8)

    with pytest.raises(PermissionDeniedError):
        await keeper.look()

    assert teleport.identities(clock.now())[0].problem == "it expires soon and has not been renewed"


async def test_a_host_that_slept_through_a_whole_rotation_is_told_to_join_again(
    sandbox: TeleportSandbox, host: Identity, clock: VirtualClock, tmp_path: Path
) -> None:
    for phase in PHASES:
        sandbox.administrator.rotate(phase)
    async with await connect(sandbox.address, host=host, clock=clock) as client:
        with pytest.raises(UnavailableError, match="remove the file host/identity in the data directory"):
            await client.users.get("nobody")


async def test_a_join_during_a_rotation_brings_both_cas(sandbox: TeleportSandbox, tmp_path, clock, bot) -> None:
    sandbox.administrator.rotate("init")
    joined = await obtain_host_identity(
        tmp_path / "other",
        route=Direct(sandbox.address),
        token=sandbox.join_token,
        bot=bot,
        clock=clock,
        rng=random.Random(2),
    )
    assert len(joined.ca_pems) == 2


async def test_a_server_whose_answers_never_suit_its_cas_is_asked_once_for_them(
    teleport: Teleport, keeper: HostRenewer, sandbox: TeleportSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = SmallCA.make().pem

    async def with_one_more(connection: Connection) -> HostCAs:
        cas = await read_host_cas(connection)
        return replace(cas, additional=(*cas.additional, stranger))

    monkeypatch.setattr(host_renewal, "read_host_cas", with_one_more)
    for _ in range(3):
        await keeper.look()
    assert sandbox.calls.of("GenerateHostCerts") == 1

    sandbox.administrator.rotate("init")
    for _ in range(3):
        await keeper.look()
    assert sandbox.calls.of("GenerateHostCerts") == 2
    assert len(teleport.host.identity.ca_pems) == 2


async def test_a_host_that_missed_a_rotation_is_told_to_join_again_and_that_works(
    sandbox: TeleportSandbox, host: Identity, store: HostStore, tmp_path: Path, clock: VirtualClock
) -> None:
    for phase in PHASES:
        sandbox.administrator.rotate(phase)
    rejoining = "remove the file host/identity in the data directory, and start with teleport.join_token set"

    async with await connect(sandbox.address, host=host, clock=clock) as alone:
        with pytest.raises(UntrustedServerError, match=rejoining):
            await alone.host.probe()
    bot = parse_identity(sandbox.renew_bot().text(), source="bot")
    async with await connect(sandbox.address, host=host, bot=bot, clock=clock) as both:
        with pytest.raises(HungUpError, match=rejoining):
            await both.host.probe()

    store.identity_path.unlink()
    again = await obtain_host_identity(
        tmp_path / "data",
        route=Direct(sandbox.address),
        token=sandbox.join_token,
        bot=bot,
        clock=clock,
        rng=random.Random(1),
    )
    assert again.host_id == host.host_id
    assert await on_new_connections(sandbox, again, clock)
