"""All scenes: an ordinary day, a bad day, access, changes within seconds, and SCIM.

In most scenes, something is changed in one sandbox, a pass runs, and checks read the state of the other sandbox. In
the live scenes the service follows the changes without a pass, and in those about SCIM Okta sends requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.demo.access_day import run_access_day
from teleport_okta.demo.bad_day import run_bad_day
from teleport_okta.demo.live_day import run_live_day
from teleport_okta.demo.ordinary_day import run_ordinary_day
from teleport_okta.demo.provisioned_day import run_provisioned_day
from teleport_okta.demo.runner import Display, Runner
from teleport_okta.demo.scenes import Story

if TYPE_CHECKING:
    from teleport_okta.demo.setup import Setup


async def run_story(setup: Setup, display: Display) -> Story:
    """Run all scenes in order, and return them with the final state."""
    runner = Runner(setup, display)
    await run_ordinary_day(runner)
    await run_bad_day(runner)
    await run_access_day(runner)
    await run_live_day(runner)
    await run_provisioned_day(runner)
    return Story(tuple(display.scenes), runner.tables())
