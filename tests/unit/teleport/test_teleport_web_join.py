from __future__ import annotations

import base64
import random
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from teleport.legacy.client.proto import authservice_pb2
from teleport.legacy.types import types_pb2
from teleport_okta.teleport.host_identity import HostStore, obtain_host_identity
from teleport_okta.teleport.identity import Identity, parse_identity
from teleport_okta.teleport.join_errors import (
    ForeignAnswerError,
    JoinMethodError,
    JoinPodRefusedError,
    JoinRefusedError,
    JoinTokenRefusedError,
    JoinTokenRoleError,
    JoinTrustMissingError,
    JoinUnreachableError,
)
from teleport_okta.teleport.pod_token import PATH_VARIABLE, NotInPodError, PodTokenError, read_pod_token
from teleport_okta.teleport.proxy.proxy_errors import WebCertificateError
from teleport_okta.teleport.route import ThroughProxy
from teleport_okta.teleport.trust import ca_pin
from unit.teleport.scripted_auth import AUTH, ScriptedAuth, certs_for
from unit.teleport.small_pki import SmallCA, identity_file
from unit.teleport.upgrading_proxy import UpgradePage
from unit.teleport.web_peers import WebProxy, web_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from teleport_okta.clock import VirtualClock

PATH = "/webapi/host/credentials"
CAS = AUTH + "GetClusterCACert"
TOKEN = "correct-horse-battery"


@pytest.fixture
async def proxy(tmp_path: Path, auth: ScriptedAuth, ca: SmallCA) -> AsyncIterator[WebProxy]:
    """A proxy behind a load balancer; the auth server, which names its CA to anybody, is reached by an upgrade."""
    auth.answer(CAS, authservice_pb2.GetClusterCACertResponse(TLSCA=ca.pem))
    directory = tmp_path / "proxy"
    directory.mkdir()
    async with web_proxy(directory) as running:
        UpgradePage(auth.address).at(running)
        yield running


@pytest.fixture
def bot(ca: SmallCA) -> Identity:
    return parse_identity(identity_file(ca), source="bot/identity")


@pytest.fixture
def obtain(proxy: WebProxy, bot: Identity, tmp_path: Path, clock: VirtualClock) -> Callable[..., Any]:
    """Start once: `obtain(token=…, method=…, bot=…)`."""

    async def start(**how: Any) -> Identity:
        route = ThroughProxy(proxy.address, "small.example", upgraded=True, extra_ca=proxy.ca_path)
        settings = {"route": route, "token": TOKEN, "bot": bot, **how}
        return await obtain_host_identity(tmp_path / "data", clock=clock, rng=random.Random(1), **settings)

    return start


def issue(proxy: WebProxy, ca: SmallCA, *, named: list[SmallCA] | None = None, **how: Any) -> None:
    """Let the proxy answer joins with certificates of a CA; `named` are the CAs that it says to believe."""

    async def page(request: web.Request) -> web.StreamResponse:
        asked = await request.json()
        certs = certs_for(
            types_pb2.RegisterUsingTokenRequest(
                HostID=asked["hostID"], PublicTLSKey=base64.b64decode(asked["public_tls_key"])
            ),
            ca,
            **how,
        )
        cas = [each.pem for each in (named or [ca])]
        proxy.tell(
            "answer",
            {
                "ssh": base64.b64encode(certs.SSH).decode(),
                "tls": base64.b64encode(certs.TLS).decode(),
                "tls_ca_certs": [base64.b64encode(each).decode() for each in cas],
                "ssh_ca_certs": [],
            },
        )
        return await proxy.pages["answer"](request)

    proxy.pages[PATH] = page


def refuse(proxy: WebProxy, status: int, message: str) -> None:
    proxy.tell(PATH, {"error": {"message": message}, "message": message}, status=status)


async def test_a_page_that_repeats_the_request_is_not_quoted_with_the_token_or_half_of_it(
    obtain: Callable[..., Any], proxy: WebProxy
) -> None:
    for before in (0, 290):
        proxy.tell(PATH, f"{'x' * before}{TOKEN} is forbidden here", status=403)
        with pytest.raises(JoinTokenRefusedError) as caught:
            await obtain()
        assert "HTTP 403 text/html" in str(caught.value)
        assert TOKEN[:6] not in "".join(traceback.format_exception(caught.value))


