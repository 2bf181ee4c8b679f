"""The example configuration: every key with its description and default, as TOML that is valid once filled in."""

from __future__ import annotations

import json
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from teleport_okta.config import ENVIRONMENT_PREFIX
from teleport_okta.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_TO_FILL_IN: Final[dict[str, object]] = {
    "teleport.addr": "teleport.example.com:443",
    "teleport.identity": "/var/lib/teleport/plugins/okta/identity",
    "teleport.join_token": "/var/lib/teleport/plugins/okta/join-token",
    "okta.org_url": "https://example.okta.com",
    "okta.client_id": "0oaEXAMPLE",
    "okta.private_key": "/var/lib/teleport/plugins/okta/okta-key.pem",
    "okta.private_key_id": "KEY-ID-SHOWN-BY-OKTA",
    "okta.app_id": "0oaEXAMPLE",
}
"""Keys that the example sets, because the usual installation needs them. It comments all others out."""

_EXAMPLES: Final[dict[str, object]] = {
    "teleport.proxy_ca": "/etc/ssl/private-ca.pem",
    "teleport.ca_pins": ["sha256:0000000000000000000000000000000000000000000000000000000000000000"],
    "okta.api_token": "/var/lib/teleport/plugins/okta/okta-token",
    "okta.ca": "/etc/ssl/private-ca.pem",
    "sync.default_roles": ["okta-requester"],
    "metrics.listen": "127.0.0.1:9184",
    "plugin.name": "okta",
    "scim.listen": "0.0.0.0:8443",
    "scim.public_url": "https://scim.example.com/scim/v2",
    "scim.certificate": "/var/lib/teleport/plugins/okta/scim-cert.pem",
    "scim.key": "/var/lib/teleport/plugins/okta/scim-key.pem",
    "scim.token_hash": "/var/lib/teleport/plugins/okta/scim-token-hash",
    "serve.listen": "0.0.0.0:9443",
    "serve.certificate": "/var/lib/teleport/plugins/okta/serve-cert.pem",
    "serve.key": "/var/lib/teleport/plugins/okta/serve-key.pem",
}
"""Example values of keys that are commented out and have no default."""


def example() -> str:
    """Return the example configuration."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield "# Configuration of teleport-okta. Lines that begin with # show the defaults."
    yield f"# An environment variable {ENVIRONMENT_PREFIX}SECTION__KEY overrides a key of this file."
    for name, section in Settings.model_fields.items():
        kind = section.annotation
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            continue
        yield ""
        yield f"# {(kind.__doc__ or '').strip()}"
        yield f"[{name}]"
        for key, field in kind.model_fields.items():
            yield from _key(f"{name}.{key}", key, field)
    yield ""


def _key(path: str, key: str, field: FieldInfo) -> Iterator[str]:
    for line in textwrap.wrap(field.description or "", width=100):
        yield f"# {line}"
    if path in _TO_FILL_IN:
        yield f"{key} = {_toml(_TO_FILL_IN[path])}"
        return
    yield f"# {key} = {_toml(_EXAMPLES.get(path, field.default))}"


def _toml(value: object) -> str:
    match value:
        case timedelta():
            return f'"{_duration(value)}"'
        case Path():
            return json.dumps(str(value))
        case tuple() | list():
            return "[" + ", ".join(_toml(item) for item in value) + "]"
        case _:
            return json.dumps(value)


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
