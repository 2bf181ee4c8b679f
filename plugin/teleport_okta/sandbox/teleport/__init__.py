"""A Teleport auth server in miniature: gRPC over mutual TLS, with its own CAs, join tokens, permissions and users.

It behaves like the server in `docs/reference/teleport.md` and `docs/reference/teleport-observed.md`, for the demo, for
tests, and for people who want to try a Teleport client without a real cluster. Other calls are answered UNIMPLEMENTED.
"""

from __future__ import annotations

from .cluster import ListingLag
from .edition import Entitlement
from .faults import Fault
from .list_writes import ListCosts
from .sandbox import TeleportSandbox

__all__ = ["Entitlement", "Fault", "ListCosts", "ListingLag", "TeleportSandbox"]
