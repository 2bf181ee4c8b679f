"""The part of the admin console for a SAML app: its signing keys, ACS URL and audience."""

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
        """Add a signing key to an app. The key in use stays the same."""
        return self.signing_keys.generate(self._saml_app(app), years)

    @by_administrator
    def rotate_signing_key(self, app: str, kid: str | None = None) -> App:
        """Change an app's key in use: to the one that `kid` names, or to a new one."""
        found = self._saml_app(app)
        key = self.signing_keys.generate(found) if kid is None else self.signing_keys.require(found, kid)
        return self.apps.sign_with(found, key.kid)

    def set_certificate_dates(self, app: str, *, expires_in: float, starts_in: float | None = None) -> SigningKey:
        """Set when the certificate in use expires and, with `starts_in`, when it becomes valid.

        Both are seconds from now; negative ones are in the past. Key and app do not change, as if only time had passed.
        Raises ``ValueError`` unless the certificate starts before it expires.
        """
        found, now = self._saml_app(app), self.timeline.stamp()
        key = self.signing_keys.require(found, str(found.kid))
        starts, expires = key.starts, now + int(expires_in)
        if starts_in is not None:
            starts = now + int(starts_in)
        elif expires <= starts:  # the old start is too late: let the certificate be valid for a day
            starts = expires - 86_400
        return self.signing_keys.set_dates(found, key.kid, starts=starts, expires=expires)

    @by_administrator
    def change_sign_on(self, app: str, *, acs_url: str | None = None, audience: str | None = None) -> App:
        """Change an app's ACS URL, together with recipient and destination, or its audience."""
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
