"""Another instance on this data directory: what a running service says of itself, or who else holds the directory."""

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

_LOOK: Final = "`teleport-okta status` and the service's log say more"


@dataclass(frozen=True, slots=True)
class Instance:
    """Who works with the data directory; `holder` names them for other findings, empty where nobody does.

    `status` is what a running service says of itself, None where none answers; `scim_tokens` is how many tokens it has
    for SCIM clients, None where it cannot say.
    """

    findings: tuple[Finding, ...] = ()
    holder: str = ""
    status: Status | None = None
    scim_tokens: int | None = None

    @property
    def syncs(self) -> bool:
        """Whether a service runs here that is the one that writes, and has settings to run by."""
        return self.status is not None and self.status.state not in {"standby", "waiting"}

    @property
    def follows_plugin(self) -> bool:
        """Whether a service runs here by the settings of a plugin resource, perhaps by those that it read before."""
        managed = None if self.status is None else self.status.managed
        return managed is not None and managed.is_running and managed.plugin != ""

    @property
    def has_passed(self) -> bool:
        """Whether a service runs here that knows of a pass without a failure."""
        return self.status is not None and self.status.last_success is not None


async def check_service(data_dir: Path) -> Instance:
    """Ask the service that runs on this data directory, if one does."""
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
        f"process {holder} holds the data directory and does not answer: another command at work, "
        "or a service that still waits for Teleport"
    )
    return Instance((HERE.warning("running", what, "wait for it, or look into its log"),), f"process {holder}")


async def scim_failures(data_dir: Path) -> int | None:
    """Ask the running service how many failures of authentication its SCIM endpoint had; None where it cannot say."""
    async with running_service(data_dir) as service:
        if service is None:
            return None
        try:
            door = (await service.status()).door
        except ServiceError:
            return None
    return None if door is None else door.failures


async def _scim_tokens(service: AdminClient) -> int | None:
    """Ask for the number of tokens; a service of an older release has none to tell of."""
    try:
        return len(await service.scim_tokens())
    except ServiceError:
        return None


def of_status(status: Status) -> Iterator[Finding]:
    """Turn what a service says of itself into findings."""
    match status.state:
        case "standby":
            yield HERE.note("running", f"a service runs and stands by: {status.last_error}")
        case "waiting":
            reason = status.managed.reason if status.managed is not None else ""
            yield HERE.note("running", f"a service runs and syncs nothing: {reason or 'it waits for settings'}")
        case "failing":
            yield HERE.error("running", f"a service runs, and its passes fail: {status.last_error}", _LOOK)
        case state:
            yield HERE.ok("running", f"a service runs: {state}")
    if status.version != __version__:
        what = f"the service is of version {status.version}, this command of {__version__}"
        yield HERE.note("version", what, "restart the service after an upgrade")
    if status.last_success is None and status.state != "standby":
        yield HERE.note("passes", "no pass has ended without a failure yet", _LOOK)
    if status.findings.holds:
        count = len(status.findings.held)
        remedy = (
            f"`teleport-okta status` says why; `teleport-okta approve {status.findings.held_digest}` lets it through"
        )
        yield HERE.warning("brake", f"harm to {count} objects is held", remedy)
    if status.quarantine:
        what = f"{len(status.quarantine)} rows are set aside"
        yield HERE.warning("quarantine", what, "`teleport-okta status` has the remedy of each")
    if status.managed is not None and status.managed.report:
        what = f"the status could not be written into the plugin: {status.managed.report}"
        yield HERE.warning("plugin's status", what, "let a role of the bot update plugin; docs/teleport-role.md")
    for identity in status.identities:
        if identity.problem and identity.subject:
            what = f"the service's {identity.which} identity: {identity.problem}"
            yield HERE.warning(f"{identity.which} identity", what, _LOOK)
