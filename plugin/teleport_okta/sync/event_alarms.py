"""Events that are about our own access to Okta, or that make Okta's data stale: an operator must know of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.model.log_event import LogEvent


@dataclass(frozen=True, slots=True)
class Source:
    """Whose events matter: the app that people come from (empty: the whole organisation), and our service app."""

    app_id: str = ""
    client_id: str = ""


_OF_OUR_CLIENT: Final = {
    "app.oauth2.client.lifecycle.deactivate": "our service app was deactivated",
    "app.oauth2.client.lifecycle.delete": "our service app was deleted",
    "app.oauth2.client.privilege.grant": "the admin roles of our service app were changed",
    "app.oauth2.client.privilege.revoke": "the admin roles of our service app were taken away",
    "app.oauth2.credentials.lifecycle.deactivate": "a key of our service app was deactivated",
    "app.oauth2.credentials.lifecycle.delete": "a key of our service app was deleted",
    "application.lifecycle.deactivate": "our service app was deactivated",
    "application.lifecycle.delete": "our service app was deleted",
    "application.configuration.update_rate_limits": "our share of the rate limits was changed",
}
"""Alarms of events that name our service app."""

_OF_OUR_APP: Final = {
    "app.keys.rotate": "the signing key of the app was rotated: Teleport's connector needs the new one",
    "app.keys.generate": "the app has a new signing key: Teleport's connector needs it once it is used",
    "application.lifecycle.deactivate": "the app of okta.app_id was deactivated: its assignments have no effect",
    "application.lifecycle.delete": "the app of okta.app_id was deleted: no people come from it",
    "application.configuration.enable_fed_broker_mode": (
        "the app of okta.app_id lets in all people without an assignment (federation broker mode)"
    ),
}
"""Alarms of events that name the app that people come from."""

_OF_THE_ORGANIZATION: Final = {
    "system.api_token.revoke": "an API token was revoked: if it is ours, the next call is refused",
    "system.api_token.update": "an API token was changed: perhaps its rate limits, or the addresses that may use it",
    "system.rate_limit.configuration.update": "the rate limits of the organisation were changed",
    "system.org.rate_limit.warning": "the organisation is near a rate limit",
    "system.org.rate_limit.violation": "the organisation has exceeded a rate limit",
    "system.org.rate_limit.burst": "the organisation uses a burst rate limit",
    "core.concurrency.org.limit.violation": "the organisation has too many calls at the same time",
    "system.import.roadblock": "an import into Okta was stopped by its safeguard: Okta's data may be stale",
    "system.import.roadblock.resume": "an import into Okta that was stopped continues",
}
"""Alarms of events that concern the whole organisation, whatever their targets are."""

_OF_ADMINISTRATORS: Final = frozenset(
    {
        "user.account.privilege.grant",
        "user.account.privilege.revoke",
        "application.configuration.disable_fed_broker_mode",
    }
)
"""Types that only matter if they change our own rights. Every call to Okta shows those, so there is no alarm."""

ALARMING: Final = frozenset({*_OF_OUR_CLIENT, *_OF_OUR_APP, *_OF_THE_ORGANIZATION, *_OF_ADMINISTRATORS})
"""The types that this module decides about."""


def alarm_of(kind: str, event: LogEvent, source: Source, *, happened: bool) -> str:
    """Return the alarm of an event of a type; empty if there is none. `happened`: the event was no failed attempt."""
    named = {target.id for target in event.targets if target.id}
    if source.client_id in named and kind in _OF_OUR_CLIENT:
        return _OF_OUR_CLIENT[kind] if happened else ""
    if source.app_id in named and kind in _OF_OUR_APP:
        return _OF_OUR_APP[kind] if happened else ""
    return _OF_THE_ORGANIZATION.get(kind, "")
