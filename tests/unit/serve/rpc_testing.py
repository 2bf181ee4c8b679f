"""Coroutine servicers on grpcio-testing's server, which calls methods in a thread of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import grpc_testing


class _AbortedError(Exception):
    pass


class _Context:
    """What a coroutine servicer needs of a call; `peer` is who calls."""

    def __init__(self, peer):
        self._peer = peer

    def peer(self):
        return self._peer

    async def abort(self, code, details="", trailing_metadata=()):
        raise _AbortedError(code, details, trailing_metadata)


@dataclass
class Ended:
    """How a call ended."""

    response: object
    code: object
    details: str
    trailing: dict


class _Adapted:
    """A servicer whose methods wait for the coroutines of another in a loop."""

    def __init__(self, server, servicer, loop):
        self._adapted = server, servicer, loop

    def __getattr__(self, name):
        server, servicer, loop = self._adapted

        def method(request, context):
            coroutine = getattr(servicer, name)(request, _Context(server.peer))
            try:
                return asyncio.run_coroutine_threadsafe(coroutine, loop).result()
            except _AbortedError as aborted:
                code, details, trailing = aborted.args
                # The context's own abort() forgets the trailing metadata.
                context.set_trailing_metadata(trailing)
                context.set_code(code)
                context.set_details(details)

        return method


class RpcServer:
    """A server of one service in this process; `peer` is who calls."""

    def __init__(self, service, servicer):
        self.peer = "ipv4:10.0.0.7:1234"
        self._service = service
        adapted = _Adapted(self, servicer, asyncio.get_running_loop())
        self._server = grpc_testing.server_from_dictionary({service: adapted}, grpc_testing.strict_real_time())

    async def call(self, name, request):
        """Call a method, and return how that ended."""
        rpc = self._server.invoke_unary_unary(self._service.methods_by_name[name], (), request, None)
        response, trailing, code, details = await asyncio.to_thread(rpc.termination)
        return Ended(response, code, details, dict(trailing or ()))
