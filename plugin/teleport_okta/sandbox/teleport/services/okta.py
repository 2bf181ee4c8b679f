"""Okta import rules: the reads, by which a client tells that the cluster has them (`reference/teleport.md` 4.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.okta.v1.okta_service_pb2 import ListOktaImportRulesResponse

from ..cluster import IMPORT_RULE
from ..refusal import not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import OktaImportRuleV1
    from teleport.okta.v1.okta_service_pb2 import GetOktaImportRuleRequest, ListOktaImportRulesRequest

    from ..cluster import Cluster

PAGE_CAP = 200


class OktaRules:
    """The reads of OktaService's import rules, which only an Enterprise server registers."""

    def __init__(self, cluster: Cluster) -> None:
        self._rules = cluster.store(IMPORT_RULE)

    @rpc("teleport.okta.v1.OktaService/ListOktaImportRules")
    def list_okta_import_rules(self, call: Call, request: ListOktaImportRulesRequest) -> ListOktaImportRulesResponse:
        """Return a page of rules."""
        call.access.demand("okta_import_rule", "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        rules, following = self._rules.page(request.page_token, limit)
        token = self._rules.kind.name_of(following) if following is not None else ""
        return ListOktaImportRulesResponse(import_rules=rules, next_page_token=token)

    @rpc("teleport.okta.v1.OktaService/GetOktaImportRule")
    def get_okta_import_rule(self, call: Call, request: GetOktaImportRuleRequest) -> OktaImportRuleV1:
        """Return one rule."""
        call.access.demand("okta_import_rule", "read")
        rule = self._rules.get(request.name)
        if rule is None:
            raise not_found(f"okta_import_rule {quoted(request.name)} doesn't exist")
        return rule
