"""The services that a server offers: ours, and gRPC's own services for health and reflection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import grpc.aio


@dataclass(frozen=True, slots=True)
class Offer:
    """One service: its full name, and the function that adds it to a server.

    ::

        Offer("teleport.okta.v1.OktaService", partial(add_OktaServiceServicer_to_server, servicer))
    """

    name: str
    add: Callable[[grpc.aio.Server], None]


class Health:
    """Adds services to a server, and reports each as SERVING until the server stops."""

    def __init__(self) -> None:
        self._servicer = health.aio.HealthServicer()

    async def begin(self, server: grpc.aio.Server, offers: Sequence[Offer]) -> None:
        """Add the services, health and reflection to a server, and report them as SERVING."""
        for offer in offers:
            offer.add(server)
            await self._servicer.set(offer.name, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        names = [offer.name for offer in offers]
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)

    async def end(self) -> None:
        """Report every service as NOT_SERVING, because the server stops."""
        await self._servicer.enter_graceful_shutdown()
