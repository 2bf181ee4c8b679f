"""The profile that a new assignment gets from the default mapping of the app (`docs/reference/okta.md` 3.4).

OpenID Connect apps have the standard claims; an attribute that the user does not have is null. Other apps that a caller
creates have an empty profile.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.sandbox.okta.app_kinds import OPENID_CONNECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.users import User

_CLAIMS: Final = {
    "street_address": "streetAddress",
    "country": "countryCode",
    "website": None,
    "zoneinfo": "timezone",
    "birthdate": None,
    "gender": None,
    "formatted": None,
    "profile": "profileUrl",
    "locality": "city",
    "given_name": "firstName",
    "middle_name": "middleName",
    "locale": "locale",
    "picture": None,
    "nickname": "nickName",
    "phone_number": "primaryPhone",
    "region": "state",
    "postal_code": "zipCode",
    "family_name": "lastName",
    "email": "email",
}
"""Each claim with its attribute of the user."""

_OF_THE_ORGANIZATION: Final = {"zoneinfo": "America/Los_Angeles", "locale": "en_US"}
"""The values for a user without these attributes."""


def first_profile(app: App, user: User) -> Mapping[str, object]:
    """Return the profile of a new assignment."""
    if app.sign_on_mode != OPENID_CONNECT:
        return {}
    claims = {
        claim: (user.profile.get(attribute) if attribute else None) or _OF_THE_ORGANIZATION.get(claim)
        for claim, attribute in _CLAIMS.items()
    }
    names = (user.profile.get("firstName"), user.profile.get("lastName"))
    return {**claims, "name": user.profile.get("displayName") or " ".join(str(name) for name in names if name)}
