"""Readers of the System Log: one that polls over the API, and helpers for events."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from teleport_okta.sandbox.okta.log_events import moment
from unit.sandbox_okta.sandbox_okta_world import BASE, World, links

if TYPE_CHECKING:
    from collections.abc import Iterable

Event = dict[str, object]

LOGS = "/api/v1/logs"


class Poller:
    """Follows the next links from now on, as a watcher does."""

    def __init__(self, world: World, *, text: str = "", limit: int = 1000) -> None:
        self.world = world
        self.url = f"{LOGS}?since={stamp(world)}&limit={limit}" + (f"&filter={quote(text)}" if text else "")
        self.poll()

    def poll(self) -> list[Event]:
        response = self.world.get(self.url)
        assert response.status == 200, response.body
        self.url = links(response)["next"].removeprefix(BASE)
        return response.json()

    def types(self) -> list[str]:
        return types(self.poll())


def stamp(world: World, seconds: float = 0) -> str:
    """Return the organisation's time, so many seconds from now, as a query has it."""
    return moment(world.org.timeline.now() + seconds)


def types(events: Iterable[Event]) -> list[str]:
    return [str(event["eventType"]) for event in events]


def targets(event: Event) -> dict[str, str]:
    """Return the ids of an event's targets by type."""
    return {target["type"]: target["id"] for target in event["target"]}


def get_filtered(world: World, text: str) -> list[Event]:
    response = world.get(f"{LOGS}?limit=1000&filter={quote(text)}")
    assert response.status == 200, response.body
    return response.json()
