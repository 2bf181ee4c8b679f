"""The part of the control address that is about faults, and about what was called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import grpc
from aiohttp import web

from .control_json import body_of
from .faults import Fault

if TYPE_CHECKING:
    from .sandbox import TeleportSandbox

_FAULT_KEYS: Final = {
    "method",
    "code",
    "message",
    "latency",
    "reset",
    "applied",
    "loses_members",
    "raced",
    "after",
    "count",
    "probability",
}


class FaultControl:
    """Adds, lists and forgets faults, and counts calls."""

    def __init__(self, sandbox: TeleportSandbox) -> None:
        self._calls = sandbox.calls
        self._faults = sandbox.faults

    def routes(self) -> list[web.RouteDef]:
        """Return the requests that are answered here."""
        return [
            web.get("/calls", self._show_calls),
            web.post("/calls/reset", self._reset_calls),
            web.get("/faults", self._show_faults),
            web.post("/faults", self._add_fault),
            web.delete("/faults", self._clear_faults),
        ]

    async def _show_calls(self, _request: web.Request) -> web.Response:
        return web.json_response(
            {
                "total": self._calls.total,
                "calls": self._calls.calls,
                "most_writes_in_flight": self._calls.most_writes_in_flight,
            }
        )

    async def _reset_calls(self, _request: web.Request) -> web.Response:
        self._calls.reset()
        return web.json_response({})

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return web.json_response([_fault_as_json(fault) for fault in self._faults.waiting])

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        unknown = sorted(set(body) - _FAULT_KEYS)
        if unknown:
            raise ValueError(f"unknown keys of a fault: {', '.join(unknown)}")
        code = body.pop("code", None)
        if code is not None and code not in grpc.StatusCode.__members__:
            raise ValueError(f"no gRPC status is called {code!r}")
        fault = Fault(**body, code=grpc.StatusCode[code] if code is not None else None)
        self._faults.add(fault)
        return web.json_response(_fault_as_json(fault), status=201)

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({})


def _fault_as_json(fault: Fault) -> dict[str, Any]:
    return {
        "method": fault.method,
        "code": fault.code.name if fault.code is not None else None,
        "message": fault.message,
        "latency": fault.latency,
        "reset": fault.reset,
        "applied": fault.applied,
        "loses_members": fault.loses_members,
        "raced": fault.raced,
        "after": fault.after,
        "count": fault.count,
        "probability": fault.probability,
    }
