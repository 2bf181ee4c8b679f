from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from teleport_okta.model.connector import RoleMapping, SamlConnector
from teleport_okta.model.labels import APP_ID, OKTA_ORG, OWNER
from teleport_okta.model.saml_app import SamlApp
from teleport_okta.saml.connectors import (
    app_id_of,
    check_address,
    check_app,
    check_audience,
    is_current,
    is_whole,
    missing_app,
    new_connector,
    roles_mapped,
    roles_of_everyone,
    with_metadata,
    with_role,
)
from teleport_okta.saml.enrolment_errors import (
    DeadAppError,
    DisabledAppError,
    EnrolmentError,
    ForeignConnectorError,
    OtherAddressError,
)
from teleport_okta.saml.metadata import read_metadata
from unit.saml.documents import HOSTS, NOW, ORG, YEAR, certificate, entity, key, provider, service

ACS = "https://teleport.example.com/v1/webapi/saml/acs/okta-integration"
ORG_URL = f"https://{ORG}"
APP = SamlApp(
    id="0oaTeleport",
    name="acme_teleport_1",
    label="Teleport example",
    status="ACTIVE",
    sign_on_mode="SAML_2_0",
    acs_url=ACS,
    recipient=ACS,
    destination=ACS,
    audience=ACS,
    signing_kid="kid-1",
)
OKTA_S = entity()
"""A document as Okta writes it."""

METADATA = read_metadata(OKTA_S.encode(), org_hosts=HOSTS)
ROTATED = read_metadata(entity(provider(key(certificate("rotated")))).encode(), org_hosts=HOSTS)
CONNECTOR = SamlConnector(
    name="okta-integration",
    acs_url=ACS,
    metadata=METADATA.descriptor,
    issuer=METADATA.entity_id,
    display="Okta",
    labels={APP_ID: APP.id, OKTA_ORG: ORG_URL, "team": "identity"},
    role_mappings=(RoleMapping("groups", "^dev-.*$", ("access", "requester")),),
    revision="r1",
)


class TestNew:
    def test_it_holds_the_metadata_itself_and_gives_everyone_the_role(self):
        made = new_connector(
            "okta-integration", ACS, APP, METADATA, role="okta-requester", org_id="00oAcme", org_url=ORG_URL
        )
        assert made == SamlConnector(
            name="okta-integration",
            acs_url=ACS,
            metadata=METADATA.descriptor,
            display="Okta",
            labels={APP_ID: APP.id, OKTA_ORG: ORG_URL, OWNER: "00oAcme"},
            role_mappings=(RoleMapping("groups", "Everyone", ("okta-requester",)),),
        )
        assert is_current(made, METADATA, HOSTS)


class TestIsCurrent:
    def test_okta_s_own_document_has_the_same_content_as_ours(self):
        assert is_current(replace(CONNECTOR, metadata=OKTA_S), METADATA, HOSTS)

    def test_another_certificate_is_another_content(self):
        assert not is_current(CONNECTOR, ROTATED, HOSTS)
        assert is_current(with_metadata(CONNECTOR, ROTATED), ROTATED, HOSTS)

    def test_another_address_is_too(self):
        moved = entity(provider(services=service(f"https://{ORG}/app/other/exk2/sso/saml")))
        assert not is_current(CONNECTOR, read_metadata(moved.encode(), org_hosts=HOSTS), HOSTS)

    def test_an_address_to_download_from_is_not_the_document(self):
        assert not is_current(replace(CONNECTOR, metadata_url=f"https://{ORG}/metadata"), METADATA, HOSTS)

    @pytest.mark.parametrize("held", ["", "no XML", OKTA_S.replace(ORG, "evil.example.com")])
    def test_unreadable_metadata_is_not_current(self, held):
        assert not is_current(replace(CONNECTOR, metadata=held), METADATA, HOSTS)


class TestMending:
    def test_only_the_metadata_changes_and_the_address_goes(self):
        before = replace(CONNECTOR, metadata="old", metadata_url=f"https://{ORG}/metadata")
        assert with_metadata(before, METADATA) == CONNECTOR

    def test_everyone_gets_the_role_alone_and_other_mappings_stay(self):
        everyone = RoleMapping("groups", "Everyone", ("okta-requester",))
        mapped = with_role(CONNECTOR, "okta-requester")
        assert mapped == replace(CONNECTOR, role_mappings=(*CONNECTOR.role_mappings, everyone))
        again = with_role(mapped, "access")
        assert again.role_mappings == (*CONNECTOR.role_mappings, replace(everyone, roles=("access",)))
        assert roles_of_everyone(again) == ("access",)
        assert roles_of_everyone(CONNECTOR) == ()

    def test_the_attribute_that_people_chose_stays(self):
        theirs = replace(CONNECTOR, role_mappings=(RoleMapping("memberOf", "Everyone", ("a", "b")),))
        assert with_role(theirs, "a").role_mappings == (RoleMapping("memberOf", "Everyone", ("a",)),)

    def test_nothing_is_to_be_written_if_the_document_and_the_role_are_there(self):
        mapped = with_role(CONNECTOR, "access")
        assert is_whole(mapped, METADATA, "access", HOSTS)
        assert is_whole(mapped, METADATA, "", HOSTS)
        assert not is_whole(mapped, METADATA, "editor", HOSTS)
        assert not is_whole(mapped, ROTATED, "access", HOSTS)

    def test_roles_are_named_once_and_templates_not_at_all(self):
        mappings = (
            RoleMapping("groups", "a", ("access", "{{external.role}}", "dev")),
            RoleMapping("groups", "^b-(.*)$", ("$1", "access")),
        )
        assert roles_mapped(replace(CONNECTOR, role_mappings=mappings)) == ("access", "dev")


