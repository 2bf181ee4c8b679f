"""The client of the admin service, for the command line."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import grpc
from teleport_okta_api import admin_pb2 as api
from teleport_okta_api import admin_pb2_grpc as api_grpc

from teleport_okta.errors import TeleportOktaError
from teleport_okta.serve import directory_messages, explain_messages, harm_messages, messages, scim_messages
from teleport_okta.serve.admin import SOCKET_NAME, UNLIMITED
from teleport_okta.serve.callers import caller_at
from teleport_okta.serve.gate import REMEDY_METADATA
from teleport_okta.state.data_dir import OtherUserError, check_closed, name_of, sudo_user

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from pathlib import Path
    from typing import TypeVar

    from teleport_okta.desired.preview import FilterPreview
    from teleport_okta.model.harm import Approval
    from teleport_okta.model.inheritance import Released
    from teleport_okta.plan.view import PlanView
    from teleport_okta.serve.callers import Caller
    from teleport_okta.state.journal_entry import JournalEntry
    from teleport_okta.state.scim_tokens import AddedToken, ScimToken
    from teleport_okta.sync.explanation import Explanation
    from teleport_okta.sync.report import PassReport
    from teleport_okta.sync.status import Status

    T = TypeVar("T")


_ROOT: Final = 0
_CONNECT_DEADLINE: Final = 5.0
_OWN_CONNECTION: Final = ("grpc.use_local_subchannel_pool", 1)
"""Otherwise a channel shares the state of an earlier one to the same socket, and fails at once if that had failed."""


class ServiceError(TeleportOktaError):
    """The running service refused, or could not answer."""


class ForeignSocketError(TeleportOktaError):
    """Another user than the directory's owner listens at the service's socket. Nothing is sent there."""

    def __init__(self, path: Path, listener: Caller, owner: int) -> None:
        what = f"{path}: {listener} listens at the service's socket, and the directory belongs to {name_of(owner)}"
        remedy = f"run the service as {name_of(owner)}, or give that user the directory: chown -R"
        super().__init__(what, remedy=remedy)


class AdminClient:
    """Calls the service that runs on a data directory; every method raises ServiceError with the service's text."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._admin = api_grpc.AdminStub(channel)

    async def status(self) -> Status:
        """Return the status of the service."""
        return messages.status_from_message(await _answer(self._admin.GetStatus(api.GetStatusRequest())))

    async def plan(self) -> PlanView:
        """Return what a pass would do now."""
        return messages.plan_from_message(await _answer(self._admin.GetPlan(api.GetPlanRequest())))

    async def apply(self, digest: str) -> PassReport:
        """Run a pass in the service; with a digest, only that plan."""
        request = api.ApplyRequest(plan_digest=digest)
        return messages.report_from_message(await _answer(self._admin.Apply(request)))

    async def approve(self, digest: str) -> Approval:
        """Approve a held set."""
        request = api.ApproveRequest(held_digest=digest)
        return harm_messages.approval_from_message(await _answer(self._admin.Approve(request)))

    async def release(self, name: str) -> Released:
        """Release a user name."""
        response = await _answer(self._admin.Release(api.ReleaseRequest(name=name)))
        return harm_messages.released_from_message(response, name)

    async def preview_filters(
        self, group_filters: tuple[str, ...], app_filters: tuple[str, ...], *, live: bool
    ) -> FilterPreview:
        """Return what filters would do."""
        request = api.PreviewFiltersRequest(group_filters=group_filters, app_filters=app_filters, live=live)
        return directory_messages.preview_from_message(await _answer(self._admin.PreviewFilters(request)))

    async def explain(self, of: str, name: str) -> Explanation:
        """Return why an object is as it is."""
        request = api.ExplainRequest(of=of, name=name)
        return explain_messages.explanation_from_message(await _answer(self._admin.Explain(request)))

    async def history(self, *, limit: int, name: str) -> list[JournalEntry]:
        """Return the newest journal entries."""
        request = api.ListHistoryRequest(limit=limit, name=name)
        return messages.history_from_message(await _answer(self._admin.ListHistory(request)))

    async def new_scim_token(self, digest: str, *, replace_oldest: bool) -> AddedToken:
        """Add a token of SCIM clients, by its SHA-256."""
        request = api.NewScimTokenRequest(digest=digest, replace_oldest=replace_oldest)
        return scim_messages.added_from_message(await _answer(self._admin.NewScimToken(request)))

    async def scim_tokens(self) -> tuple[ScimToken, ...]:
        """Return the tokens of SCIM clients, the oldest first."""
        return scim_messages.tokens_from_message(await _answer(self._admin.ListScimTokens(api.ListScimTokensRequest())))

    async def revoke_scim_token(self, token_id: str) -> ScimToken:
        """Revoke a token of SCIM clients."""
        request = api.RevokeScimTokenRequest(id=token_id)
        return scim_messages.token_from_message(await _answer(self._admin.RevokeScimToken(request)))

    async def differing(self, digests: Mapping[str, str]) -> tuple[str, ...]:
        """Return which settings differ from those of a file, by their digests; none if the service is too old."""
        request = api.CompareSettingsRequest(digests=digests)
        try:
            return tuple((await self._admin.CompareSettings(request)).different)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                return ()
            raise _service_error(error) from error

    async def reload(self) -> tuple[str, ...]:
        """Make the service read its settings again; return the keys that need a restart."""
        return tuple((await _answer(self._admin.ReloadSettings(api.ReloadSettingsRequest()))).waiting)


