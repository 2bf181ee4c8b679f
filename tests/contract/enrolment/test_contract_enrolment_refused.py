"""Obstacles to an enrolment are reported before anything is written, on either side."""

from __future__ import annotations

import grpc
import pytest
from cluster_world import WayIn
from contract.enrolment.enrolment_world import built_enrolment_world, refused, taken
from teleport_okta.okta.okta_errors import OktaForbiddenError, OktaScopeError, OktaUnauthorizedError
from teleport_okta.saml.enrolment import State
from teleport_okta.saml.enrolment_errors import (
    EnrolmentError,
    MissingRightsError,
)
from teleport_okta.sandbox.teleport.edition import Entitlement
from teleport_okta.sandbox.teleport.faults import Fault
from teleport_okta.teleport.teleport_errors import PermissionDeniedError, UnavailableError

ALL = ["list", "create", "read", "update", "delete"]


class TestOktasRights:
    @pytest.mark.parametrize("cause", ["permission", "resource set"])
    async def test_without_the_right_to_create_apps_nothing_is_written(self, world, cause):
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
            world.okta.unassign_group(world.app.id, world.everyone)
            steps = await world.enrol()
            assert [step.name for step in steps if step.state is State.LEFT] == ["assignment"]
            assert "okta.apps.manage" in steps[1].what

    @pytest.mark.parametrize("cause", ["hidden", "permission"])
    async def test_if_everyone_is_not_visible_all_but_the_assignment_is_done(self, world, cause):
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
        assert "we cannot see" in steps[1].what
        assert world.untouched

        world.okta.restore_role()
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.MADE, State.DONE, State.DONE]
        assert world.is_assigned
        assert world.okta_writes == {"PUT /api/v1/apps/{id}/groups/{group}": 1}
        assert world.teleport_writes == {}

    @pytest.mark.parametrize("permission", ["okta.groups.appAssignment.manage", "okta.apps.assignment.manage"])
    async def test_without_the_right_to_assign_groups_all_but_the_assignment_is_done(self, world, permission):
        world.okta.narrow_role(without=[permission])
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.MADE, State.LEFT, State.MADE, State.MADE]
        assert "okta.groups.appAssignment.manage" in steps[1].what
        world.okta.restore_role()
        steps = await world.enrol()
        assert [step.state for step in steps] == [State.DONE, State.MADE, State.DONE, State.DONE]

    async def test_a_wrong_token_is_refused_by_the_first_call(self, world):
        world.okta.revoke_token()
        await refused(world, OktaUnauthorizedError, "E0000011")


class TestTheBot:
    async def test_without_a_bot_nothing_can_be_enrolled(self, world):
        del world.sections["teleport"]["identity"]
        await world.restart()
        world.mark()
        await refused(
            world, EnrolmentError, r"only the bot's identity can write .*, and there is none.*teleport\.identity"
        )

    @pytest.mark.parametrize(
        ("rules", "missing"),
        [
            ([(["plugin", "user"], ALL, "")], "read `saml`, update `saml`, create `saml`"),
            ([(["saml", "plugin"], ["list", "read"], "")], "update `saml`, create `saml`, update `plugin`, create"),
            ([(["saml"], ALL, "")], "list `plugin`, read `plugin`, update `plugin`, create `plugin`"),
            ([(["saml"], ALL, ""), (["plugin"], ["list", "read", "create"], "")], "allow it to update `plugin`"),
        ],
    )
    async def test_missing_rights_are_named_before_the_first_write(self, world, rules, missing):
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
        await refused(world, EnrolmentError, r"does not report the address of its proxy.*--proxy", proxy="")

    async def test_an_address_of_the_proxy_that_is_none_is_refused(self, world):
        await refused(world, EnrolmentError, "not host", proxy="http://teleport.example.com/web")

    async def test_a_missing_role_is_named(self, world):
        await refused(world, EnrolmentError, "no role 'engineers'.*--role", role="engineers")

    async def test_a_cluster_that_cannot_be_asked_about_plugins_is_not_taken_for_one_without(self, world):
        world.teleport.faults.add(Fault("*/GetPlugin", code=grpc.StatusCode.INTERNAL))
        await refused(world, EnrolmentError, "plugins cannot be read.*try again")

    async def test_an_outage_is_no_answer(self, world):
        world.teleport.faults.add(Fault("*/GetSAMLConnector", code=grpc.StatusCode.UNAVAILABLE))
        await refused(world, UnavailableError, "GetSAMLConnector")


class TestAnswers:
    async def test_access_lists_without_an_owner(self, world):
        await refused(world, EnrolmentError, "none are given.*--owner", sync_access_lists=True)

    async def test_names_that_teleport_does_not_take(self, world):
        await refused(world, EnrolmentError, "a SAML connector cannot have the name", connector="my okta")

    async def test_filters_that_do_not_compile(self, world):
        await refused(world, EnrolmentError, "not an RE2 expression", group_filters=("^($",))
