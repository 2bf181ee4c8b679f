"""Okta provisions: its SCIM client comes to the door, and each answer says what is in Teleport already."""

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

    from teleport_okta.demo.checks import SeenList, SeenLock
    from teleport_okta.demo.runner import Play

_HOST: Final = "127.0.0.1"
_IMPATIENT: Final = RetryPolicy(budget=0.5)
"""How long the process of the story waits for Teleport, before its client is told to wait; usually 45 s."""

_UNTIL_ASKED_AGAIN: Final = timedelta(seconds=30)
"""At least as long as the door tells a client to wait."""

_OKTA_TAKES: Final = timedelta(seconds=2)
"""How long Okta takes until a deactivation or an activation has effect."""


async def tell_provisioned_day(play: Play) -> None:
    """Open the door, let Okta come to it: people come and go, one is put off, and a group is pushed."""
    stage = play.stage
    with socket.create_server((_HOST, 0)) as server:
        port = server.getsockname()[1]
    url = f"http://{_HOST}:{port}/scim/v2"
    await stage.restart({"scim": {"listen": f"{_HOST}:{port}", "public_url": url}}, policy=_IMPATIENT)
    token = new_token()
    await stage.parts.store.scim_tokens.add(digest_of(token.encode("ascii")), at=stage.clock.now())
    async with app.provisioned(stage.settings, stage.parts):
        play.organization.enable_provisioning(stage.app_id, ProvisioningSettings(url, f"Bearer {token}"))
        try:
            person = await _assigned(play)
            await _deactivated(play, person)
            await _reactivated(play, person)
            other = await _put_off(play)
            await _pushed(play, person, other)
        finally:
            play.organization.disable_provisioning(stage.app_id)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody whom Okta provisions: the login, Okta's id, and the id that the door gave."""

    login: str
    okta_id: str
    scim_id: str


async def _assigned(play: Play) -> _Person:
    hired = play.organization.create_user(_profile("Katherine", "Johnson"))
    took = await _done(play, lambda: play.assign(hired.login))
    user = play.user(hired.login)
    person = _Person(hired.login, hired.id, _scim_id(play, hired.id))
    play.tell_command(
        "Okta provisions",
        f"the door is opened, and Okta's app provisions through it; {hired.login} is assigned, and no pass runs",
        [f"Okta had its answers after {took:.1f} s"],
        Check("Okta shows the assignment as synchronised", _sync_state(play, hired.id) == "SYNCHRONIZED"),
        Check("the user is there by then", user is not None and user.okta_id == hired.id),
        Check(
            "with the SCIM id that Okta keeps",
            user is not None and bool(user.scim_id) and user.scim_id == person.scim_id,
        ),
    )
    return person


async def _deactivated(play: Play, person: _Person) -> None:
    took = await _done(play, lambda: play.organization.deactivate(person.okta_id))
    lock = play.stage.locks().get(person.login)
    play.tell_command(
        "Okta deprovisions",
        f"{person.login} is deactivated in Okta",
        [f"Okta had its answers after {took:.1f} s"],
        Check("Okta has no task left, so it was told that this is done", not play.organization.provisioning.tasks),
        Check("by then the user is locked, and not for hours: until provisioned again", _lasts(play, lock)),
        Check("and gone", play.user(person.login) is None),
    )


async def _reactivated(play: Play, person: _Person) -> None:
    def come_back() -> None:
        play.organization.activate(person.okta_id)
        play.assign(person.login)

    took = await _done(play, come_back)
    user = play.user(person.login)
    play.tell_command(
        "Okta provisions again",
        f"{person.login} is activated in Okta, and assigned again",
        [f"Okta had its answers after {took:.1f} s"],
        Check("the user is there", user is not None),
        Check("with the SCIM id of before", user is not None and user.scim_id == person.scim_id),
        Check("and not locked", person.login not in play.stage.locks()),
    )


