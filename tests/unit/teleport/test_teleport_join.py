from __future__ import annotations

import hashlib
import random
import traceback
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from teleport.legacy.client.proto import authservice_pb2, certs_pb2
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.identity import Identity, parse_identity
from teleport_okta.teleport.identity_errors import ForeignClusterError, IdentityExpiredError
from teleport_okta.teleport.join_errors import (
    JoinRefusedError,
    JoinTokenMissingError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    JoinTrustMissingError,
    JoinUnreachableError,
    PinMismatchError,
    UntrustedLeafError,
)
from teleport_okta.teleport.route import Direct
from teleport_okta.teleport.trust import ca_pin
from unit.teleport.scripted_auth import AUTH, REGISTER, Refuse, ScriptedAuth, certs_for
from unit.teleport.small_pki import SmallCA, host_subject, identity_file, name, new_key

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from teleport_okta.clock import VirtualClock

TOKEN = "correct-horse-battery"
Code = grpc.StatusCode


@pytest.fixture
def bot(ca: SmallCA) -> Identity:
    return parse_identity(identity_file(ca), source="bot/identity")


@pytest.fixture
def obtain(auth: ScriptedAuth, tmp_path: Path, clock: VirtualClock) -> Callable[..., Any]:
    """Start once: `obtain(token=…, bot=…, ca_pins=…)`."""

    async def start(**how: Any) -> Identity:
        arguments = {
            "token": TOKEN,
            "bot": None,
            "route": Direct(auth.address),
            "clock": clock,
            "rng": random.Random(1),
        }
        return await obtain_host_identity(tmp_path, **{**arguments, **how})

    return start


async def test_the_second_start_does_not_join(
    obtain: Callable[..., Any], auth: ScriptedAuth, ca: SmallCA, bot: Identity
) -> None:
    auth.answer(REGISTER, lambda request: certs_for(request, ca))

    joined = await obtain(bot=bot)
    again = await obtain(bot=bot, token=None)

    assert joined == again
    assert joined.is_okta_host
    [request] = auth.requests[REGISTER]
    assert (request.Role, request.Token, request.HostID) == ("Okta", TOKEN, joined.host_id)
    assert request.PublicTLSKey.startswith(b"-----BEGIN PUBLIC KEY-----")
    assert request.PublicSSHKey.startswith(b"ecdsa-sha2-nistp256 ")
    assert not request.HasField("Expires")


async def test_a_host_that_lost_its_identity_joins_again_under_its_id(
    obtain: Callable[..., Any], auth: ScriptedAuth, ca: SmallCA, bot: Identity, tmp_path: Path
) -> None:
    auth.answer(REGISTER, lambda request: certs_for(request, ca))
    first = await obtain(bot=bot)
    HostStore(tmp_path).identity_path.unlink()

    assert (await obtain(bot=bot)).host_id == first.host_id


async def test_every_ca_must_be_pinned(obtain: Callable[..., Any], auth: ScriptedAuth, ca: SmallCA) -> None:
    other = SmallCA.make()
    auth.answer(AUTH + "GetClusterCACert", authservice_pb2.GetClusterCACertResponse(TLSCA=ca.pem + other.pem))
    auth.answer(REGISTER, lambda request: certs_for(request, ca))

    with pytest.raises(PinMismatchError, match=ca_pin(other.certificate)):
        await obtain(ca_pins=[ca_pin(ca.certificate)])
    assert not auth.requests[REGISTER]


async def test_a_stranger_who_shows_the_pinned_ca_gets_no_token(obtain: Callable[..., Any], auth: ScriptedAuth) -> None:
    pinned = SmallCA.make()
    auth.answer(AUTH + "GetClusterCACert", authservice_pb2.GetClusterCACertResponse(TLSCA=pinned.pem))
    auth.answer(REGISTER, Refuse(Code.PERMISSION_DENIED))

    with pytest.raises(UntrustedLeafError):
        await obtain(ca_pins=[ca_pin(pinned.certificate)])
    assert not auth.requests[REGISTER]


async def test_a_server_of_another_ca_than_the_bots_gets_no_token(
    obtain: Callable[..., Any], auth: ScriptedAuth, ca: SmallCA
) -> None:
    auth.answer(REGISTER, lambda request: certs_for(request, ca))
    stranger = parse_identity(identity_file(SmallCA.make()), source="bot")

    with pytest.raises(JoinUnreachableError):
        await obtain(bot=stranger)
    assert not auth.requests[REGISTER]


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            Refuse(Code.PERMISSION_DENIED, f'"x" can not join, token {TOKEN} expired or not found'),
            JoinTokenRefusedError,
        ),
        (Refuse(Code.INVALID_ARGUMENT, f'the token {TOKEN} does not allow "Okta" role'), JoinTokenRoleError),
        (Refuse(Code.INVALID_ARGUMENT, f"strange {TOKEN}"), JoinRefusedError),
        (Refuse(Code.UNAVAILABLE, f"gone {TOKEN}"), JoinUnreachableError),
    ],
)
async def test_a_refused_join_says_what_to_do_and_never_shows_the_token(
    obtain: Callable[..., Any], auth: ScriptedAuth, bot: Identity, refusal: Refuse, expected: type[Exception]
) -> None:
    auth.answer(REGISTER, refusal)

    with pytest.raises(expected) as caught:
        await obtain(bot=bot)
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


async def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    obtain: Callable[..., Any], auth: ScriptedAuth, ca: SmallCA, bot: Identity, tmp_path: Path
) -> None:
    auth.answer(REGISTER, certs_pb2.Certs(), lambda request: certs_for(request, ca, role="Node"))

    for _ in range(2):
        with pytest.raises(JoinRefusedError):
            await obtain(bot=bot)
    assert not HostStore(tmp_path).identity_path.exists()


async def test_a_first_start_needs_a_token_and_a_ca_to_trust(obtain: Callable[..., Any], bot: Identity) -> None:
    with pytest.raises(JoinTokenMissingError):
        await obtain(bot=bot, token=None)
    with pytest.raises(JoinTrustMissingError):
        await obtain()


async def test_a_stored_identity_must_fit_the_bots_cluster_and_the_time(
    obtain: Callable[..., Any], ca: SmallCA, bot: Identity, tmp_path: Path, clock: VirtualClock
) -> None:
    HostStore(tmp_path).save(identity_file(ca, subject=host_subject()))
    elsewhere = parse_identity(identity_file(ca, subject=name("bot", "r", cluster="elsewhere")), source="bot")

    with pytest.raises(ForeignClusterError, match="elsewhere"):
        await obtain(bot=elsewhere)
    clock.advance(3600)
    with pytest.raises(IdentityExpiredError, match="joins again under the same id"):
        await obtain(bot=bot)


def test_a_pin_is_the_hash_of_the_public_key_alone(ca: SmallCA) -> None:
    key = new_key().public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    pins = {ca_pin(ca.issue(key, name(subject))) for subject in ("before renewal", "after")}

    assert pins == {f"sha256:{hashlib.sha256(spki).hexdigest()}"}
