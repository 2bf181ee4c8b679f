"""Existing apps and plugins that we must not use: reported before anything is written, with a remedy."""

from __future__ import annotations

import pytest
from contract.enrolment.enrolment_world import (
    ACS,
    CONNECTOR,
    LABEL,
    PROXY,
    built_enrolment_world,
    refused,
    sends_people_to,
    taken,
)
from teleport_okta.okta.okta_errors import AppLabelTakenError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.enrolment_errors import (
    AmbiguousAppError,
    DisabledAppError,
    EnrolmentError,
    OtherAddressError,
    OtherPluginError,
)
from teleport_okta.saml.metadata import MetadataError
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.settings import Settings as OktaSettings


def unique_labels(**more):
    """An organisation that takes no second app of a label."""
    return OktaOrganization(OktaSettings(unique_app_labels=True), **more)


class TestApps:
    async def test_several_apps_that_could_be_meant(self, world):
        ids = [world.okta.create_app(LABEL, settings=sends_people_to()).id for _ in range(2)]
        world.mark()
        await refused(world, AmbiguousAppError, rf"several apps.*{ids[0]}, {ids[1]}.*--app-id")
        assert (await world.enrol(app_id=ids[1]))[0].what.count(ids[1]) == 1
        assert world.settings()["syncSettings"]["appId"] == ids[1]

    async def test_of_several_the_one_that_is_active_is_meant(self, world):
        world.okta.create_app(LABEL, settings=sends_people_to(), activate=False)
        active = world.okta.create_app(LABEL, settings=sends_people_to())
        await world.enrol()
        assert world.settings()["syncSettings"]["appId"] == active.id

    async def test_an_app_of_the_label_that_is_something_else(self, world):
        world.okta.create_app(LABEL, signOnMode="BOOKMARK")
        world.mark()
        await refused(
            world, OtherAddressError, rf"an app '{LABEL}' \(0oa\w+\) exists already.*nowhere.*--label.*--app-id"
        )

    async def test_an_app_of_the_label_that_sends_people_elsewhere(self, world):
        world.okta.create_app(LABEL)
        world.mark()
        await refused(world, OtherAddressError, "an app .* exists already, and sends people to https://")
        assert {step.state for step in await world.enrol(label="Teleport SSO")} == {State.MADE}

    @pytest.mark.parametrize("built", [True, False])
    async def test_a_label_of_an_app_that_we_do_not_see(self, tmp_path, monkeypatch, built):
        monkeypatch.setattr("cluster_world.OktaOrganization", unique_labels)
        async with built_enrolment_world(tmp_path) as world:
            other = world.okta.create_app(LABEL, settings=sends_people_to() if built else {})
            world.okta.narrow_role(hide=[other.id])
            world.mark()
            with pytest.raises(AppLabelTakenError, match=r"is taken.*choose another label"):
                await world.enrol()
            assert world.teleport_writes == {}
            assert world.connectors == {}

    async def test_an_app_that_does_not_exist(self, world):
        await refused(world, EnrolmentError, "the app 0oaWrong is not in Okta.*check the id", app_id="0oaWrong")

    async def test_an_app_that_is_named_and_has_no_saml(self, world):
        bookmark = world.okta.create_app("Wiki", signOnMode="BOOKMARK")
        world.mark()
        await refused(world, EnrolmentError, "not a SAML 2.0 app", app_id=bookmark.id)

    async def test_an_app_that_is_named_and_sends_people_elsewhere(self, world):
        other = world.okta.create_app("Corp SSO")
        world.mark()
        await refused(world, OtherAddressError, f"sends people to .*, not to {ACS}", app_id=other.id)

    @pytest.mark.parametrize("acs", [f"{ACS}/", ACS.replace("okta-integration", "Okta-integration")])
    async def test_a_slash_or_the_case_of_the_path_make_another_address(self, world, acs):
        other = world.okta.create_app("Corp SSO", settings=sends_people_to(acs))
        world.mark()
        await refused(world, OtherAddressError, "exactly", app_id=other.id)

    @pytest.mark.parametrize("acs", [ACS.replace(PROXY, f"{PROXY}:443"), ACS.replace(PROXY, PROXY.title())])
    async def test_the_usual_port_and_the_case_of_the_host_make_none_and_the_connector_takes_the_app_s(
        self, world, acs
    ):
        other = world.okta.create_app("Corp SSO", settings=sends_people_to(acs))
        await world.enrol(app_id=other.id)
        spec = world.connectors[CONNECTOR]["Spec"]
        assert (spec["AssertionConsumerService"], spec["Audience"]) == (acs, acs)
        world.mark()
        assert {step.state for step in await world.enrol()} == {State.DONE}

    async def test_an_app_with_another_audience(self, world):
        other = world.okta.create_app("Corp SSO", settings=sends_people_to(audience="urn:teleport"))
        world.mark()
        await refused(world, OtherAddressError, "audience urn:teleport", app_id=other.id)

    async def test_an_app_of_before_that_was_deactivated(self, world):
        await world.enrol()
        world.okta.deactivate_app(world.app.id)
        world.teleport.administrator.connectors.delete(CONNECTOR)
        world.mark()
        await refused(world, DisabledAppError, r"deactivated.*Activate")

    async def test_an_app_of_before_that_was_deleted_is_made_anew(self, world):
        await world.enrol()
        world.okta.delete_app(world.app.id)
        world.teleport.administrator.connectors.delete(CONNECTOR)
        await world.enrol()
        assert world.settings()["syncSettings"]["appId"] == world.app.id

    async def test_metadata_of_another_host_is_refused_and_the_app_stays(self, world):
        enrolment = world.enrolment(org_hosts=("acme.okta.com",))
        found = await enrolment.look()
        steps = []
        refusal = r"sign-in address.*not at a host of the organisation.*okta\.org_url"
        with pytest.raises(MetadataError, match=refusal):
            await taken(enrolment.run(found), steps)
        assert [(step.name, step.state) for step in steps] == [("app", State.MADE), ("assignment", State.MADE)]
        assert enrolment.app.id == world.app.id
        assert world.teleport_writes == {}
        with pytest.raises(MetadataError):
            await world.looked(org_hosts=("acme.okta.com",))
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.DONE, State.MADE, State.MADE]


