"""The calls of the control listener about SAML apps: signing keys, certificate dates, ACS URL and audience."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.control_input import maybe, seconds_of, years_of
from teleport_okta.sandbox.okta.signing_keys import YEARS, SigningKey, key_json

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.organization import OktaOrganization

Action = Callable[[dict[str, str], Json], object]


def saml_actions(org: OktaOrganization, shown: Callable[[App], Json]) -> dict[str, Action]:
    """Return the calls by method and path; `shown` returns the JSON of an app."""

    def key(found: SigningKey) -> Json:
        return key_json(found, org.signing_keys.certificate(found))

    def set_dates(at: dict[str, str], body: Json) -> Json:
        starts_in = seconds_of(body, "starts_in") if "starts_in" in body else None
        return key(org.set_certificate_dates(at["app"], expires_in=seconds_of(body, "expires_in"), starts_in=starts_in))

    def change(at: dict[str, str], body: Json) -> Json:
        acs_url, audience = maybe(body, "acs_url", str), maybe(body, "audience", str)
        return shown(org.change_sign_on(at["app"], acs_url=acs_url, audience=audience))

    return {
        "GET /apps/{app}/keys": lambda at, _: [key(found) for found in org.signing_keys.of(org.app(at["app"]))],
        "POST /apps/{app}/keys": lambda at, body: key(
            org.generate_signing_key(at["app"], years=years_of(body, "years", YEARS))
        ),
        "POST /apps/{app}/keys/rotate": lambda at, body: shown(
            org.rotate_signing_key(at["app"], maybe(body, "kid", str))
        ),
        "POST /apps/{app}/certificate": set_dates,
        "PATCH /apps/{app}/sign-on": change,
    }
