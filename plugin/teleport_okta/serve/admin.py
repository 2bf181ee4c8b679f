"""The admin service: how commands reach a running service (`proto/teleport_okta_api/admin.proto`).

It listens on a Unix socket, mode 0600, in the data directory: a user who may read the state may call the service.
Approvals, releases and changes of SCIM tokens are recorded with the user and the process of the caller. Over TCP, if it
is configured, they are recorded with the user in the client's certificate of Teleport (`serve/remote.py`).
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import grpc
from teleport_okta_api import admin_pb2 as api
from teleport_okta_api import admin_pb2_grpc as api_grpc

from teleport_okta.apply.release import NotReleasableError
from teleport_okta.clock import Clock, SystemClock
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.serve import directory_messages, explain_messages, harm_messages, messages, scim_messages
from teleport_okta.serve.front_door import Callers, front_door
from teleport_okta.serve.gate import Gate, abort, present_caller
from teleport_okta.serve.offers import Health, Offer
from teleport_okta.state.approvals import NothingHeldError
from teleport_okta.state.scim_tokens import NoSuchTokenError, TooManyTokensError
from teleport_okta.sync.preview import NothingSeenError
from teleport_okta.sync.stale_plan import PlanChangedError
from teleport_okta.teleport.lease import StandbyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from teleport_okta.serve.service_view import ServiceView
    from teleport_okta.state.store import Store

    Request = TypeVar("Request")

_NAME: Final = api.DESCRIPTOR.services_by_name["Admin"].full_name
SOCKET_NAME: Final = "admin.sock"
INNER_SOCKET_NAME: Final = "inner.sock"
"""The socket of gRPC, behind the other one. Its name is as long, so that one check of the path's length is enough."""

UNLIMITED: Final = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]

_IN_TIME: Final = [("grpc.server_handshake_timeout_ms", 10_000), ("grpc.max_connection_idle_ms", 300_000)]
"""A client has ten seconds to begin HTTP/2; a connection without calls is closed after five minutes."""

DEFAULT_HISTORY: Final = 50


class CallerUnknownError(TeleportOktaError):
    """The caller is unknown, so an approval or a release is refused. Connect to the admin socket."""


_EXPECTED: Final = (
    CallerUnknownError,
    PlanChangedError,
    ConfigError,
    NothingHeldError,
    NoSuchTokenError,
    NotReleasableError,
    NothingSeenError,
    StandbyError,
    TooManyTokensError,
)
"""Errors that refuse a request, and are no fault of the service."""

LONGEST_SOCKET_PATH: Final = 100
"""Bytes. Systems allow some more (Linux 107), but not the same number."""

_ONLY_OWNER: Final = 0o177

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
"""The SHA-256 of a token."""

_log = logging.getLogger(__name__)


