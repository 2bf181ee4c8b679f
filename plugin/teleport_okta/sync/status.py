"""The status of a process, for the command `status` and the admin service."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from teleport_okta.model.findings import Findings
from teleport_okta.model.part_result import FailureKind, Holdings
from teleport_okta.model.scim_door import ScimDoor

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.model.cost import PassCost, ReadingProgress
    from teleport_okta.model.follow_status import Following
    from teleport_okta.model.managed import Managed
    from teleport_okta.model.part_result import PartResult
    from teleport_okta.model.teleport import Cluster, IdentityState, Outage
    from teleport_okta.state.store import QuarantineEntry, Store
    from teleport_okta.sync.report import PassReport


@dataclass(frozen=True, slots=True)
class Status:
    """The status of one process.

    `state` is idle, running, failing, standby (another process writes), waiting (for settings, as `managed` says),
    stopped (no service runs) or silent (one does not answer). `warnings` are sentences about the cluster's roles, and
    about the lease to write while the auth server is away. `outage`: since when the auth server does not answer.
    """

    version: str
    state: str
    last_success: datetime | None
    quarantine: tuple[QuarantineEntry, ...]
    findings: Findings = field(default_factory=Findings)
    next_pass: datetime | None = None
    last_error: str = ""
    cluster: Cluster | None = None
    last_pass: PassReport | None = None
    identities: tuple[IdentityState, ...] = ()
    cost: PassCost | None = None
    progress: ReadingProgress | None = None
    warnings: tuple[str, ...] = ()
    following: Following | None = None
    door: ScimDoor | None = None
    managed: Managed | None = None
    failure: FailureKind = FailureKind.NONE
    parts: tuple[PartResult, ...] = ()
    holdings: Holdings = field(default_factory=Holdings)
    outage: Outage | None = None

    @property
    def has_counted(self) -> bool:
        """Whether `holdings` are complete: a pass has ended, or this process continued from an earlier one."""
        return self.last_pass is not None or (self.state == "idle" and self.next_pass is not None)

    def as_json(self) -> dict[str, object]:
        """Return the status in the shape of `status --format json`."""
        return {
            "version": self.version,
            "state": self.state,
            "last_success": self.last_success and self.last_success.isoformat(),
            "next_pass": self.next_pass and self.next_pass.isoformat(),
            "last_error": self.last_error,
            "cluster": self.cluster and asdict(self.cluster),
            "outage": self.outage and {**asdict(self.outage), "since": self.outage.since.isoformat()},
            "identities": [
                {**asdict(state), "expires": state.expires and state.expires.isoformat()} for state in self.identities
            ],
            "cost": self.cost and self.cost.as_json(),
            "warnings": list(self.warnings),
            "failure": self.failure.value,
            "parts": [result.as_json() for result in self.parts],
            "holdings": asdict(self.holdings),
            "following": self.following and self.following.as_json(),
            "scim": self.door and self.door.as_json(),
            "managed": self.managed and asdict(self.managed),
            "progress": self.progress and asdict(self.progress),
            "held_digest": self.findings.held_digest,
            **self.findings.as_json(),
            "quarantine": [
                {
                    **entry.row.as_json(),
                    "since": entry.since.isoformat(),
                    "next_try": entry.next_try.isoformat(),
                    "tries": entry.tries,
                }
                for entry in self.quarantine
            ],
            "last_pass": self.last_pass and self.last_pass.as_json(),
        }


async def status_of_store(
    store: Store, version: str, identities: tuple[IdentityState, ...] = (), *, is_provisioned: bool = False
) -> Status:
    """Return the status from the state while no service runs, with the identities from their files.

    `is_provisioned`: a SCIM endpoint is configured.
    """
    door = None
    if is_provisioned:
        users = await store.scim_users.counts()
        door = ScimDoor(reason="no service runs", active=users.active, denied=users.denied)
    return Status(
        version=version,
        state="stopped",
        last_success=await store.last_success(),
        quarantine=tuple(await store.quarantine()),
        findings=await store.findings(),
        identities=identities,
        cost=await store.cost(),
        parts=await store.part_results(),
        door=door,
    )
