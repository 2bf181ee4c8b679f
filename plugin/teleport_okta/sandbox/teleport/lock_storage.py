"""An index of the locks by their target, updated by events of the lock store, so that many locks cost no more time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport.legacy.types.types_pb2 import LockV2

    from .caller import Caller
    from .store import Store

_Target = tuple[str, str]


class LockStorage:
    """The locks by their target."""

    def __init__(self, locks: Store[LockV2]) -> None:
        self._locks = locks
        self._by_target: dict[_Target, dict[str, LockV2]] = {}
        locks.followers.append(self._follow)

    def in_force_against(self, caller: Caller, now: float) -> bool:
        """Return whether a lock in force targets the caller: the user, one of the roles, or the host."""
        self._locks.catch_up()
        if not self._by_target:
            return False
        return any(
            lock_in_force(lock, now)
            for target in _targets_of_caller(caller)
            for lock in self._by_target.get(target, {}).values()
        )

    def _follow(self, name: str, before: LockV2 | None, after: LockV2 | None) -> None:
        if before is not None:
            for target in _targets_of_lock(before):
                named = self._by_target[target]
                del named[name]
                if not named:
                    del self._by_target[target]
        if after is not None:
            for target in _targets_of_lock(after):
                self._by_target.setdefault(target, {})[name] = after


def lock_in_force(lock: LockV2, now: float) -> bool:
    """Return whether the lock is in force at a time: until `spec.expires`, or without end."""
    return not lock.Spec.HasField("Expires") or now < lock.Spec.Expires.seconds + lock.Spec.Expires.nanos / 1e9


def _targets_of_lock(lock: LockV2) -> Iterator[_Target]:
    target = lock.Spec.Target
    for kind, value in (("user", target.User), ("role", target.Role), ("host", target.ServerID)):
        if value:
            yield kind, value


def _targets_of_caller(caller: Caller) -> Iterator[_Target]:
    yield "user", caller.name
    for role in caller.roles:
        yield "role", role
    if caller.host_id:
        yield "host", caller.host_id
        yield "host", caller.name
