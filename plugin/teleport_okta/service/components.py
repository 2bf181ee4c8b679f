"""The health of the components of a process, for `/readyz` and gRPC health: computed without any call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.serve.readiness import (
    PassHealth,
    log_component,
    passes_component,
    scim_component,
    teleport_component,
)

if TYPE_CHECKING:
    from datetime import datetime

    from teleport_okta.observe.health import Component
    from teleport_okta.scim.server import ScimServer
    from teleport_okta.sync.engine import Engine
    from teleport_okta.teleport.cluster import Teleport


def components_of(
    teleport: Teleport,
    engine: Engine | None,
    scim: ScimServer | None,
    *,
    nothing_runs: str,
    is_stopping: bool,
    now: datetime,
) -> tuple[Component, ...]:
    """Return the health by component. `nothing_runs` is the reason why there is no engine, if there should be none."""
    standing = None if engine is None else PassHealth(*engine.standing)
    found = [
        teleport_component(
            teleport.identities(now),
            now,
            should_write=standing is not None and standing.state != "standby",
            is_writer=teleport.is_writer,
            trouble=teleport.write_trouble,
        ),
        passes_component(standing, nothing_runs=nothing_runs, is_stopping=is_stopping),
    ]
    if scim is not None:
        found.append(scim_component(scim))
    if engine is not None and engine.follower is not None:
        found.append(log_component(engine.follower.following()))
    return tuple(found)
