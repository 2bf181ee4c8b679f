"""The admin service over its real socket: every value arrives unchanged at the client."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import stat
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
from teleport_okta.desired.preview import EndingList, FilterMatch, FilterPreview, PresentList, Verdict
from teleport_okta.desired.trust import Absences
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.model.cost import PassCost, ReadingProgress
from teleport_okta.model.findings import Leftover, PutOff, Quarantined
from teleport_okta.model.harm import Approval, Harmed
from teleport_okta.model.inheritance import LeftMembership, Released
from teleport_okta.model.labels import okta_id_of
from teleport_okta.model.managed import Managed
from teleport_okta.model.part_result import FailureKind, Holdings, Part, PartResult
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scim_door import ScimDoor
from teleport_okta.model.teleport import Cluster, Feature
from teleport_okta.plan.view import view_of
from teleport_okta.serve.admin import INNER_SOCKET_NAME, SOCKET_NAME, AdminService, serving
from teleport_okta.serve.admin_client import AdminClient, ForeignSocketError, ServiceError, running_service
from teleport_okta.serve.callers import Caller, this_process
from teleport_okta.state.data_dir import DataDirectoryError
from teleport_okta.state.journal_entry import JournalEntry, Result
from teleport_okta.state.store import QuarantineEntry, Store
from teleport_okta.sync.explanation import Explanation, Link, Match
from teleport_okta.sync.report import OutcomeView, PassReport
from teleport_okta.sync.stale_plan import PlanChangedError
from teleport_okta.sync.status import Status
from worlds import NOW, braked, leaver_lock, listing, owned_user, person, planned

_PATH = os.pathsep.join(sys.path)

PLAN = planned(
    listing(person("00uB", "bob@x.io"), person("00uX", "o'neil@x.io")),
    [owned_user("00uA", "ada@x.io")],
)
HELD = braked(
    planned(listing(), [owned_user("00uA", "ada@x.io")]),
    owned=["ada@x.io"],
    absences=Absences(Verbatim("the listing is empty")),
)
FINDINGS = replace(HELD.findings, leftovers=(Leftover("user", "eve@x.io", "https://other.okta.com"),))
COST = PassCost({"/api/v1/apps": 3}, {"/api/v1/apps": 2}, {"/api/v1/apps": 0.0})
REPORT = PassReport(
    trigger="command",
    plan=view_of(PLAN, COST, error="user groups are left as they are"),
    outcomes=(OutcomeView(view_of(PLAN).changes[0], "failed", "no"),),
    started=NOW,
    finished=NOW + timedelta(seconds=2),
    okta_calls={"/api/v1/apps": 3},
    error="the listing is incomplete",
)
STATUS = Status(
    version="0.1.0",
    state="idle",
    last_success=NOW,
    quarantine=(
        QuarantineEntry(Quarantined.from_text("user", "o'neil@x.io", "00uX", "bad name", "change it"), NOW, NOW, 3),
    ),
    findings=FINDINGS,
    next_pass=NOW + timedelta(minutes=10),
    last_error="",
    cluster=Cluster("example.com", "18.1.3", (Feature("saml", True), Feature("plugin", False, "503", unknown=True))),
    last_pass=REPORT,
    cost=COST,
    progress=ReadingProgress(12, 40, 61.0, {"/api/v1/apps": 42.0}),
    warnings=("role 'all' matches everything",),
    managed=Managed("plugin", "okta", False, "no such app", "d" * 64, ("write-back is on",), "access denied"),
    failure=FailureKind.CONFIGURATION,
    parts=(PartResult(Part.USERS, "no such app", NOW, NOW + timedelta(seconds=1)), PartResult(Part.ACCESS_LISTS)),
    holdings=Holdings(1, 2, 3, 4, 5, 6, 7, 8),
)


DOOR = ScimDoor(
    "https://0.0.0.0:8443",
    problem="key.pem cannot be read",
    public_url="https://scim.example.com/scim/v2",
    active=3,
    denied=1,
    last_request=NOW,
    failures=2,
    answers={"2xx": 7, "4xx": 2},
)


class Engine:
    """Answers with what it holds, or raises it."""

    answer = None

    async def _say(self, *_, **__):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def _say_to(self, *_, by):
        self.asked_by = by
        return await self._say()

    preview_filters = status = plan = apply = explain = _say
    approve = release = _say_to


@pytest.fixture
async def world(tmp_path):
    store = await Store.open(tmp_path)
    engine = Engine()
    async with serving(AdminService(engine, store), tmp_path), running_service(tmp_path) as client:
        yield engine, store, client
    await store.close()


WAITING = replace(PLAN, put_off=(PutOff(Quarantined.from_text("user", "ada", "00u", "refused", "wait"), NOW),))


@pytest.mark.parametrize("plan", [PLAN, HELD, WAITING])
async def test_a_plan_arrives_whole(world, plan):
    engine, _, client = world
    engine.answer = view_of(plan)
    assert await client.plan() == view_of(plan)


async def test_a_report_arrives_whole(world):
    engine, _, client = world
    engine.answer = REPORT
    assert await client.apply("digest") == REPORT


@pytest.mark.parametrize(
    "status",
    [
        STATUS,
        replace(STATUS, last_success=None, next_pass=None, cluster=None, last_pass=None, quarantine=()),
        replace(STATUS, door=DOOR),
        replace(STATUS, door=ScimDoor(reason="there is no token")),
    ],
)
async def test_a_status_arrives_whole(world, status):
    engine, _, client = world
    engine.answer = status
    assert await client.status() == status


async def test_an_approval_arrives_whole(world):
    engine, _, client = world
    engine.answer = Approval("digest", frozenset({Harmed("user", "ada@x.io", "00uA")}), NOW)
    assert await client.approve("digest") == engine.answer


@pytest.mark.parametrize("command", ["approve", "release"])
async def test_the_caller_is_the_process_that_the_kernel_reports(world, command):
    engine, _, client = world
    engine.answer = Released(()) if command == "release" else Approval("digest", frozenset(), NOW)
    await getattr(client, command)("digest")
    assert engine.asked_by == str(this_process())
    assert f"uid {os.getuid()}, pid {os.getpid()}" in engine.asked_by


async def test_the_caller_in_another_process_is_recorded(world, tmp_path):
    engine, _, _ = world
    engine.answer = Approval("digest", frozenset(), NOW)
    code = (
        "import asyncio, os, sys, pathlib\n"
        "from teleport_okta.serve.admin_client import running_service\n"
        "async def ask():\n"
        "    async with running_service(pathlib.Path(sys.argv[1])) as service:\n"
        "        await service.approve('digest')\n"
        "asyncio.run(ask())\n"
        "print(os.getpid())\n"
    )
    asking = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": _PATH},
    )
    printed, _ = await asking.communicate()
    assert f"pid {int(printed)}" in engine.asked_by


async def test_a_call_past_the_front_door_cannot_approve(world, tmp_path):
    engine, _, _ = world
    engine.answer = Approval("digest", frozenset(), NOW)
    async with grpc.aio.insecure_channel(f"unix:{tmp_path / INNER_SOCKET_NAME}") as channel:
        with pytest.raises(ServiceError, match="caller is unknown"):
            await AdminClient(channel).approve("digest")
        engine.answer = STATUS
        assert await AdminClient(channel).status() == STATUS


async def test_callers_are_shown_with_their_login(monkeypatch):
    monkeypatch.setattr(pwd, "getpwuid", {0: SimpleNamespace(pw_name="root")}.__getitem__)
    assert str(Caller(0, 7)) == "root (uid 0, pid 7)"
    assert str(Caller(0, 0, 0)) == "root (uid 0, pid unknown)"
    assert str(Caller(0, 7, 1000)) == "root (uid 0, pid 7, logged in as user 1000)"


async def test_the_result_of_a_release_arrives(world):
    engine, _, client = world
    locks = leaver_lock("00uA", "ada@x.io"), leaver_lock("00uB", "ada@x.io", ends_in=None)
    engine.answer = Released(locks, (LeftMembership("ada@x.io", "00gENG", "Engines"),))
    released = await client.release("ada@x.io")
    assert [(lock.name, okta_id_of(lock.labels), lock.expires) for lock in released.locks] == [
        (lock.name, okta_id_of(lock.labels), lock.expires) for lock in locks
    ]
    assert released.memberships == engine.answer.memberships


async def test_the_journal_arrives_whole(world):
    _, store, client = world
    entry = JournalEntry(NOW, "start", "user", "a", "00u", "lock", "why", "", "abc", Result.FAILED, "no")
    entry = replace(entry, harm="user", evidence="absent", counted=True, approval="d", who="root")
    await store.journal.record(entry)
    await store.journal.flush()
    assert await client.history(limit=5, name="a") == [replace(entry, sequence=1)]
    assert await client.history(limit=5, name="b") == []


@pytest.mark.parametrize(
    "error",
    [
        TeleportOktaError("the cluster is down", remedy="start it"),
        PlanChangedError("the plan is now x:\n  new: + create ü", remedy="apply it with --plan x"),
    ],
)
async def test_an_error_arrives_with_its_text_and_its_remedy(world, error):
    engine, _, client = world
    engine.answer = error
    with pytest.raises(ServiceError) as caught:
        await client.apply("")
    assert (caught.value.what, caught.value.remedy) == (error.what, error.remedy)


async def test_only_the_owner_may_open_the_socket(world, tmp_path):
    for name in (SOCKET_NAME, INNER_SOCKET_NAME):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


async def test_without_a_service_there_is_no_client(tmp_path):
    async with running_service(tmp_path) as client:
        assert client is None


async def test_the_socket_of_a_killed_service_is_ignored_and_replaced(tmp_path):
    store = await Store.open(tmp_path)
    import socket

    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))
    async with running_service(tmp_path) as client:
        assert client is None
    async with serving(AdminService(Engine(), store), tmp_path), running_service(tmp_path) as client:
        assert client is not None
    assert not (tmp_path / SOCKET_NAME).exists()
    assert not (tmp_path / INNER_SOCKET_NAME).exists()
    await store.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
@pytest.mark.parametrize(("listener", "owner", "trusted"), [(4243, 4242, False), (4242, 4242, True), (0, 4242, True)])
async def test_a_socket_is_trusted_only_of_the_owner_of_its_directory_or_of_root(tmp_path, listener, owner, trusted):
    above = Path(tempfile.mkdtemp())
    data = above / "data"
    data.mkdir()
    above.chmod(0o755)
    data.chmod(0o777)
    os.seteuid(listener)
    try:
        server = await asyncio.start_unix_server(lambda _, writer: writer.close(), data / SOCKET_NAME)
    finally:
        os.seteuid(0)
    os.chown(data, owner, owner)
    with pytest.raises(DataDirectoryError, match="everybody"):
        async with running_service(data):
            pass
    data.chmod(0o700)
    async with server:
        if trusted:
            async with running_service(data) as client:
                assert client is None  # it speaks no gRPC
        else:
            with pytest.raises(ForeignSocketError, match=r"uid 4243.*uid 4242"):
                async with running_service(data):
                    pass
    shutil.rmtree(above)


async def test_a_path_too_long_for_a_socket_is_named(tmp_path):
    with pytest.raises(ConfigError, match="data_dir"):
        async with serving(AdminService(Engine(), None), tmp_path / ("x" * 120)):
            pass


async def test_a_preview_of_filters_arrives_whole(world):
    engine, _, client = world
    engine.answer = FilterPreview(
        seen_at=NOW,
        group_filters=("eng-*",),
        app_filters=("^Figma$",),
        matches=(
            FilterMatch("group", "eng-1", "00gA", "eng-*", Verdict.ADDED, 3, 2),
            FilterMatch("app", "Figma", "0oaA", "^Figma$", Verdict.UNKNOWN),
        ),
        ending=(EndingList(PresentList("00gB", "ops", 4, 1), "it is no longer in Okta"),),
    )
    assert await client.preview_filters(("eng-*",), ("^Figma$",), live=True) == engine.answer


ENTRY = JournalEntry(NOW, "start", "user", "ada", "00uA", "create", "why", "", "abc", Result.DONE, sequence=4)


@pytest.mark.parametrize(
    "found",
    [
        Explanation(
            "user",
            "ada",
            is_live=True,
            seen_at=NOW,
            chain=Link("person", "ACTIVE", "ada", "00uA", (Link("user", "ours", "ada", "00uA", entries=(ENTRY,)),)),
            open=(Link("waiting", "a look"),),
            matches=(Match("user", "ada", "00uA"),),
        ),
        Explanation("list", "x", is_live=False, looked_in=("access lists of Teleport", "journal")),
    ],
)
async def test_an_explanation_arrives_whole(world, found):
    engine, _, client = world
    engine.answer = found
    assert await client.explain(found.of, found.asked) == found
