"""The request that creates the Okta app for signing in to Teleport (`docs/reference/okta.md` 4.1).

The body is complete, because the app is never replaced later: `PUT /apps/{id}` would reset its provisioning (4.4).
"""

from __future__ import annotations

from typing import Final

_UNSPECIFIED: Final = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"


def app_body(label: str, acs_url: str, *, group_filter: str = ".*") -> dict[str, object]:
    """Return the body of `POST /apps` for a SAML app of this label.

    `acs_url` is the connector's assertion consumer service, `https://<proxy>/v1/webapi/saml/acs/<connector>`; it is the
    audience too. Assertions carry those groups of a person that match the regular expression `group_filter`. Large
    numbers of groups make large assertions: a narrower expression helps.
    """
    return {
        "label": label,
        "signOnMode": "SAML_2_0",
        "visibility": {"autoSubmitToolbar": False, "hide": {"iOS": False, "web": False}},
        "credentials": {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}},
        "settings": {"signOn": _sign_on(acs_url, group_filter)},
    }


def _sign_on(acs_url: str, group_filter: str) -> dict[str, object]:
    return {
        "ssoAcsUrl": acs_url,
        "recipient": acs_url,
        "destination": acs_url,
        "audience": acs_url,
        "idpIssuer": "http://www.okta.com/${org.externalKey}",
        "subjectNameIdTemplate": "${user.userName}",
        "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "responseSigned": True,
        "assertionSigned": True,
        "signatureAlgorithm": "RSA_SHA256",
        "digestAlgorithm": "SHA256",
        "honorForceAuthn": True,
        "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "requestCompressed": False,
        "allowMultipleAcsEndpoints": False,
        "acsEndpoints": [],
        "slo": {"enabled": False},
        "attributeStatements": [
            {"type": "EXPRESSION", "name": "username", "namespace": _UNSPECIFIED, "values": ["user.login"]},
            {
                "type": "GROUP",
                "name": "groups",
                "namespace": _UNSPECIFIED,
                "filterType": "REGEX",
                "filterValue": group_filter,
            },
        ],
    }
