"""An enrolment as one command: from the first check to the first SCIM request.

It holds the data directory and the lease from the beginning, so that no service works at the same time, and runs the
sync in this process until the first pass has ended.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError

from teleport_okta.app import connected, opened_base
from teleport_okta.background_tasks import in_background
from teleport_okta.config import load, parse_text
from teleport_okta.config_edit import check_writable, edited, read_config, write_config
from teleport_okta.enroll.answers import local_changes, managed_changes, unusable
from teleport_okta.enroll.prompts import completed, first_configuration
from teleport_okta.enroll.scim_guide import scim_guide
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.saml.enrolment import Enrolment, State
from teleport_okta.saml.enrolment_errors import EnrolmentError
from teleport_okta.saml.proven_rights import proven, unproven
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.serve.admin_client import running_service
from teleport_okta.serve.callers import this_process
from teleport_okta.service.process import offered, set_up_logs
from teleport_okta.state.scim_tokens import MOST_TOKENS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.app import Base, Parts
    from teleport_okta.clock import Clock
    from teleport_okta.enroll.answers import Answers, Changes
    from teleport_okta.enroll.console import Console
    from teleport_okta.model.directory import Listing
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.saml.enrolment import Found, Step
    from teleport_okta.service.service import Service
    from teleport_okta.settings import Settings
    from teleport_okta.sync.status import Status

    Condition = Callable[[Status], bool]
    Until = Callable[[Condition], Awaitable[Status | None]]

_Row = TypeVar("_Row")

_LOOKED_AT_EVERY: Final = 0.5
"""Seconds between two reads of the status of the service."""

_OKTA_PAUSES: Final = timedelta(seconds=5)
"""How long Okta sends nothing before the command ends. Its test of the connection is several requests in a row."""

_ASSIGNED_WITHIN: Final = 60.0
"""Seconds; by then the first people of an assigned group have usually become users."""


class NotAgreedError(TeleportOktaError):
    """The administrator did not agree; nothing was written."""


@dataclass
class Outcome:
    """The result of an enrolment."""

    steps: list[Step] = field(default_factory=list)
    app_id: str = ""
    users: int = 0
    scim_url: str = ""
    error: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to do, and the first pass succeeded."""
        return not self.error and all(step.state is not State.LEFT for step in self.steps)


