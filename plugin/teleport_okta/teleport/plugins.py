"""Plugin resources, read and written as the bot.

See `docs/reference/teleport.md` 4.14, `docs/reference/teleport-observed.md` 1.5, 1.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.plugins.v1 import plugin_service_pb2 as pb

from teleport_okta.teleport.amend import overtaking
from teleport_okta.teleport.convert_plugin import (
    new_plugin,
    plugin_from_message,
    settings_from_message,
    status_to_message,
    write_settings,
)
from teleport_okta.teleport.pages import all_pages
from teleport_okta.teleport.teleport_errors import (
    AlreadyExistsError,
    FeatureUnavailableError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    TeleportError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport.legacy.types import types_pb2

    from teleport_okta.clock import Clock
    from teleport_okta.model.plugin import OktaPluginSettings, Plugin
    from teleport_okta.model.plugin_status import PluginStatus
    from teleport_okta.teleport.connection import Connection
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZE: Final = 200
"""The server's cap."""


class BotNeededForPluginsError(TeleportError):
    """Only the bot's identity may read plugin resources, and there is none."""

    def __init__(self) -> None:
        super().__init__(
            "plugin resources can be read and written by the bot's identity only, and there is none",
            remedy="set teleport.identity to the bot's identity file",
        )


class Plugins:
    """The cluster's plugins. Consult the feature `plugin` first: other editions have no such service.

    Every call raises BotNeededForPluginsError if there is no bot, FeatureUnavailableError, PermissionDeniedError, or
    another RpcError.
    """

    def __init__(self, identities: IdentityRouter, clock: Clock) -> None:
        self._identities = identities
        self._clock = clock

    async def is_offered(self) -> bool:
        """Whether the cluster has a plugin service. The host may ask this, although it may not read any plugin.

        Raises UnavailableError or another RpcError.
        """
        connection = self._identities.host
        try:
            await connection.call(
                connection.plugins.ListPlugins,
                pb.ListPluginsRequest(page_size=1),
                name="PluginService/ListPlugins",
                subject="plugins",
            )
        except FeatureUnavailableError:
            return False
        except PermissionDeniedError:
            return True
        return True

    async def list(self) -> tuple[Plugin, ...]:
        """Return every plugin of any type, without credentials."""
        name, subject = "PluginService/ListPlugins", "plugins"
        connection = self._bot

        async def fetch(token: str) -> tuple[list[Plugin], str]:
            request = pb.ListPluginsRequest(page_size=PAGE_SIZE, start_key=token)
            reply = await connection.call(connection.plugins.ListPlugins, request, name=name, subject=subject)
            return [plugin_from_message(message) for message in reply.plugins], reply.next_key

        return tuple((await all_pages(fetch, method=name, subject=subject)).values())

    async def get(self, name: str) -> Plugin | None:
        """Return one plugin, or None if there is none of this name."""
        try:
            return plugin_from_message(await self._read(name, with_secrets=False))
        except NotFoundError:
            return None

    async def create(
        self,
        name: str,
        settings: OktaPluginSettings,
        *,
        labels: Mapping[str, str],
        credential_labels: Mapping[str, str],
    ) -> None:
        """Create an okta plugin, with a reference to credentials that no server stores.

        Raises AlreadyExistsError if the name is taken, even by an unanswered attempt of ours if its settings differ.
        """
        connection = self._writing
        message = new_plugin(name, settings, labels=labels, credential_labels=credential_labels)
        try:
            await connection.call(
                connection.plugins.CreatePlugin,
                pb.CreatePluginRequest(plugin=message),
                name="PluginService/CreatePlugin",
                subject=_subject(name),
            )
        except AlreadyExistsError:
            found = await self.get(name)
            if found is None or found.okta != settings_from_message(message.spec.okta):
                raise

    async def change(self, name: str, settings: OktaPluginSettings) -> Plugin:
        """Change the settings of a plugin and return it as stored; labels, credentials and status stay.

        Raises NotFoundError if it is gone, RevisionConflictError if others change it repeatedly, and
        InvalidArgumentError if it is of another type.
        """
        connection = self._writing

        async def once() -> Plugin:
            # Read with secrets: an update without the credentials is refused.
            message = await self._read(name, with_secrets=True)
            if not message.spec.HasField("okta"):
                raise InvalidArgumentError(_UPDATE, _subject(name), "it is not a plugin of type okta")
            write_settings(message.spec.okta, settings)
            stored = await connection.call(
                connection.plugins.UpdatePlugin,
                pb.UpdatePluginRequest(plugin=message),
                name=_UPDATE,
                subject=_subject(name),
            )
            return plugin_from_message(stored)

        return await overtaking(once, self._clock)

    async def report(self, name: str, status: PluginStatus) -> None:
        """Replace the whole status of a plugin.

        It needs no lease: that nothing runs must be reported while nothing runs. Raises NotFoundError if it
        is gone, and RevisionConflictError if others write it repeatedly.
        """
        connection = self._bot
        request = pb.SetPluginStatusRequest(name=name, status=status_to_message(status))

        async def once() -> None:
            await connection.call(
                connection.plugins.SetPluginStatus,
                request,
                name="PluginService/SetPluginStatus",
                subject=_subject(name),
            )

        await overtaking(once, self._clock)

    async def delete(self, name: str) -> bool:
        """Delete a plugin. Returns False if it was gone already."""
        connection = self._writing
        return await connection.delete(
            connection.plugins.DeletePlugin,
            pb.DeletePluginRequest(name=name),
            name="PluginService/DeletePlugin",
            subject=_subject(name),
        )

    async def _read(self, name: str, *, with_secrets: bool) -> types_pb2.PluginV1:
        connection = self._bot
        return await connection.call(
            connection.plugins.GetPlugin,
            pb.GetPluginRequest(name=name, with_secrets=with_secrets),
            name="PluginService/GetPlugin",
            subject=_subject(name),
        )

    @property
    def _bot(self) -> Connection:
        if self._identities.bot is None:
            raise BotNeededForPluginsError
        return self._identities.bot

    @property
    def _writing(self) -> Connection:
        """The bot, if this process holds the lease: two processes would overwrite each other's status."""
        if self._identities.bot is None:
            raise BotNeededForPluginsError
        return self._identities.writing({}, "plugins")


_UPDATE: Final = "PluginService/UpdatePlugin"


def _subject(name: str) -> str:
    return f"plugin {name!r}"
