"""Whether the running service can do its work, for probes and metrics. Uses only facts in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta.observe.health import TELEPORT, Component

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.follow_status import Following
    from teleport_okta.model.teleport import IdentityState
    from teleport_okta.scim.server import ScimServer

PASSES: Final = "passes"
SCIM: Final = "scim"
LOG: Final = "log"

_NO_LEASE: Final = (
    "this process does not have the lease at the moment: it did not ask for it yet, the auth server cannot be "
    "reached, or another process has it"
)


@dataclass(frozen=True, slots=True)
class PassHealth:
    """The health of full passes: `state` as in `status`; `error` if they fail, or why this process is a standby."""

    state: str
    error: str = ""


def teleport_component(
    identities: tuple[IdentityState, ...], now: datetime, *, should_write: bool, is_writer: bool, trouble: str = ""
) -> Component:
    """Return whether this process can write to the cluster: it needs valid identities and the lease.

    `trouble` is why the lease was lost, if that is known.
    """
    for one in identities:
        if one.expires is not None and now >= one.expires:
            return Component(TELEPORT, is_ready=False, reason=f"the {one.which} identity: {one.problem}")
    if should_write and not is_writer:
        return Component(TELEPORT, is_ready=False, reason=trouble or _NO_LEASE)
    return Component(TELEPORT, is_ready=True)


def passes_component(found: PassHealth | None, *, nothing_runs: str, is_stopping: bool) -> Component:
    """Return whether full passes succeed. `nothing_runs` is why there are none, if the settings say so.

    A standby is ready, and so is a process that has nothing to sync: a restart would not help, and a rolling update
    waits until the new process is ready before it stops the old one.
    """
    if is_stopping:
        return Component(PASSES, is_ready=False, reason="the service is stopping")
    if nothing_runs:
        return Component(PASSES, is_ready=True, reason=f"nothing is synced: {nothing_runs}")
    if found is None:
        return Component(PASSES, is_ready=False, reason="the settings are being changed, or the service is starting")
    is_ready = found.state == "standby" or not found.error
    return Component(PASSES, is_ready=is_ready, reason=f"{found.state}: {found.error}" if found.error else found.state)


def scim_component(server: ScimServer) -> Component:
    """Return whether SCIM requests are answered. An endpoint that only lacks a token has not failed."""
    if server.bound is not None:
        return Component(SCIM, is_ready=True, reason=f"requests are answered at {server}")
    return Component(SCIM, is_ready=not server.problem, reason=server.problem or server.reason)


def log_component(following: Following) -> Component:
    """Return how the System Log is followed. It is always ready, because full passes work without it."""
    return Component(LOG, is_ready=True, reason=following.state)
