"""The routes of the control interface about SAML apps: signing keys, certificate dates, ACS URL and audience."""

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from teleport_okta.sandbox.control_api import Route, Seconds
from teleport_okta.sandbox.okta.app_defaults import Json
from teleport_okta.sandbox.okta.apps import App
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.signing_keys import YEARS, SigningKey, key_json


def saml_routes(org: OktaOrganization, shown: Callable[[App], Json]) -> list[Route]:
    """Return the routes; `shown` returns the JSON of an app."""

    def key(found: SigningKey) -> Json:
        return key_json(found, org.signing_keys.certificate(found))

    def generate(app: str, years: Annotated[int, Field(ge=1, le=100)] = YEARS) -> Json:
        return key(org.generate_signing_key(app, years=years))

    def rotate(app: str, kid: str | None = None) -> Json:
        return shown(org.rotate_signing_key(app, kid))

    def set_dates(app: str, expires_in: Seconds, starts_in: Seconds | None = None) -> Json:
        return key(org.set_certificate_dates(app, expires_in=expires_in, starts_in=starts_in))

    def change(app: str, acs_url: str | None = None, audience: str | None = None) -> Json:
        return shown(org.change_sign_on(app, acs_url=acs_url, audience=audience))

    return [
        Route("GET /apps/{app}/keys", lambda app: [key(found) for found in org.signing_keys.of(org.app(app))]),
        Route("POST /apps/{app}/keys", generate),
        Route("POST /apps/{app}/keys/rotate", rotate),
        Route("POST /apps/{app}/certificate", set_dates),
        Route("PATCH /apps/{app}/sign-on", change),
    ]
