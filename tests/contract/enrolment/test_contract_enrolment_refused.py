"""What stands in the way of an enrolment is told before anything is written, on either side."""

from __future__ import annotations

import grpc
import pytest
from cluster_world import WayIn
from contract.enrolment.enrolment_world import ACS, CONNECTOR, LABEL, PROXY, built_enrolment_world
from teleport_okta.okta.errors import AppLabelTakenError, OktaForbiddenError, OktaScopeError, OktaUnauthorizedError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.errors import (
    AmbiguousAppError,
    DisabledAppError,
    EnrolmentError,
    MissingRightsError,
    OtherAddressError,
    OtherPluginError,
)
from teleport_okta.saml.metadata import MetadataError
from teleport_okta.sandbox.okta.settings import Settings as OktaSettings
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.teleport.errors import PermissionDeniedError, UnavailableError

ALL = ["list", "create", "read", "update", "delete"]


async def refused(world, expected, match, **wishes):
    """Look, be refused with a way out, and see that nothing was written."""
    with pytest.raises(expected, match=match) as error:
        await world.looked(**wishes)
    assert error.value.remedy
    assert world.untouched


async def taken(run, steps):
    """Take down the steps of a run as far as it comes."""
    async for step in run:
        steps.append(step)


def sends_people_to(acs=ACS, audience=None):
    """Settings of an app that sends people there."""
    return {
        "signOn": {
            "ssoAcsUrl": acs,
            "recipient": acs,
            "destination": acs,
            "audience": audience or acs,
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
            "attributeStatements": [],
            "idpIssuer": "http://www.okta.com/${org.externalKey}",
        }
    }


class TestOktasRights:
    @pytest.mark.parametrize("cause", ["permission", "resource set"])
    async def test_who_may_not_create_apps_writes_nothing_anywhere(self, world, cause):
        if cause == "permission":
            world.okta.narrow_role(without=["okta.apps.manage"])
        else:
            world.okta.narrow_role(only=[world.okta.create_app("Wiki").id])
        world.mark()
        enrolment = world.enrolment()
        found = await enrolment.look()
        assert any("Manage applications" in line for line in enrolment.unproven(found))
        steps = []
        with pytest.raises(OktaForbiddenError, match=r"POST /api/v1/apps was not permitted.*Manage applications"):
            await taken(enrolment.run(found), steps)
        assert steps == []
        assert world.apps == []
        assert world.connectors == world.plugins == {}
        assert world.teleport_writes == {}
        assert enrolment.app is None

    async def test_a_service_app_without_the_scope_writes_nothing_anywhere(self, tmp_path):
        async with built_enrolment_world(tmp_path, way=WayIn(okta_by="https", credential="private_key_jwt")) as world:
            [client] = world.okta.tokens.clients.values()
            reads = ["okta.users.read", "okta.apps.read", "okta.groups.read"]
            world.okta.configure_client(client.id, scopes=reads)
            world.mark()
            enrolment = world.enrolment()
            found = await enrolment.look()
            with pytest.raises(OktaScopeError, match=r"okta\.apps\.manage"):
                await anext(enrolment.run(found))
            assert world.untouched
            world.okta.configure_client(client.id, scopes=[*reads, "okta.apps.manage"])
            await world.enrol()
            world.okta.configure_client(client.id, scopes=reads)
            world.okta.revoke_token()
            assert {step.state for step in await world.enrol()} == {State.DONE}

    @pytest.mark.parametrize("cause", ["hidden", "permission"])
    async def test_who_does_not_see_everyone_gets_all_but_the_assignment(self, world, cause):
        if cause == "hidden":
            world.okta.narrow_role(hide=[world.everyone])
        else:
            world.okta.narrow_role(without=["okta.groups.read"])
        steps = await world.enrol()
        assert [(step.name, step.state) for step in steps] == [
            ("app", State.MADE),
            ("assignment", State.LEFT),
            ("connector", State.MADE),
            ("settings", State.MADE),
        ]
        assert "Assign to Groups" in steps[1].remedy
        assert world.settings()["syncSettings"]["appId"] == world.app.id
        assert not world.is_assigned

        world.mark()
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.LEFT, State.DONE, State.DONE]
        assert "cannot be seen" in steps[1].what
        assert world.untouched

        world.okta.restore_role()
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.MADE, State.DONE, State.DONE]
        assert world.is_assigned
        assert world.okta_writes == {"PUT /api/v1/apps/{id}/groups/{group}": 1}
        assert world.teleport_writes == {}

    @pytest.mark.parametrize("permission", ["okta.groups.appAssignment.manage", "okta.apps.assignment.manage"])
    async def test_who_may_not_assign_groups_gets_all_but_the_assignment(self, world, permission):
        world.okta.narrow_role(without=[permission])
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.MADE, State.LEFT, State.MADE, State.MADE]
        assert "okta.groups.appAssignment.manage" in steps[1].what
        world.okta.restore_role()
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.MADE, State.DONE, State.DONE]

    async def test_a_token_that_okta_does_not_accept_is_told_by_the_first_call(self, world):
        world.okta.revoke_token()
        await refused(world, OktaUnauthorizedError, "E0000011")