async def _put_off(play: Play) -> _Person:
    stage = play.stage
    hired = play.organization.create_user(_profile("Dorothy", "Vaughan"))
    stage.cluster.faults.add(Fault("*", grpc.StatusCode.UNAVAILABLE))
    with _Log() as log:
        try:
            took = await _done(play, lambda: play.assign(hired.login))
        finally:
            stage.cluster.faults.clear()
    waiting = [job for job in play.organization.provisioning.lanes if job.retry_at is not None]
    is_absent = play.user(hired.login) is None
    stage.clock.forward(_UNTIL_ASKED_AGAIN)
    again = await _done(play, lambda: None)
    user = play.user(hired.login)
    play.tell_command(
        "Teleport does not answer",
        f"Teleport answers nothing while {hired.login} is assigned in Okta; half a minute later it is back",
        [
            *(f"the log says: {line}" for line in log.lines),
            f"Okta was told to wait after {took:.1f} s, asked again, and had its answers after {again:.1f} s",
        ],
        Check("Okta was told to wait, and not that it was done", len(waiting) == 1 and is_absent),
        Check("it asked again by itself, and nobody had to", not play.organization.provisioning.tasks),
        Check(
            "the user is there, with the SCIM id that Okta keeps",
            user is not None and user.scim_id == _scim_id(play, hired.id),
        ),
    )
    return _Person(hired.login, hired.id, _scim_id(play, hired.id))


async def _pushed(play: Play, stays: _Person, goes: _Person) -> None:
    organization = play.organization
    # A process pushes no group before it has read the lists that are there.
    await play.next_pass()
    group = organization.create_group("On Call")
    organization.add_member(group.id, goes.okta_id)
    first = await _done(play, lambda: organization.push_group(play.stage.app_id, group.id))
    pushed = _list_titled(play, group.name)
    at_first = set(pushed.imported) if pushed is not None else set()

    def change() -> None:
        organization.add_member(group.id, stays.okta_id)
        organization.remove_member(group.id, goes.okta_id)

    then = await _done(play, change)
    changed = _list_titled(play, group.name)
    play.tell_command(
        "Okta pushes a group",
        f"the group {group.name}, which no filter lets pass, is pushed with {goes.login} in it; then {stays.login} "
        f"joins it, and {goes.login} leaves",
        [f"Okta had its answers after {first:.1f} s and {then:.1f} s"],
        Check("there is an access list of that name, with the member", at_first == {goes.login}),
        Check("it grants nothing until somebody lets it", pushed is not None and not pushed.grants),
        Check("who joined is in it, and who left is not", changed is not None and changed.imported == {stays.login}),
        Check("Okta has no task left, so it was told that this is done", not organization.provisioning.tasks),
    )


class _Log(logging.Handler):
    """Keeps the warnings of the product while it is entered, which would go to stderr."""

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


async def _done(play: Play, do: Callable[[], object]) -> float:
    """Do something in Okta, and wait until its client has nothing to do but to wait; return for how many seconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    do()
    play.stage.clock.forward(_OKTA_TAKES)
    await play.stage.okta.provisioning.settled()
    return loop.time() - began


def _lasts(play: Play, lock: SeenLock | None) -> bool:
    return lock is not None and (lock.ends is None or lock.ends > play.stage.clock.now() + timedelta(days=365))


def _profile(first: str, last: str) -> dict[str, object]:
    login = f"{first}.{last}@example.com".lower()
    return {"firstName": first, "lastName": last, "login": login, "email": login}


def _list_titled(play: Play, title: str) -> SeenList | None:
    found = [one for one in play.stage.lists().values() if one.title == title]
    return found[0] if len(found) == 1 else None


def _scim_id(play: Play, okta_id: str) -> str:
    """Return the SCIM id that Okta keeps of somebody; empty where it has none."""
    account = play.organization.provisioning.accounts.get((play.stage.app_id, okta_id))
    return (account.scim_id or "") if account is not None else ""


def _sync_state(play: Play, okta_id: str) -> str:
    found = play.organization.assignments.find(play.stage.app_id, okta_id)
    return found.sync_state if found is not None else ""