class TestPlugins:
    def install(self, world, name="okta", **flags):
        given = {"org": world.org_url, "saml_connector": CONNECTOR, "api_token": "x", "hosted": False}
        return world.teleport.administrator.plugins.install_okta(name, **(given | {"accesslist_sync": False} | flags))

    @pytest.mark.parametrize("name", ["okta", "vendor"])
    async def test_one_that_teleport_runs_for_the_organisation(self, world, name):
        await world.make_connector("elsewhere")
        self.install(world, name, hosted=True, saml_connector="elsewhere")
        await refused(
            world, OtherPluginError, rf"plugin '{name}' is run by Teleport itself.*tctl plugins delete {name}"
        )

    async def test_one_that_teleport_runs_for_another_organisation_does_not_matter(self, world):
        await world.make_connector("elsewhere")
        self.install(world, "vendor", hosted=True, saml_connector="elsewhere", org="https://other.okta.com")
        assert {step.state for step in await world.enrol()} == {State.MADE}

    async def test_one_of_another_type(self, world):
        await world.make_connector("elsewhere")
        self.install(world, saml_connector="elsewhere")
        plugin = world.teleport.cluster.plugins.stored("okta")
        plugin.spec.scim.saml_connector_name = "elsewhere"
        await refused(world, OtherPluginError, "plugin 'okta' exists and is not of type okta.*--plugin")
        assert {step.state for step in await world.enrol(plugin="okta-2")} == {State.MADE}

    async def test_one_of_another_organisation(self, world):
        await world.make_connector("elsewhere")
        self.install(world, saml_connector="elsewhere", org="https://other.okta.com")
        await refused(world, OtherPluginError, "'okta' is for https://other.okta.com, the credential for https://local")

    async def test_one_that_syncs_the_people_of_another_app(self, world):
        other = world.okta.create_app("Old SSO")
        await world.make_connector("elsewhere")
        self.install(world, saml_connector="elsewhere", app_id=other.id)
        world.mark()
        await refused(world, OtherPluginError, rf"the people of another app, {other.id}.*--app-id {other.id}")

    async def test_one_without_an_app_is_tied(self, world):
        await world.make_connector("elsewhere")
        self.install(world, saml_connector="elsewhere", owners=["ada@x.io"])
        steps = await world.looked()
        assert "disable_bidirectional_sync: false -> true" in steps[-1].what
        await world.enrol()
        sync = world.settings()["syncSettings"]
        assert sync["appId"] == world.app.id
        assert sync["userSyncSource"] == "saml_app"
        assert sync["ssoConnectorId"] == CONNECTOR
        assert sync["disableBidirectionalSync"] is True
        assert sync["defaultOwners"] == ["ada@x.io"]
        assert world.teleport_writes["UpdatePlugin"] == 1
