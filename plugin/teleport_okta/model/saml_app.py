"""An app of Okta with its SAML settings, as an enrolment uses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SAML_2_0: Final = "SAML_2_0"
"""The sign-on mode of a SAML app (`docs/reference/okta.md` 3.3)."""


@dataclass(frozen=True, slots=True)
class SamlApp:
    """An app, with its SAML settings; those of an app of another sign-on mode are None.

    `name` is the key that Okta made of the label, `label` what people see. Assertions are sent to `acs_url`, and name
    `recipient`, `destination` and `audience`. `signing_kid` is the id of the key that signs; it changes when the key is
    rotated, and the metadata then has another certificate. The app's external key (`exk…`) is in the metadata only.
    """

    id: str
    name: str
    label: str
    status: str
    sign_on_mode: str | None
    acs_url: str | None = None
    recipient: str | None = None
    destination: str | None = None
    audience: str | None = None
    signing_kid: str | None = None

    @property
    def is_saml(self) -> bool:
        """Whether people sign in to it by SAML 2.0."""
        return self.sign_on_mode == SAML_2_0

    @property
    def is_active(self) -> bool:
        """Whether people can sign in to it."""
        return self.status == "ACTIVE"
