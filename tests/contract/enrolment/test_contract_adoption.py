"""A connector of the wanted name that is there already: adopted with the app that it is labelled with, or refused."""

from __future__ import annotations

import pytest
from contract.enrolment.enrolment_world import ACS, CONNECTOR, refused
from teleport_okta.okta.okta_errors import OktaForbiddenError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.enrolment_errors import (
    DeadAppError,
    DisabledAppError,
    EnrolmentError,
    ForeignConnectorError,
    OtherAddressError,
)

APP_ID = "teleport.internal/okta-app-id"


@pytest.fixture
async def enrolled(world):
    """A world in which somebody else's integration made app and connector, and no plugin."""
    await world.enrol()
    world.teleport.administrator.plugins.delete("okta")
    labels = {APP_ID: world.app.id, "okta/org": world.org_url, "team": "identity"}
    mappings = [{"name": "groups", "value": "Engineers", "roles": ["access"]}]
    await world.teleport.administrator.connectors.edit(
        CONNECTOR, labels=labels, attributes_to_roles=mappings, display="Acme"
    )
    world.noted.clear()
    world.mark()
    return world


async def test_it_is_adopted_with_its_app_and_nothing_of_it_changes(enrolled):
    world = enrolled
    before = world.connectors
    steps = await world.enrol()
    assert [(step.name, step.state) for step in steps] == [
        ("app", State.DONE),
        ("assignment", State.DONE),
        ("connector", State.DONE),
        ("settings", State.MADE),
    ]
    assert world.connectors == before
    assert world.settings()["syncSettings"]["appId"] == world.app.id
    assert world.okta_writes == {}
    assert world.teleport_writes == {"CreatePlugin": 1}


async def test_the_app_needs_no_label_of_ours(enrolled):
    world = enrolled
    world.okta.update_app(world.app.id, label="Corporate SSO")
    await world.enrol()
    assert len(world.apps) == 1


async def test_a_rotated_key_is_written_into_it_and_the_rest_stays(enrolled):
    world = enrolled
    before = world.connectors[CONNECTOR]
    world.okta.rotate_signing_key(world.app.id)
    steps = await world.enrol()
    assert steps[2].state is State.MADE
    after = world.connectors[CONNECTOR]
    assert after["Spec"].pop("EntityDescriptor") != before["Spec"].pop("EntityDescriptor")
    assert after["Metadata"].pop("Revision") != before["Metadata"].pop("Revision")
    assert after == before
    world.mark()
    assert {step.state for step in await world.enrol()} == {State.DONE}
    assert world.untouched


async def fetch_from_okta(_url):
    """Answer Teleport's download as Okta's public address would; tests fill `PUBLISHED`."""
    return 200, PUBLISHED[-1]


PUBLISHED: list[bytes] = []


@pytest.mark.parametrize("world", [{"cluster": {"fetch_metadata": fetch_from_okta}}], indirect=True)
async def test_an_address_to_download_from_gives_way_to_the_document(enrolled):
    world = enrolled
    PUBLISHED.append(world.connectors[CONNECTOR]["Spec"]["EntityDescriptor"].encode())
    url = f"{world.org_url}/app/{world.app.external_key}/sso/saml/metadata"
    await world.teleport.administrator.connectors.edit(CONNECTOR, entity_descriptor_url=url)
    key = world.connectors[CONNECTOR]["Spec"]["SigningKeyPair"]
    PUBLISHED.append(b"Okta is away")
    steps = await world.enrol()
    assert steps[2].state is State.MADE
    spec = world.connectors[CONNECTOR]["Spec"]
    assert "EntityDescriptorURL" not in spec
    assert world.app.external_key in spec["EntityDescriptor"]
    assert spec["SigningKeyPair"] == key


async def test_one_without_the_label_is_refused_with_both_ways_out(world):
    await world.make_connector()
    error = await refused(world, ForeignConnectorError, "no label of it names an Okta app")
    assert "--connector" in error.remedy
    assert f"label {APP_ID}" in error.remedy
    assert {step.state for step in await world.enrol(connector="okta-2")} == {State.MADE}


async def test_connectors_of_other_names_are_never_read(world):
    await world.make_connector("okta", labels={APP_ID: "0oaGone"})
    await world.enrol()
    assert world.teleport.calls.of("GetSAMLConnectors") == 0


