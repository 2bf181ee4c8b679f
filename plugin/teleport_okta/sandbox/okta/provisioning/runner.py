"""Runs the organisation's provisioning jobs over HTTP, several at once, and those of one person in order."""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp

from teleport_okta.sandbox.okta.provisioning.client import ScimClient, ScimError
from teleport_okta.sandbox.okta.provisioning.perform import carry_out, note_failure
from teleport_okta.sandbox.okta.provisioning.settings import Feature

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.provisioning.jobs import Job
    from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings

_log: Final = logging.getLogger(__name__)

_SILENCE: Final = 60.0
"""Seconds without a byte after which a call has failed (`docs/reference/scim.md` 2)."""


@dataclass(frozen=True, slots=True)
class ConnectionTest:
    """The result of "Test Connector Configuration"; ``detail`` is the error."""

    succeeded: bool
    detail: str | None = None


class ProvisioningRunner:
    """Runs jobs while its context is open; before and after, they wait.

    Each lane of jobs has a task. At most `workers` of them run a job at a time, without those that wait for a retry.
    When an app provisions, the work of the organisation's timeline is done as real time passes.
    """

    def __init__(self, org: OktaOrganization, *, workers: int = 4, silence: float = _SILENCE) -> None:
        self._org = org
        self._workers = asyncio.Semaphore(workers)
        self._silence = silence
        self._session: aiohttp.ClientSession | None = None
        self._trusted: dict[Path, ssl.SSLContext] = {}
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._busy: set[str] = set()
        self._quiet = asyncio.Event()
        self._clock: asyncio.Task[None] | None = None
        self._planned = asyncio.Event()

    async def __aenter__(self) -> ProvisioningRunner:
        provisioning = self._org.provisioning
        provisioning.lanes.wake = self._wake
        provisioning.on_enabled = self._enabled
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._silence, sock_read=self._silence),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        if provisioning.settings:
            self._enabled()
        for lane in provisioning.lanes.names:
            self._wake(lane)
        self._update_quiet()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._org.provisioning.lanes.wake = None
        self._org.provisioning.on_enabled = None
        self._org.timeline.on_planned = None
        tasks = [*self._lanes.values(), *([self._clock] if self._clock is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def settled(self) -> None:
        """Wait until no job runs or can run. Jobs that wait for a retry do not count."""
        self._org.timeline.settle()
        while self._busy:
            await self._quiet.wait()
            self._org.timeline.settle()

    async def test_connection(self, app_id: str) -> ConnectionTest:
        """Test an app's connection as the button of the admin console does. A throttled request is not repeated."""
        settings = self._org.provisioning.require(app_id)
        try:
            client = await self._client(settings)
            await client.list("/Users", "users", startIndex=1, count=2)
            if Feature.PUSH_GROUPS in settings.features:
                await client.list("/Groups", "groups", startIndex=1, count=100)
        except ScimError as failure:
            return ConnectionTest(succeeded=False, detail=failure.detail)
        return ConnectionTest(succeeded=True)

    def _enabled(self) -> None:
        if self._clock is None:
            self._org.timeline.on_planned = self._planned.set
            self._clock = asyncio.get_running_loop().create_task(self._keep_time())

    def _wake(self, lane: str) -> None:
        if lane not in self._lanes:
            self._lanes[lane] = asyncio.get_running_loop().create_task(self._drain(lane))
            self._busy.add(lane)
            self._update_quiet()

    def _update_quiet(self) -> None:
        if self._busy:
            self._quiet.clear()
        else:
            self._quiet.set()

    async def _drain(self, lane: str) -> None:
        try:
            while (job := self._org.provisioning.lanes.first(lane)) is not None:
                job.started = True
                await self._do(lane, job)
                # Only now: until a job is done, later changes of the same person must queue behind it.
                self._org.provisioning.lanes.done(lane)
        finally:
            del self._lanes[lane]
            self._busy.discard(lane)
            self._update_quiet()

    async def _do(self, lane: str, job: Job) -> None:
        await self._workers.acquire()
        try:
            settings = self._org.provisioning.settings.get(job.app_id)
            if settings is None:  # switched off meanwhile
                return
            await carry_out(self._org, job, await self._client(settings, lane, job))
        except ScimError as failure:
            note_failure(self._org, job, failure.detail, failure.status)
        except Exception as error:  # noqa: BLE001 - the root of a lane
            _log.exception("a provisioning job failed", extra={"job": job.kind, "lane": lane})
            note_failure(self._org, job, f"{type(error).__name__}: {error}", None)
        finally:
            self._workers.release()

    async def _client(
        self, settings: ProvisioningSettings, lane: str | None = None, job: Job | None = None
    ) -> ScimClient:
        if self._session is None:
            raise RuntimeError("the runner's context is not open")

        async def pause(seconds: float) -> None:
            if lane is not None and job is not None:
                await self._pause(lane, job, seconds)

        trust = True if settings.ca_file is None else await self._trust(settings.ca_file)
        return ScimClient(self._session, settings, trust=trust, pause=None if job is None else pause)

    async def _trust(self, ca_file: Path) -> ssl.SSLContext:
        context = self._trusted.get(ca_file)
        if context is None:
            try:
                context = await asyncio.to_thread(ssl.create_default_context, cafile=ca_file)
            except OSError as error:
                raise ScimError(f"The CA file cannot be used: {error}") from error
            self._trusted[ca_file] = context
        return context

    async def _pause(self, lane: str, job: Job, seconds: float) -> None:
        """Wait in the organisation's time. Meanwhile other lanes may use the worker, and this one counts as idle."""
        timeline = self._org.timeline
        over = asyncio.Event()

        def resume() -> None:
            self._busy.add(lane)
            self._update_quiet()
            over.set()

        job.attempts += 1
        job.retry_at = timeline.now() + seconds
        self._busy.discard(lane)
        self._update_quiet()
        # While it waits, the job must not occupy a worker: one throttled person would delay all others.
        self._workers.release()
        try:
            timeline.later(seconds, resume)
            await over.wait()
        finally:
            await self._workers.acquire()
        job.retry_at = None

    async def _keep_time(self) -> None:
        """Do the work of the timeline when it is due, even if no client reads from the organisation."""
        while True:
            self._planned.clear()
            try:
                self._org.timeline.settle()
            except Exception:  # noqa: BLE001 - the root of a task
                _log.exception("background work of the organisation failed")
            try:
                async with asyncio.timeout(self._org.timeline.until_next()):
                    await self._planned.wait()
            except TimeoutError:
                continue
