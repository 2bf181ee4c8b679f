"""A Teleport auth server in miniature: gRPC over mutual TLS, with its own CAs, join tokens, permissions and users.

It plays the server that `docs/reference/teleport.md` and `docs/reference/teleport-observed.md` describe, for the demo,
for tests and for anybody who wants to point a Teleport client at something harmless. What it does not play answers
UNIMPLEMENTED.
"""

from __future__ import annotations

from .cluster import ListingLag
from .edition import Entitlement
from .faults import Fault
from .list_writes import ListCosts
from .sandbox import TeleportSandbox

__all__ = ["Entitlement", "Fault", "ListCosts", "ListingLag", "TeleportSandbox"]
