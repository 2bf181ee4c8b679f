"""What the parts of the engine share: both systems, the state, and the facts that this process keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.apply.applier import Applier
from teleport_okta.apply.keys import Keys
from teleport_okta.sync.harm_window import HarmWindow
from teleport_okta.sync.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from teleport_okta.clock import Clock
    from teleport_okta.observe.metrics import Metrics
    from teleport_okta.state.store import Store
    from teleport_okta.sync.sources import OktaSource
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class EngineContext:
    """One organisation, one cluster and one process. `become_writer` obtains the lease for an owner."""

    okta: OktaSource
    teleport: Teleport
    store: Store
    clock: Clock
    keys: Keys
    applier: Applier
    registry: Registry
    hour: HarmWindow
    become_writer: Callable[[str], Awaitable[None]]

    @classmethod
    def of(
        cls,
        *,
        okta: OktaSource,
        teleport: Teleport,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        become_writer: Callable[[str], Awaitable[None]],
    ) -> EngineContext:
        """Return the context of a process that begins: no key is held, and the registry is empty."""
        keys = Keys(clock)
        return cls(
            okta=okta,
            teleport=teleport,
            store=store,
            clock=clock,
            keys=keys,
            applier=Applier(teleport, store.journal, clock, keys, metrics.work.changed),
            registry=Registry(),
            hour=HarmWindow(store, clock),
            become_writer=become_writer,
        )
