"""Faults on command: what goes wrong, on which calls, how often."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

    import grpc


ECHOED: Final = "echoed"
ABSENT: Final = "absent"
"""What the answer shows of members that the server has lost: those of the request, or none."""


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with the calls whose path matches `method` (exact, or a glob such as `*/UpsertUser`).

    `latency` delays the call, in seconds. Then `code` answers it with a status, or `reset` cuts the connection it came
    on. `applied` lets the call take effect first, so that only its answer is lost. `loses_members` lets
    UpsertAccessListWithMembers answer OK and leave the list's members as they were: `echoed` shows those of the request
    all the same, `absent` shows none. `raced` lets SetPluginStatus and SetPluginCredentials lose against a status write
    that came between their reading and their writing. `after` is how many more matching calls it lets pass first,
    `count` how many more it meets then (None: every one), `probability` the share of them.
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
            raise ValueError(f"members are lost {ECHOED} or {ABSENT}")
        if self.code is None and not (self.reset or self.latency > 0 or self.loses_members or self.raced):
            raise ValueError("a fault needs a code, a reset or a latency, or loses members, or is a race")
        if self.code is not None and self.reset:
            raise ValueError("a fault either answers with a code or resets the connection")
        if not 0 < self.probability <= 1:
            raise ValueError("the probability of a fault is above 0 and at most 1")


class FaultPlan:
    """The faults that are waiting for their calls, oldest first; a call meets at most one."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._faults: list[Fault] = []

    @property
    def waiting(self) -> tuple[Fault, ...]:
        """The faults that may still happen."""
        return tuple(self._faults)

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its calls."""
        self._faults.append(fault)

    def drop_members_of_next_write(self, shown: str = ECHOED) -> None:
        """Let the next UpsertAccessListWithMembers answer OK and store no members; `shown` as `loses_members`."""
        self.add(Fault("*/UpsertAccessListWithMembers", loses_members=shown, count=1))

    def race_next_status_writes(self, count: int = 1) -> None:
        """Let the next calls of SetPluginStatus lose against another writer's."""
        self.add(Fault("*/SetPluginStatus", raced=True, count=count))

    def clear(self) -> None:
        """Forget all faults."""
        self._faults.clear()

    def next_for(self, path: str) -> Fault | None:
        """Return the fault that this call meets, and use it up by one."""
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