@asynccontextmanager
async def running_service(data_dir: Path) -> AsyncIterator[AdminClient | None]:
    """Yield a client of the service on a data directory, or None if none answers.

    Raises DataDirectoryError for a directory that others can write, and ForeignSocketError if another user than its
    owner listens: that user could read what a command sends, and forge what it shows.
    """
    path = data_dir / SOCKET_NAME
    found = await asyncio.to_thread(check_closed, data_dir)
    if found is None or not await _is_listening(path, found.st_uid):
        yield None
        return
    async with grpc.aio.insecure_channel(f"unix:{path}", options=[*UNLIMITED, _OWN_CONNECTION]) as channel:
        yield AdminClient(channel) if await _answers(channel) else None


async def _is_listening(path: Path, owner: int) -> bool:
    """Whether a trusted user listens at the socket: the directory's owner, root or the present user."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_DEADLINE)
        try:
            await asyncio.to_thread(connection.connect, str(path))
            listener = caller_at(connection)
        except (FileNotFoundError, ConnectionRefusedError, TimeoutError):
            return False
        except OSError as error:
            # Other errors are found by the check of the data directory, which names them.
            if error.errno not in {errno.EACCES, errno.EPERM}:
                return False
            user = name_of(os.geteuid())
            what = f"{path.parent} belongs to {name_of(owner)}, and {user} may not use the service's socket in it"
            raise OtherUserError(what, sudo_user(owner)) from error
    if listener.uid not in {_ROOT, owner, os.geteuid()}:
        raise ForeignSocketError(path, listener, owner)
    return True


async def _answers(channel: grpc.aio.Channel) -> bool:
    """Whether a gRPC server answers."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CONNECT_DEADLINE):
            state = channel.get_state(try_to_connect=True)
            while state in {grpc.ChannelConnectivity.IDLE, grpc.ChannelConnectivity.CONNECTING}:
                await channel.wait_for_state_change(state)
                state = channel.get_state(try_to_connect=True)
            return state is grpc.ChannelConnectivity.READY
    return False


async def _answer(call: Awaitable[T]) -> T:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _service_error(error) from error


def _service_error(error: grpc.aio.AioRpcError) -> ServiceError:
    trailing = dict(error.trailing_metadata() or ())
    remedy = trailing.get(REMEDY_METADATA, b"")
    text = remedy.decode() if isinstance(remedy, bytes) else remedy
    what = error.details() or f"the running service answered {error.code().name}"
    return ServiceError(what, remedy=text or "read the log of the service")
