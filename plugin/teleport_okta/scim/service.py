"""Passes every SCIM operation to the users, the groups or the discovery."""

from __future__ import annotations

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from teleport_okta.errors import TeleportOktaError
from teleport_okta.scim.calls import ScimAnswer, Verb
from teleport_okta.scim.groups import Groups
from teleport_okta.scim.protocol.discovery import ENDPOINTS, discovery_answer
from teleport_okta.scim.protocol.search import read_search
from teleport_okta.scim.scim_errors import later
from teleport_okta.scim.users import Users
from teleport_okta.state.state_errors import StateError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import ScimCall
    from teleport_okta.scim.provisioner import Provisioner
    from teleport_okta.state.store import Store

_log = logging.getLogger(__name__)


class ScimService:
    """Answers operations (`ScimHandler`). `base_url` is the public URL, without a slash at its end."""

    def __init__(self, store: Store, provisioner: Provisioner, *, base_url: str, clock: Clock) -> None:
        self._base_url = base_url
        self._provisioner = provisioner
        self._stored = store.scim_users
        self._is_known = False
        self._users = Users(store, provisioner, base_url=base_url, clock=clock)
        self._groups = Groups(store, provisioner, base_url=base_url, clock=clock)

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation. Raises ScimError."""
        try:
            if call.endpoint in ENDPOINTS:
                return await self._discovered(call)
            await self._take_over()
            if call.verb is Verb.LIST and call.body is not None:
                call = replace(call, query=read_search(call.body), body=None)
            return await (self._users if call.endpoint == "Users" else self._groups).handle(call)
        except StateError as error:
            _log.error("a SCIM request could not be stored: %s", error)
            raise later("The request cannot be stored now. The log of the service says why.") from error
        except TeleportOktaError as error:
            _log.warning("a SCIM request must be repeated: %s", error)
            raise later(str(error)) from error

    async def _take_over(self) -> None:
        """Restore an empty state from Teleport before the first answer: users there may be provisioned or denied."""
        if not self._is_known:
            self._is_known = await self._stored.are_known()
        if not self._is_known:
            await self._provisioner.take_over()

    async def _discovered(self, call: ScimCall) -> ScimAnswer:
        groups = not await self._provisioner.groups_off()
        body = discovery_answer(
            call.endpoint, call.resource_id, base_url=self._base_url, groups=groups, query=call.query
        )
        return ScimAnswer(HTTPStatus.OK, body)
