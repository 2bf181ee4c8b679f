"""Another process on this data directory: the status of a running service, or which process holds the directory."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__
from teleport_okta.doctor.findings import Section
from teleport_okta.serve.admin_client import ServiceError, running_service
from teleport_okta.state.inspection import holder_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.serve.admin_client import AdminClient
    from teleport_okta.sync.status import Status

HERE: Final = Section.SERVICE

_LOOK: Final = "see `teleport-okta status` and the service's log"


@dataclass(frozen=True, slots=True)
class Instance:
    """The process that uses the data directory; `holder` names it for other findings, empty if there is none.

    `status` is that of a running service, None if none answers; `scim_tokens` is its number of SCIM tokens, None if
    unknown.
    """

    findings: tuple[Finding, ...] = ()
    holder: str = ""
    status: Status | None = None
    scim_tokens: int | None = None

    @property
    def syncs(self) -> bool:
        """Whether the service here holds the lease and has settings to sync by."""
        return self.status is not None and self.status.state not in {"standby", "waiting"}

    @property
    def follows_plugin(self) -> bool:
        """Whether the service here syncs with the settings of a plugin resource, perhaps those that it read before."""
        managed = None if self.status is None else self.status.managed
        return managed is not None and managed.is_running and managed.plugin != ""

    @property
    def has_passed(self) -> bool:
        """Whether a pass of the service here has succeeded."""
        return self.status is not None and self.status.last_success is not None


async def check_service(data_dir: Path) -> Instance:
    """Ask the service on this data directory, if one runs."""
    async with running_service(data_dir) as service:
        if service is not None:
            try:
                status = await service.status()
                tokens = await _scim_tokens(service)
                return Instance(tuple(of_status(status)), "the running service", status, tokens)
            except ServiceError as error:
                return Instance((HERE.failed("running", error),), "the running service")
    holder = await asyncio.to_thread(holder_of, data_dir)
    if holder is None:
        return Instance((HERE.ok("running", "no service runs on this data directory"),))
    what = (
        f"process {holder} uses the data directory and does not answer: it is another command, "
        "or a service that still waits for Teleport"
    )
    return Instance((HERE.warning("running", what, "wait for it, or read its log"),), f"process {holder}")


async def scim_failures(data_dir: Path) -> int | None:
    """Ask the running service how many failures of authentication its SCIM endpoint had; None if it does not answer."""
    async with running_service(data_dir) as service:
        if service is None:
            return None
        try:
            door = (await service.status()).door
        except ServiceError:
            return None
    return None if door is None else door.failures


async def _scim_tokens(service: AdminClient) -> int | None:
    """Ask for the number of tokens; None if the service does not answer, or is of an older release."""
    try:
        return len(await service.scim_tokens())
    except ServiceError:
        return None


def of_status(status: Status) -> Iterator[Finding]:
    """Turn the status of a service into findings."""
    match status.state:
        case "standby":
            yield HERE.note("running", f"a service runs as a standby: {status.last_error}")
        case "waiting":
            reason = status.managed.reason if status.managed is not None else ""
            yield HERE.note("running", f"a service runs and syncs nothing: {reason or 'it waits for settings'}")
        case "failing":
            yield HERE.error("running", f"a service runs, and its passes fail: {status.last_error}", _LOOK)
        case state:
            yield HERE.ok("running", f"a service runs: {state}")
    if status.version != __version__:
        what = f"the service has version {status.version}, this command {__version__}"
        yield HERE.note("version", what, "restart the service after an upgrade")
    if status.last_success is None and status.state != "standby":
        yield HERE.note("passes", "no pass has succeeded yet", _LOOK)
    if status.findings.holds:
        count = len(status.findings.held)
        remedy = (
            f"`teleport-okta status` says why; to let it pass: `teleport-okta approve {status.findings.held_digest}`"
        )
        yield HERE.warning("brake", f"harm to {count} objects is held", remedy)
    if status.quarantine:
        what = f"{len(status.quarantine)} rows are in quarantine"
        yield HERE.warning("quarantine", what, "`teleport-okta status` has the remedy of each")
    if status.managed is not None and status.managed.report:
        what = f"the status could not be written into the plugin: {status.managed.report}"
        yield HERE.warning(
            "plugin's status", what, "allow a role of the bot to update plugin; see docs/teleport-role.md"
        )
    for identity in status.identities:
        if identity.problem and identity.subject:
            what = f"the service's {identity.which} identity: {identity.problem}"
            yield HERE.warning(f"{identity.which} identity", what, _LOOK)
