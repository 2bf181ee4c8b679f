"""The endpoints of the organisation itself, and the token endpoint."""

from __future__ import annotations

from urllib.parse import parse_qsl

from teleport_okta.sandbox.okta import oauth
from teleport_okta.sandbox.okta.endpoints import Call, Endpoint
from teleport_okta.sandbox.okta.error_bodies import OAuthFailure
from teleport_okta.sandbox.okta.messages import Answer
from teleport_okta.sandbox.okta.timeline import iso

FORM = "application/x-www-form-urlencoded"


def well_known(call: Call) -> Answer:
    """Return the organisation's id and name (`docs/reference/okta.md` 1.7)."""
    settings = {
        "analyticsCollectionEnabled": False,
        "bugReportingEnabled": True,
        "omEnabled": False,
        "pssoEnabled": False,
        "desktopMFAEnabled": False,
        "itpEnabled": False,
    }
    links = {"organization": {"href": call.base}}
    return Answer(body={"id": call.org.id, "cell": "ok1", "_links": links, "pipeline": "idx", "settings": settings})


def organization(call: Call) -> Answer:
    """Return the organisation's general settings."""
    org = call.org
    unset = ("address1", "address2", "city", "state", "postalCode", "country", "phoneNumber", "supportPhoneNumber")
    body: dict[str, object] = {
        "id": org.id,
        "subdomain": org.settings.subdomain,
        "companyName": org.settings.company,
        "status": "ACTIVE",
        "website": f"https://www.{org.settings.domain}",
        "endUserSupportHelpURL": None,
        "expiresAt": None,
        "created": iso(org.created),
        "lastUpdated": iso(org.created),
    }
    links = {name: {"href": f"{call.base}/api/v1/org/{name}"} for name in ("preferences", "contacts", "logo")}
    return Answer(body=body | dict.fromkeys(unset) | {"_links": links})


def token(call: Call) -> Answer:
    """Issue an access token, or answer with an OAuth error."""
    try:
        return Answer(body=call.org.token_endpoint.answer(_form(call), call.request))
    except OAuthFailure as failure:
        return Answer(failure.status, failure.body(), headers=failure.headers)


def _form(call: Call) -> dict[str, str]:
    if call.request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthFailure(400, "invalid_request", f"The Content-Type must be {FORM}.")
    return dict(parse_qsl(call.request.body.decode(errors="replace"), keep_blank_values=True))


ENDPOINTS = (
    Endpoint("GET", "/.well-known/okta-organization", well_known),
    Endpoint("POST", oauth.PATH, token),
    Endpoint("GET", "/api/v1/org", organization, "okta.orgs.read"),
)
