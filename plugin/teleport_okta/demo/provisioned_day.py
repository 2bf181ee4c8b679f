"""Okta provisions by SCIM: when it has the answer to a request, the change is made in Teleport."""

from __future__ import annotations

import asyncio
import logging
import socket
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import grpc

from teleport_okta import app
from teleport_okta.demo.scenes import Check
from teleport_okta.observe.logs import ROOT
from teleport_okta.sandbox.okta.provisioning.settings import ProvisioningSettings
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.scim.tokens import digest_of, new_token
from teleport_okta.teleport.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from teleport_okta.demo.checks import StoredList, StoredLock
    from teleport_okta.demo.runner import Runner

_HOST: Final = "127.0.0.1"
_IMPATIENT: Final = RetryPolicy(budget=0.5)
"""How long the service retries calls to Teleport before it answers 429: usually 45 s, which is too long for a demo."""

_RETRY_AFTER: Final = timedelta(seconds=30)
"""At least the wait that the endpoint asks of a client (`Retry-After`)."""

_OKTA_TAKES: Final = timedelta(seconds=2)
"""The time until a deactivation or an activation takes effect in Okta."""


async def run_provisioned_day(runner: Runner) -> None:
    """Switch the SCIM endpoint on; people come and go, a request is repeated, and a group is pushed."""
    setup = runner.setup
    with socket.create_server((_HOST, 0)) as server:
        port = server.getsockname()[1]
    url = f"http://{_HOST}:{port}/scim/v2"
    await setup.restart({"scim": {"listen": f"{_HOST}:{port}", "public_url": url}}, policy=_IMPATIENT)
    token = new_token()
    await setup.parts.store.scim_tokens.add(digest_of(token.encode("ascii")), at=setup.clock.now())
    async with app.provisioned(setup.settings, setup.parts):
        runner.organization.enable_provisioning(setup.app_id, ProvisioningSettings(url, f"Bearer {token}"))
        try:
            person = await _assigned(runner)
            await _deactivated(runner, person)
            await _reactivated(runner, person)
            other = await _put_off(runner)
            await _pushed(runner, person, other)
        finally:
            runner.organization.disable_provisioning(setup.app_id)


@dataclass(frozen=True, slots=True)
class _Person:
    """A person whom Okta provisions: the login, Okta's id, and our SCIM id."""

    login: str
    okta_id: str
    scim_id: str


async def _assigned(runner: Runner) -> _Person:
    hired = runner.organization.create_user(_profile("Katherine", "Johnson"))
    took = await _done(runner, lambda: runner.assign(hired.login))
    user = runner.user(hired.login)
    person = _Person(hired.login, hired.id, _scim_id(runner, hired.id))
    runner.show_command(
        "Okta provisions",
        f"the SCIM endpoint is on, and Okta's app provisions through it; {hired.login} is assigned, and no pass runs",
        [f"Okta had its answers after {took:.1f} s"],
        Check("Okta shows the assignment as synchronised", _sync_state(runner, hired.id) == "SYNCHRONIZED"),
        Check("by then the user exists", user is not None and user.okta_id == hired.id),
        Check(
            "with the SCIM id that Okta stores",
            user is not None and bool(user.scim_id) and user.scim_id == person.scim_id,
        ),
    )
    return person


async def _deactivated(runner: Runner, person: _Person) -> None:
    took = await _done(runner, lambda: runner.organization.deactivate(person.okta_id))
    lock = runner.setup.locks().get(person.login)
    runner.show_command(
        "Okta deprovisions",
        f"{person.login} is deactivated in Okta",
        [f"Okta had its answers after {took:.1f} s"],
        Check("Okta has no failed task: its requests succeeded", not runner.organization.provisioning.tasks),
        Check("by then the user is locked, until provisioned again", _lasts(runner, lock)),
        Check("and deleted", runner.user(person.login) is None),
    )


async def _reactivated(runner: Runner, person: _Person) -> None:
    def come_back() -> None:
        runner.organization.activate(person.okta_id)
        runner.assign(person.login)

    took = await _done(runner, come_back)
    user = runner.user(person.login)
    runner.show_command(
        "Okta provisions again",
        f"{person.login} is activated in Okta, and assigned again",
        [f"Okta had its answers after {took:.1f} s"],
        Check("the user exists", user is not None),
        Check("with the same SCIM id", user is not None and user.scim_id == person.scim_id),
        Check("and not locked", person.login not in runner.setup.locks()),
    )


