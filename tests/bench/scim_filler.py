"""A child of `scim`: takes down people in the state of an installation, as if a SCIM client had provisioned them.

The cluster is filled after it, by the plan that a pass makes of this state. Prints one line of JSON: the ids of the
people.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from teleport_okta import app
from teleport_okta.config import load

from tests.bench.scim_people import fill, ids

if TYPE_CHECKING:
    from teleport_okta.settings import Settings


async def filled(settings: Settings, people: int) -> list[str]:
    """Fill the state, and return the SCIM ids."""
    async with app.opened(settings) as parts:
        organization = await parts.provisioning.organization_id()
        await fill(parts.store, organization, people)
        return ids(organization, people)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--people", type=int, required=True)
    given = parser.parse_args()
    sys.stdout.write(json.dumps(asyncio.run(filled(load(given.config), given.people))) + "\n")
