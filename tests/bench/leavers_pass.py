"""A child of `leavers_first`: a settled organisation and cluster, and a pass in which some come and some leave.

Both sandboxes and the product are in this process, on one virtual clock. Prints one line of JSON, a
`leavers_first.Locked`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from teleport.legacy.types import types_pb2 as types
from teleport_okta import app
from teleport_okta.config import parse
from teleport_okta.okta.buckets import APPS
from teleport_okta.okta.groups_and_apps import APP_USERS_A_PAGE
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.teleport.list_writes import ListWrites
from teleport_okta.sandbox.teleport.sandbox import TeleportSandbox

from tests.bench.cluster import made_at_once
from tests.bench.directory_floor import WINDOW, a_window
from tests.bench.leavers_first import ARRIVALS, LEAVERS, Locked, windows_of
from tests.bench.population import profile
from tests.bench.quiet_clock import QuietClock, held_by_the_product, run
from tests.bench.results import BenchError
from tests.bench.size import Size

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from google.protobuf.message import Message

_WRITES = ("Create", "Update", "Upsert", "Delete")


@dataclass(frozen=True, slots=True)
class _Write:
    """One write that the cluster was asked for, the virtual second, and the calls of Okta until then, by bucket.

    `locks` is the user whom a lock is about, if it is the first one.
    """

    rpc: str
    locks: str
    second: float
    okta_calls: Counter[str]


@dataclass
class _Noting(ListWrites):
    """Lets writes pass, and notes them in the order in which they are carried out."""

    clock: QuietClock
    okta: OktaOrganization
    writes: list[_Write] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(None, self.clock.monotonic, self.clock.sleep)

    @asynccontextmanager
    async def turn(self, path: str, request: Message) -> AsyncIterator[None]:
        """Let a call go on."""
        rpc = path.rpartition("/")[2]
        if rpc.startswith(_WRITES):
            user = request.Spec.Target.User if isinstance(request, types.LockV2) else ""
            first = user if user not in {write.locks for write in self.writes} else ""
            self.writes.append(_Write(rpc, first, self.clock.monotonic(), self.okta.mark().buckets))
        async with super().turn(path, request):
            yield


async def measured(size: Size, directory: Path, clock: QuietClock) -> Locked:
    """Build a settled world, let some come and some leave, and run one pass."""
    okta = OktaOrganization(now=lambda: clock.now().timestamp(), rng=random.Random(1))
    okta_app = seed_large(
        okta, users=size.users, groups=size.groups, apps=size.apps, memberships=size.memberships, rng=random.Random(2)
    )
    cluster = TeleportSandbox(directory / "teleport", now=lambda: clock.now().timestamp(), sleep=clock.sleep)
    cluster._list_writes = noting = _Noting(clock, okta)
    async with OktaSandbox(okta) as server, cluster:
        settings = parse(
            {
                "teleport": {
                    "addr": cluster.address,
                    "identity": str(cluster.identity_path),
                    "join_token": cluster.join_token,
                },
                "okta": {"org_url": server.url, "api_token": okta.ssws_token, "app_id": okta_app.id},
                "access_lists": {"default_owners": ["owner@example.com"]},
                "storage": {"data_dir": str(directory / "data")},
            }
        )
        async with app.opened(settings, clock=clock) as parts:
            await made_at_once(cluster.cluster, parts, settings)
            _come_and_leave(okta)
            await clock.sleep(2 * WINDOW)
            noting.writes.clear()
            mark, began = okta.mark(), clock.monotonic()
            report = await parts.full_pass.run(trigger="bench")
            if not report.succeeded:
                raise BenchError(f"the pass did not succeed: {report.error}")
            seconds = clock.monotonic() - began
    last = max((number for number, write in enumerate(noting.writes) if write.locks), default=0)
    people = Counter({APPS: -(-size.users // APP_USERS_A_PAGE) + LEAVERS})
    share = settings.okta.rate_limit_share
    return Locked(
        locked=sum(bool(write.locks) for write in noting.writes),
        other_writes_before=sum(not write.locks for write in noting.writes[:last]),
        writes=len(noting.writes),
        calls_before=dict(noting.writes[last].okta_calls - mark.buckets),
        calls=dict(okta.calls_since(mark).buckets),
        seconds_to_lock=noting.writes[last].second - began,
        seconds=seconds,
        ideal_windows=max(windows_of(number, a_window(bucket, okta, share)) for bucket, number in people.items()),
    )


def _come_and_leave(okta: OktaOrganization) -> None:
    """Everybody has the app by the group Everyone: whoever is created comes, whoever is deactivated leaves."""
    leavers = [user.id for user in okta.users.all if user.id != okta.admin][:LEAVERS]
    for okta_id in leavers:
        okta.deactivate(okta_id)
    for number in range(ARRIVALS):
        okta.create_user(profile(number, group="new"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    Size.add_arguments(parser)
    given = parser.parse_args()
    quiet = QuietClock(datetime.now(UTC))
    with held_by_the_product(quiet):
        locked = run(quiet, lambda: measured(Size.given(given), given.directory, quiet))
    sys.stdout.write(json.dumps(asdict(locked)) + "\n")
