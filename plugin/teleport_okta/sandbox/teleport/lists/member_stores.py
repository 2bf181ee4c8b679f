"""The members of all lists, one store per list."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST, Member

from ..store import Kind, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ..store import Follower, Lag, WriteObserver

MEMBER_KIND: Final = "access_list_member"


@dataclass(slots=True)
class MemberCount:
    """The numbers of members of a list that are users (or of no kind), and lists."""

    users: int = 0
    lists: int = 0


def is_list(member: Member | None) -> bool:
    """Return whether a member is a list. One of no kind is a user."""
    return member is not None and member.spec.membership_kind == MEMBERSHIP_KIND_LIST


class MemberKind(Kind[Member]):
    """The members of one list; `list_name` is the list in which they are stored."""

    def __init__(self, list_name: str) -> None:
        super().__init__(MEMBER_KIND, f"/access_list_member/{list_name}/", lambda member: member.header.metadata)
        self.list_name = list_name


class MemberStores:
    """The members of all lists. A member is stored in the list of the call, under the name in its header.

    Its spec may name another list, which is not checked (`docs/reference/teleport-observed.md` 1.9). So a listing
    of one list may show a member whose spec names another.
    """

    def __init__(self, clock: Callable[[], float], lag: Lag, observer: WriteObserver | None = None) -> None:
        self._clock = clock
        self._lag = lag
        self._observer = observer
        self._stores: dict[str, Store[Member]] = {}
        self._counts: dict[str, MemberCount] = {}
        self._keys: list[str] = []
        self._held_until = self._rebuilding_until = -math.inf

    def of(self, list_name: str) -> Store[Member]:
        """Return the store of a list, made on first use; the list need not exist."""
        store = self._stores.get(list_name)
        if store is None:
            store = self._stores[list_name] = Store(MemberKind(list_name), self._clock, self._lag, self._observer)
            store.followers.append(self._counter(list_name))
            store.hold_listings(self._held_until - self._clock())
            store.rebuild_cache(self._rebuilding_until - self._clock())
            insort(self._keys, f"{list_name}/")
        return store

    def count(self, list_name: str) -> MemberCount:
        """Return the numbers of members that the listing of a list shows."""
        if list_name not in self._stores:
            return MemberCount()
        self._stores[list_name].catch_up()
        return self._counts[list_name]

    def page(self, start: str, limit: int) -> tuple[list[Member], Member | None]:
        """Return members of any list from the key `<list>/<member>` on (inclusive), and the one that follows."""
        found = list(islice(self._listed(start), limit + 1))
        return (found[:limit], found[limit]) if len(found) > limit else (found, None)

    def page_by_bare_name(self, list_name: str, start: str, limit: int) -> tuple[list[Member], str]:
        """Return members as a cache does whose keys of a list begin with its bare name, and the key of the next one.

        Members of other lists whose keys sort in between (`abc-x/…` before `abc/…`) are returned too.
        """
        first, end = bisect_left(self._keys, list_name), bisect_right(self._keys, f"{list_name}/")
        walk = (
            (f"{key}{member.header.metadata.name}", member)
            for key in self._keys[first:end]
            for member in self._stores[key[:-1]].listed()
        )
        found = list(islice((one for one in walk if one[0] >= start), limit + 1))
        following = found[limit][0] if len(found) > limit else ""
        return [member for _, member in found[:limit]], following

    def all_stored(self) -> Iterable[Member]:
        """Return every member in the backend."""
        return chain.from_iterable(self._stores[key[:-1]].all_stored() for key in self._keys)

    def hold_listings(self, seconds: float) -> None:
        """Keep the listings of members as they are for a while: those of new lists are empty."""
        self._held_until = self._clock() + seconds
        for store in self._stores.values():
            store.hold_listings(seconds)

    def rebuild_cache(self, seconds: float) -> None:
        """Keep the cache of members empty for a while."""
        self._rebuilding_until = self._clock() + seconds
        for store in self._stores.values():
            store.rebuild_cache(seconds)

    def reload_cache(self) -> None:
        """Read all members from the backend again."""
        self._held_until = self._rebuilding_until = -math.inf
        for store in self._stores.values():
            store.reload_cache()

    def __len__(self) -> int:
        return sum(map(len, self._stores.values()))

    def _listed(self, start: str) -> Iterator[Member]:
        list_name, _, member_name = start.partition("/")
        for key in islice(self._keys, bisect_left(self._keys, f"{list_name}/") if start else 0, None):
            yield from self._stores[key[:-1]].listed(member_name if key == f"{list_name}/" else "")

    def _counter(self, list_name: str) -> Follower[Member]:
        count = self._counts[list_name] = MemberCount()

        def follow(_name: str, before: Member | None, after: Member | None) -> None:
            lists = is_list(after) - is_list(before)
            count.lists += lists
            count.users += (after is not None) - (before is not None) - lists

        return follow
