"""A System Log event: its stored form, and its JSON (`docs/reference/okta.md` 5.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_names import EVENTS, EventName
from teleport_okta.sandbox.okta.log_transactions import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.endpoints import Json
    from teleport_okta.sandbox.okta.log_transactions import Target, Transaction

SUCCESS: tuple[str, str | None] = ("SUCCESS", None)
NO_DEBUG: Mapping[str, str] = {}

_GREGORIAN = 0x01B21DD213814000
"""100 ns intervals between the epoch of UUIDs of version 1 and that of Unix."""

_ADDRESS = "192.0.2.10"
_PLACE: Json = {"city": None, "state": None, "country": "United States", "postalCode": None, "geolocation": None}


@dataclass(frozen=True, slots=True)
class Record:
    """An event as it is stored. Its JSON takes ten times the memory, so it is made at each read."""

    type: str
    published: float
    """Epoch seconds by the organisation's clock."""

    number: int
    """Distinguishes events of the same time."""

    node: int
    transaction: Transaction
    targets: tuple[Target, ...]
    actor: Target
    outcome: tuple[str, str | None]
    debug: Mapping[str, str]
    legacy: str | None = None
    """The legacy name, if a type has several."""

    @property
    def uuid(self) -> str:
        """A UUID of version 1 (made of the time), as Okta's are since 2020."""
        ticks = int(self.published * 1000) * 10_000 + _GREGORIAN + self.number % 10_000
        low, middle, high = ticks & 0xFFFFFFFF, ticks >> 32 & 0xFFFF, ticks >> 48 & 0x0FFF
        clock = self.number // 10_000 & 0x3FFF | 0x8000
        return f"{low:08x}-{middle:04x}-{high | 0x1000:04x}-{clock:04x}-{self.node:012x}"

    def json(self) -> Json:
        """Return the event as the API shows it."""
        name = EVENTS.get(self.type) or EventName(self.type)
        is_job = self.transaction.origin is Origin.JOB
        return {
            "actor": _target(self.actor),
            "client": _no_client() if is_job else _client(self.transaction),
            "device": None,
            "authenticationContext": _authentication(self.transaction),
            "displayMessage": name.message,
            "eventType": self.type,
            "outcome": {"result": self.outcome[0], "reason": self.outcome[1]},
            "published": moment(self.published),
            "securityContext": dict.fromkeys(("asNumber", "asOrg", "isp", "domain", "isProxy")),
            "severity": name.severity,
            "debugContext": {"debugData": _debug(self.transaction) | dict(self.debug)},
            "legacyEventType": self.legacy or name.legacy,
            "transaction": _transaction(self.transaction),
            "uuid": self.uuid,
            "version": "0",
            "request": {"ipChain": [] if is_job else [_hop()]},
            "target": [_target(target) for target in self.targets] or None,
        }


def moment(stamp: float) -> str:
    """Return an event's timestamp: UTC, with real milliseconds."""
    text = datetime.fromtimestamp(int(stamp * 1000) / 1000, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def _target(target: Target) -> Json:
    return {
        "id": target.id,
        "type": target.type,
        "alternateId": target.alternate_id,
        "displayName": target.display_name,
        "detailEntry": None,
    }


def _client(transaction: Transaction) -> Json:
    principal = transaction.principal
    is_app = principal is not None and principal.user_id is None
    by_browser = transaction.origin is Origin.CONSOLE
    return {
        "userAgent": {
            "rawUserAgent": transaction.user_agent,
            "os": "Mac OS X" if by_browser else "Unknown",
            "browser": "FIREFOX" if by_browser else "UNKNOWN",
        },
        "zone": "null",
        "device": "Computer" if by_browser else "Unknown",
        "id": principal.id if principal is not None and is_app else None,
        "ipAddress": _ADDRESS,
        "geographicalContext": _PLACE,
    }


def _no_client() -> Json:
    return dict.fromkeys(("userAgent", "zone", "device", "id", "ipAddress", "geographicalContext"))


def _hop() -> Json:
    return {"ip": _ADDRESS, "geographicalContext": _PLACE, "version": "V4", "source": None}


def _authentication(transaction: Transaction) -> Json:
    empty = ("authenticationProvider", "credentialProvider", "credentialType", "issuer", "interface")
    return dict.fromkeys(empty) | {"authenticationStep": 0, "externalSessionId": f"trs{transaction.id[:22]}"}


def _debug(transaction: Transaction) -> Json:
    if transaction.origin is Origin.JOB:
        return {}
    return {
        "requestId": transaction.id,
        "requestUri": transaction.path,
        "threatSuspected": "false",
        "url": f"{transaction.path}?",
    }


def _transaction(transaction: Transaction) -> Json:
    token = transaction.token_id
    return {
        "type": "JOB" if transaction.origin is Origin.JOB else "WEB",
        "id": transaction.id,
        "detail": {} if token is None else {"requestApiTokenId": token},
    }