async def _put_off(runner: Runner) -> _Person:
    setup = runner.setup
    hired = runner.organization.create_user(_profile("Dorothy", "Vaughan"))
    setup.cluster.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    with _Log() as log:
        try:
            took = await _done(runner, lambda: runner.assign(hired.login))
        finally:
            setup.cluster.faults.clear()
    waiting = [job for job in runner.organization.provisioning.lanes if job.retry_at is not None]
    is_absent = runner.user(hired.login) is None
    setup.clock.forward(_RETRY_AFTER)
    again = await _done(runner, lambda: None)
    user = runner.user(hired.login)
    runner.show_command(
        "Teleport does not answer",
        f"Teleport does not answer while {hired.login} is assigned in Okta; half a minute later it answers again",
        [
            *(f"log: {line}" for line in log.lines),
            f"Okta was told to wait after {took:.1f} s, repeated the request, and had its answers after {again:.1f} s",
        ],
        Check("Okta was told to wait, and got no success", len(waiting) == 1 and is_absent),
        Check("it repeated the request by itself, with success", not runner.organization.provisioning.tasks),
        Check(
            "the user exists, with the SCIM id that Okta stores",
            user is not None and user.scim_id == _scim_id(runner, hired.id),
        ),
    )
    return _Person(hired.login, hired.id, _scim_id(runner, hired.id))


async def _pushed(runner: Runner, stays: _Person, goes: _Person) -> None:
    organization = runner.organization
    # After a start, the service answers a push of a group only when it has read the lists in Teleport.
    await runner.next_pass()
    group = organization.create_group("On Call")
    organization.add_member(group.id, goes.okta_id)
    first = await _done(runner, lambda: organization.push_group(runner.setup.app_id, group.id))
    pushed = _list_titled(runner, group.name)
    at_first = set(pushed.imported) if pushed is not None else set()

    def change() -> None:
        organization.add_member(group.id, stays.okta_id)
        organization.remove_member(group.id, goes.okta_id)

    then = await _done(runner, change)
    changed = _list_titled(runner, group.name)
    runner.show_command(
        "Okta pushes a group",
        f"the group {group.name}, which passes no filter, is pushed with {goes.login} in it; then {stays.login} "
        f"joins it, and {goes.login} leaves",
        [f"Okta had its answers after {first:.1f} s and {then:.1f} s"],
        Check("there is an access list of that name, with the member", at_first == {goes.login}),
        Check("it grants nothing until a person gives it roles", pushed is not None and not pushed.grants),
        Check(
            "the new member is in it, and the old one is not", changed is not None and changed.imported == {stays.login}
        ),
        Check("Okta has no failed task: its requests succeeded", not organization.provisioning.tasks),
    )


class _Log(logging.Handler):
    """Collects the warnings of the service, which would go to stderr, until the block ends."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        logging.getLogger(ROOT).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger(ROOT).removeHandler(self)


async def _done(runner: Runner, do: Callable[[], object]) -> float:
    """Make a change in Okta, wait until its SCIM client has nothing to send now, and return the seconds this took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    do()
    runner.setup.clock.forward(_OKTA_TAKES)
    await runner.setup.okta.provisioning.settled()
    return loop.time() - began


def _lasts(runner: Runner, lock: StoredLock | None) -> bool:
    return lock is not None and (lock.ends is None or lock.ends > runner.setup.clock.now() + timedelta(days=365))


def _profile(first: str, last: str) -> dict[str, object]:
    login = f"{first}.{last}@example.com".lower()
    return {"firstName": first, "lastName": last, "login": login, "email": login}


def _list_titled(runner: Runner, title: str) -> StoredList | None:
    found = [one for one in runner.setup.lists().values() if one.title == title]
    return found[0] if len(found) == 1 else None


def _scim_id(runner: Runner, okta_id: str) -> str:
    """Return the SCIM id that Okta stores for a person; empty if it has none."""
    account = runner.organization.provisioning.accounts.get((runner.setup.app_id, okta_id))
    return (account.scim_id or "") if account is not None else ""


def _sync_state(runner: Runner, okta_id: str) -> str:
    found = runner.organization.assignments.find(runner.setup.app_id, okta_id)
    return found.sync_state if found is not None else ""
