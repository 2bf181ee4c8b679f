"""Import rules, which administrators write in Teleport; we only read them (`docs/reference/teleport.md` 4.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.okta.v1 import okta_service_pb2 as pb

from teleport_okta.teleport.convert_directory import import_rule_from_message
from teleport_okta.teleport.pages import all_pages

if TYPE_CHECKING:
    from teleport_okta.model.access import ImportRule
    from teleport_okta.teleport.identity_router import IdentityRouter

PAGE_SIZE: Final = 200
"""The server's cap."""


class ImportRules:
    """The cluster's import rules, read as the host identity. Consult the feature `okta_service` before any call."""

    def __init__(self, identities: IdentityRouter) -> None:
        self._connection = identities.host

    async def list(self) -> tuple[ImportRule, ...]:
        """Return every import rule, in no particular order.

        Raises FeatureUnavailableError if the cluster has no such service. If one page fails, the listing fails.
        """
        name, subject = "OktaService/ListOktaImportRules", "import rules"

        async def fetch(token: str) -> tuple[list[ImportRule], str]:
            request = pb.ListOktaImportRulesRequest(page_size=PAGE_SIZE, page_token=token)
            reply = await self._connection.call(
                self._connection.okta.ListOktaImportRules, request, name=name, subject=subject
            )
            return [import_rule_from_message(message) for message in reply.import_rules], reply.next_page_token

        return tuple((await all_pages(fetch, method=name, subject=subject)).values())
