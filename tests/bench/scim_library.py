"""A child of `scim`: the `scim2-server` command, with people in its memory when it starts.

It is the command itself; besides the people, only the backlog of its socket is longer: its server closes every
connection after the answer, and with a backlog of five many clients would measure how TCP repeats itself. Its log goes
nowhere. When it is filled, and before it listens, it prints one line of JSON with the address and the ids.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO
from unittest.mock import patch

from scim2_server.testserver import cli
from scim2_server.testserver.application import BearerTokenApplication

from tests.bench.scim_people import TOKEN, described

if TYPE_CHECKING:
    from scim2_models import ScimProvider
    from scim2_server.storage import ScimStorage

_BACKLOG = 128


def filled_application(people: int, port: int, ready: TextIO) -> type[BearerTokenApplication]:
    """Return its application, filled when it is made; what it prints then goes to `ready`."""

    class Filled(BearerTokenApplication):
        def __init__(self, storage: ScimStorage, provider: ScimProvider, **options: Any) -> None:
            super().__init__(storage, provider, **options)
            resource_type = next(one for one in provider.resource_types if one.name == "User")
            model = provider.model_for(resource_type)
            assert model is not None
            ids = [
                storage.create(resource_type, model.model_validate(described(number))).id for number in range(people)
            ]
            ready.write(json.dumps({"url": f"http://127.0.0.1:{port}/v2", "ids": ids}) + "\n")
            ready.flush()

    return Filled


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("people", type=int)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    application = filled_application(given.people, given.port, sys.stdout)
    with (
        Path(os.devnull).open("w") as nowhere,
        redirect_stdout(nowhere),
        patch.object(sys, "argv", ["scim2-server", "--port", str(given.port), "--bearer-token", TOKEN]),
        patch.object(sys, "stderr", nowhere),
        patch.object(cli.ThreadingWSGIServer, "request_queue_size", _BACKLOG),
        patch.object(cli, "BearerTokenApplication", application),
    ):
        cli.main()