class EnrollFlow:
    """One run of the command. `waits`: for Okta's first SCIM request."""

    def __init__(self, config: Path, answers: Answers, talk: Console, *, waits: bool) -> None:
        self._config = config
        self._answers = answers
        self._wishes = answers.wishes()
        self._talk = talk
        self._waits = waits
        self.outcome = Outcome()

    async def run(self, clock: Clock | None = None) -> Outcome:
        """Enrol, write the configuration, start the sync, and guide through SCIM.

        Raises EnrolmentError, MetadataError, OktaError, TeleportError, StateError, ConfigError or NotAgreedError; each
        step that was shown as made stays, and a second run does the rest.
        """
        if self._talk.is_asking and read_config(self._config) is None:
            self._talk.say(f"{self._config} does not exist yet")
            write_config(self._config, await first_configuration(self._talk))
        settings = settings_to_begin_with(self._config, self._answers)
        set_up_logs(settings, among_output=True)
        await refuse_beside_service(settings)
        async with opened_base(settings, clock=clock) as base, in_background(base.clock, *base.background_tasks):
            app, changes = await self._enrolled(settings, base)
            self.outcome.app_id = app.id
            if write_config(self._config, changes):
                self._talk.say(f"wrote {self._config}")
            settings = load(self._config)
            # Before the service starts, which does not listen for SCIM requests without a token.
            token = await _new_scim_token(base) if settings.is_provisioned else None
            async with offered(settings, base) as service:
                running = asyncio.ensure_future(service.run())
                until = partial(_until, service, running, base.clock)
                try:
                    if await self._follow(until, base.clock) and settings.is_provisioned:
                        await self._guide(until, base.clock, service.decision.settings or settings, app, token)
                finally:
                    service.stop()
                    await running
        return self.outcome

    async def _enrolled(self, settings: Settings, base: Base) -> tuple[SamlApp, Changes]:
        """Do the steps; return the app, and the changes of the configuration."""
        async with connected(base, settings) as parts:
            if self._talk.is_asking:
                await self._ask(parts)
            enrolment = await self._enrolment(settings, base, parts)
            found = await enrolment.look()
            for line in proven(found):
                self._talk.say(f"checked: {line}")
            if check_writable(self._config, self._changes(found, found.app)):
                self._talk.say(f"checked: {self._config} can be written")
            for line in unproven(found, assigns=self._wishes.assign_everyone):
                self._talk.say(f"only the first use shows {line}")
            steps = enrolment.steps(found)
            for step in steps:
                self._talk.show(step)
            if any(step.state is State.TO_DO for step in steps) and not await self._talk.agrees("Apply these steps?"):
                raise NotAgreedError("nothing was written", remedy="run it again to enrol")
            async for step in enrolment.run(found):
                self.outcome.steps.append(step)
                if step.state is not State.DONE:
                    self._talk.show(step)
            assert enrolment.app is not None  # noqa: S101 - the first step makes or finds it
            return enrolment.app, self._changes(found, enrolment.app)

    async def _ask(self, parts: Parts) -> None:
        """Ask for answers that neither an option nor a file gave. Raises ConfigError, OktaError and EnrolmentError."""

        async def groups() -> list[str]:
            return [group.name for group in _rows_of("groups", await parts.okta.directory.groups())]

        async def apps() -> list[str]:
            return [app.label for app in _rows_of("apps", await parts.okta.directory.apps())]

        try:
            self._answers = await completed(self._answers, self._talk, groups=groups, apps=apps)
        except ValidationError as error:
            raise unusable(error) from None
        self._wishes = self._answers.wishes()
        # Refuse unusable answers before anything is written.
        settings_to_begin_with(self._config, self._answers)

    async def _enrolment(self, settings: Settings, base: Base, parts: Parts) -> Enrolment:
        organization = await parts.okta.people.organization()
        if base.teleport.lease is not None:
            await base.teleport.lease.obtain(organization.id)
        connector = self._wishes.connector

        async def remember(app: SamlApp) -> None:
            await base.store.remember_enrolled_app(connector, app.id)

        return Enrolment(
            parts.saml_apps,
            base.teleport,
            self._wishes,
            org_id=organization.id,
            org_url=settings.okta.org_url,
            org_hosts=parts.org_hosts(),
            clock=base.clock,
            known_app_id=await base.store.enrolled_app(connector) or "",
            remember=remember,
        )

    def _changes(self, found: Found, app: SamlApp | None) -> Changes:
        """Return the changes of the configuration; an app that will be created has no id yet."""
        app_id = "" if app is None else app.id
        changes = managed_changes(self._wishes.plugin) if found.has_plugins else local_changes(self._wishes, app_id)
        scim = self._answers.scim_changes()
        return changes | ({"scim": scim} if scim else {})

    async def _follow(self, until: Until, clock: Clock) -> bool:
        """Show the result of the first pass; return whether the service still runs."""
        self._talk.say("running the first pass")
        status = await until(_first_pass_is_over)
        if status is None:
            self.outcome.error = "the service ended before its first pass ended"
            return False
        self.outcome.error = status.last_error
        if status.last_error:
            self._talk.say(f"the first pass failed in part: {status.last_error}")
        else:
            if not status.holdings.users and self._has_just_assigned:
                self._talk.say("waiting for Okta, which assigns the people of a group in the background")
                patience = clock.monotonic() + _ASSIGNED_WITHIN
                status = await until(lambda now: _has_users(now) or clock.monotonic() > patience) or status
            self._talk.say(f"the sync works: {status.holdings.users} users are in Teleport")
        self.outcome.users = status.holdings.users
        return True

    @property
    def _has_just_assigned(self) -> bool:
        return any(step.name == "assignment" and step.state is State.MADE for step in self.outcome.steps)

    async def _guide(self, until: Until, clock: Clock, settings: Settings, app: SamlApp, token: str | None) -> None:
        """Show the steps in Okta's console, and wait until Okta has called. `settings` are those that apply."""
        if token is None:
            self._talk.say("SCIM: Okta has called before, so it stays as it is")
            return
        url = self.outcome.scim_url = settings.scim.public_url or ""
        lists = settings.access_lists
        for line in scim_guide(app.label, url, token, groups=lists.enabled and bool(lists.default_owners)):
            self._talk.say(line)
        if self._waits:
            interrupted = asyncio.Event()
            with self._talk.at_interrupt(interrupted.set):
                self._talk.say("waiting for Okta's first request (Ctrl-C stops waiting; nothing is lost)")
                status = await until(lambda now: _last_call_of_okta(now) is not None or interrupted.is_set())
                if status is None or _last_call_of_okta(status) is None:
                    self._talk.say("Okta has not called yet")
                    return
                self._talk.say(f"SCIM works: Okta has called; staying until it pauses for {_OKTA_PAUSES.seconds} s")
                await until(lambda now: _okta_pauses(now, clock.now()) or interrupted.is_set())


