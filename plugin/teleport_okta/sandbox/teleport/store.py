"""The store of each kind of resource: a backend that is always current, and a cache that follows it with a delay.

A real server writes to its backend and answers listings from a cache that reads the backend's events. So a listing
shows a new object some tenths of a second late, and a deleted one for about a second more. A single read uses the
backend if the cache does not have the object (`docs/reference/teleport-observed.md` 1.4). The delay is
computed with the injected clock at each read: nothing here waits.

Messages are not copied: callers must not change a message that they gave to the store, or got from it.
"""

from __future__ import annotations

import heapq
import math
import uuid
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, cast

from google.protobuf.message import Message

from .metadata import check_key_part, seconds_of
from .refusal import already_exists, compare_failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
M = TypeVar("M", bound=Message)

STALE_REVISION = (
    "resource revision does not match, it may have been concurrently created|modified|deleted; "
    "please work from the latest state, or use --force to overwrite"
)


@dataclass(frozen=True, slots=True)
class Lag:
    """The delay of listings, in seconds: `put` for new and changed objects, `delete` for deleted ones."""

    put: float = 0.0
    delete: float = 0.0


class Kind(Generic[M]):
    """The facts about one kind: the place of its objects in the backend, and of their metadata.

    `metadata` finds the message with name, labels, expiry and revision in an object. Its fields are called `Name` in
    the old API and `name` in the new one; the descriptor shows which.
    """

    def __init__(self, name: str, prefix: str, metadata: Callable[[M], Message], suffix: str = "") -> None:
        self.name = name
        self.prefix = prefix
        self.suffix = suffix
        self._metadata = metadata

    def name_of(self, message: M) -> str:
        """Return the name of the object in the store."""
        return str(self._field(message, "Name"))

    def parts_of(self, message: M) -> tuple[str, ...]:
        """Return the parts of the backend key that the client chose. Each of them is checked."""
        return (self.name_of(message),)

    def revision_of(self, message: M) -> str:
        """Return the object's revision, empty before it was stored."""
        return str(self._field(message, "Revision"))

    def labels_of(self, message: M) -> Mapping[str, str]:
        """Return the object's labels."""
        return cast("Mapping[str, str]", self._field(message, "Labels"))

    def set_revision(self, message: M, revision: str) -> None:
        """Give the object its next revision."""
        metadata = self._metadata(message)
        setattr(metadata, _spelling(metadata, "Revision"), revision)

    def expires_at(self, message: M) -> float | None:
        """Return the Unix time at which the backend deletes the object, or None."""
        metadata = self._metadata(message)
        field = _spelling(metadata, "Expires")
        return seconds_of(getattr(metadata, field)) if metadata.HasField(field) else None

    def as_event(self, message: M) -> M:
        """Return the object in the event of a write: the whole object for most kinds."""
        return message

    def _field(self, message: M, name: str) -> object:
        metadata = self._metadata(message)
        return getattr(metadata, _spelling(metadata, name))


class KindWithin(Kind[M]):
    """A kind whose names are unique only within a parent, such as a host: the store uses `<parent>/<name>`."""

    def __init__(self, name: str, prefix: str, metadata: Callable[[M], Message], above: Callable[[M], str]) -> None:
        super().__init__(name, prefix, metadata)
        self._above = above

    def name_of(self, message: M) -> str:
        """Return both names, joined as in the backend's key."""
        return "/".join(self.parts_of(message))

    def parts_of(self, message: M) -> tuple[str, ...]:
        """Return the name of the parent, and the object's own."""
        return self._above(message), super().name_of(message)


def _spelling(metadata: Message, name: str) -> str:
    return name if metadata.DESCRIPTOR.full_name == "types.Metadata" else name.lower()


Follower = Callable[[str, M | None, M | None], None]
"""Called for each change of the cache: with the name, the object before and the object after."""


class WriteObserver(Protocol):
    """Is called for every write, in the order of the writes, independent of the cache. The hub of watches is one."""

    def wrote(self, kind: Kind[Any], name: str, message: Any, lag: float) -> None:  # noqa: ANN401 - of that kind
        """Record that an object was stored or deleted (None). The cache follows `lag` seconds later."""
        ...

    def expects(self, moment: float, store: Store[Any]) -> None:
        """Record that an object of the store expires at a Unix time, unless it is written again."""
        ...


@dataclass(frozen=True, slots=True)
class _Event(Generic[M]):
    due: float
    name: str
    message: M | None


