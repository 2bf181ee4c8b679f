"""Enrolment by gRPC: the part of `teleport.okta.v1.OktaService` with which Teleport's own flow makes an integration.

Import rules and assignments of that service are kept by the auth server; this process does not answer for them
(`docs/reference/teleport.md` 4.15).
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

import grpc
from teleport.okta.v1 import okta_service_pb2 as pb
from teleport.okta.v1 import okta_service_pb2_grpc as pb_grpc

from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.okta.okta_errors import OktaForbiddenError, OktaTokenRefusedError, OktaUnauthorizedError
from teleport_okta.saml.enrolment_errors import CredentialTooWeakError, EnrolmentError
from teleport_okta.serve.gate import abort
from teleport_okta.serve.integrator import GivenCredential, WantedIntegration
from teleport_okta.serve.offers import Offer
from teleport_okta.teleport.convert_plugin import new_plugin
from teleport_okta.teleport.teleport_errors import RpcError

if TYPE_CHECKING:
    from typing import Never

    from teleport.legacy.types import types_pb2

    from teleport_okta.serve.gate import Context
    from teleport_okta.serve.integrator import Integration, Integrator

_NAME: Final = pb.DESCRIPTOR.services_by_name["OktaService"].full_name

_log = logging.getLogger(__name__)


class OktaRpcService(pb_grpc.OktaServiceServicer):
    """Answers requests with an integrator."""

    def __init__(self, integrator: Integrator) -> None:
        self._integrator = integrator

    async def ValidateClientCredentials(  # noqa: N802 - the name in the API
        self, request: pb.ValidateClientCredentialsRequest, context: Context
    ) -> pb.ValidateClientCredentialsResponse:
        """Check that Okta accepts a credential, and lets it read what the sync reads."""
        try:
            await self._integrator.validate(request.okta_organization_url, _credential(request.api_credentials))
        except TeleportOktaError as error:
            await _refuse(context, error)
        return pb.ValidateClientCredentialsResponse()

    async def CreateIntegration(  # noqa: N802
        self, request: pb.CreateIntegrationRequest, context: Context
    ) -> pb.CreateIntegrationResponse:
        """Enrol: make the app, its assignment, the connector and the plugin."""
        try:
            _check_offered(request)
            if request.sso_metadata_url:
                what = "sso_metadata_url: the metadata is read from the app itself"
                raise ConfigError(what, remedy="leave it out, or give a connector with reuse_connector")
            wanted = _wanted(request, connector=request.reuse_connector)
            made = await self._integrator.create(
                request.okta_organization_url, _credential(request.api_credentials), wanted
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        return pb.CreateIntegrationResponse(plugin=_plugin(made), connector_info=_connector(made))

    async def UpdateIntegration(  # noqa: N802
        self, request: pb.UpdateIntegrationRequest, context: Context
    ) -> pb.UpdateIntegrationResponse:
        """Change the settings of the integration."""
        try:
            _check_offered(request)
            changed = await self._integrator.update(_credential(request.api_credentials), _wanted(request))
        except TeleportOktaError as error:
            await _refuse(context, error)
        return pb.UpdateIntegrationResponse(plugin=_plugin(changed), connector_info=_connector(changed))

    async def GetApps(self, request: pb.GetAppsRequest, context: Context) -> pb.GetAppsResponse:  # noqa: N802
        """Return the apps that pass filters."""
        try:
            apps = await self._integrator.apps(
                request.okta_organization_url, _credential(request.api_credentials), tuple(request.filters)
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        return pb.GetAppsResponse(
            apps=[pb.GetAppsResponse.App(name=app.name, description=app.description) for app in apps]
        )

    async def GetGroups(self, request: pb.GetGroupsRequest, context: Context) -> pb.GetGroupsResponse:  # noqa: N802
        """Return the groups that pass filters."""
        try:
            groups = await self._integrator.groups(
                request.okta_organization_url, _credential(request.api_credentials), tuple(request.filters)
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        return pb.GetGroupsResponse(
            groups=[pb.GetGroupsResponse.Group(name=group.name, description=group.description) for group in groups]
        )


def offered_okta(integrator: Integrator) -> Offer:
    """Return the service, for a server to offer it. Other methods answer UNIMPLEMENTED, as in the generated class."""
    service = OktaRpcService(integrator)  # type: ignore[abstract]
    return Offer(_NAME, partial(pb_grpc.add_OktaServiceServicer_to_server, service))


def _check_offered(request: pb.CreateIntegrationRequest | pb.UpdateIntegrationRequest) -> None:
    """Refuse settings that this release does not support, instead of ignoring them."""
    if request.enable_bidirectional_sync:
        what = "enable_bidirectional_sync: nothing writes Teleport's decisions back to Okta"
        raise ConfigError(what, remedy="leave it false")
    if request.enable_system_log_export:
        what = "enable_system_log_export: Okta's System Log is not copied into Teleport's audit log"
        raise ConfigError(what, remedy="leave it false")


def _wanted(
    request: pb.CreateIntegrationRequest | pb.UpdateIntegrationRequest, *, connector: str = ""
) -> WantedIntegration:
    lists = request.access_list_settings if request.HasField("access_list_settings") else None
    return WantedIntegration(
        sync_users=request.enable_user_sync,
        sync_apps_and_groups=request.enable_app_group_sync,
        sync_access_lists=request.enable_access_list_sync,
        assign_default_roles=not request.disable_assign_default_roles,
        owners=None if lists is None else tuple(lists.default_owner),
        group_filters=None if lists is None else tuple(lists.group_filters),
        app_filters=None if lists is None else tuple(lists.app_filters),
        connector=connector,
        scim_token=request.scim_token,
    )


def _credential(credentials: pb.OktaAPICredentials) -> GivenCredential:
    return GivenCredential(credentials.ssws_bearer_token, credentials.oauth_id)


def _plugin(made: Integration) -> types_pb2.PluginV1:
    plugin = new_plugin(made.plugin, made.settings, labels={}, credential_labels={})
    plugin.ClearField("credentials")
    return plugin


def _connector(made: Integration) -> pb.ConnectorInfo:
    return pb.ConnectorInfo(
        okta_app_id=made.settings.app_id,
        okta_app_name=made.settings.app_name,
        okta_app_labels=made.app_label,
        teleport_connector_name=made.settings.connector,
    )


async def _refuse(context: Context, error: TeleportOktaError) -> Never:
    """End a call with an error of ours."""
    _log.info("a request for an integration was refused: %s", error)
    await abort(context, _code(error), error)


def _code(error: TeleportOktaError) -> grpc.StatusCode:
    if isinstance(error, OktaUnauthorizedError | OktaForbiddenError | OktaTokenRefusedError | CredentialTooWeakError):
        return grpc.StatusCode.PERMISSION_DENIED
    if isinstance(error, ConfigError):
        return grpc.StatusCode.INVALID_ARGUMENT
    if isinstance(error, EnrolmentError):
        return grpc.StatusCode.FAILED_PRECONDITION
    return grpc.StatusCode.UNAVAILABLE if isinstance(error, RpcError) else grpc.StatusCode.INTERNAL
