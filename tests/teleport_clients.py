"""Clients of a Teleport server on loopback, reached directly."""

from __future__ import annotations

import random
from pathlib import Path

from teleport_okta.teleport.cluster import Teleport
from teleport_okta.teleport.route import Direct


async def connect(address, **options):
    """A client of the auth server at `address`; the options are those of `Teleport.connect`."""
    return await Teleport.connect(Direct(address), directory=Path("/nowhere"), rng=random.Random(1), **options)