class AdminService(api_grpc.AdminServicer):
    """Answers from the engine and the store of the running process."""

    def __init__(self, engine: ServiceView, store: Store, clock: Clock | None = None) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock or SystemClock()

    def offer(self) -> Offer:
        """Return the service, for a server to offer it."""
        return Offer(_NAME, partial(api_grpc.add_AdminServicer_to_server, self))

    async def GetStatus(  # noqa: N802 - the name in the API
        self, request: api.GetStatusRequest, context: grpc.aio.ServicerContext[api.GetStatusRequest, object]
    ) -> api.GetStatusResponse:
        """Return the status of the process."""
        try:
            return messages.status_to_message(await self._engine.status())
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def GetPlan(  # noqa: N802
        self, request: api.GetPlanRequest, context: grpc.aio.ServicerContext[api.GetPlanRequest, object]
    ) -> api.Plan:
        """Return what a pass would do now."""
        try:
            return messages.plan_to_message(await self._engine.plan())
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def Apply(  # noqa: N802
        self, request: api.ApplyRequest, context: grpc.aio.ServicerContext[api.ApplyRequest, object]
    ) -> api.PassReport:
        """Run a pass, and return what it did."""
        try:
            return messages.report_to_message(await self._engine.apply(request.plan_digest))
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def ListHistory(  # noqa: N802
        self, request: api.ListHistoryRequest, context: grpc.aio.ServicerContext[api.ListHistoryRequest, object]
    ) -> api.ListHistoryResponse:
        """Return the newest journal entries."""
        try:
            entries = await self._store.journal.history(limit=request.limit or DEFAULT_HISTORY, name=request.name)
        except TeleportOktaError as error:
            await _refuse(context, error)
        return messages.history_to_message(entries)

    async def Approve(  # noqa: N802
        self, request: api.ApproveRequest, context: grpc.aio.ServicerContext[api.ApproveRequest, object]
    ) -> api.Approval:
        """Approve a held set; a pass follows."""
        try:
            by = _caller()
            return harm_messages.approval_to_message(await self._engine.approve(request.held_digest, by=by))
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def Release(  # noqa: N802
        self, request: api.ReleaseRequest, context: grpc.aio.ServicerContext[api.ReleaseRequest, object]
    ) -> api.ReleaseResponse:
        """Release a user name."""
        try:
            by = _caller()
            return harm_messages.released_to_message(await self._engine.release(request.name, by=by))
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def PreviewFilters(  # noqa: N802
        self, request: api.PreviewFiltersRequest, context: grpc.aio.ServicerContext[api.PreviewFiltersRequest, object]
    ) -> api.FilterPreview:
        """Return what filters would do."""
        try:
            found = await self._engine.preview_filters(
                tuple(request.group_filters), tuple(request.app_filters), live=request.live
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        return directory_messages.preview_to_message(found)

    async def Explain(  # noqa: N802
        self, request: api.ExplainRequest, context: grpc.aio.ServicerContext[api.ExplainRequest, object]
    ) -> api.Explanation:
        """Return why an object is as it is."""
        try:
            return explain_messages.explanation_to_message(await self._engine.explain(request.of, request.name))
        except TeleportOktaError as error:
            await _refuse(context, error)

    async def NewScimToken(  # noqa: N802
        self, request: api.NewScimTokenRequest, context: grpc.aio.ServicerContext[api.NewScimTokenRequest, object]
    ) -> api.NewScimTokenResponse:
        """Accept a token of SCIM clients."""
        try:
            if not _DIGEST.fullmatch(request.digest):
                what = "the request has no SHA-256 of a token"
                raise ConfigError(what, remedy="use the command line of the service's own release")
            by = _caller()
            added = await self._store.scim_tokens.add(
                request.digest,
                at=self._clock.now(),
                by=by,
                boot=self._clock.boot(),
                replace_oldest=request.replace_oldest,
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        _log.info("SCIM token %s was made by %s; replaced: %s", added.token.id, by, added.replaced or "none")
        return scim_messages.added_to_message(added)

    async def ListScimTokens(  # noqa: N802
        self, request: api.ListScimTokensRequest, context: grpc.aio.ServicerContext[api.ListScimTokensRequest, object]
    ) -> api.ListScimTokensResponse:
        """Return the tokens."""
        try:
            tokens = await self._store.scim_tokens.tokens()
        except TeleportOktaError as error:
            await _refuse(context, error)
        return scim_messages.tokens_to_message(tokens)

    async def RevokeScimToken(  # noqa: N802
        self, request: api.RevokeScimTokenRequest, context: grpc.aio.ServicerContext[api.RevokeScimTokenRequest, object]
    ) -> api.ScimToken:
        """Revoke a token."""
        try:
            by = _caller()
            token = await self._store.scim_tokens.revoke(
                request.id, at=self._clock.now(), by=by, boot=self._clock.boot()
            )
        except TeleportOktaError as error:
            await _refuse(context, error)
        _log.info("SCIM token %s was revoked by %s", token.id, by)
        return scim_messages.token_to_message(token)

    async def CompareSettings(  # noqa: N802
        self, request: api.CompareSettingsRequest, context: grpc.aio.ServicerContext[api.CompareSettingsRequest, object]
    ) -> api.CompareSettingsResponse:
        """Return which settings differ from those of a client's file."""
        return api.CompareSettingsResponse(different=self._engine.differing(request.digests))

    async def ReloadSettings(  # noqa: N802
        self, request: api.ReloadSettingsRequest, context: grpc.aio.ServicerContext[api.ReloadSettingsRequest, object]
    ) -> api.ReloadSettingsResponse:
        """Read the settings again."""
        try:
            by = _caller()
            _log.info("reading the settings again, for %s", by)
            reloaded = await self._engine.reload()
        except TeleportOktaError as error:
            await _refuse(context, error)
        return api.ReloadSettingsResponse(changed=reloaded.changed, waiting=reloaded.waiting)


@asynccontextmanager
async def serving(service: AdminService, data_dir: Path, others: Sequence[Offer] = ()) -> AsyncIterator[None]:
    """Listen on the data directory's socket until the block ends; then finish the calls in flight.

    `others` are further services to offer. Raises ConfigError if the path is too long for a Unix socket, or the socket
    cannot be made.
    """
    path, behind = data_dir / SOCKET_NAME, data_dir / INNER_SOCKET_NAME
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        what = f"storage.data_dir: {path} is longer than the {LONGEST_SOCKET_PATH} bytes that a Unix socket can have"
        raise ConfigError(what, remedy="choose a shorter directory")
    callers, health = Callers(), Health()
    server = grpc.aio.server(interceptors=[Gate(callers)], options=[*UNLIMITED, *_IN_TIME])
    await health.begin(server, (service.offer(), *others))
    async with AsyncExitStack() as stack:
        for socket in (path, behind):
            socket.unlink(missing_ok=True)
            stack.callback(socket.unlink, missing_ok=True)
        mask = os.umask(_ONLY_OWNER)
        try:
            server.add_insecure_port(f"unix:{behind}")
            await server.start()
            await stack.enter_async_context(front_door(path, behind, callers))
        except (RuntimeError, OSError) as error:
            what = f"{path}: the admin socket cannot be made: {error}"
            raise ConfigError(what, remedy="check storage.data_dir and its permissions") from error
        finally:
            os.umask(mask)
        stack.push_async_callback(server.stop, grace=5)
        stack.push_async_callback(health.end)
        yield


def _caller() -> str:
    """Return the caller in words; raises CallerUnknownError."""
    caller = present_caller()
    if caller is None:
        what = f"the caller is unknown: the call did not come through the socket {SOCKET_NAME}"
        raise CallerUnknownError(what, remedy=f"connect to {SOCKET_NAME} in the data directory")
    return caller


async def _refuse(context: grpc.aio.ServicerContext[Request, object], error: TeleportOktaError) -> NoReturn:
    """End a call with an error of ours: its text as details, its remedy as metadata."""
    code = grpc.StatusCode.FAILED_PRECONDITION if isinstance(error, _EXPECTED) else grpc.StatusCode.INTERNAL
    await abort(context, code, error)