def _rows_of(what: str, listing: Listing[_Row]) -> tuple[_Row, ...]:
    """Return the rows of a complete listing. Raises EnrolmentError: filters tried on a part of it would mislead."""
    if listing.incomplete is not None:
        raise EnrolmentError(f"the listing of {what} is incomplete: {listing.incomplete}", remedy="run it again")
    return listing.rows


async def _until(service: Service, running: asyncio.Future[None], clock: Clock, condition: Condition) -> Status | None:
    """Wait until a status meets a condition, and return it; None if the service ended first."""
    while not running.done():
        status = await service.status()
        if condition(status):
            return status
        await clock.sleep(_LOOKED_AT_EVERY)
    return None


async def _new_scim_token(base: Base) -> str | None:
    """Make a SCIM token; if there are two already, it replaces the older one. None if a client has used one."""
    tokens = await base.store.scim_tokens.tokens()
    if any(token.last_used for token in tokens):
        return None
    token = new_token()
    await base.store.scim_tokens.add(
        digest_of(token.encode("ascii")),
        at=base.clock.now(),
        by=str(this_process()),
        boot=base.clock.boot(),
        replace_oldest=len(tokens) >= MOST_TOKENS,
    )
    return token


def _first_pass_is_over(status: Status) -> bool:
    """Whether a pass has ended, or the service resumed from one of an earlier process."""
    return status.has_counted or bool(status.last_error)


def _has_users(status: Status) -> bool:
    return status.holdings.users > 0


def _last_call_of_okta(status: Status) -> datetime | None:
    """Return when Okta sent its last request to this process; None: it has sent none."""
    return None if status.door is None else status.door.last_request


def _okta_pauses(status: Status, now: datetime) -> bool:
    last = _last_call_of_okta(status)
    return last is None or now - last >= _OKTA_PAUSES


def settings_to_begin_with(config: Path, answers: Answers) -> Settings:
    """Return the settings of the file, with those that are still unknown left to a plugin. Raises ConfigError."""
    text = read_config(config)
    if text is None:
        what = f"{config}: the configuration file does not exist"
        remedy = f"write one with the addresses and credentials: `teleport-okta configure > {config}`"
        raise ConfigError(what, remedy=remedy)
    changes: Changes = managed_changes(answers.plugin)
    changes |= {"scim": answers.scim_changes()} if answers.scim_changes() else {}
    return parse_text(edited(text, changes, source=str(config)), source=str(config))


async def refuse_beside_service(settings: Settings) -> None:
    """Raise ConfigError if a service runs on the data directory."""
    async with running_service(settings.storage.data_dir) as service:
        if service is not None:
            what = f"a service runs on {settings.storage.data_dir}"
            raise ConfigError(
                what, remedy="stop it, enrol, and start it again: the enrolment runs the first pass itself"
            )
