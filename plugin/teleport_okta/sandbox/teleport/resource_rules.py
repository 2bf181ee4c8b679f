"""Defaults and checks of user groups, app servers and Okta import rules before they are stored.

See `docs/reference/teleport.md` 4.6, 4.7 and 4.15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .label_access import compiled
from .metadata import check_metadata
from .refusal import Refusal, bad_parameter, quoted, wrapped

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import AppServerV3, AppV3, OktaImportRuleV1, UserGroupV1

_CLOUDS: Final = ("", "AWS", "Azure", "GCP")


def complete_user_group(group: UserGroupV1) -> None:
    """Fill kind and version, and refuse bad metadata."""
    group.Header.Kind, group.Header.Version = "user_group", "v1"
    check_metadata(group.Header.Metadata)
    group.Spec.SetInParent()


def complete_app_server(server: AppServerV3, version: str) -> None:
    """Fill kinds and versions, and refuse invalid values. `version` is the server's, for an app server without one."""
    server.Kind, server.Version = "app_server", "v3"
    check_metadata(server.Metadata)
    if not server.Spec.HostID:
        raise bad_parameter("missing app server HostID")
    server.Spec.Version = server.Spec.Version or version
    if not server.Spec.HasField("App"):
        raise bad_parameter("missing app server App")
    _complete_app(server.Spec.App)


def _complete_app(app: AppV3) -> None:
    app.Kind, app.Version = "app", "v3"
    check_metadata(app.Metadata)
    spec = app.Spec
    if not spec.URI and spec.Cloud:
        spec.URI = f"cloud://{spec.Cloud}"
    if not spec.URI:
        raise bad_parameter(f"app {quoted(app.Metadata.Name)} URI is empty")
    if spec.Cloud not in _CLOUDS:
        raise bad_parameter(f"app {quoted(app.Metadata.Name)} has unexpected Cloud value {quoted(spec.Cloud)}")


def check_expressions(rule: OktaImportRuleV1) -> None:
    """Refuse a rule with names that do not compile. Only between `^` and `$` is a name anything but a glob."""
    failures: list[Refusal] = []
    for mapping in rule.Spec.Mappings:
        for match in mapping.Match:
            for expression in (*match.AppNameRegexes, *match.GroupNameRegexes):
                try:
                    compiled(expression)
                except Refusal as refusal:
                    failures.append(refusal)
    if failures:
        reasons = bad_parameter(", ".join(failure.text for failure in failures))
        raise wrapped(reasons, f"error compiling regexes for Okta import rule {rule.Header.Metadata.Name}")


def complete_import_rule(rule: OktaImportRuleV1) -> None:
    """Fill kind and version, and refuse bad metadata, a negative priority, no mappings, and ids of both sorts at once.

    Labels that a rule adds are not checked (Teleport's public source).
    """
    rule.Header.Kind, rule.Header.Version = "okta_import_rule", "v1"
    check_metadata(rule.Header.Metadata)
    if rule.Spec.Priority < 0:
        raise bad_parameter("priority must be a positive number")
    if not rule.Spec.Mappings:
        raise bad_parameter("mappings is empty")
    if any(match.AppIDs and match.GroupIDs for mapping in rule.Spec.Mappings for match in mapping.Match):
        raise bad_parameter("only one of App IDs or Group IDs can be set")
