"""What the pieces of the engine share: both systems, the state, and what the process knows beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.apply.applier import Applier
    from teleport_okta.apply.keys import Keys
    from teleport_okta.clock import Clock
    from teleport_okta.state.store import Store
    from teleport_okta.sync.harm_window import HarmWindow
    from teleport_okta.sync.registry import Registry
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class EngineContext:
    """One organisation, one cluster and one process. `become_writer` obtains the lease to write for an owner."""

    okta: OktaSource
    teleport: Teleport
    store: Store
    clock: Clock
    keys: Keys
    applier: Applier
    registry: Registry
    hour: HarmWindow
    become_writer: Callable[[str], Awaitable[None]]
