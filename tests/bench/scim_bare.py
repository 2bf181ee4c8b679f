"""A child of `scim`: the least that aiohttp can do, a handler that returns bytes which it was given.

It reads a request with its body, and answers each operation with one answer of the product. Prints one line of JSON
with the address.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiohttp import web


async def serve(answers: dict[str, dict[str, Any]]) -> None:
    """Serve until the process is ended. `answers` are of each operation the status, the headers and the body."""
    bodies = {operation: one["body"].encode("ascii") for operation, one in answers.items()}

    async def answer(request: web.BaseRequest) -> web.Response:
        await request.read()
        operation = _operation(request)
        found = answers[operation]
        return web.Response(status=found["status"], body=bodies[operation], headers=found["headers"])

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{runner.addresses[0][1]}/scim/v2"}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def _operation(request: web.BaseRequest) -> str:
    match request.method:
        case "POST":
            return "create"
        case "PATCH":
            return "patch"
    path, _, query = request.raw_path.partition("?")
    if not path.endswith("/Users"):
        return "get"
    return "filter" if "filter=" in query else "list"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("answers", type=Path)
    asyncio.run(serve(json.loads(parser.parse_args().answers.read_text())))
