"""The provisioning API of apps (`docs/reference/okta.md` 4.4).

It works for a few apps of the catalogue only. Here every app answers as a custom SAML app was recorded to answer,
whether or not its provisioning (``provisioning/``) is switched on.
"""

from __future__ import annotations

from teleport_okta.sandbox.okta.endpoints import Call, Endpoint
from teleport_okta.sandbox.okta.error_bodies import invalid, refusal
from teleport_okta.sandbox.okta.messages import Answer
from teleport_okta.sandbox.okta.routes_apps import MANAGE, READ, app_of


def get_features(call: Call) -> Answer:
    """Refuse: no app here has provisioning that the API knows."""
    app_of(call)
    raise invalid("feature", "Provisioning is not supported.")


def put_feature(call: Call) -> Answer:
    """Refuse; a body that is no JSON is refused as such."""
    if not call.request.body.strip():
        raise refusal("E0000003")
    call.body()
    return get_features(call)


def default_connection(call: Call) -> Answer:
    """Answer that the connection is unknown; a write changes nothing."""
    app = app_of(call)
    call.body()
    own = f"{call.base}/api/v1/apps/{app.id}/connections/default"
    links = {"self": {"href": own, "hints": {"allow": ["POST", "GET"]}}}
    return Answer(body={"status": "UNKNOWN", "profile": {"authScheme": "UNKNOWN"}, "_links": links})


_FEATURES = "/api/v1/apps/{id}/features"
_CONNECTION = "/api/v1/apps/{id}/connections/default"
ENDPOINTS = (
    Endpoint("GET", _FEATURES, get_features, READ, (READ,)),
    Endpoint("GET", f"{_FEATURES}/{{name}}", get_features, READ, (READ,)),
    Endpoint("PUT", f"{_FEATURES}/{{name}}", put_feature, MANAGE, (MANAGE,)),
    Endpoint("GET", _CONNECTION, default_connection, READ, (READ,)),
    Endpoint("POST", _CONNECTION, default_connection, MANAGE, (MANAGE,)),
)