class TestTheBot:
    async def test_without_a_bot_nothing_can_be_enrolled(self, world):
        del world.sections["teleport"]["identity"]
        await world.restart()
        world.mark()
        await refused(world, EnrolmentError, r"the bot's identity only, and there is none.*teleport\.identity")

    @pytest.mark.parametrize(
        ("rules", "missing"),
        [
            ([(["plugin", "user"], ALL, "")], "read `saml`, update `saml`, create `saml`"),
            ([(["saml", "plugin"], ["list", "read"], "")], "update `saml`, create `saml`, update `plugin`, create"),
            ([(["saml"], ALL, "")], "list `plugin`, read `plugin`, update `plugin`, create `plugin`"),
            ([(["saml"], ALL, ""), (["plugin"], ["list", "read", "create"], "")], "allow it to update `plugin`"),
        ],
    )
    async def test_what_its_role_lacks_is_named_before_the_first_write(self, world, rules, missing):
        world.narrow_bot(*rules)
        await refused(world, MissingRightsError, missing)

    async def test_a_role_that_denies_is_as_good_as_one_that_does_not_allow(self, world):
        role = world.teleport.cluster.roles.stored("teleport-okta")
        role.Spec.Deny.Rules.add(Resources=["plugin"], Verbs=["create"])
        await refused(world, MissingRightsError, "allow it to create `plugin`")

    async def test_a_role_may_name_connectors_by_their_other_name_and_need_not_delete(self, world):
        world.narrow_bot(
            (["auth_connector"], ["read", "create", "update"], ""),
            (["plugin"], ["list", "read", "create", "update"], ""),
        )
        assert {step.state for step in await world.enrol()} == {State.MADE}
        world.okta.rotate_signing_key(world.app.id)
        assert (await world.enrol())[2].state is State.MADE

    async def test_the_right_to_create_can_be_taken_away_afterwards(self, world):
        await world.enrol()
        world.narrow_bot((["saml"], ["read", "update"], ""), (["plugin"], ["list", "read", "update"], ""))
        world.okta.rotate_signing_key(world.app.id)
        steps = await world.enrol(group_filters=("dev-*",))
        assert [step.state for step in steps] == [State.DONE, State.DONE, State.MADE, State.MADE]
        world.teleport.administrator.plugins.delete("okta")
        world.mark()
        await refused(world, MissingRightsError, "allow it to create `plugin` ")

    async def test_a_right_under_a_condition_is_named_as_unproven_and_its_first_use_tells(self, world):
        condition = 'equals(resource.metadata.labels["env"], "dev")'
        world.narrow_bot((["saml"], ["read", "update"], ""), (["saml"], ["create"], condition), (["plugin"], ALL, ""))
        enrolment = world.enrolment()
        found = await enrolment.look()
        assert any("create `saml`: a rule" in line for line in enrolment.unproven(found))
        steps = []
        with pytest.raises(PermissionDeniedError, match="create"):
            await taken(enrolment.run(found), steps)
        assert [step.name for step in steps] == ["app", "assignment"]
        world.narrow_bot((["saml", "plugin"], ALL, ""))
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.DONE, State.MADE, State.MADE]


