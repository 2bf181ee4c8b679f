"""The obstacles to a cleanup: a sync that is active, or may be.

An active sync would make the removed objects again. Where the vendor's integration writes back, deleting a list while
it is active can empty the group in Okta (`docs/reference/teleport.md` 6.3). So an unknown state counts as active.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.errors import TeleportOktaError
from teleport_okta.teleport.teleport_errors import PermissionDeniedError, TeleportError
from teleport_okta.teleport.writers import present_writers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from teleport_okta.cleanup.ownership import Claim
    from teleport_okta.model.plugin import Plugin
    from teleport_okta.teleport.cluster import Teleport


class SyncActiveError(TeleportOktaError):
    """A sync is active, or may be. Stop it first; nothing was removed."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """One sync that is active, and how to stop it."""

    what: str
    remedy: str

    @property
    def error(self) -> SyncActiveError:
        """The error that a cleanup ends with."""
        return SyncActiveError(f"the sync is active: {self.what}", remedy=self.remedy)


def running_service_error(data_dir: Path) -> SyncActiveError:
    """Return the error for a service that runs on the data directory."""
    what = f"a service runs on {data_dir}, and would make everything again"
    return Blocker(what, "stop it, and keep it stopped (systemctl disable --now teleport-okta)").error


@dataclass(frozen=True, slots=True)
class Findings:
    """The obstacles to a cleanup, and `doubts` that only a person can resolve, a sentence each."""

    blockers: tuple[Blocker, ...] = ()
    doubts: tuple[str, ...] = ()


async def find_blockers(teleport: Teleport, claim: Claim, now: datetime) -> Findings:
    """Return the syncs that the cluster knows of: another writer for the owner, plugins for the organizations.

    Raises UnavailableError and its like.
    """
    writers, plugins = await _other_writers(teleport, claim.owner, now), await _plugins(teleport, claim)
    return Findings((*writers, *plugins.blockers), plugins.doubts)


def active_plugins(plugins: Iterable[Plugin], claim: Claim) -> Findings:
    """Return the plugins that sync one of the organizations, run by Teleport or by a service of ours.

    A plugin with another address is a doubt: an organisation can have several. A service of ours may go on if its
    objects are not removed.
    """
    found, doubts = [], []
    for plugin in plugins:
        if plugin.okta is None or not plugin.okta.sync_users:
            continue
        what = f"plugin {plugin.name!r} syncs {plugin.okta.org_url}"
        if not claim.covers(plugin.okta.org_url):
            doubts.append(f"{what}: if that is another address of this organisation, stop the plugin first")
        elif not plugin.is_hosted and not claim.ours:
            continue
        elif plugin.is_hosted:
            found.append(Blocker(f"{what}, run by Teleport itself", f"delete it: tctl plugins delete {plugin.name}"))
        else:
            remedy = f"switch its user sync off, or delete it: tctl plugins delete {plugin.name}"
            found.append(Blocker(f"{what}, for a service that follows it", remedy))
    return Findings(tuple(found), tuple(doubts))


async def _other_writers(teleport: Teleport, owner: str, now: datetime) -> list[Blocker]:
    lease = teleport.lease
    return [
        Blocker(f"another process writes for {owner}: {writer.holder}", "stop that process")
        for writer in await present_writers(teleport.host, now)
        if writer.owner == owner and not (lease is not None and lease.is_of_our_seat(writer.holder))
    ]


async def _plugins(teleport: Teleport, claim: Claim) -> Findings:
    unknown = "plugins of the cluster may sync this organisation, and cannot be seen: "
    try:
        return active_plugins(await teleport.plugins.list(), claim)
    except TeleportError as error:
        if not await teleport.plugins.is_offered():
            return Findings()
        is_denied = isinstance(error, PermissionDeniedError)
        remedy = "give the bot's role the verbs list and read on plugin" if is_denied else error.remedy
        return Findings((Blocker(unknown + error.what, remedy),))
