"""Okta import rules (`docs/reference/teleport.md` 4.15)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.empty_pb2 import Empty
from teleport.okta.v1.okta_service_pb2 import ListOktaImportRulesResponse

from ..refusal import Refusal, already_exists, not_found, quoted
from ..resource_rules import check_expressions, complete_import_rule
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import OktaImportRuleV1
    from teleport.okta.v1.okta_service_pb2 import (
        CreateOktaImportRuleRequest,
        DeleteOktaImportRuleRequest,
        GetOktaImportRuleRequest,
        ListOktaImportRulesRequest,
        UpdateOktaImportRuleRequest,
    )

    from ..cluster import Cluster

PAGE_CAP = 200


class OktaRules:
    """The import rules of OktaService, which only an Enterprise server registers."""

    def __init__(self, cluster: Cluster) -> None:
        self._rules = cluster.import_rules

    @rpc("teleport.okta.v1.OktaService/ListOktaImportRules")
    def list_okta_import_rules(self, call: Call, request: ListOktaImportRulesRequest) -> ListOktaImportRulesResponse:
        """Return a page of rules."""
        call.access.require("okta_import_rule", "list", "read")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        rules, following = self._rules.page(request.page_token, limit)
        token = self._rules.kind.name_of(following) if following is not None else ""
        return ListOktaImportRulesResponse(import_rules=rules, next_page_token=token)

    @rpc("teleport.okta.v1.OktaService/GetOktaImportRule")
    def get_okta_import_rule(self, call: Call, request: GetOktaImportRuleRequest) -> OktaImportRuleV1:
        """Return one rule."""
        call.access.require("okta_import_rule", "read")
        rule = self._rules.get(request.name)
        if rule is None:
            raise _missing(request.name)
        return rule

    @rpc("teleport.okta.v1.OktaService/CreateOktaImportRule")
    def create_okta_import_rule(self, call: Call, request: CreateOktaImportRuleRequest) -> OktaImportRuleV1:
        """Store a new rule."""
        call.access.require("okta_import_rule", "create")
        rule = _checked(request.import_rule)
        if self._rules.stored(rule.Header.Metadata.Name) is not None:
            raise already_exists(f"okta_import_rule {quoted(rule.Header.Metadata.Name)} already exists")
        return self._rules.create(rule)

    @rpc("teleport.okta.v1.OktaService/UpdateOktaImportRule")
    def update_okta_import_rule(self, call: Call, request: UpdateOktaImportRuleRequest) -> OktaImportRuleV1:
        """Replace a rule without a check of its revision."""
        call.access.require("okta_import_rule", "update")
        rule = _checked(request.import_rule)
        if self._rules.stored(rule.Header.Metadata.Name) is None:
            raise _missing(rule.Header.Metadata.Name)
        return self._rules.upsert(rule)

    @rpc("teleport.okta.v1.OktaService/DeleteOktaImportRule")
    def delete_okta_import_rule(self, call: Call, request: DeleteOktaImportRuleRequest) -> Empty:
        """Remove a rule."""
        call.access.require("okta_import_rule", "delete")
        if self._rules.delete(request.name) is None:
            raise _missing(request.name)
        return Empty()


def _checked(rule: OktaImportRuleV1) -> OktaImportRuleV1:
    check_expressions(rule)
    complete_import_rule(rule)
    return rule


def _missing(name: str) -> Refusal:
    return not_found(f"okta_import_rule {quoted(name)} doesn't exist")
