"""The way from outside to the SCIM endpoint, over real sockets; no token is ever sent."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from teleport_okta.doctor import scim_reach
from teleport_okta.doctor.scim_reach import Answer, check_reach, of_addresses, of_answer, of_path
from teleport_okta.sandbox.web_certificate import WebCertificate
from unit.scim.scim_client import scim_world, settings
from yarl import URL

NOW = datetime.now(UTC)
SCIM_401 = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"401"}'
OURS = 'Bearer realm="teleport-okta"'


async def unknown():
    """A service that cannot be asked."""
    return


async def reach(url, *, failures=unknown, trust=None, now=NOW, **configured):
    found = await check_reach(settings(public_url=url, **configured), now=now, failures=failures, trust=trust)
    return {finding.check: finding for finding in found}


def severities(found):
    return {check: finding.severity.value for check, finding in found.items()}


def trusting(ca_pem):
    context = ssl.create_default_context()
    context.load_verify_locations(cadata=ca_pem.decode())
    return context


@pytest.fixture(scope="module")
def issued():
    return WebCertificate.issue("test CA")


def written(directory, leaf, key):
    certificate, private = directory / "cert.pem", directory / "key.pem"
    certificate.write_bytes(leaf.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


class Failures:
    """Counts the requests without a good token, as the service does."""

    def __init__(self):
        self.count = 0

    def answered(self, _asked, _status, _seconds, *, has_token):
        self.count += not has_token

    async def __call__(self):
        return self.count


@asynccontextmanager
async def endpoint(tmp_path, issued=None, *, listen="127.0.0.1:0"):
    """An endpoint of ours, by TLS if there is a certificate."""
    configured = settings(listen=listen)
    if issued is not None:
        certificate, key = written(tmp_path, issued.certificate, issued.key)
        configured = settings(listen=listen, certificate=certificate, key=key)
    failures = Failures()
    async with scim_world(tmp_path / "data", configured=configured, observed_by=lambda _clock: failures) as world:
        world.failures = failures
        yield world


async def test_a_public_url_that_leads_here_by_tls_is_well(tmp_path, issued):
    async with endpoint(tmp_path, issued) as world:
        url = f"https://localhost:{world.bound.port}/scim/v2"
        found = await reach(url, failures=world.failures, trust=trusting(issued.ca_pem))
    assert severities(found) == {"public name": "note", "public TLS": "ok", "public_url": "ok"}
    assert "leads to this service" in found["public_url"].what


async def test_the_count_of_failures_reveals_another_instance(tmp_path):
    async def nothing_came():
        return 7

    async with endpoint(tmp_path) as world:
        found = await reach(f"{world.bound}/scim/v2", failures=nothing_came)
    assert found["public_url"].severity == "warning"
    assert "another instance" in found["public_url"].what


async def test_a_certificate_of_an_unknown_ca_is_shown_and_the_rest_is_checked(tmp_path, issued):
    async with endpoint(tmp_path, issued) as world:
        found = await reach(f"https://localhost:{world.bound.port}/scim/v2", failures=world.failures)
    assert severities(found) == {"public name": "note", "public TLS": "warning", "public_url": "ok"}
    assert "public CA" in found["public TLS"].remedy


async def test_a_certificate_for_another_name_is_shown_with_its_names(tmp_path, issued):
    async with endpoint(tmp_path, issued, listen="127.0.0.2:0") as world:
        found = await reach(f"{world.bound}/scim/v2", failures=world.failures, trust=trusting(issued.ca_pem))
    assert "for localhost, 127.0.0.1, ::1" in found["public TLS"].what
    assert found["public TLS"].remedy == "get a certificate for that address"
    assert found["public_url"].severity == "ok"


async def test_a_certificate_that_ends_soon_is_a_warning(tmp_path, issued):
    async with endpoint(tmp_path, issued) as world:
        url = f"https://localhost:{world.bound.port}/scim/v2"
        found = await reach(url, trust=trusting(issued.ca_pem), now=NOW + timedelta(days=355))
    assert (found["public TLS"].severity, "it expires soon" in found["public TLS"].what) == ("warning", True)


async def test_an_expired_certificate_is_shown(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=9))
        .not_valid_after(NOW - timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    async with endpoint(tmp_path, WebCertificate(leaf, key, b"")) as world:
        url = f"https://localhost:{world.bound.port}/scim/v2"
        found = await reach(url, trust=trusting(leaf.public_bytes(Encoding.PEM)))
    assert (found["public TLS"].severity, found["public TLS"].remedy) == ("warning", "renew the certificate")
    assert "expired" in found["public TLS"].what


async def test_plain_http_instead_of_tls_is_shown(tmp_path):
    async with endpoint(tmp_path) as world:
        found = await reach(f"https://127.0.0.1:{world.bound.port}/scim/v2")
    assert "public_url" not in found
    assert "the TLS handshake failed" in found["public TLS"].what


async def test_a_name_without_an_address_ends_the_check():
    found = await reach("https://nobody.invalid/scim/v2")
    assert severities(found) == {"public name": "warning"}


async def test_a_port_without_a_listener_is_shown(unused_tcp_port):
    found = await reach(f"http://127.0.0.1:{unused_tcp_port}/scim/v2")
    assert "cannot be reached" in found["public_url"].what
    found = await reach(f"https://127.0.0.1:{unused_tcp_port}/scim/v2")
    assert "nothing answers there" in found["public TLS"].what


async def test_a_server_that_sends_nothing_is_not_waited_for_long(monkeypatch):
    monkeypatch.setattr(scim_reach, "_STEP", 0.1)

    async def say_nothing(_reader, _writer):  # from Python 3.13 on, a writer that nobody holds is closed
        await asyncio.sleep(60)

    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(10):
        plain, tls = await reach(f"http://127.0.0.1:{port}/x"), await reach(f"https://127.0.0.1:{port}/x")
    server.close()
    assert "took too long" in plain["public_url"].what
    assert tls["public TLS"].severity == "warning"


async def test_an_endless_answer_is_not_read_to_its_end():
    sent = []

    async def endless(request):
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b"x" * 65_536)
                sent.append(65_536)
        return response

    async with RawTestServer(endless) as server, asyncio.timeout(10):
        found = await reach(f"http://localhost:{server.port}/scim/v2")
    assert severities(found)["public_url"] == "warning"
    assert sum(sent) < 16 * 1024 * 1024


async def test_no_token_is_sent_and_no_redirect_followed():
    async def answer(request):
        seen.append((request.path, request.headers.get("Authorization")))
        raise web.HTTPFound("https://elsewhere.example.com/scim/v2")

    seen = []
    async with RawTestServer(answer) as other:
        found = await reach(f"http://127.0.0.1:{other.port}/scim/v2", token_hash="$2b$04$" + "a" * 53)
    assert seen == [("/scim/v2/ServiceProviderConfig", None)]
    assert "to https://elsewhere.example.com/scim/v2, which Okta does not follow" in found["public_url"].what


@pytest.mark.parametrize(
    ("answer", "counted", "severity", "words"),
    [
        (Answer(401, SCIM_401, OURS), True, "ok", "leads to this service"),
        (Answer(401, SCIM_401, OURS), None, "ok", "leads to this service"),
        (Answer(429, SCIM_401), True, "ok", "leads to this service"),
        (Answer(401, SCIM_401), True, "ok", "leads to this service"),
        (Answer(401, SCIM_401, OURS), False, "warning", "another instance"),
        (Answer(401, SCIM_401), None, "warning", "a SCIM endpoint of another kind"),
        (Answer(401, "<html>"), True, "warning", "a login of its own"),
        (Answer(403, "<html>"), False, "warning", "a login of its own"),
        (Answer(404, "<html>"), False, "warning", "the path does not lead"),
        (Answer(502, "<html>"), False, "warning", "does not reach this service"),
        (Answer(308, location="/elsewhere"), False, "warning", "to /elsewhere"),
        (Answer(200, "<html>"), False, "warning", "something else, which answers 200"),
        ("it took too long", False, "warning", "cannot be reached"),
    ],
)
def test_answers_at_the_public_url(answer, counted, severity, words):
    finding = of_answer(URL("https://scim.example.com/scim/v2"), answer, counted=counted)
    assert (finding.severity.value, words in finding.what) == (severity, True)


@pytest.mark.parametrize(
    ("addresses", "severity"),
    [((), "warning"), (("127.0.0.1", "::1"), "note"), (("10.0.0.7",), "note"), (("10.0.0.7", "93.184.215.14"), "ok")],
)
def test_a_name_by_where_it_leads(addresses, severity):
    assert of_addresses("scim.example.com", addresses).severity == severity


@pytest.mark.parametrize(
    ("path", "is_served"),
    [
        ("/scim/v2", True),
        ("/v1/webapi/scim/okta", True),
        ("/scim", False),
        ("/v1/webapi/scim/other", False),
        ("", False),
    ],
)
def test_a_path_that_is_not_served_is_shown(path, is_served):
    configured = settings(public_url=f"https://scim.example.com{path}")
    assert (list(of_path(configured, URL(configured.public_url))) == []) is is_served


async def test_plain_http_beside_https_is_shown(monkeypatch, issued):
    """The ports 443 and 80 cannot be had in a test, so what is asked is answered here."""

    async def asked(url, _tls, *, within):
        return Answer(401, SCIM_401, OURS)

    async def handshake(*_):
        return scim_reach.Handshake(issued.certificate)

    monkeypatch.setattr(scim_reach, "_asked", asked)
    monkeypatch.setattr(scim_reach, "_handshake", handshake)
    found = await reach("https://localhost/scim/v2")
    assert found["plain HTTP"].severity == "warning"
    assert "plain HTTP" not in await reach("https://localhost:8443/scim/v2")
