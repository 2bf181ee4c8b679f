"""The endpoints of SAML apps only: metadata and signing keys (`docs/reference/okta.md` 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta import metadata
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint, Json
from teleport_okta.sandbox.okta.error_bodies import invalid, not_found, refusal
from teleport_okta.sandbox.okta.messages import Answer
from teleport_okta.sandbox.okta.routes_apps import MANAGE, READ, app_of
from teleport_okta.sandbox.okta.signing_keys import SigningKey, key_json

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App

FEWEST_YEARS, MOST_YEARS = 2, 10
"""The allowed validity of a new key, in years."""


def get_metadata(call: Call) -> Answer:
    """Return the IdP metadata with the signing key that ``kid`` names, or with the one in use."""
    app = app_of(call)
    if not app.is_saml:
        raise not_found(app.id, "AppInstance")
    if "kid" not in call.query and call.org.settings.metadata_needs_kid:
        raise refusal("E0000028", "kid: The parameter is required")
    return _metadata(call, app, call.query.get("kid", str(app.kid)))


def get_public_metadata(call: Call) -> Answer:
    """Return the IdP metadata with the signing key in use, without credentials."""
    app = call.org.apps.with_external_key(call.path["key"])
    return _metadata(call, app, str(app.kid))


def list_keys(call: Call) -> Answer:
    """List an app's signing keys."""
    return Answer(body=[_key(call, key) for key in call.org.signing_keys.of(app_of(call))])


def get_key(call: Call) -> Answer:
    """Return one signing key."""
    return Answer(body=_key(call, call.org.signing_keys.require(app_of(call), call.path["kid"])))


def generate_key(call: Call) -> Answer:
    """Add a signing key. The key in use stays the same."""
    app, years = app_of(call), call.query.get("validityYears", "")
    if not years.isascii() or not years.isdigit() or not FEWEST_YEARS <= int(years) <= MOST_YEARS:
        raise invalid("validityYears", f"validityYears: The value must be from {FEWEST_YEARS} to {MOST_YEARS}")
    if not app.is_saml:
        raise invalid("app", "app: Only a SAML app has signing keys of its own here")
    return Answer(201, body=_key(call, call.org.signing_keys.generate(app, int(years))))


def _metadata(call: Call, app: App, kid: str) -> Answer:
    keys = call.org.signing_keys
    text = metadata.idp_metadata(app, call.base, keys.certificate(keys.require(app, kid)))
    return Answer(text=text, content_type=metadata.CONTENT_TYPE)


def _key(call: Call, key: SigningKey) -> Json:
    return key_json(key, call.org.signing_keys.certificate(key))


_KEYS = "/api/v1/apps/{id}/credentials/keys"
ENDPOINTS = (
    Endpoint("GET", "/api/v1/apps/{id}/sso/saml/metadata", get_metadata, READ, (READ,), metadata.MEDIA_TYPE),
    Endpoint("GET", "/app/{key}/sso/saml/metadata", get_public_metadata, media_type=metadata.MEDIA_TYPE),
    Endpoint("GET", _KEYS, list_keys, READ, (READ,)),
    Endpoint("POST", f"{_KEYS}/generate", generate_key, MANAGE, (MANAGE,)),
    Endpoint("GET", f"{_KEYS}/{{kid}}", get_key, READ, (READ,)),
)
