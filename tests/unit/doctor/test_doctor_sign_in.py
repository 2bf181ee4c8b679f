"""Findings about sign-in, from the connector and the app. Each case has one wrong fact."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from teleport_okta.config import parse
from teleport_okta.doctor.okta_app import AppFacts, of_app, of_assignments
from teleport_okta.doctor.sign_in import ConnectorUpdates, SignIn, of_certificates, of_sign_in
from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.model.idp import Binding, IdpMetadata, SigningCertificate, SsoUrl
from teleport_okta.model.labels import APP_ID
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.sandbox.web_certificate import WebCertificate

NOW = datetime.now(UTC)
ACS = "https://teleport.acme.com/v1/webapi/saml/acs/okta"
DER = WebCertificate.issue("test CA", ["okta"]).certificate.public_bytes(Encoding.DER)
CERTIFICATE = SigningCertificate(
    hashlib.sha256(DER).hexdigest(), NOW - timedelta(days=300), NOW + timedelta(days=300), "CN=acme", DER
)
METADATA = IdpMetadata(
    "http://www.okta.com/exk1",
    (SsoUrl(Binding.HTTP_POST, "https://acme.okta.com/app/teleport/exk1/sso/saml"),),
    (CERTIFICATE,),
    "",
)
APP = SamlApp("0oaA", "teleport", "Teleport", "ACTIVE", "SAML_2_0", ACS, ACS, ACS, ACS)
CONNECTOR = SamlConnector(
    "okta",
    ACS,
    metadata=METADATA.descriptor,
    labels={APP_ID: "0oaA"},
    role_mappings=(RoleMapping("groups", "Everyone", ("access", "{{external.role}}")),),
)
SETTINGS = parse({"okta": {"org_url": "https://acme.okta.com", "api_token": "00secret", "app_id": "0oaA"}})
ROTATED = replace(METADATA, entity_id="http://www.okta.com/exk2")
WELL = SignIn(
    settings=SETTINGS,
    connector=CONNECTOR,
    facts=AppFacts("0oaA", APP, METADATA),
    org_hosts=("acme.okta.com",),
    proxies=("teleport.acme.com:443",),
    roles={"access"},
    updates=ConnectorUpdates(keeps_apps_connector=True, is_running=True, has_bot=True),
    is_chosen=False,
)


def findings(**changed):
    return list(of_sign_in(replace(WELL, **changed), NOW))


def bad(**changed):
    """What is worse than a note, by check."""
    return {one.check: one.severity.value for one in findings(**changed) if one.severity in {"warning", "error"}}


def says(check, **changed):
    return "\n".join(f"{one.what} -> {one.remedy}" for one in findings(**changed) if one.check == check)


def test_a_connector_and_an_app_that_agree_are_well():
    assert {one.check: one.severity.value for one in findings()} == {
        "connector": "ok", "label": "ok", "address": "ok", "metadata": "ok", "certificate": "ok", "roles": "ok",
    }  # fmt: skip


@pytest.mark.parametrize(("is_chosen", "severity"), [(False, "note"), (True, "warning")])
def test_a_missing_connector_is_worse_if_a_setting_names_it(is_chosen, severity):
    [finding] = findings(connector=None, is_chosen=is_chosen)
    assert (finding.check, finding.severity.value) == ("connector", severity)
    assert "teleport-okta enroll" in finding.remedy


def test_a_connector_of_another_app_is_an_error_and_one_without_a_label_is_weak():
    other = replace(CONNECTOR, labels={APP_ID: "0oaB"}, metadata=ROTATED.descriptor)
    assert bad(connector=other) == {"label": "error", "metadata": "error"}
    assert "okta.app_id (or app_id of the plugin) to 0oaB" in says("label", connector=other)
    assert "0oaB or to 0oaA" in says("metadata", connector=other)
    assert bad(connector=replace(CONNECTOR, labels={})) == {"label": "warning"}


def test_a_label_that_is_older_than_the_metadata_is_weak():
    stale = replace(CONNECTOR, labels={APP_ID: "0oaB"})
    assert bad(connector=stale) == {"label": "warning"}
    assert "with the id of its app, 0oaA" in says("label", connector=stale)


def test_while_okta_cannot_be_asked_the_metadata_is_no_problem():
    assert bad(facts=None, org_hosts=()) == {}
    assert "not checked" in says("metadata", facts=None, org_hosts=())


def test_an_installation_without_an_app_of_its_own_needs_no_label():
    everybody = parse(
        {
            "okta": {"org_url": "https://acme.okta.com", "api_token": "00secret"},
            "sync": {"source": "organization"},
        }
    )
    unlabelled = replace(CONNECTOR, labels={})
    assert bad(settings=everybody, connector=unlabelled, facts=None) == {}


@pytest.mark.parametrize("field", ["acs_url", "recipient", "destination"])
def test_an_app_that_sends_people_elsewhere_is_an_error(field):
    app = replace(APP, **{field: f"{ACS}/"})
    assert bad(facts=AppFacts("0oaA", app, METADATA)) == {"address": "error"}
    assert f"{ACS}/" in says("address", facts=AppFacts("0oaA", app, METADATA))


def test_an_app_without_visible_addresses_is_no_problem():
    app = replace(APP, acs_url=None, recipient=None, destination=None)
    assert bad(facts=AppFacts("0oaA", app, METADATA)) == {}


def test_a_connector_at_another_proxy_is_a_warning_and_an_unknown_proxy_is_not_checked():
    assert bad(proxies=("other.acme.com",)) == {"proxy address": "warning"}
    assert bad(proxies=()) == {}
    assert "not checked" in says("proxy address", proxies=())


STALE = replace(CONNECTOR, metadata=ROTATED.descriptor)


def test_a_running_service_corrects_old_metadata():
    assert bad(connector=STALE) == {}
    assert "mends that" in says("metadata", connector=STALE)


@pytest.mark.parametrize(
    ("updates", "remedy"),
    [
        (replace(WELL.updates, is_running=False), "start the service"),
        (replace(WELL.updates, has_bot=False), "teleport.identity"),
        (replace(WELL.updates, keeps_apps_connector=False), "sync.source"),
    ],
)
def test_old_metadata_is_an_error_if_no_service_corrects_it(updates, remedy):
    assert bad(connector=STALE, updates=updates) == {"metadata": "error"}
    assert remedy in says("metadata", connector=STALE, updates=updates)


def test_the_service_does_not_correct_a_connector_of_another_app():
    assert bad(connector=replace(STALE, labels={})) == {"label": "warning", "metadata": "error"}


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (ROTATED, "http://www.okta.com/exk2"),
        (
            replace(
                METADATA,
                certificates=(replace(CERTIFICATE, fingerprint="f" * 64, der=DER[:-1] + bytes([DER[-1] ^ 1])),),
            ),
            "another certificate",
        ),
        (
            replace(METADATA, sso_urls=(SsoUrl(Binding.HTTP_POST, "https://acme.okta.com/elsewhere"),)),
            "another address",
        ),
    ],
)
def test_the_difference_of_the_metadata_is_shown(held, words):
    assert words in says("metadata", connector=replace(CONNECTOR, metadata=held.descriptor))


@pytest.mark.parametrize("metadata", ["", "nonsense", METADATA.descriptor.replace("acme.okta.com", "evil.example.com")])
def test_metadata_that_cannot_be_used_is_other_metadata(metadata):
    connector = replace(CONNECTOR, metadata=metadata)
    assert bad(connector=connector, updates=replace(WELL.updates, is_running=False)) == {"metadata": "error"}


def test_metadata_that_teleport_downloads_is_a_warning_although_the_service_corrects_it():
    connector = replace(CONNECTOR, metadata="", metadata_url="https://acme.okta.com/app/exk1/sso/saml/metadata")
    assert bad(connector=connector) == {"metadata": "warning"}
    assert "listings" in says("metadata", connector=connector)


def test_without_the_app_only_the_certificate_of_the_connector_is_checked():
    found = {one.check: one.severity.value for one in findings(facts=AppFacts("0oaA", problem="it is hidden"))}
    assert found["metadata"] == "note"
    assert found["certificate"] == "ok"


def test_a_role_that_does_not_exist_is_an_error_and_templates_name_none():
    assert bad(roles=set()) == {"roles": "error"}
    assert "'access'" in says("roles", roles=set())
    assert "{{" not in says("roles", roles=set())
    assert bad(roles=None) == {}


def certificates(*days, not_before=-300):
    """Metadata whose certificates end after so many days."""
    return replace(
        METADATA,
        certificates=tuple(
            replace(
                CERTIFICATE,
                fingerprint=f"{number:064}",
                not_before=NOW + timedelta(days=not_before),
                not_after=NOW + timedelta(days=day),
            )
            for number, day in enumerate(days)
        ),
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((31,), ["ok"]),
        ((29,), ["warning"]),
        ((-1,), ["error"]),
        ((-1, 300), ["warning", "ok"]),
        ((-1, -2), ["error"] * 2),
    ],
)
def test_certificates_by_their_end(days, expected):
    assert [one.severity.value for one in of_certificates(certificates(*days), NOW, is_kept=True)] == expected


def test_a_certificate_that_is_valid_only_later_is_an_error():
    [finding] = of_certificates(certificates(300, not_before=1), NOW, is_kept=True)
    assert (finding.severity.value, "valid only from" in finding.what) == ("error", True)


@pytest.mark.parametrize(("is_kept", "words"), [(True, "takes it over"), (False, "into the connector")])
def test_a_new_certificate_has_to_come_into_the_connector(is_kept, words):
    [finding] = of_certificates(certificates(-1), NOW, is_kept=is_kept)
    assert words in finding.remedy


@pytest.mark.parametrize(
    ("app", "severity"),
    [
        (APP, "ok"),
        (replace(APP, status="INACTIVE"), "error"),
        (replace(APP, sign_on_mode="BOOKMARK"), "warning"),
    ],
)
def test_an_app_by_what_it_is(app, severity):
    assert of_app(app).severity == severity


@pytest.mark.parametrize(
    ("has_people", "groups", "has_everyone", "severity", "words"),
    [
        (True, 1, True, "ok", "the group Everyone"),
        (True, 3, False, "ok", "3 groups"),
        (True, 0, False, "ok", "individually"),
        (False, 1, True, "warning", "the group Everyone has"),
        (False, 2, False, "warning", "2 groups have"),
        (False, 0, False, "warning", "nobody is assigned"),
    ],
)
def test_who_has_the_app(has_people, groups, has_everyone, severity, words):
    finding = of_assignments(has_people=has_people, groups=groups, has_everyone=has_everyone)
    assert (finding.severity.value, words in finding.what) == (severity, True)