class TestTheCluster:
    @pytest.mark.parametrize("world", [{"edition": "oss"}], indirect=True)
    async def test_a_community_edition_has_no_saml(self, world):
        await refused(world, EnrolmentError, r"no SAML entitlement.*sync\.local_users = true")

    @pytest.mark.parametrize(
        "world", [{"cluster": {"entitlements": {"SAML": Entitlement(enabled=False)}}}], indirect=True
    )
    async def test_nor_has_a_licence_without_it(self, world):
        await refused(world, EnrolmentError, "no SAML entitlement")

    async def test_the_proxy_s_address_is_asked_for_where_the_cluster_does_not_tell_it(self, world):
        world.teleport.cluster.proxy_address = ""
        await refused(world, EnrolmentError, r"at which address its proxy is reached.*--proxy", proxy="")

    async def test_an_address_of_the_proxy_that_is_none_is_refused(self, world):
        await refused(world, EnrolmentError, "not host", proxy="http://teleport.example.com/web")

    async def test_a_role_that_is_not_there_is_named(self, world):
        await refused(world, EnrolmentError, "no role 'engineers'.*--role", role="engineers")

    async def test_a_cluster_that_cannot_be_asked_about_plugins_is_not_taken_for_one_without(self, world):
        world.teleport.faults.add(Fault("*/GetPlugin", code=grpc.StatusCode.INTERNAL))
        await refused(world, EnrolmentError, "plugins cannot be looked at.*try again")

    async def test_an_outage_is_no_answer(self, world):
        world.teleport.faults.add(Fault("*/GetSAMLConnector", code=grpc.StatusCode.UNAVAILABLE))
        await refused(world, UnavailableError, "GetSAMLConnector")


class TestAnswers:
    async def test_access_lists_without_an_owner(self, world):
        await refused(world, EnrolmentError, "nobody is named.*--owner", sync_access_lists=True)

    async def test_names_that_teleport_does_not_take(self, world):
        await refused(world, EnrolmentError, "no SAML connector can be called", connector="my okta")

    async def test_filters_that_do_not_compile(self, world):
        await refused(world, EnrolmentError, "no RE2 expression", group_filters=("^($",))


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
        await refused(world, OtherAddressError, rf"an app '{LABEL}' \(0oa\w+\) already.*nowhere.*--label.*--app-id")

    async def test_an_app_of_the_label_that_sends_people_elsewhere(self, world):
        world.okta.create_app(LABEL)
        world.mark()
        await refused(world, OtherAddressError, "an app .* already, which sends people to https://")
        assert {step.state for step in await world.enrol(label="Teleport SSO")} == {State.MADE}

    @pytest.mark.parametrize("built", [True, False])
    async def test_a_label_that_is_taken_by_what_we_do_not_see(self, tmp_path, monkeypatch, built):
        monkeypatch.setattr("cluster_world.OktaOrganization", unique_labels)
        async with built_enrolment_world(tmp_path) as world:
            other = world.okta.create_app(LABEL, settings=sends_people_to() if built else {})
            world.okta.narrow_role(hide=[other.id])
            world.mark()
            with pytest.raises(AppLabelTakenError, match=r"is taken.*choose another label"):
                await world.enrol()
            assert world.teleport_writes == {}
            assert world.connectors == {}

    async def test_an_app_that_is_named_and_not_there(self, world):
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
        await refused(world, OtherAddressError, "letter by letter", app_id=other.id)

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

    async def test_an_app_that_speaks_to_another_audience(self, world):
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

    async def test_metadata_of_another_host_leaves_the_app_and_says_so(self, world):
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


def unique_labels(**more):
    """An organisation that takes no second app of a label."""
    from teleport_okta.sandbox.okta.organization import OktaOrganization

    return OktaOrganization(OktaSettings(unique_app_labels=True), **more)
