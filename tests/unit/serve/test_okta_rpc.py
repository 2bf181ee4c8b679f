"""OktaService: requests reach the integrator, and its errors become status codes."""

from __future__ import annotations

from dataclasses import replace

import grpc
import pytest
from teleport.okta.v1 import okta_service_pb2 as pb
from teleport_okta.errors import ConfigError
from teleport_okta.model.plugin import OktaPluginSettings
from teleport_okta.okta.okta_errors import Failure, OktaForbiddenError, OktaUnauthorizedError
from teleport_okta.saml.enrolment_errors import CredentialTooWeakError, EnrolmentError
from teleport_okta.serve.integrator import GivenCredential, Integration, Named, WantedIntegration
from teleport_okta.serve.okta_service import OktaRpcService
from teleport_okta.teleport.teleport_errors import UnavailableError
from unit.serve.rpc_testing import RpcServer

SERVICE = pb.DESCRIPTOR.services_by_name["OktaService"]
URL = "https://acme.okta.com"
SETTINGS = OktaPluginSettings(URL, connector="okta", sync_users=True, app_id="0oaAPP", app_name="acme_1")
CODES = grpc.StatusCode


class Integrator:
    """Records requests, and returns or raises a prepared answer."""

    def __init__(self):
        self.asked = []
        self.answer = Integration("okta", SETTINGS, "Teleport")

    async def _answer(self, *asked):
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    validate = create = update = apps = groups = _answer


@pytest.fixture
async def world():
    integrator = Integrator()
    return integrator, RpcServer(SERVICE, OktaRpcService(integrator))


async def test_a_request_is_converted_and_the_integration_is_the_answer(world):
    integrator, server = world
    ended = await server.call(
        "CreateIntegration",
        pb.CreateIntegrationRequest(
            okta_organization_url=URL,
            api_credentials=pb.OktaAPICredentials(ssws_bearer_token="00token"),
            scim_token="scim",
            enable_user_sync=True,
            enable_app_group_sync=True,
            enable_access_list_sync=True,
            access_list_settings=pb.AccessListSettings(
                group_filters=["eng-*"], app_filters=["Fig*"], default_owner=["ada"]
            ),
            reuse_connector="mine",
            disable_assign_default_roles=True,
        ),
    )
    wanted = WantedIntegration(
        sync_users=True,
        sync_apps_and_groups=True,
        sync_access_lists=True,
        assign_default_roles=False,
        owners=("ada",),
        group_filters=("eng-*",),
        app_filters=("Fig*",),
        connector="mine",
        scim_token="scim",
    )
    assert integrator.asked == [(URL, GivenCredential("00token"), wanted)]
    info, plugin = ended.response.connector_info, ended.response.plugin
    assert (info.okta_app_id, info.okta_app_name, info.okta_app_labels, info.teleport_connector_name) == (
        "0oaAPP", "acme_1", "Teleport", "okta",
    )  # fmt: skip
    assert (plugin.metadata.Name, plugin.spec.okta.sync_settings.app_id) == ("okta", "0oaAPP")
    assert not plugin.HasField("credentials")


async def test_settings_that_a_change_does_not_have_are_left_out(world):
    integrator, server = world
    await server.call("UpdateIntegration", pb.UpdateIntegrationRequest(enable_user_sync=True))
    ((credential, wanted),) = integrator.asked
    assert credential == GivenCredential()
    assert (wanted.owners, wanted.group_filters, wanted.app_filters) == (None, None, None)
    assert wanted.assign_default_roles


async def test_groups_and_apps_are_listed(world):
    integrator, server = world
    integrator.answer = [Named("eng", "Engineers")]
    ended = await server.call("GetGroups", pb.GetGroupsRequest(okta_organization_url=URL, filters=["e*"]))
    assert [(group.name, group.description) for group in ended.response.groups] == [("eng", "Engineers")]
    ended = await server.call("GetApps", pb.GetAppsRequest(okta_organization_url=URL))
    assert [app.name for app in ended.response.apps] == ["eng"]
    assert integrator.asked == [(URL, GivenCredential(), ("e*",)), (URL, GivenCredential(), ())]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OktaUnauthorizedError(Failure("GET", "/api/v1/users", 401), "refused"), CODES.PERMISSION_DENIED),
        (OktaForbiddenError(Failure("POST", "/api/v1/apps", 403), "refused"), CODES.PERMISSION_DENIED),
        (CredentialTooWeakError("groups cannot be read"), CODES.PERMISSION_DENIED),
        (ConfigError("another organisation"), CODES.INVALID_ARGUMENT),
        (EnrolmentError("a connector by hand"), CODES.FAILED_PRECONDITION),
        (UnavailableError("GetPlugin", "plugin 'okta'", "away"), CODES.UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("method", ["ValidateClientCredentials", "CreateIntegration", "UpdateIntegration", "GetApps"])
async def test_an_obstacle_has_its_code_and_its_text(world, method, error, code):
    integrator, server = world
    integrator.answer = error
    ended = await server.call(method, getattr(pb, f"{method}Request")())
    assert (ended.code, ended.details) == (code, error.what)


@pytest.mark.parametrize(
    "request_",
    [
        pb.CreateIntegrationRequest(enable_bidirectional_sync=True),
        pb.CreateIntegrationRequest(enable_system_log_export=True),
        pb.CreateIntegrationRequest(sso_metadata_url="https://acme.okta.com/metadata"),
    ],
)
async def test_unsupported_settings_are_refused_before_any_call(world, request_):
    integrator, server = world
    ended = await server.call("CreateIntegration", request_)
    assert ended.code is CODES.INVALID_ARGUMENT
    assert integrator.asked == []


def test_no_secret_of_a_request_is_shown():
    credential = GivenCredential("00secret")
    wanted = replace(WantedIntegration(True, True, True, True), scim_token="secret")
    assert "secret" not in f"{credential!r} {wanted!r}"
