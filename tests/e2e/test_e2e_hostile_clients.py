"""Hostile clients at every door of a service that may have few files open, while somebody leaves the company.

Each door gets as many clients as the service may have descriptors in all. Their number is fixed, none comes back, and
all are gone with the test.
"""

from __future__ import annotations

import resource
import signal
import socket
import ssl
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
from processes import PATIENCE, Sandbox, installation_of
from teleport_okta.sandbox.web_certificate import WebCertificate
from unit.scim.certificate_files import CertificateFiles
from waiting import eventually

DESCRIPTORS = 1024
"""What the service may have open: the usual limit of a shell, and that of systemd."""

EACH = 205
"""Clients of a kind at a door, so that each door has as many as the service may have descriptors."""

REQUEST = b"GET /readyz HTTP/1.1\r\nHost: x\r\n"
KINDS = {
    "silent": b"",
    "slow": REQUEST + b"X-Slow: ",
    "huge": REQUEST + b"X-Huge: " + b"x" * 300_000,
    "busy": b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
    "garbage": bytes(range(256)) * 40,
}

EACH_OVER_TLS = 50
"""Clients of a kind that finish the handshake: all kinds together are more than the endpoint's connections."""

WITH_BODY = b"POST /scim/v2/Users HTTP/1.1\r\nHost: x\r\nContent-Type: application/scim+json\r\n"
KINDS_OVER_TLS = {
    "silent": b"",
    "slow": REQUEST + b"X-Slow: ",
    "slow body": WITH_BODY + b"Content-Length: 100000\r\n\r\n{",
    "wrong token": WITH_BODY + b"Authorization: Bearer wrong\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n{",
    "huge": REQUEST + b"X-Huge: " + b"x" * 300_000,
    "busy": b"GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
}


@pytest.fixture
def doors(tmp_path, unused_tcp_port_factory):
    """A service with every door open, reached through the proxy; returns its parts, addresses and SCIM token."""
    okta = Sandbox.started("okta", "--users", 5, "--dir", tmp_path / "okta")
    teleport = Sandbox.started("teleport", "--no-lag", "--dir", tmp_path / "teleport")
    files = CertificateFiles(tmp_path)
    certificate = WebCertificate.issue("hostile", ["127.0.0.1"])
    files.write(certificate, certificate)
    ports = {name: unused_tcp_port_factory() for name in ("metrics", "scim", "serve")}
    installation = installation_of(tmp_path, okta, teleport)
    installation.sections["teleport"] |= {"addr": teleport.line["proxy"], "proxy_ca": teleport.line["proxy_ca"]}
    installation.sections |= {
        "metrics": {"listen": f"127.0.0.1:{ports['metrics']}"},
        "scim": {
            "listen": f"127.0.0.1:{ports['scim']}",
            "public_url": "https://scim.example.com/scim/v2",
            **files.keys,
        },
        "serve": {"listen": f"127.0.0.1:{ports['serve']}", **files.keys},
    }
    with ExitStack() as stack:
        stack.callback(teleport.stop)
        stack.callback(okta.stop)
        issued = installation.run("scim-token", "new")
        assert issued.returncode == 0
        service = installation.start()
        stack.callback(ended, service)
        eventually(lambda: ready(("127.0.0.1", ports["metrics"])) == 200, "it is ready")
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
        data = Path(installation.sections["storage"]["data_dir"])
        addresses = {name: ("127.0.0.1", port) for name, port in ports.items()}
        addresses |= {"admin": str(data / "admin.sock"), "forwarder": str(next((data / "run").glob("*/h2")))}
        yield installation, okta, teleport, service, addresses, issued.stdout.strip()


def ended(service):
    service.send_signal(signal.SIGTERM)
    with suppress(TimeoutError):
        service.wait(PATIENCE)


def ready(address, path="/readyz"):
    """The status of an answer of the address for monitoring; 0 where none comes."""
    try:
        with urllib.request.urlopen("http://{}:{}{}".format(*address, path), timeout=10) as answer:
            answer.read()
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def unverified():
    """TLS settings of a client that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def scim_status(address, token):
    """The status of an answer over HTTPS to the client that has the token."""
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request("https://{}:{}/scim/v2/Users".format(*address), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10, context=unverified()) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def speaks_tls(address):
    """Whether a handshake succeeds."""
    try:
        with socket.create_connection(address, timeout=5) as plain, unverified().wrap_socket(plain):
            return True
    except OSError:
        return False


@contextmanager
def besieged(addresses):
    """Keep clients of every kind connected to every door until the block ends; nobody waits for an answer."""
    with ExitStack() as stack:
        for sent in KINDS.values():
            for address in addresses.values():
                for _ in range(EACH):
                    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
                    client = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
                    client.settimeout(5)
                    with suppress(OSError):
                        client.connect(address)
                        client.setblocking(False)
                        client.send(sent)
        context = unverified()
        for sent in KINDS_OVER_TLS.values():
            for _ in range(EACH_OVER_TLS):
                with suppress(OSError):
                    plain = stack.enter_context(socket.create_connection(addresses["scim"], timeout=5))
                    client = stack.enter_context(context.wrap_socket(plain))
                    client.setblocking(False)
                    client.send(sent)
        yield


def synced(teleport):
    """Names of users who come from Okta."""
    names = [user["Metadata"]["Name"] for user in teleport.control("GET", "/users")]
    return [name for name in names if "@" in name and not name.startswith("@")]


def test_a_leaver_leaves_and_everybody_else_is_answered(doors):
    installation, okta, teleport, service, addresses, token = doors
    login = eventually(lambda: synced(teleport), "people are users")[0]
    with besieged(addresses):
        okta.control("POST", f"/users/{login}/deactivate")
        eventually(lambda: login in str(teleport.control("GET", "/locks")), "the leaver is locked", within=PATIENCE / 3)
        assert ready(addresses["metrics"]) == 200
        assert ready(addresses["metrics"], "/metrics") == 200
        assert scim_status(addresses["scim"], token) == 200
        assert installation.run("status", "--live").returncode == 0
        assert len(list(Path(f"/proc/{service.pid}/fd").iterdir())) < DESCRIPTORS
    eventually(lambda: speaks_tls(addresses["serve"]), "gRPC is answered", within=PATIENCE / 3)
    assert "Too many open files" not in installation.log
    assert "Traceback" not in installation.log


def test_before_the_cluster_is_reached_it_is_alive_and_not_ready(tmp_path, okta, unused_tcp_port):
    teleport = Sandbox.started("teleport", "--no-lag", "--dir", tmp_path / "teleport")
    installation = installation_of(tmp_path, okta, teleport)
    address = "127.0.0.1", unused_tcp_port
    installation.sections["metrics"] = {"listen": f"127.0.0.1:{unused_tcp_port}"}
    try:
        assert installation.run("apply").returncode == 0
    finally:
        teleport.stop()
    service = installation.start()
    try:
        eventually(lambda: ready(address, "/livez") == 200, "it is alive")
        assert ready(address) == 503
        assert ready(address, "/metrics") == 200
    finally:
        ended(service)
