"""Our own recent writes win over older listings (`docs/design.md` 4.14, `docs/reference/teleport-observed.md` 1.4).

A listing may lag behind a write by a second. So our write, and the fingerprint of the content that it replaced, are
kept until a listing shows our content, or for 30 seconds of the injected clock. If a listing still shows the replaced
content (lacks the created object, has the deleted one), our write is put in its place. A listing that shows a third
content is right, because another party wrote after us.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from teleport_okta.clock import Clock

REMEMBERED: Final = 30.0
"""Seconds after which a listing counts, whatever it shows."""


class Named(Protocol):
    """An object with a name that is unique within its kind."""

    @property
    def name(self) -> str:
        """The name."""
        ...


N = TypeVar("N", bound=Named)

ABSENT: Final = None
"""The fingerprint of an object that is not there."""

UNKNOWN: Final = object()
"""Stands for an unknown fingerprint: any content but ours counts as the replaced one."""


@dataclass(frozen=True, slots=True)
class _Write:
    """Our last write: the message (None: a deletion), its fingerprint, and those of all contents that it replaced.

    `group` is what partial listings are made by, such as the user of a lock.
    """

    raw: bytes | None
    fingerprint: Hashable
    replaced: frozenset[Hashable]
    at: float
    group: Hashable = None


class RecentWrites(Generic[N]):
    """The recent writes of one kind. `fingerprint` differs for different contents; `decode` makes an object of bytes.

    Bytes are kept instead of values, because a first pass writes many thousands within the 30 seconds.
    """

    def __init__(self, clock: Clock, *, fingerprint: Callable[[N], Hashable], decode: Callable[[bytes], N]) -> None:
        self._clock = clock
        self._fingerprint = fingerprint
        self._decode = decode
        self._writes: dict[str, _Write] = {}

    def __len__(self) -> int:
        return len(self._writes)

    def wrote(
        self, name: str, raw: bytes, fingerprint: Hashable, *, replaced: Hashable, group: Hashable = None
    ) -> None:
        """Remember what we stored, and the fingerprint of the previous content (ABSENT: none)."""
        self._remember(name, raw, fingerprint, replaced, group=group)

    def deleted(self, name: str, *, replaced: Hashable = UNKNOWN, ago: float = 0.0) -> None:
        """Remember that an object was deleted so many seconds ago, and its fingerprint.

        Deletions of an earlier process must be added before everything else, oldest first.
        """
        self._remember(name, None, ABSENT, replaced, ago=ago)

    def overwritten(self, name: str) -> None:
        """Forget our write of an object: a watch shows that another party has written it since."""
        self._writes.pop(name, None)

    def settle(self, listed: dict[str, N]) -> dict[str, N]:
        """Correct a complete listing (by name, in place) where it is older than our writes; return it."""
        self._forget_old()
        for name, write in list(self._writes.items()):
            found = listed.get(name)
            if not self._is_older(found, write):
                del self._writes[name]
            elif write.raw is None:
                del listed[name]
            else:
                listed[name] = self._decode(write.raw)
        return listed

    def settle_some(self, listed: dict[str, N], group: Hashable) -> dict[str, N]:
        """Correct the listing of one group in place; return it. Our writes are kept, since it is not complete."""
        self._forget_old()
        for name, write in self._writes.items():
            # Decoding every write for every group would take minutes while thousands of leavers are planned again.
            if name not in listed and write.group != group:
                continue
            if not self._is_older(listed.get(name), write):
                continue
            if write.raw is not None and write.group == group:
                listed[name] = self._decode(write.raw)
            else:
                listed.pop(name, None)
        return listed

    def settle_one(self, name: str, found: N | None) -> N | None:
        """Correct the reading of one object in the same way. Our writes are kept: a listing may still be older."""
        self._forget_old()
        write = self._writes.get(name)
        if write is None or not self._is_older(found, write):
            return found
        return None if write.raw is None else self._decode(write.raw)

    def _is_older(self, found: N | None, write: _Write) -> bool:
        seen = ABSENT if found is None else self._fingerprint(found)
        if seen == write.fingerprint:
            return False
        return seen in write.replaced or UNKNOWN in write.replaced

    def _remember(
        self,
        name: str,
        raw: bytes | None,
        fingerprint: Hashable,
        replaced: Hashable,
        *,
        ago: float = 0.0,
        group: Hashable = None,
    ) -> None:
        self._forget_old()
        earlier = self._writes.pop(name, None)
        chain = frozenset((replaced,)) if earlier is None else earlier.replaced | {earlier.fingerprint, replaced}
        self._writes[name] = _Write(raw, fingerprint, chain - {fingerprint}, self._clock.monotonic() - ago, group)

    def _forget_old(self) -> None:
        limit = self._clock.monotonic() - REMEMBERED
        while self._writes:
            name = next(iter(self._writes))
            if self._writes[name].at > limit:
                return
            del self._writes[name]
