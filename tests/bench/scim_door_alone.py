"""A child of `scim`: the SCIM door over its own state, before an engine that finds everything done already.

What is left is what the door itself costs: HTTP, the parsing, SQLite and the rendering. One group has the first people
as its members. It prints one line of JSON with the address, the ids and the group, and answers lines as
`heartbeat.tell` does until its input ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta.clock import SystemClock
from teleport_okta.model.hint import Hint
from teleport_okta.model.provisioned import ProvisionedGroup, Settlement, Verdict
from teleport_okta.scim.identity import group_id
from teleport_okta.scim.server import serving_scim
from teleport_okta.scim.service import ScimService
from teleport_okta.scim.tokens import ScimTokens
from teleport_okta.settings_scim import ScimSettings
from teleport_okta.state.scim_groups import Members
from teleport_okta.state.store import Store

from tests.bench.heartbeat import tell
from tests.bench.scim_people import GROUP, fill, ids

if TYPE_CHECKING:
    from collections.abc import Collection

    from teleport_okta.model.hint import HintKind

_ORGANIZATION = "00oBenchmark00000001"
_DONE = Settlement(Verdict.DONE)


class NothingToDo:
    """An engine (`Provisioner`) to which no problems."""

    def hints(self, kind: HintKind, of: str) -> list[Hint]:
        """Return one hint, which is written as where hints are followed."""
        return [Hint(kind, of, cause="bench", delay=30.0)]

    def okta_now(self) -> datetime:
        """Return the time of day."""
        return datetime.now(UTC)

    async def organization_id(self) -> str:
        """Return the id of an organisation."""
        return _ORGANIZATION

    def person_named(self, user_name: str) -> str:
        """Know nobody."""
        return ""

    async def settle(
        self, okta_id: str, *, is_wanted: bool, is_new: bool = False, groups: Collection[str] = ()
    ) -> Settlement:
        """Say that it is done."""
        return _DONE

    async def take_over(self) -> None:
        """Take nobody over."""

    async def groups_off(self) -> str:
        """Let groups be pushed."""
        return ""

    async def kept_group_named(self, name: str) -> str:
        """Keep no group."""
        return ""

    async def settle_group(self, list_name: str) -> Settlement:
        """Say that it is done."""
        return _DONE


async def serve(directory: Path, people: int, members: int) -> None:
    """Serve until the input ends."""
    directory.mkdir(parents=True, exist_ok=True)
    clock = SystemClock()
    store = await Store.open(directory)
    await fill(store, _ORGANIZATION, people)
    everybody = ids(_ORGANIZATION, people)
    now = clock.now()
    group = ProvisionedGroup(group_id(_ORGANIZATION, GROUP, 0), GROUP, None, created=now, modified=now)
    await store.scim_groups.put(group, Members(all=everybody[:members]), at=now)
    settings = ScimSettings(listen="127.0.0.1:0", public_url="http://127.0.0.1/scim/v2")
    service = ScimService(store, NothingToDo(), base_url="http://127.0.0.1/scim/v2", clock=clock)
    tokens = ScimTokens(store.scim_tokens, None, clock=clock)
    async with serving_scim(settings, service, tokens, clock=clock) as server:
        sys.stdout.write(json.dumps({"url": f"{server}/scim/v2", "ids": everybody, "group": group.id}) + "\n")
        sys.stdout.flush()
        await tell()
    await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("people", type=int)
    parser.add_argument("members", type=int)
    given = parser.parse_args()
    asyncio.run(serve(given.directory, given.people, given.members))
