"""The SCIM door: every operation goes to the resources that it is about."""

from __future__ import annotations

import logging
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from teleport_okta.scim.calls import ScimAnswer, Verb
from teleport_okta.scim.errors import ScimError
from teleport_okta.scim.protocol.discovery import ENDPOINTS, discovery_answer
from teleport_okta.scim.protocol.search import read_search
from teleport_okta.scim.users import RETRY_AFTER, Users
from teleport_okta.state.errors import StateError

if TYPE_CHECKING:
    from teleport_okta.clock import Clock
    from teleport_okta.scim.calls import ScimCall
    from teleport_okta.scim.provisioner import Provisioner
    from teleport_okta.state.store import Store

_log = logging.getLogger(__name__)


class ScimService:
    """Answers operations (`ScimHandler`). `base_url` is what clients use, and ends without a slash."""

    def __init__(self, store: Store, provisioner: Provisioner, *, base_url: str, clock: Clock) -> None:
        self._base_url = base_url
        self._users = Users(store, provisioner, base_url=base_url, clock=clock)

    async def handle(self, call: ScimCall) -> ScimAnswer:
        """Answer one operation. Raises ScimError."""
        if call.endpoint in ENDPOINTS:
            body = discovery_answer(
                call.endpoint, call.resource_id, base_url=self._base_url, groups=False, query=call.query
            )
            return ScimAnswer(HTTPStatus.OK, body)
        if call.verb is Verb.LIST and call.body is not None:
            call = replace(call, query=read_search(call.body), body=None)
        if call.endpoint != "Users":
            raise ScimError(HTTPStatus.NOT_IMPLEMENTED, "Groups are not offered here.")
        try:
            return await self._users.handle(call)
        except StateError as error:
            _log.error("a SCIM request could not be kept: %s", error)
            raise ScimError(
                HTTPStatus.TOO_MANY_REQUESTS, "The request cannot be kept now.", retry_after=RETRY_AFTER
            ) from error
