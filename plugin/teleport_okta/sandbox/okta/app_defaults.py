"""The defaults that Okta sets in an app (`docs/reference/okta.md` 4.1)."""

from __future__ import annotations

from collections.abc import Mapping

from teleport_okta.sandbox.okta.error_bodies import blank, invalid

Json = dict[str, object]

ACCESSIBILITY: Json = {"selfService": False, "errorRedirectUrl": None, "loginRedirectUrl": None}

NOTIFICATIONS: Json = {"vpn": {"network": {"connection": "DISABLED"}, "message": None, "helpUrl": None}}

UNIVERSAL_LOGOUT: Json = {
    "status": "DISABLED",
    "supportType": "FULL",
    "identityStack": "NOT_SHARED",
    "protocol": "GLOBAL_TOKEN_REVOCATION",
}

UNSUPPORTED_LOGOUT: Json = {"status": "UNSUPPORTED"}

_CLIENT: Json = {
    "client_uri": None,
    "logo_uri": None,
    "redirect_uris": [],
    "response_types": ["token"],
    "grant_types": ["client_credentials"],
    "application_type": "service",
    "consent_method": "REQUIRED",
    "issuer_mode": "DYNAMIC",
    "idp_initiated_login": {"mode": "DISABLED", "default_scope": []},
    "wildcard_redirect": "DISABLED",
    "dpop_bound_access_tokens": False,
    "participate_slo": False,
}
_SIGN_ON: Json = {
    "defaultRelayState": None,
    "ssoAcsUrl": None,
    "idpIssuer": "http://www.okta.com/${org.externalKey}",
    "audience": None,
    "recipient": None,
    "destination": None,
    "subjectNameIdTemplate": "${user.userName}",
    "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
    "responseSigned": True,
    "assertionSigned": True,
    "signatureAlgorithm": "RSA_SHA256",
    "digestAlgorithm": "SHA256",
    "honorForceAuthn": True,
    "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "spIssuer": None,
    "requestCompressed": False,
    "attributeStatements": [],
    "inlineHooks": [],
    "assertionEncryption": {"enabled": False},
    "allowMultipleAcsEndpoints": False,
    "acsEndpoints": [],
    "samlSignedRequestEnabled": False,
    "slo": {"enabled": False},
}
_REQUIRED = ("ssoAcsUrl", "audience", "recipient", "destination")
_FILTER_TYPES = frozenset({"STARTS_WITH", "EQUALS", "CONTAINS", "REGEX"})


def as_object(value: object) -> Json:
    """Return a JSON object as it is, anything else as an empty one."""
    return dict(value) if isinstance(value, Mapping) else {}


def client_settings(given: Json) -> Json:
    """Return ``settings.oauthClient`` with the defaults of a service app, whose tokens are bound to no key."""
    return {name: given.get(name, default) for name, default in _CLIENT.items()}


def saml_sign_on(given: Json) -> Json:
    """Return ``settings.signOn`` of a custom SAML app with its defaults, or raise ``E0000001``."""
    for field in _REQUIRED:
        if not given.get(field):
            raise blank(field)
    sign_on = {name: given.get(name, default) for name, default in _SIGN_ON.items()}
    sign_on["defaultRelayState"] = sign_on["defaultRelayState"] or None
    sign_on |= {name: value for name, value in given.items() if name == "samlAssertionLifetimeSeconds"}
    if not (sign_on["responseSigned"] or sign_on["assertionSigned"]):
        raise invalid("settings.signOn", "responseSigned: The response or the assertion must be signed")
    statements = sign_on["attributeStatements"]
    for statement in statements if isinstance(statements, list) else ():
        entry = as_object(statement)
        if entry.get("type") == "GROUP" and entry.get("filterType") not in _FILTER_TYPES:
            raise invalid("filterType", f"filterType: {entry.get('filterType')} is not a filter type")
    return sign_on
