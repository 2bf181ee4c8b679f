"""An explanation as a value: how one thing in Teleport follows from another in Okta, with the journal's entries."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.model.reason_text import text_of
from teleport_okta.model.reasons import DeprovisionedByScim
from teleport_okta.plan.changes import LOCK, Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from teleport_okta.state.journal_entry import JournalEntry, ObjectKey

ENDED: Final = "ended"
"""The kind of a link about an object that is gone: its newest journal entry says why."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain: an object or a reason (`kind`), why it is there in words, and what follows from it.

    `keys` are the objects behind it (kind and name, as in the journal), and `entries` their journal entries. A link
    without keys has no entries.
    """

    kind: str
    text: str
    name: str = ""
    okta_id: str = ""
    then: tuple[Link, ...] = ()
    keys: tuple[ObjectKey, ...] = ()
    entries: tuple[JournalEntry, ...] = ()

    def all_keys(self) -> Iterator[ObjectKey]:
        """Yield the keys of this link and of all that follow."""
        yield from self.keys
        for link in self.then:
            yield from link.all_keys()

    def with_entries(self, found: Mapping[ObjectKey, Sequence[JournalEntry]], now: datetime) -> Link | None:
        """Return the link and all that follow with their journal entries; None for a lock that has ended."""
        entries = [entry for key in self.keys for entry in found.get(key, ())]
        then = tuple(one for link in self.then if (one := link.with_entries(found, now)) is not None)
        if self.kind == LOCK:
            return _lock(self, entries, now)
        return replace(self, then=then, entries=_telling(self, entries))


@dataclass(frozen=True, slots=True)
class Match:
    """An object that a name may mean: its kind (`of`), its name, and its Okta id (empty if it has none)."""

    of: str
    name: str
    okta_id: str

    @property
    def id(self) -> str:
        """The name that means only this object: the Okta id, or the name if it has none."""
        return self.okta_id or self.name


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer of `explain`.

    `chain` is set if the name means one object. Otherwise `matches` are the objects that it may mean, and `looked_in`
    says where it was looked for. `open` are links about holds, quarantine and hints. `is_live`: a running service
    answered; otherwise it is what was last seen. `seen_at` is the end of the last pass without a failure.
    """

    of: str
    asked: str
    is_live: bool
    seen_at: datetime | None = None
    chain: Link | None = None
    open: tuple[Link, ...] = ()
    matches: tuple[Match, ...] = ()
    looked_in: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return the explanation in the shape of `explain --format json`."""
        return {
            "of": self.of,
            "asked": self.asked,
            "is_live": self.is_live,
            "seen_at": self.seen_at and self.seen_at.isoformat(),
            "chain": self.chain and _link_as_json(self.chain),
            "open": [_link_as_json(link) for link in self.open],
            "matches": [asdict(match) for match in self.matches],
            "looked_in": list(self.looked_in),
        }


def _link_as_json(link: Link) -> dict[str, Any]:
    return {
        "kind": link.kind,
        "name": link.name,
        "okta_id": link.okta_id,
        "text": link.text,
        "entries": [{**asdict(entry), "time": entry.time.isoformat()} for entry in link.entries],
        "then": [_link_as_json(one) for one in link.then],
    }


def _telling(link: Link, entries: Sequence[JournalEntry]) -> tuple[JournalEntry, ...]:
    """Return the entry by which the object of a link was made, and the latest that changed it since."""
    if not entries:
        return ()
    newest = max(entries, key=_sequence)
    made = max((entry for entry in entries if entry.action == Action.CREATE), key=_sequence, default=None)
    if link.kind == ENDED or made is None:
        return (newest,)
    kind, name = link.keys[0]
    updates = [
        entry
        for entry in entries
        if (entry.kind, entry.name, entry.action) == (kind, name, Action.UPDATE) and entry.sequence > made.sequence
    ]
    return (made, *updates)


def _lock(link: Link, entries: Sequence[JournalEntry], now: datetime) -> Link | None:
    """Describe our lock on a user by the journal; None if it has ended, or there never was one."""
    newest = max(entries, key=_sequence, default=None)
    if newest is None or newest.action != Action.LOCK:
        return None
    if newest.harm == LOCK:
        text = f"{newest.reason}; it lasts until that ends"
    elif newest.reason == text_of(DeprovisionedByScim()):
        text = f"{newest.reason}; it lasts until the person is provisioned again"
    elif newest.time + LEAVER_LOCK <= now:
        return None
    else:
        text = f"{newest.reason}; it lasts until {moment(newest.time + LEAVER_LOCK)}"
    if link.okta_id and newest.okta_id != link.okta_id:
        text += f"; it is about {newest.okta_id}, who had the name before"
    return replace(link, text=text, entries=(newest,))


def _sequence(entry: JournalEntry) -> int:
    return entry.sequence


def moment(time: datetime) -> str:
    """Return a time as our commands print it."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