async def test_a_host_joins_over_https(obtain: Callable[..., Any], proxy: WebProxy, ca: SmallCA) -> None:
    issue(proxy, ca)

    joined = await obtain()

    assert joined.is_okta_host
    [(method, _, asked)] = proxy.requests
    assert (method, asked["role"], asked["token"], asked["hostID"]) == ("POST", "Okta", TOKEN, joined.host_id)
    assert base64.b64decode(asked["public_tls_key"]).startswith(b"-----BEGIN PUBLIC KEY-----")
    assert base64.b64decode(asked["public_ssh_key"]).startswith(b"ecdsa-sha2-nistp256 ")
    assert "id_token" not in asked


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (
            403,
            f'"x" can not join the cluster with role "Okta", token {TOKEN} expired or not found',
            JoinTokenRefusedError,
        ),
        (400, f'node "x" can not join, the token {TOKEN} does not allow "Okta" role', JoinTokenRoleError),
        (400, "IDToken not provided for Kubernetes join request", JoinMethodError),
        (400, f"strange {TOKEN}", JoinRefusedError),
        (500, f"broken {TOKEN}", JoinRefusedError),
        (503, f"no auth server {TOKEN}", JoinUnreachableError),
    ],
)
async def test_a_refusal_says_what_to_do_and_never_shows_the_token(
    obtain: Callable[..., Any], proxy: WebProxy, status: int, message: str, expected: type[Exception]
) -> None:
    refuse(proxy, status, message)

    with pytest.raises(expected) as caught:
        await obtain()
    assert TOKEN not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("status", "message", "expected"),
    [
        (403, "kubernetes token did not match any allow rules", JoinPodRefusedError),
        (500, "validating jwt claims: expired POD-TOKEN", JoinPodRefusedError),
        (403, '"x" can not join the cluster with role "Okta", token expired or not found', JoinTokenRefusedError),
        (400, 'node "x" can not join, the token does not allow "Okta" role', JoinTokenRoleError),
    ],
)
async def test_a_refused_pod_is_told_apart_from_a_refused_token(
    obtain: Callable[..., Any],
    proxy: WebProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    message: str,
    expected: type[Exception],
) -> None:
    (tmp_path / "token").write_text("POD-TOKEN")
    monkeypatch.setenv(PATH_VARIABLE, str(tmp_path / "token"))
    refuse(proxy, status, message)

    with pytest.raises(expected) as caught:
        await obtain(method="kubernetes", token="okta-pods")
    assert "POD-TOKEN" not in str(caught.value)


async def test_an_answer_of_a_ca_that_is_not_believed_is_not_stored(
    obtain: Callable[..., Any], proxy: WebProxy, tmp_path: Path
) -> None:
    issue(proxy, SmallCA.make())

    with pytest.raises(ForeignAnswerError, match="tbot"):
        await obtain()
    assert not HostStore(tmp_path / "data").identity_path.exists()


async def test_an_answer_that_brings_a_strange_ca_along_is_not_stored(
    obtain: Callable[..., Any], proxy: WebProxy, ca: SmallCA, tmp_path: Path
) -> None:
    issue(proxy, ca, named=[ca, SmallCA.make()])

    with pytest.raises(ForeignAnswerError):
        await obtain()
    assert not HostStore(tmp_path / "data").identity_path.exists()


async def test_a_certificate_that_no_believed_ca_has_issued_is_not_stored(
    obtain: Callable[..., Any], proxy: WebProxy, ca: SmallCA, tmp_path: Path
) -> None:
    issue(proxy, SmallCA.make(), named=[ca])

    with pytest.raises(ForeignAnswerError):
        await obtain()
    assert not HostStore(tmp_path / "data").identity_path.exists()


async def test_the_token_follows_no_redirect(obtain: Callable[..., Any], proxy: WebProxy) -> None:
    async def redirect(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    proxy.pages[PATH] = redirect

    with pytest.raises(JoinRefusedError, match="307"):
        await obtain()
    assert "/elsewhere" not in {path for _, path, _ in proxy.requests}


async def test_during_a_rotation_the_auth_server_vouches_for_the_new_ca(
    obtain: Callable[..., Any], proxy: WebProxy, auth: ScriptedAuth, ca: SmallCA
) -> None:
    new = SmallCA.make()
    auth.answer(CAS, authservice_pb2.GetClusterCACertResponse(TLSCA=ca.pem + new.pem))
    issue(proxy, new, named=[new, ca])

    assert set((await obtain()).ca_pems) == {ca.pem, new.pem}


async def test_a_proxy_that_answers_with_a_ca_of_its_own_is_caught_by_the_pins(
    obtain: Callable[..., Any], proxy: WebProxy, ca: SmallCA, tmp_path: Path
) -> None:
    issue(proxy, SmallCA.make())

    with pytest.raises(ForeignAnswerError, match="ca_pins"):
        await obtain(bot=None, ca_pins=[ca_pin(ca.certificate)])
    assert not HostStore(tmp_path / "data").identity_path.exists()


@pytest.mark.parametrize("answer", [[], {"tls": "?"}, {"tls": 7}, {"tls_ca_certs": "no"}, {}, "<html>"])
async def test_an_answer_that_makes_no_sense_is_refused(
    obtain: Callable[..., Any], proxy: WebProxy, answer: Any
) -> None:
    proxy.tell(PATH, answer)

    with pytest.raises(JoinRefusedError):
        await obtain()


async def test_a_certificate_of_another_role_is_refused(
    obtain: Callable[..., Any], proxy: WebProxy, ca: SmallCA
) -> None:
    issue(proxy, ca, role="Node")

    with pytest.raises(JoinRefusedError):
        await obtain()


async def test_the_proxys_public_name_alone_is_no_trust(obtain: Callable[..., Any], proxy: WebProxy) -> None:
    with pytest.raises(JoinTrustMissingError):
        await obtain(bot=None)
    assert not proxy.requests


async def test_a_proxy_whose_certificate_is_not_believed_gets_no_token(
    obtain: Callable[..., Any], proxy: WebProxy
) -> None:
    with pytest.raises(WebCertificateError, match=r"teleport\.proxy_ca"):
        await obtain(route=ThroughProxy(proxy.address, "small.example", upgraded=True))
    assert not proxy.requests


def test_no_token_file_means_no_pod(tmp_path: Path) -> None:
    with pytest.raises(NotInPodError, match="not run in a pod"):
        read_pod_token({PATH_VARIABLE: str(tmp_path / "none")})


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_a_file_without_a_token_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)

    with pytest.raises(PodTokenError, match=str(tmp_path)):
        read_pod_token({PATH_VARIABLE: str(tmp_path / "token")})
