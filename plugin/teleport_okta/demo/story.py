"""The story: an ordinary day of an organisation, a bad one, one that is about access, live, and with SCIM.

Each scene is a deed in one of the sandboxes, a pass, and checks that look into the other sandbox's own state; in the
live ones changes arrive by themselves, and in those about SCIM Okta brings them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.demo.access_day import tell_access_day
from teleport_okta.demo.bad_day import tell_bad_day
from teleport_okta.demo.live_day import tell_live_day
from teleport_okta.demo.ordinary_day import tell_ordinary_day
from teleport_okta.demo.provisioned_day import tell_provisioned_day
from teleport_okta.demo.runner import Narration, Play
from teleport_okta.demo.scenes import Story

if TYPE_CHECKING:
    from teleport_okta.demo.setup import Stage


async def tell(stage: Stage, narration: Narration) -> Story:
    """Play every scene in order and return the whole."""
    play = Play(stage, narration)
    await tell_ordinary_day(play)
    await tell_bad_day(play)
    await tell_access_day(play)
    await tell_live_day(play)
    await tell_provisioned_day(play)
    return Story(tuple(narration.scenes), play.tables())
