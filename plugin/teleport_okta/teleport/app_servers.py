"""App servers (`docs/reference/teleport.md` 4.6), written as the host identity under the id of its host.

An app server ends at its expiry unless it is written again; no connection or heartbeat is needed. Several hosts may
have app servers of the same name; those of other hosts are read and never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.client.proto import authservice_pb2 as pb

from teleport_okta.model.content import kept_content
from teleport_okta.teleport.convert_directory import (
    NAMESPACE,
    app_server_from_bytes,
    app_server_from_message,
    app_server_to_message,
)
from teleport_okta.teleport.pages import each_page
from teleport_okta.teleport.recent_writes import ABSENT, RecentWrites
from teleport_okta.teleport.teleport_errors import TeleportError

if TYPE_CHECKING:
    import builtins
    from datetime import datetime

    from teleport_okta.clock import Clock
    from teleport_okta.model.access import TeleportAppServer
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZE: Final = 1000


class AnotherHostsAppServerError(TeleportError):
    """An app server belongs to another host. Only that host may change it."""

    def __init__(self, name: str, host_id: str, own_id: str) -> None:
        super().__init__(
            f"app server {name!r} is of host {host_id}, and this process is host {own_id}",
            remedy="leave it to its host; if that host is gone, the app server ends by itself within the hour",
        )


class AppServers:
    """The cluster's app servers."""

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._connection = identities.host
        self._writing = identities.writing_as_host()
        # Revisions of app servers are not reliable (`docs/reference/teleport-observed.md` 2).
        self._recent: RecentWrites[TeleportAppServer] = RecentWrites(
            clock, fingerprint=kept_content, decode=app_server_from_bytes
        )

    def overwritten(self, name: str) -> None:
        """Note that another party wrote or deleted an object: our own recent write of it is forgotten."""
        self._recent.overwritten(name)

    @property
    def host_id(self) -> str:
        """The id of our own host."""
        host_id = self._connection.identity.host_id
        assert host_id is not None  # noqa: S101 - the identity that we connect with is a host's
        return host_id

    async def list(self) -> builtins.list[TeleportAppServer]:
        """Return every app server of every host, our own recent writes included.

        If one page fails, the listing fails.
        """
        name, subject = "AuthService/ListResources", "app servers"

        async def fetch(token: str) -> tuple[builtins.list[TeleportAppServer], str]:
            request = pb.ListResourcesRequest(
                ResourceType="app_server", Namespace=NAMESPACE, Limit=PAGE_SIZE, StartKey=token
            )
            reply = await self._connection.call(
                self._connection.auth.ListResources, request, name=name, subject=subject
            )
            return [app_server_from_message(resource.AppServer) for resource in reply.Resources], reply.NextKey

        pages = each_page(fetch, method=name, subject=subject)
        listed = {_key(server): server async for page in pages for server in page}
        return [*self._recent.settle(listed).values()]

    async def upsert(self, server: TeleportAppServer, expires: datetime) -> TeleportAppServer:
        """Set an app server of our own host until a time, and return it as sent.

        The server answers with a time only. Raises AnotherHostsAppServerError.
        """
        self._check_ours(server)
        message = app_server_to_message(server, expires)
        await self._writing.call(
            self._writing.auth.UpsertApplicationServer,
            pb.UpsertApplicationServerRequest(Server=message),
            name="AuthService/UpsertApplicationServer",
            subject=_subject(server),
        )
        stored = app_server_from_message(message)
        replaced = ABSENT if server.raw is None else kept_content(app_server_from_bytes(server.raw))
        self._recent.wrote(_key(stored), stored.raw or b"", kept_content(stored), replaced=replaced)
        return stored

    async def renew(self, server: TeleportAppServer, expires: datetime) -> TeleportAppServer:
        """Renew an app server of our own host until a later time, with the content that was read.

        If it ended in the meantime, it is created again.
        """
        return await self.upsert(server if server.raw is None else app_server_from_bytes(server.raw), expires)

    async def delete(self, server: TeleportAppServer) -> bool:
        """Delete an app server of our own host. Returns False when it was gone already."""
        self._check_ours(server)
        return await self.delete_left_behind(server)

    async def delete_left_behind(self, server: TeleportAppServer) -> bool:
        """Delete an app server of any host, which must not be in use any more. Returns False if it was gone already."""
        deleted = await self._writing.delete(
            self._writing.auth.DeleteApplicationServer,
            pb.DeleteApplicationServerRequest(Namespace=NAMESPACE, HostID=server.host_id, Name=server.name),
            name="AuthService/DeleteApplicationServer",
            subject=_subject(server),
        )
        self._recent.deleted(_key(server))
        return deleted

    def _check_ours(self, server: TeleportAppServer) -> None:
        if server.host_id != self.host_id:
            raise AnotherHostsAppServerError(server.name, server.host_id, self.host_id)


def _key(server: TeleportAppServer) -> str:
    return f"{server.host_id}/{server.name}"


def _subject(server: TeleportAppServer) -> str:
    return f"app server {server.name!r}"