class TestAdoption:
    def test_the_label_names_the_app(self):
        assert app_id_of(CONNECTOR) == APP.id

    def test_one_made_by_hand_is_refused_with_both_remedies(self):
        with pytest.raises(ForeignConnectorError) as refused:
            app_id_of(replace(CONNECTOR, labels={"team": "identity"}))
        assert "'okta-integration'" in refused.value.what
        assert "--connector" in refused.value.remedy
        assert f"the label {APP_ID} with the app's id (tctl edit saml/okta-integration)" in refused.value.remedy

    @pytest.mark.parametrize("url", [ACS, ACS.replace(".com/", ".com:443/")])
    def test_the_same_proxy_in_another_spelling_is_accepted(self, url):
        check_address(CONNECTOR, url)

    def test_one_at_another_proxy_is_refused(self):
        with pytest.raises(
            OtherAddressError, match=r"accepts sign-ins at https://teleport.*not at https://new.*--proxy"
        ):
            check_address(CONNECTOR, ACS.replace("teleport", "new"))

    def test_a_deleted_app_is_named_with_its_connector(self):
        error = missing_app(APP.id, CONNECTOR, org_url=f"{ORG_URL}/")
        assert isinstance(error, DeadAppError)
        assert "0oaTeleport" in error.what
        assert "tctl rm saml/okta-integration" in error.remedy

    def test_the_remedy_is_not_to_delete_the_connector_of_another_organisation(self):
        error = missing_app(APP.id, CONNECTOR, org_url="https://other.okta.com")
        assert isinstance(error, ForeignConnectorError)
        assert "tctl rm" not in str(error)

    def test_a_missing_app_is_named_by_its_id(self):
        error = missing_app("0oaWrong", None, org_url=ORG_URL)
        assert isinstance(error, DeadAppError)
        assert "0oaWrong" in error.what
        assert "check the id" in error.remedy


class TestApp:
    def test_one_by_which_people_can_sign_in_passes(self):
        check_app(APP, ACS)
        check_audience(APP)
        check_app(replace(APP, recipient=None, destination=None), ACS)

    def test_one_of_another_kind_is_refused(self):
        with pytest.raises(EnrolmentError, match=r"'Teleport example' \(0oaTeleport\) is not a SAML 2.0 app"):
            check_app(replace(APP, sign_on_mode="BOOKMARK"), ACS)

    def test_one_that_is_deactivated_is_refused(self):
        with pytest.raises(DisabledAppError, match=r"deactivated.*Activate"):
            check_app(replace(APP, status="INACTIVE"), ACS)

    @pytest.mark.parametrize(
        "acs", [f"{ACS}/", ACS.replace(".com/", ".com:443/"), ACS.replace("teleport", "Teleport"), None]
    )
    def test_teleport_compares_letter_by_letter(self, acs):
        with pytest.raises(OtherAddressError, match=r"sends people to .*, not to https://.*exactly"):
            check_app(replace(APP, acs_url=acs), ACS)

    def test_the_remedies_fit_the_case(self):
        elsewhere = replace(APP, acs_url="https://other.example.com/acs")
        with pytest.raises(OtherAddressError, match=r"--proxy") as refused:
            check_app(elsewhere, ACS)
        assert "tctl" not in refused.value.remedy
        with pytest.raises(OtherAddressError, match=r"tctl edit saml/okta") as refused:
            check_app(elsewhere, ACS, connector="okta")
        assert "--proxy" not in refused.value.remedy

    @pytest.mark.parametrize("name", ["recipient", "destination"])
    def test_the_addresses_in_an_assertion_must_be_the_same(self, name):
        with pytest.raises(OtherAddressError, match=f"puts the {name} https://old.*correct the {name}"):
            check_app(replace(APP, **{name: "https://old.example.com"}), ACS)

    def test_so_must_the_audience_of_an_app_without_a_connector(self):
        with pytest.raises(OtherAddressError, match=r"has the audience urn:teleport.*correct the audience"):
            check_audience(replace(APP, audience="urn:teleport"))


def test_an_expired_certificate_is_no_reason_to_change_a_connector():
    expired = read_metadata(
        entity(provider(key(certificate("old", begins=NOW - 2 * YEAR, ends=NOW - timedelta(days=1))))).encode(),
        org_hosts=HOSTS,
    )
    assert is_current(with_metadata(CONNECTOR, expired), expired, HOSTS)
