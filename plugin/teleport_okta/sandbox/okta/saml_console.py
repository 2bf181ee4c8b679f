"""The part of the admin console for a SAML app: its signing keys, and what it sends to the service provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_transactions import by_administrator
from teleport_okta.sandbox.okta.signing_keys import YEARS, SigningKey, SigningKeys

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.apps import App, Apps
    from teleport_okta.sandbox.okta.timeline import Timeline


class SamlConsole:
    """The administrator's actions on SAML apps; a base class of the organisation, which has the state."""

    timeline: Timeline
    apps: Apps
    signing_keys: SigningKeys

    @by_administrator
    def generate_signing_key(self, app: str, *, years: int = YEARS) -> SigningKey:
        """Add a signing key to an app, which goes on signing with the one that it has."""
        return self.signing_keys.generate(self._saml_app(app), years)

    @by_administrator
    def rotate_signing_key(self, app: str, kid: str | None = None) -> App:
        """Have an app sign with another one of its keys, a new one unless `kid` names it."""
        found = self._saml_app(app)
        key = self.signing_keys.generate(found) if kid is None else self.signing_keys.require(found, kid)
        return self.apps.sign_with(found, key.kid)

    def set_certificate_dates(self, app: str, *, expires_in: float, starts_in: float | None = None) -> SigningKey:
        """Have the certificate in use expire in so many seconds, or have expired if that is below zero.

        With `starts_in` it is not valid before. It is as if the key had been made at another time, so the app itself
        does not change. Raises ``ValueError`` if the certificate would expire before it starts.
        """
        found, now = self._saml_app(app), self.timeline.stamp()
        key = self.signing_keys.require(found, str(found.kid))
        starts, expires = key.starts, now + int(expires_in)
        if starts_in is not None:
            starts = now + int(starts_in)
        elif expires <= starts:  # it was valid for a day
            starts = expires - 86_400
        return self.signing_keys.set_dates(found, key.kid, starts=starts, expires=expires)

    @by_administrator
    def change_sign_on(self, app: str, *, acs_url: str | None = None, audience: str | None = None) -> App:
        """Change where an app sends its assertions, recipient and destination included, or for whom they are."""
        changes: dict[str, object] = {}
        if acs_url is not None:
            changes |= dict.fromkeys(("ssoAcsUrl", "recipient", "destination"), acs_url)
        if audience is not None:
            changes["audience"] = audience
        return self.apps.set_sign_on(self._saml_app(app), changes)

    def _saml_app(self, app_id: str) -> App:
        self.timeline.settle()
        app = self.apps.require(app_id)
        if not app.is_saml:
            raise ValueError(f"{app.label} is not a SAML app")
        return app
