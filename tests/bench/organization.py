"""The Okta sandbox with the population of the benchmarks, in a process of its own.

What `teleport-okta sandbox okta` runs, but for two things: everybody has exactly twenty attributes, and time runs
twenty times as fast, so that no pass waits for a rate-limit window, or meets one that the pass before it used up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import time
from contextlib import suppress

from teleport_okta.sandbox.okta.control import OktaControl
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.okta.settings import Settings

from tests.bench.population import profile

SPEED = 20
"""How many seconds of the organisation pass in one of ours."""


def populated(people: int) -> tuple[OktaOrganization, str]:
    """Return an organisation of so many people, all assigned to an app, and the app's id.

    The administrator is one of them. An organisation cannot be without; with nobody else, the app has no people.
    """
    started = time.time()
    organization = OktaOrganization(
        Settings(share=100), now=lambda: started + SPEED * (time.time() - started), rng=random.Random(1)
    )
    app = organization.create_app("Teleport")
    for number in range(people):
        if number == 0:
            user = organization.import_profile(organization.admin, **profile(number))
        else:
            user = organization.create_user(profile(number))
        organization.assign(app.id, user.id)
    return organization, app.id


async def serve(people: int) -> None:
    """Print one line of JSON when ready, then serve until cancelled."""
    organization, app_id = populated(people)
    async with OktaSandbox(organization) as okta, OktaControl(okta) as control:
        line = {"url": okta.url, "ssws_token": organization.ssws_token, "app_id": app_id, "control": control.url}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _serve_until_stopped(people: int) -> None:
    serving = asyncio.ensure_future(serve(people))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, required=True)
    asyncio.run(_serve_until_stopped(parser.parse_args().people))
