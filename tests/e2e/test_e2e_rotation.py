"""Certificates that live for seconds, a CA rotation, outages and refusals, all under a running service, in real time.

The service must not notice. Whatever is renewed is renewed while passes run and calls are in flight; the servers
refuse what has expired on every new connection, and cut open ones off at that very moment. Pauses are short here
(`Hurried`), dates are real, so that a quarter of a minute holds what otherwise takes a day.
"""

from __future__ import annotations

import asyncio
import gc
from collections import Counter, defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import pytest
from cluster_world import WayIn, World, built_world
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from teleport.legacy.client.proto import authservice_pb2, authservice_pb2_grpc
from teleport.users.v1 import users_service_pb2
from teleport_okta import app
from teleport_okta.clock import SystemClock
from teleport_okta.sandbox.teleport.presets import BOT_USER
from teleport_okta.sync.engine import Engine
from teleport_okta.teleport.host_identity import HostStore
from teleport_okta.teleport.route import find_route

BOT_RENEWALS = 36
BOT_LIFE = timedelta(seconds=4)
HOST_LIFE = timedelta(seconds=33)
"""Renewed every two seconds: a certificate begins a minute in the past, so these are old from the start."""

BETWEEN_PASSES = timedelta(seconds=0.5)

PATIENCE = 15.0
"""Seconds for what has to happen by itself."""

GET_BOT = users_service_pb2.GetUserRequest(name=BOT_USER)


class Hurried(SystemClock):
    """The machine's clock for somebody whose every pause is a twentieth as long as it should be."""

    async def sleep(self, seconds):
        await asyncio.sleep(max(0.0, seconds) / 20)


@dataclass
class Service:
    """A running service, and what has been seen of it."""

    world: World
    engine: Engine
    passes: list = field(default_factory=list)
    bots_taken: int = 0
    calls: Counter = field(default_factory=Counter)
    shown: defaultdict = field(default_factory=lambda: defaultdict(set))
    hired: dict = field(default_factory=dict)
    fired: set = field(default_factory=set)

    @property
    def host(self):
        return self.world.parts.teleport.host.identity

    @property
    def held(self):
        """Whatever would pile up if something were forgotten: file descriptors, tasks, connections at either end."""
        gc.collect()
        proxies = [self.world.teleport.proxy] if self.world.settings.teleport.proxy_ca else []
        return {
            "descriptors": len(list(Path("/proc/self/fd").iterdir())),
            "tasks": len(asyncio.all_tasks()),
            "auth connections": self.world.teleport.open_connections,
            "proxy connections": sum(proxy.open_connections for proxy in proxies),
            "sockets": len(list((self.world.settings.storage.data_dir / "run").iterdir())),
        }


@asynccontextmanager
async def running(directory, way):
    """A service in a world of short lives, and its first pass."""
    settings = {
        "teleport": {"refresh_identity_interval": "1s"},
        "okta": {"rate_limit_share": 1.0},
        "sync": {"interval": "10s"},
        "brake": {"absent_ratio": 1.0, "stated_ratio": 1.0},
    }
    cluster = {"sleep": asyncio.sleep, "host_certificate_lifetime": HOST_LIFE, "disconnect_expired": True}
    async with built_world(directory, way=way, settings=settings, clock=Hurried(), cluster=cluster) as world:
        world.okta.limiter.share = 100
        engine = Engine(
            full_pass=world.parts.full_pass,
            store=world.parts.store,
            clock=world.clock,
            interval=BETWEEN_PASSES,
        )
        service = Service(world, engine)
        witness(service)
        async with app.with_background_tasks(world.parts):
            working = asyncio.ensure_future(engine.run())
            try:
                await until(lambda: service.passes, "the first pass")
                yield service
            finally:
                engine.stop()
                await working


def witness(service):
    """Note every pass as it ends, well or not, and every bot identity that is taken."""
    full_pass, teleport = service.world.parts.full_pass, service.world.parts.teleport
    run, take_bot = full_pass.run, teleport.take_bot

    async def seen_run(**details):
        try:
            service.passes.append(await run(**details))
        except Exception as error:
            service.passes.append(error)
            raise
        return service.passes[-1]

    async def seen_take_bot(identity):
        await take_bot(identity)
        service.bots_taken += 1

    full_pass.run, teleport.take_bot = seen_run, seen_take_bot


async def ask_side_by_side(service):
    """Let Okta be asked by as many connections as reads by id ever open: they stay open for the next calls."""
    read = service.world.parts.okta.people.person_of_organization
    for _ in range(2):
        await asyncio.gather(*(read("00uNOBODY") for _ in range(8)))


async def until(condition, what):
    """Wait for something that happens by itself."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


async def renew_the_bot(service):
    """Rewrite the file again and again; two times of three it is torn for a while before it is whole."""
    for _, torn in zip(range(BOT_RENEWALS), cycle(("empty", "half", None)), strict=False):
        if torn is not None:
            service.world.teleport.renew_bot(torn=torn)
            await asyncio.sleep(0.08)
        service.world.teleport.renew_bot(lifetime=BOT_LIFE)
        await asyncio.sleep(0.25)
    service.world.teleport.renew_bot()


async def rotate_the_ca(service):
    """An administrator's rotation, in the middle of which the auth server restarts."""
    teleport = service.world.teleport
    old = teleport.issuer.host_ca
    await asyncio.sleep(2)
    teleport.administrator.rotate("init")
    await until(lambda: len(service.host.ca_pems) == 2, "both CAs are trusted")
    teleport.administrator.rotate("update_clients", refuse_new_for=3)
    await asyncio.sleep(1)
    await teleport.restart_auth(down_for=0.7)
    assert is_of(service.host, old), "what is refused is not taken"
    new = teleport.issuer.host_ca
    await until(lambda: is_of(service.host, new), "the host identity is of the new CA")
    teleport.administrator.rotate("update_servers")
    await asyncio.sleep(2)
    teleport.administrator.rotate("standby")
    await until(lambda: service.host.ca_pems == (new.pem,), "the new CA alone is trusted")


