"""Faults on command: their kinds, the calls that they affect, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

    import grpc


ECHOED: Final = "echoed"
ABSENT: Final = "absent"
"""The members in the answer of a call that loses them: those of the request, or none."""


@dataclass(slots=True)
class Fault:
    """A fault of the calls whose path matches `method` (exact, or a glob such as `*/UpsertUser`).

    `latency` delays the call, in seconds. Then `code` answers it with a status, or `reset` resets the
    connection. With `applied` the call takes effect first, so that only its answer is lost. With
    `loses_members` UpsertAccessListWithMembers answers OK and does not change the members; the answer shows those of
    the request (`echoed`) or none (`absent`). With `raced` SetPluginStatus and SetPluginCredentials fail, because
    another client writes the status between their read and their write. The fault skips the first `after` matching
    calls, and affects the next `count` (None: all), or a share of them (`probability`).
    """

    method: str
    code: grpc.StatusCode | None = None
    message: str = "injected fault"
    latency: float = 0.0
    reset: bool = False
    applied: bool = False
    loses_members: str = ""
    raced: bool = False
    after: int = 0
    count: int | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.loses_members not in {"", ECHOED, ABSENT}:
            raise ValueError(f"loses_members must be {ECHOED} or {ABSENT}")
        if self.code is None and not (self.reset or self.latency > 0 or self.loses_members or self.raced):
            raise ValueError("a fault needs a code, a reset or a latency, or loses_members, or raced")
        if self.code is not None and self.reset:
            raise ValueError("a fault has either a code or a reset")
        if not 0 < self.probability <= 1:
            raise ValueError("the probability of a fault must be above 0 and at most 1")


class FaultPlan:
    """The faults in force, oldest first. At most one affects a call."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """The faults that can still affect a call."""
        return tuple(self._faults)

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        self._faults.append(fault)

    def drop_members_of_next_write(self, shown: str = ECHOED) -> None:
        """Add a fault: the next UpsertAccessListWithMembers stores no members. `shown` is `loses_members`."""
        self.add(Fault("*/UpsertAccessListWithMembers", loses_members=shown, count=1))

    def race_next_status_writes(self, count: int = 1) -> None:
        """Add a fault: the next calls of SetPluginStatus fail, because another client writes first."""
        self.add(Fault("*/SetPluginStatus", raced=True, count=count))

    def clear(self) -> None:
        """Delete all faults."""
        self._faults.clear()

    def next_for(self, path: str) -> Fault | None:
        """Return the fault that affects this call, and count the call."""
        for fault in self._faults:
            if not fnmatchcase(path, fault.method):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            if fault.count is not None:
                fault.count -= 1
                if fault.count <= 0:
                    self._faults.remove(fault)
            return fault
        return None