class Store(Generic[M]):
    """The objects of one kind, by name. `observer` is called for every write and expiry, but not for `seed`."""

    def __init__(
        self, kind: Kind[M], clock: Callable[[], float], lag: Lag, observer: WriteObserver | None = None
    ) -> None:
        self.kind = kind
        self._clock = clock
        self._lag = lag
        self._observer = observer
        self._backend: dict[str, M] = {}
        self._expiries: list[tuple[float, str, str]] = []
        self._events: deque[_Event[M]] = deque()
        self._cached: dict[str, M] = {}
        self._names: list[str] = []
        self._held_until = 0.0
        self._rebuilding_until = -math.inf
        self.followers: list[Follower[M]] = []

    # Reads

    def get(self, name: str) -> M | None:
        """Return the result of a single read: the cached object, or else the backend's."""
        found = self.cached(name)
        return found if found is not None else self._backend.get(name)

    def cached(self, name: str) -> M | None:
        """Return the objects in the cache."""
        self.catch_up()
        return None if self._rebuilding else self._cached.get(name)

    def stored(self, name: str) -> M | None:
        """Return the object in the backend."""
        self.catch_up()
        return self._backend.get(name)

    def listed(self, start: str = "") -> Iterator[M]:
        """Yield the cached objects in the order of their names, from `start` (inclusive) on."""
        self.catch_up()
        objects, names = (self._backend, sorted(self._backend)) if self._rebuilding else (self._cached, self._names)
        for index in range(bisect_left(names, start) if start else 0, len(names)):
            yield objects[names[index]]

    def page(self, start: str, limit: int, keep: Callable[[M], bool] | None = None) -> tuple[list[M], M | None]:
        """Return at most `limit` cached objects from `start` on that pass the filter, and the one that follows."""
        walk = self.listed(start)
        kept = list(islice(walk if keep is None else filter(keep, walk), limit + 1))
        return (kept[:limit], kept[limit]) if len(kept) > limit else (kept, None)

    def all_stored(self) -> Iterable[M]:
        """Return all objects in the backend, in no order."""
        self.catch_up()
        return self._backend.values()

    def __len__(self) -> int:
        self.catch_up()
        return len(self._backend)

    # Writes

    def create(self, message: M) -> M:
        """Store a new object. ALREADY_EXISTS, with the backend's text, if the name is taken."""
        self._check_key(message)
        self.catch_up()
        if self.kind.name_of(message) in self._backend:
            raise already_exists("UNIQUE constraint failed: kv.key")
        return self._put(message)

    def update(self, message: M) -> M:
        """Replace an object if its revision is still the one that the caller read. FAILED_PRECONDITION otherwise."""
        self._check_key(message)
        self.catch_up()
        stored = self._backend.get(self.kind.name_of(message))
        if stored is None or self.kind.revision_of(stored) != self.kind.revision_of(message):
            raise compare_failed(STALE_REVISION)
        return self._put(message)

    def upsert(self, message: M) -> M:
        """Create or replace the object."""
        self._check_key(message)
        self.catch_up()
        return self._put(message)

    def delete(self, name: str) -> M | None:
        """Remove an object and return it, or None if there was none."""
        self.catch_up()
        message = self._backend.pop(name, None)
        if message is not None:
            self._announce(name, None, self._lag.delete)
        return message

    def seed(self, messages: Iterable[M]) -> None:
        """Store many objects that listings show at once, so that a test can make a large cluster quickly."""
        for message in messages:
            self._stamp(message)
            name = self.kind.name_of(message)
            before = self._cached.get(name)
            self._backend[name] = message
            self._cached[name] = message
            for follower in self.followers:
                follower(name, before, message)
        self._names = sorted(self._cached)

    def hold_listings(self, seconds: float) -> None:
        """Keep the listings as they are for a while, like a cache that has stopped following."""
        self.catch_up()
        self._held_until = self._clock() + seconds

    def rebuild_cache(self, seconds: float) -> None:
        """Keep the cache empty for a while, as after an outage of the backend: listings then come from the backend."""
        self.catch_up()
        self._rebuilding_until = self._clock() + seconds

    def reload_cache(self) -> None:
        """Read everything from the backend again, as a server does at its start."""
        self.catch_up()
        self._events.clear()
        self._held_until = 0.0
        self._rebuilding_until = -math.inf
        for name in sorted({*self._cached, *self._backend}):
            self._show(name, self._backend.get(name))

    @property
    def _rebuilding(self) -> bool:
        return self._clock() < self._rebuilding_until

    # The cache

    def _put(self, message: M) -> M:
        self._stamp(message)
        name = self.kind.name_of(message)
        self._backend[name] = message
        self._announce(name, message, self._lag.put)
        return message

    def _stamp(self, message: M) -> None:
        revision = str(uuid.uuid4())
        self.kind.set_revision(message, revision)
        expires = self.kind.expires_at(message)
        if expires is not None:
            heapq.heappush(self._expiries, (expires, self.kind.name_of(message), revision))
            if self._observer is not None:
                self._observer.expects(expires, self)

    def _check_key(self, message: M) -> None:
        kind = self.kind
        for part in kind.parts_of(message):
            check_key_part(part, kind.prefix + kind.name_of(message) + kind.suffix)

    def _announce(self, name: str, message: M | None, lag: float) -> None:
        """Send a write to the cache and the observer."""
        self._tell_cache(name, message, lag)
        if self._observer is not None:
            self._observer.wrote(self.kind, name, message, lag)

    def _tell_cache(self, name: str, message: M | None, lag: float) -> None:
        """Send an event to the cache, which reads events in their order."""
        now = self._clock()
        if lag <= 0 and not self._events and now >= self._held_until:
            self._apply(name, message)
            return
        due = now + lag
        if self._events:
            due = max(due, self._events[-1].due)
        self._events.append(_Event(due, name, message))

    def catch_up(self) -> None:
        """Apply the events that are due to the cache, and call its followers."""
        if self._expiries:
            self._expire(self._clock())
        if self._events:
            now = self._clock()
            if now < self._held_until:
                return
            while self._events and self._events[0].due <= now:
                event = self._events.popleft()
                self._apply(event.name, event.message)

    def _expire(self, now: float) -> None:
        while self._expiries and self._expiries[0][0] <= now:
            _, name, revision = heapq.heappop(self._expiries)
            message = self._backend.get(name)
            if message is not None and self.kind.revision_of(message) == revision:
                del self._backend[name]
                self._announce(name, None, 0.0)

    def _apply(self, name: str, message: M | None) -> None:
        self._show(name, self.kind.as_event(message) if message is not None else None)

    def _show(self, name: str, message: M | None) -> None:
        """Put an object into the cache or remove it, and call the followers."""
        before = self._cached.get(name)
        if message is not None:
            if before is None:
                insort(self._names, name)
            self._cached[name] = message
        elif before is not None:
            del self._cached[name]
            del self._names[bisect_left(self._names, name)]
        for follower in self.followers:
            follower(name, before, message)