def is_of(identity, ca):
    """Whether a CA has issued an identity."""
    try:
        x509.load_pem_x509_certificate(identity.certificate_pem).verify_directly_issued_by(ca.certificate)
    except (InvalidSignature, ValueError):
        return False
    return True


async def upgrade_the_server(service):
    """A restart as a version that refuses clients which name ours, by hanging up on them."""
    service.world.teleport.cluster.version = "20.0.0"
    await service.world.teleport.restart_auth(down_for=0.3)


async def hire_and_fire(service):
    """Somebody new comes all the time; of those who have become users, the last one changes and the first one goes."""
    world = service.world
    for number in range(10_000):
        login = f"p{number}@x.io"
        service.hired[login] = world.hire(login).id
        users = world.users()
        arrived = [login for login in service.hired if login in users and login not in service.fired]
        if len(arrived) > 3:
            world.okta.update_profile(service.hired[arrived[-1]], department=f"Engines {number}")
            world.okta.unassign(world.okta_app.id, service.hired[arrived[0]])
            service.fired.add(arrived[0])
        await asyncio.sleep(0.2)


async def call(service, which):
    """Make calls as the host or the bot, without a break; a failure ends the test."""
    connection = getattr(service.world.parts.teleport, which)
    while True:
        await connection.call(connection.users.GetUser, GET_BOT, name="UsersService/GetUser", subject="the bot")
        service.calls[which] += 1
        await asyncio.sleep(0.01)


async def scrape(service):
    """Look at the metrics again and again: until when the identities last, and who writes."""
    value = service.world.parts.metrics.registry.get_sample_value
    while True:
        for which in ("host", "bot"):
            expires = value("teleport_okta_identity_expires_timestamp_seconds", {"identity": which})
            service.shown[which].add(expires)
        service.shown["writer"].add(value("teleport_okta_is_writer"))
        await asyncio.sleep(0.1)


@asynccontextmanager
async def under_way(*work):
    """Let endless work go on until the block ends; whatever fails in it, fails the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in work]
        yield
        for task in tasks:
            task.cancel()


async def everybody_is_right(service):
    """Passes until Okta's people of now are the cluster's, and how each came and went stands in the journal."""
    await service.engine.apply("")
    report = await service.engine.apply("")
    assert report.succeeded
    assert not report.plan.changes
    stay = {login: okta_id for login, okta_id in service.hired.items() if login not in service.fired}
    assert service.world.owned() == stay
    assert set(service.world.locks()) == service.fired
    assert len(service.fired) > 20
    journal = service.world.parts.store.journal
    assert not await journal.open_entries()
    done = Counter(
        (entry.action, entry.name) for entry in await journal.history(limit=10_000) if entry.action != "update"
    )
    came = {("create", login) for login in service.hired}
    went = {(action, login) for action in ("lock", "delete") for login in service.fired}
    assert done == dict.fromkeys(came | went, 1)


async def the_identities_are_right(service):
    """The new CA alone is believed, nothing is wrong with either identity, and the stored one opens a connection."""
    world = service.world
    ca = world.teleport.issuer.host_ca.pem
    stored = HostStore(world.settings.storage.data_dir)
    await until(lambda: stored.load_previous() is None, "the host identity before this one is forgotten")
    await until(lambda: stored.load() == service.host, "the host identity is stored")
    assert service.host.ca_pems == (ca,)
    assert [identity.problem for identity in (await service.engine.status()).identities] == ["", ""]
    address = world.settings.teleport.addr
    way = await find_route(address, extra_ca=world.settings.teleport.proxy_ca, clock=world.clock)
    channel = await way.open(stored.load(), world.settings.storage.data_dir)
    ping = authservice_pb2_grpc.AuthServiceStub(channel.grpc).Ping
    assert (await ping(authservice_pb2.PingRequest())).ServerVersion == "20.0.0"
    await channel.aclose()


@pytest.mark.parametrize("by", ["direct", "proxy"])
async def test_nothing_is_noticed_of_all_that_is_renewed_and_refused(tmp_path, by):
    async with running(tmp_path, WayIn(by=by)) as service:
        await ask_side_by_side(service)
        before = service.held
        calls = [call(service, which) for which in ("host", "bot", "bot")]
        async with under_way(hire_and_fire(service), scrape(service), *calls), asyncio.TaskGroup() as story:
            story.create_task(renew_the_bot(service))
            await rotate_the_ca(service)
            await upgrade_the_server(service)
        assert [seen for seen in service.passes if not getattr(seen, "succeeded", False)] == []
        assert len(service.passes) > 10
        assert service.bots_taken >= BOT_RENEWALS * 0.8
        assert min(service.calls.values()) > 200
        assert len(service.shown["host"]) >= 4, "renewed by age and by rotation"
        assert len(service.shown["bot"]) >= 10
        assert service.shown["writer"] == {1}
        await everybody_is_right(service)
        await the_identities_are_right(service)
        await until(lambda: all(service.held[what] <= before[what] for what in before), f"all is let go: {before}")
