"""No secret leaves the product except to its peer: not in logs, state, metrics, status, errors or tracebacks.

Every secret is a canary (`canaries`): API token, private key of the service app, access tokens, assertions, DPoP proofs
and their key, join token, pod token, host and bot private keys, the HTTP proxy's password. Error paths are driven by
the fault sweep's troubles, and by what administrators get wrong. Whatever comes of it is searched: the log at debug in
both layouts, without the blotting out of known secrets that the service adds; tracebacks with all their causes;
reports, status and plans as JSON; metrics; the data directory to the last byte, but for the identity that it is for.

What real processes show is searched in `tests/e2e/test_e2e_secrets.py`, what becomes of secrets at the wrong keys of
the configuration in `tests/unit/config/test_config_secrets.py`.

Sampling: one trouble of every kind. SECRETS_SWEEP=2 tries two, and so on.
"""

from __future__ import annotations

import json
import logging
import os
import random
import shutil
import traceback
from contextlib import asynccontextmanager
from types import SimpleNamespace
from urllib.parse import quote

import grpc
import pytest
from canaries import Canaries, durable
from cluster_world import WayIn, pod_token
from contract.sync.office import built_office
from contract.sync.sweep_performance import Performance, cast, perform_all
from contract.sync.sweep_space import each, moments_of
from contract.sync.sweep_story import HOUR, TELLINGS
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey
from prometheus_client import generate_latest
from teleport_okta import __version__
from teleport_okta.errors import TeleportOktaError
from teleport_okta.observe import logs
from teleport_okta.okta.okta_errors import PrivateKeyError
from teleport_okta.okta.private_key import read_private_key
from teleport_okta.okta.transport import HttpTransport
from teleport_okta.sandbox.okta.http_proxy import HttpProxy
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.sync.engine import Engine
from teleport_okta.sync.status import status_of_store
from teleport_okta.teleport.pod_token import PATH_VARIABLE, read_pod_token

OF_EACH_KIND = int(os.environ.get("SECRETS_SWEEP", "1"))
"""The number of troubles of a kind."""


@pytest.fixture
def canaries(monkeypatch):
    """Canaries that know what is sent and made; no token of one world is some harmless id of another."""
    monkeypatch.setattr("cluster_world.random", SimpleNamespace(Random=lambda _seed: random.SystemRandom()))
    canaries = Canaries()
    canaries.follow(monkeypatch)
    return canaries


@pytest.fixture
def search(canaries):
    return Search(canaries)


@pytest.fixture
def log(tmp_path):
    """The log at level debug, in both layouts, without redaction."""
    root, product = logging.getLogger(), logging.getLogger(logs.ROOT)
    before = list(root.handlers), root.level, product.level
    handlers = []
    for layout in ("text", "json"):
        logs.set_up(output=str(tmp_path / f"log.{layout}"), severity="debug", layout=layout)
        handlers += root.handlers
    root.handlers[:] = handlers
    yield lambda: "".join((tmp_path / f"log.{layout}").read_text() for layout in ("text", "json"))
    for handler in handlers:
        handler.close()
    root.handlers[:], level, product_level = before
    root.setLevel(level)
    product.setLevel(product_level)


class Search:
    """Searches texts for canaries, and records where it found them."""

    def __init__(self, canaries):
        self.canaries = canaries
        self.leaks = set()

    def look(self, where, *texts):
        for text in texts:
            self.leaks |= {f"{what} in {where}" for what in self.canaries.found_in(text)}

    def look_at_error(self, error):
        """An error as a terminal, a log and a debugger would show it, logged as an unforeseen one would be."""
        trace = "".join(traceback.format_exception(error))
        self.look("a traceback", trace)
        self.look("an error", str(error), repr(error), repr(vars(error)), getattr(error, "remedy", ""))
        logging.getLogger(f"{logs.ROOT}.canary").error("failed", exc_info=error)

    def look_at_world(self, world):
        """Search everything that a process shows and stores for the secrets that it has now."""
        self._add_secrets_of(world)
        self.look("the metrics", generate_latest(world.parts.metrics.registry))
        self.look("what names settings and identities", repr(world.settings), repr(vars(world.parts.teleport)))
        for path, content in durable(world.settings.storage.data_dir).items():
            self.look(path, content)

    def _add_secrets_of(self, world):
        settings = world.settings
        if settings.okta.api_token is not None:
            self.canaries.add("API token", settings.okta.api_token.get_secret_value())
        if settings.okta.private_key is not None:
            self.canaries.add_key("service app's key", settings.okta.private_key.read_text())
        self.canaries.add("join token", world.teleport.join_token)
        self.canaries.add_key("bot key", world.teleport.identity_path.read_text())
        for path in (settings.storage.data_dir / "host").glob("identity*"):
            self.canaries.add_key("host key", path.read_text())
        if settings.teleport.join_method == "kubernetes":
            self.canaries.add_jwt("pod token", read_pod_token())