@pytest.mark.parametrize("world", [{"cluster": {"fetch_metadata": fetch_from_okta}}], indirect=True)
async def test_a_connector_that_breaks_every_listing_is_no_obstacle(world):
    await world.enrol()
    PUBLISHED.append(world.connectors[CONNECTOR]["Spec"]["EntityDescriptor"].encode())
    await world.make_connector("broken", entity_descriptor_url="https://idp.example.com/metadata")
    PUBLISHED.append(b"gone")
    assert {step.state for step in await world.enrol()} == {State.DONE}


class TestTheAppIsToldApart:
    async def test_dead(self, enrolled):
        gone = enrolled.app.id
        enrolled.okta.delete_app(gone)
        enrolled.mark()
        error = await refused(
            enrolled, DeadAppError, f"the app {gone}, which a label of SAML connector 'okta-integration'"
        )
        assert "tctl rm saml/okta-integration" in error.remedy

    async def test_a_dead_app_is_replaced_by_the_remedy(self, enrolled):
        enrolled.okta.delete_app(enrolled.app.id)
        enrolled.teleport.administrator.connectors.delete(CONNECTOR)
        assert {step.state for step in await enrolled.enrol()} == {State.MADE}
        assert {step.state for step in await enrolled.enrol()} == {State.DONE}

    async def test_hidden(self, enrolled):
        enrolled.okta.narrow_role(hide=[enrolled.app.id])
        enrolled.mark()
        await refused(enrolled, OktaForbiddenError, rf"GET /api/v1/apps/{enrolled.app.id} was not permitted")

    async def test_disabled(self, enrolled):
        enrolled.okta.deactivate_app(enrolled.app.id)
        enrolled.mark()
        await refused(enrolled, DisabledAppError, "deactivated in Okta")

    @pytest.mark.parametrize(
        "acs", ["https://other.example.com/acs", f"{ACS}/", ACS.replace(".com/", ".com:443/"), ACS.upper()]
    )
    async def test_sending_people_elsewhere(self, enrolled, acs):
        app_id = enrolled.app.id
        enrolled.okta.change_sign_on(app_id, acs_url=acs)
        enrolled.mark()
        error = await refused(enrolled, OtherAddressError, f"{app_id}.* sends people to .*, not to {ACS}")
        assert acs in error.what

    async def test_of_another_organisation(self, world):
        labels = {APP_ID: "0oaTheirs", "okta/org": "https://other.okta.com"}
        await world.make_connector(labels=labels)
        error = await refused(world, ForeignConnectorError, "another organisation, https://other.okta.com")
        assert "tctl rm" not in str(error)

    async def test_of_another_kind(self, world):
        bookmark = world.okta.create_app("Wiki", signOnMode="BOOKMARK")
        await world.make_connector(labels={APP_ID: bookmark.id})
        world.mark()
        await refused(world, EnrolmentError, "not a SAML 2.0 app")

    async def test_another_than_the_one_that_is_named(self, enrolled):
        other = enrolled.okta.create_app("Corp SSO")
        enrolled.mark()
        await refused(enrolled, EnrolmentError, f"has the label of the app 0oa.*, not {other.id}", app_id=other.id)
        assert (await enrolled.looked(app_id=enrolled.app.id))[0].state is State.DONE


class TestTheConnectorItself:
    async def test_at_another_proxy(self, enrolled):
        await refused(enrolled, OtherAddressError, "accepts sign-ins at .*--proxy", proxy="new.example.com")

    @pytest.mark.parametrize("proxy", ["teleport.example.com:443", "https://Teleport.example.com/"])
    async def test_at_the_same_proxy_in_another_spelling(self, enrolled, proxy):
        assert (await enrolled.looked(proxy=proxy))[2].state is State.DONE

    async def test_giving_a_deleted_role_while_it_must_be_changed(self, enrolled):
        roles = enrolled.teleport.cluster.roles
        roles.delete("access")
        assert (await enrolled.looked())[2].state is State.DONE
        enrolled.okta.rotate_signing_key(enrolled.app.id)
        enrolled.mark()
        await refused(enrolled, EnrolmentError, "gives the role 'access', which no longer exists.*tctl edit saml/")

    async def test_giving_no_role(self, enrolled):
        del enrolled.teleport.cluster.saml_connectors.stored(CONNECTOR).Spec.AttributesToRoles[:]
        steps = await enrolled.looked()
        assert "members of Everyone get the role 'okta-requester'" in steps[2].what
        await enrolled.enrol()
        assert enrolled.connectors[CONNECTOR]["Spec"]["AttributesToRoles"] == [
            {"Name": "groups", "Value": "Everyone", "Roles": ["okta-requester"]}
        ]
        assert (await enrolled.looked())[2].state is State.DONE
