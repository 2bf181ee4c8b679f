"""The proxy's web API (`docs/reference/teleport.md` 1.4 and 2.4, `docs/reference/teleport-observed.md` 2 and 4)."""

from base64 import b64decode, b64encode

import aiohttp
import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf.empty_pb2 import Empty
from teleport_okta.sandbox.teleport import Fault
from teleport_okta.sandbox.teleport.identity_file import private_key_pem
from teleport_okta.sandbox.teleport.proxy_web import join_request
from teleport_okta.sandbox.teleport.refusal import Refusal
from tls_clients import client_context


@pytest.fixture
def proxy_listen():
    return ("127.0.0.1", 0)


@pytest.fixture
async def web(sandbox):
    """An HTTPS client of the proxy that trusts its CA."""
    context = client_context(ca=sandbox.proxy_ca_path.read_bytes())
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(f"https://{sandbox.proxy_address}", connector=connector) as session:
        yield session


@pytest.fixture
def key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def request_of(sandbox, key):
    """The body of a join, as a joining service sends it."""

    def build(**fields):
        tls = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        ssh = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return {
            "hostID": "sidecar-1",
            "node_name": "sidecar",
            "role": "Okta",
            "token": sandbox.join_token,
            "public_tls_key": b64encode(tls).decode(),
            "public_ssh_key": b64encode(ssh).decode(),
            **fields,
        }

    return build


async def error_of(reply):
    return reply.status, (await reply.json())["error"]["message"]


@pytest.mark.parametrize("path", ["/webapi/find", "/v1/webapi/find"])
async def test_find_has_the_facts_for_a_connection(web, sandbox, path):
    async with web.get(path) as reply:
        found = await reply.json()
    assert (found["cluster_name"], found["edition"], found["fips"]) == ("sandbox.teleport.test", "ent", False)
    assert (found["server_version"], found["min_client_version"]) == ("18.1.3", "17.0.0-aa")
    assert found["proxy"]["tls_routing_enabled"] is True
    assert {found["proxy"]["ssh"][name] for name in ("listen_addr", "tunnel_listen_addr", "public_addr")} == {
        sandbox.proxy_address
    }


async def test_ping_adds_how_people_log_in(web):
    async with web.get("/webapi/find") as found, web.get("/webapi/ping") as ping:
        before, after = await found.json(), await ping.json()
    assert (before.pop("auth")["type"], after.pop("auth")["type"]) == ("", "local")
    assert before == after


async def test_edition_and_version_are_those_of_the_cluster(start):
    async with start(edition="oss", version="17.5.2") as sandbox, aiohttp.ClientSession() as session:
        context = client_context(ca=sandbox.proxy_ca_path.read_bytes())
        async with session.get(f"https://{sandbox.proxy_address}/webapi/find", ssl=context) as reply:
            found = await reply.json()
    assert (found["edition"], found["server_version"], found["min_client_version"]) == ("oss", "17.5.2", "16.0.0-aa")


@pytest.mark.parametrize("path", ["/webapi/host/credentials", "/v1/webapi/host/credentials"])
async def test_a_service_joins_over_https(web, sandbox, connect, request_of, key, path):
    async with web.post(path, json=request_of()) as reply:
        answer = await reply.json()
    assert sorted(answer) == ["ssh", "ssh_ca_certs", "tls", "tls_ca_certs"]
    assert [b64decode(pem) for pem in answer["tls_ca_certs"]] == [sandbox.issuer.host.pem]
    certificate = b64decode(answer["tls"])
    assert x509.load_pem_x509_certificate(certificate).public_key() == key.public_key()
    host = connect(sandbox, private_key_pem(key) + certificate)
    assert (await host.auth.GetDomainName(Empty())).DomainName == sandbox.cluster.name


async def test_a_wrong_token_is_forbidden(web, request_of):
    async with web.post("/webapi/host/credentials", json=request_of(token="wrong")) as reply:
        assert await error_of(reply) == (
            403,
            '"sidecar" can not join the cluster with role "Okta", token expired or not found',
        )


async def test_a_role_that_the_token_lacks_is_a_bad_request(web, request_of):
    async with web.post("/webapi/host/credentials", json=request_of(role="Node")) as reply:
        assert await error_of(reply) == (
            400,
            'node "sidecar" [sidecar-1] can not join the cluster, the token does not allow "Node" role',
        )


@pytest.mark.parametrize("body", ["", "{", "[]", '{"token": 5}', '{"public_tls_key": "%"}'])
async def test_a_body_that_is_no_join_request_is_a_bad_request(web, body):
    async with web.post("/webapi/host/credentials", data=body) as reply:
        assert (await error_of(reply))[0] == 400


async def test_a_service_joins_over_https_with_the_token_of_its_pod(web, sandbox, request_of):
    sandbox.administrator.create_kubernetes_token("pods", ["Okta"], ["teleport:okta"])
    pod = sandbox.cluster.kubernetes.service_account_token("teleport:okta", audience=sandbox.cluster.name)
    async with web.post("/webapi/host/credentials", json=request_of(token="pods", id_token=pod)) as joined:
        assert joined.status == 200
    async with web.post("/webapi/host/credentials", json=request_of(token="pods")) as refused:
        assert await error_of(refused) == (400, "IDToken not provided for Kubernetes join request")


def test_unknown_fields_of_a_join_request_are_ignored():
    request = join_request({"token": "t", "dns_names": ["a", "b"], "unheard_of": 1, "remote_addr": None})
    assert (request.Token, list(request.DNSNames), request.RemoteAddr) == ("t", ["a", "b"], "")


def test_a_join_request_with_bytes_that_are_no_base64_is_refused():
    with pytest.raises(Refusal, match="failed to parse"):
        join_request({"public_ssh_key": "not base64!"})


@pytest.mark.parametrize("path", ["/", "/webapi", "/webapi/sites", "/v2/webapi/find", "/webapi/connectionupgrade"])
async def test_a_missing_object_is_not_found(web, path):
    async with web.get(path) as reply:
        assert (await error_of(reply))[0] == 404


async def test_discovery_answers_while_the_auth_server_is_down_and_joining_does_not(start, request_of, sandbox, web):
    answers = []

    async def while_down(_seconds):
        async with web.get("/webapi/find") as found, web.post("/webapi/host/credentials", json=request_of()) as joined:
            answers.extend([found.status, joined.status])

    sandbox._sleep = while_down
    await sandbox.restart_auth(down_for=5)
    assert answers == [200, 504]


async def test_requests_are_counted_and_meet_faults_like_calls(web, sandbox):
    sandbox.faults.add(Fault("/webapi/find", code=grpc.StatusCode.RESOURCE_EXHAUSTED, message="slow down", count=1))
    async with web.get("/webapi/find") as limited, web.get("/v1/webapi/find") as answered:
        assert await error_of(limited) == (429, "slow down")
        assert answered.status == 200
    assert sandbox.calls.of("/webapi/find") == 2


@pytest.mark.parametrize(("applied", "joins"), [(False, 0), (True, 1)])
async def test_a_fault_may_cut_the_connection_before_or_after_the_join(web, sandbox, request_of, applied, joins):
    issued = []
    issue = sandbox.proxy.join.register_using_token
    sandbox.proxy.join.register_using_token = lambda call, request: issued.append(issue(call, request)) or issued[-1]
    sandbox.faults.add(Fault("/webapi/host/credentials", reset=True, applied=applied, count=1))
    with pytest.raises(aiohttp.ClientError):
        await web.post("/webapi/host/credentials", json=request_of())
    assert len(issued) == joins
