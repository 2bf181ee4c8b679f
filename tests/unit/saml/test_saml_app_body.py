from __future__ import annotations

import json
from typing import Any

from teleport_okta.saml.app_body import app_body

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta"
REQUIRED = {
    "allowMultipleAcsEndpoints",
    "assertionSigned",
    "honorForceAuthn",
    "requestCompressed",
    "responseSigned",
}
"""What Okta's schema requires in `settings.signOn` (`docs/reference/okta.md` 4.1)."""


def sign_on_of(body: dict[str, Any]) -> dict[str, Any]:
    return dict(body["settings"]["signOn"])


def test_the_app_is_a_saml_app_of_that_label_that_everybody_may_see() -> None:
    body = app_body("Teleport main", ACS)
    assert (body["label"], body["signOnMode"]) == ("Teleport main", "SAML_2_0")
    assert body["visibility"] == {"autoSubmitToolbar": False, "hide": {"iOS": False, "web": False}}
    assert json.loads(json.dumps(body)) == body


def test_everything_that_an_assertion_is_addressed_by_is_the_acs_url() -> None:
    sign_on = sign_on_of(app_body("Teleport main", ACS))
    assert {sign_on[name] for name in ("ssoAcsUrl", "recipient", "destination", "audience")} == {ACS}


def test_nothing_that_okta_requires_is_left_to_a_default() -> None:
    sign_on = sign_on_of(app_body("Teleport main", ACS))
    assert sign_on.keys() >= REQUIRED
    assert sign_on["responseSigned"] is sign_on["assertionSigned"] is True
    assert (sign_on["signatureAlgorithm"], sign_on["digestAlgorithm"]) == ("RSA_SHA256", "SHA256")


def test_people_are_named_by_their_okta_login_and_come_with_their_groups() -> None:
    body = app_body("Teleport main", ACS, group_filter="^teleport-.*")
    assert body["credentials"] == {"userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}}
    sign_on = sign_on_of(body)
    assert sign_on["subjectNameIdTemplate"] == "${user.userName}"
    assert sign_on["subjectNameIdFormat"] == "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    username, groups = sign_on["attributeStatements"]
    assert (username["type"], username["name"], username["values"]) == ("EXPRESSION", "username", ["user.login"])
    assert (groups["type"], groups["name"]) == ("GROUP", "groups")
    assert (groups["filterType"], groups["filterValue"]) == ("REGEX", "^teleport-.*")


def test_all_groups_are_named_unless_told_otherwise() -> None:
    [_, groups] = sign_on_of(app_body("Teleport main", ACS))["attributeStatements"]
    assert groups["filterValue"] == ".*"
