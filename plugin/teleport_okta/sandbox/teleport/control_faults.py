"""The routes of the control interface about faults, calls, and watches."""

from dataclasses import asdict

import grpc

from ..control_api import Route, Seconds, Unchecked
from .faults import Fault
from .sandbox import TeleportSandbox


def fault_routes(sandbox: TeleportSandbox) -> list[Route]:
    """Return the routes."""
    calls, faults, watches = sandbox.calls, sandbox.faults, sandbox.cluster.watches

    def show_calls() -> object:
        in_flight = calls.most_writes_in_flight
        return {"total": calls.total, "calls": dict(calls.calls), "most_writes_in_flight": in_flight}

    def add_fault(code: str | None = None, **fault: Unchecked) -> object:
        if code is not None and code not in grpc.StatusCode.__members__:
            raise ValueError(f"no gRPC status is called {code!r}")
        added = Fault(**fault, code=grpc.StatusCode[code] if code is not None else None)
        faults.add(added)
        return _fault_json(added)

    def withhold(seconds: Seconds) -> None:
        watches.withhold(seconds)

    return [
        Route("GET /calls", show_calls),
        Route("POST /calls/reset", calls.reset),
        Route("GET /faults", lambda: [_fault_json(fault) for fault in faults.waiting]),
        Route("POST /faults", add_fault, 201),
        Route("DELETE /faults", faults.clear),
        Route("GET /watches", lambda: {"open": watches.open_watches, "waiting": watches.waiting}),
        Route("POST /watches/end", watches.end_all),
        Route("POST /watches/overflow", watches.overflow),
        Route("POST /watches/withhold", withhold),
        Route("POST /watches/drop", watches.drop, exact=True),
    ]


def _fault_json(fault: Fault) -> dict[str, object]:
    return asdict(fault) | {"code": fault.code.name if fault.code is not None else None}