def sample(troubles):
    """Some troubles of every kind, no two of a kind at one call."""
    by_fault = {}
    for trouble in troubles:
        by_fault.setdefault(trouble.fault, []).append(trouble)
    return [trouble for of_kind in by_fault.values() for trouble in of_kind[:: -(-len(of_kind) // OF_EACH_KIND)]]


async def test_a_product_that_logs_and_keeps_what_it_sends_is_caught(tmp_path, monkeypatch, search, log):
    send = HttpTransport.send

    async def careless(transport, request):
        logging.getLogger(f"{logs.ROOT}.okta").debug("sending %s", dict(request.headers))
        return await send(transport, request)

    async with secret_world(search, tmp_path) as world:
        monkeypatch.setattr(HttpTransport, "send", careless)
        await world.run()
        token = world.settings.okta.api_token.get_secret_value()
        await world.parts.store.remember_plan("0123456789abcdef", [f"refused {token}"], at=world.clock.now())
    search.look("the log", log())
    assert {"API token in the log", "API token in state.db-wal"} <= search.leaks


@pytest.mark.timeout(600)
async def test_no_secret_turns_up_whatever_call_fails(tmp_path, monkeypatch, search, log):
    def look(play, attempt):
        search.look_at_world(play.world)
        if attempt.error is not None:
            search.look_at_error(attempt.error)
        elif attempt.report is not None:
            search.look("a report", json.dumps(attempt.report.as_json(), default=str))

    whole = [Performance(telling, look=look) for telling in TELLINGS]
    for number, performance in enumerate(whole):
        await performance.perform(tmp_path / f"whole{number}", monkeypatch)
    performances = cast(sample(each(moments_of(whole))))
    for performance in performances:
        performance.look = look
    await perform_all(performances, tmp_path, monkeypatch)
    search.look("the log", log())
    assert "; retry 1 in " in log()
    assert search.leaks == set()
    assert search.canaries.kinds == {
        "API token", "DPoP token", "DPoP proof", "DPoP key", "assertion", "service app's key", "join token", "host key",
        "bot key",
    }  # fmt: skip


@asynccontextmanager
async def secret_world(search, directory, **details):
    """A world whose secrets are watched out for, with a person, a group and an app in it; what it keeps is searched.

    That is done at its beginning and at its end.
    """
    async with built_office(directory, **details) as office:
        search.look_at_world(office.world)
        office.app("Figma", "ada@x.io", groups=[office.group("Looms", "ada@x.io")])
        yield office.world
        search.look_at_world(office.world)


async def failing(search, command):
    """Await a call that must fail, and search its error."""
    with pytest.raises(TeleportOktaError) as caught:
        await command
    search.look_at_error(caught.value)
    return caught.value


async def test_views_of_a_world_that_is_well(tmp_path, search, log):
    async with secret_world(search, tmp_path) as world:
        search.look("a plan", json.dumps((await world.parts.full_pass.plan()).as_json(), default=str))
        report = await world.run()
        search.look("a report", json.dumps(report.as_json(), default=str))
        status = await status_of_store(world.parts.store, __version__)
        search.look("the status", json.dumps(status.as_json(), default=str), repr(status))
        history = await world.parts.store.journal.history(limit=100)
        search.look("the history", repr(history))
        assert history
    search.look("the log", log())
    assert search.leaks == set()


@pytest.mark.parametrize(
    ("credential", "what"), [("SSWS", "API token"), ("private_key_jwt", "Bearer token"), ("DPoP", "DPoP token")]
)
async def test_a_credential_that_okta_refuses(tmp_path, search, log, credential, what):
    async with secret_world(search, tmp_path, way=WayIn(credential=credential)) as world:
        await world.run()
        assert what in search.canaries.kinds
        if credential == "SSWS":
            world.okta.revoke_token()
        else:
            other = ec.generate_private_key(ec.SECP256R1())
            pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            world.settings.okta.private_key.write_bytes(pem)
            await world.restart()
        search.look_at_world(world)
        await failing(search, world.run())
    search.look("the log", log())
    assert search.leaks == set()


@pytest.mark.parametrize("by", ["direct", "proxy", "balancer"])
@pytest.mark.parametrize("join", ["token", "kubernetes"])
@pytest.mark.parametrize("words", ["wrong", "{token} {pod_token} is wrong"])
async def test_a_join_that_is_refused_even_in_words_that_repeat_the_token(
    tmp_path, monkeypatch, search, log, by, join, words
):
    monkeypatch.setenv(PATH_VARIABLE, str(pod_token(tmp_path)))
    async with secret_world(search, tmp_path, way=WayIn(by=by, join=join)) as world:
        assert ("pod token" in search.canaries.kinds) == (join == "kubernetes")
        pod = pod_token(tmp_path).read_text() if join == "kubernetes" else ""
        message = words.format(token=world.settings.teleport.join_token.get_secret_value(), pod_token=pod)
        for call in ("*/RegisterUsingToken", "*/host/credentials"):
            world.teleport.faults.add(Fault(call, grpc.StatusCode.PERMISSION_DENIED, message=message))
        await world.process.aclose()
        shutil.rmtree(world.settings.storage.data_dir / "host")
        await failing(search, world.restart())
        world.teleport.faults.clear()
        await world.restart()
    search.look("the log", log())
    assert search.leaks == set()


TORN = {
    "empty": lambda key, rest: "",
    "half": lambda key, rest: (key + rest)[: len(key + rest) // 2],
    "no key": lambda key, rest: rest,
    "key alone": lambda key, rest: key,
    "backwards": lambda key, rest: key[::-1],
}


@pytest.mark.parametrize("torn", TORN)
@pytest.mark.parametrize("whose", ["bot", "host"])
async def test_an_identity_file_that_is_damaged(tmp_path, search, log, whose, torn):
    async with secret_world(search, tmp_path) as world:
        host = world.settings.storage.data_dir / "host" / "identity"
        path = world.teleport.identity_path if whose == "bot" else host
        await world.process.aclose()
        whole = path.read_text()
        before, end, rest = whole.partition("-----END PRIVATE KEY-----\n")
        path.write_text(TORN[torn](before + end, rest))
        if whose == "host":
            await failing(search, world.restart())
        else:
            await world.restart()
            search.look("the state of the identities", repr(world.parts.teleport.identities(world.clock.now())))
        path.write_text(whole)
        await world.restart()
    search.look("the log", log())
    assert search.leaks == set()


DAMAGES = {
    "cut off": lambda pem, jwk: pem[: len(pem) * 2 // 3],
    "lines exchanged": lambda pem, jwk: "\n".join(reversed(pem.splitlines())),
    "no frame": lambda pem, jwk: "".join(pem.splitlines()[1:-1]),
    "both forms": lambda pem, jwk: pem + json.dumps(jwk),
    "a JWK cut off": lambda pem, jwk: json.dumps(jwk)[:-9],
    "a JWK whose numbers do not belong together": lambda pem, jwk: json.dumps({**jwk, "x": jwk["d"]}),
    "a JWK of another kind": lambda pem, jwk: json.dumps({**jwk, "kty": jwk["d"]}),
    "a JWK of another curve": lambda pem, jwk: json.dumps({**jwk, "crv": jwk["d"]}),
    "a JWK that wants another algorithm": lambda pem, jwk: json.dumps({**jwk, "alg": jwk["d"]}),
    "a JWK without its public half": lambda pem, jwk: json.dumps({"kty": "EC", "d": jwk["d"]}),
    "a set of several": lambda pem, jwk: json.dumps({"keys": [jwk, jwk]}),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_key_file_that_is_damaged(tmp_path, search, damage):
    key = ECKey.generate_key("P-256")
    pem, jwk = key.as_pem(private=True).decode(), key.as_dict(private=True)
    search.canaries.add_key("service app's key", pem)
    search.canaries.add("service app's key", jwk["d"])
    path = tmp_path / "key"
    path.write_text(DAMAGES[damage](pem, jwk))
    with pytest.raises(PrivateKeyError) as caught:
        read_private_key(path)
    search.look_at_error(caught.value)
    assert search.leaks == set()


@pytest.mark.parametrize("okta_by", ["http", "https"])
@pytest.mark.parametrize("trouble", ["none", "wrong password", "refused", "gone", "no such URL"])
async def test_an_http_proxy_with_a_password(tmp_path, monkeypatch, search, log, okta_by, trouble):
    password = "canary/of+the?proxy's:password"
    search.canaries.add("HTTP proxy's password", password)
    search.canaries.add("HTTP proxy's password", quote(password, safe=""))
    variable = f"{okta_by.upper()}_PROXY"
    async with HttpProxy(credentials=("ada", "other" if trouble == "wrong password" else password)) as proxy:
        port = {"gone": 1, "no such URL": "none"}.get(trouble, proxy.port)
        monkeypatch.delenv(variable.lower(), raising=False)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        async with secret_world(search, tmp_path, way=WayIn(okta_by=okta_by)) as world:
            monkeypatch.setenv(variable, f"http://ada:{quote(password, safe='')}@127.0.0.1:{port}")
            if trouble == "refused":
                proxy.refuse(world.settings.okta.org_url.partition("://")[2])
            if trouble == "no such URL":
                await failing(search, world.restart())
            else:
                await world.restart()
                await (failing(search, world.run()) if trouble != "none" else world.run())
            monkeypatch.delenv(variable)
            await world.restart()
    search.look("the log", log())
    assert search.leaks == set()


async def test_a_failure_that_nobody_foresaw(tmp_path, monkeypatch, search, log):
    async with secret_world(search, tmp_path) as world:
        monkeypatch.setattr(world.parts.teleport.users, "list", lambda: {}["unforeseen"])
        engine = Engine(full_pass=world.parts.full_pass, store=world.parts.store, clock=world.clock, interval=HOUR)
        await engine._scheduled_pass("start")
        search.look("the status", json.dumps((await engine.status()).as_json(), default=str))
    assert "KeyError: 'unforeseen'" in log()
    search.look("the log", log())
    assert search.leaks == set()
