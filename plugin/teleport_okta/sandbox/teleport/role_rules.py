"""Defaults and checks of a role before it is stored.

See `docs/reference/teleport.md` 4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport.legacy.types.types_pb2 import CreateHostUserMode, RequireMFAType, RoleV6

from .caller import SYSTEM_ROLES
from .metadata import check_metadata
from .refusal import access_denied, bad_parameter, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport.legacy.types.types_pb2 import RoleConditions, RoleOptions

    from .edition import Edition

DOWNGRADED_LABEL: Final = "teleport.internal/downgraded"
_VERSIONS: Final = ("v3", "v4", "v5", "v6", "v7", "v8")
_MAX_SESSION_TTL: Final = 30 * 3600 * 1_000_000_000
_ENTERPRISE_ONLY: Final = "is only available in enterprise subscriptions"


def complete_role(role: RoleV6, newest: str = "v8") -> None:
    """Fill missing fields and refuse invalid values. An unknown or missing version becomes the newest."""
    role.Kind = "role"
    if role.Version not in _VERSIONS[: _VERSIONS.index(newest) + 1]:
        role.Version = newest
    check_metadata(role.Metadata)
    _complete_options(role.Spec.Options, role.Version)
    allow, deny = role.Spec.Allow, role.Spec.Deny
    for conditions, side in ((allow, "allow"), (deny, "deny")):
        if not conditions.Namespaces:
            conditions.Namespaces.append("default")
        for index, namespace in enumerate(conditions.Namespaces):
            if namespace not in {"default", "*"}:
                raise bad_parameter(
                    f"{side}: namespaces[{index}]: namespace {quoted(namespace)} invalid, custom namespaces are "
                    'deprecated; the namespace field should be omitted or set to "default"'
                )
    if role.Version == "v3":
        _complete_v3_labels(allow)
    _complete_kubernetes(allow, role.Version)
    _show_empty_fields(role)
    _check_options(role.Spec.Options)
    _check_wildcards(allow)
    for conditions, side in ((allow, "allow"), (deny, "deny")):
        for index, rule in enumerate(conditions.Rules):
            if not rule.Resources:
                raise bad_parameter(f"failed to process '{side}' rule {index}: missing resources to match")
            if not rule.Verbs:
                raise bad_parameter(f"failed to process '{side}' rule {index}: missing verbs")
        if conditions.Impersonate.Users and not conditions.Impersonate.Roles:
            raise bad_parameter("please set both impersonate.users and impersonate.roles for user impersonation")


def check_port_forwarding(role: RoleV6) -> None:
    """Refuse both spellings of the same option at once, which the server does before anything else."""
    options = role.Spec.Options
    if options.HasField("SSHPortForwarding") and options.HasField("PortForwarding"):
        raise bad_parameter("options define both 'port_forwarding' and 'ssh_port_forwarding', only one can be set")


def check_role_admissible(role: RoleV6, edition: Edition) -> None:
    """Refuse a role in its downgraded form, or with fields that the edition does not have."""
    reason = role.Metadata.Labels.get(DOWNGRADED_LABEL, "")
    if reason:
        raise bad_parameter(
            f"refusing to upsert role because {DOWNGRADED_LABEL} label is set with reason {quoted(reason)}"
        )
    if not edition.enterprise:
        _check_community(role)
    if role.Spec.Deny.Request.Reason.Mode:
        raise bad_parameter("request reason mode can be provided only for allow rules")
    mode = role.Spec.Allow.Request.Reason.Mode
    if mode not in {"", "optional", "required"}:
        raise bad_parameter(f"unrecognized request reason mode {quoted(mode)}, must be one of: [required optional]")
    if role.Spec.Options.HasField("IDP") and role.Version == "v8":
        raise bad_parameter("idp option is only supported in role version 7 and below")


def check_role_name(role: RoleV6) -> None:
    """Refuse the name of a system role. This is the last check before the role is stored."""
    if role.Metadata.Name in SYSTEM_ROLES:
        raise bad_parameter(f"reserved role: {role.Metadata.Name}")


def as_seen_by(role: RoleV6, client_version: str) -> RoleV6:
    """Return the role for a client of this version: v8 becomes v7 for clients before 18."""
    major = client_version.split(".", 1)[0]
    if role.Version != "v8" or not major.isdigit() or int(major) >= 18:
        return role
    downgraded = RoleV6()
    downgraded.CopyFrom(role)
    downgraded.Version = "v7"
    downgraded.Spec.Options.IDP.SAML.Enabled.SetInParent()
    downgraded.Metadata.Labels[DOWNGRADED_LABEL] = (
        'Role V8 is only supported from the client version "18.0.0-aa" and above.Access to SAML IdP will be disabled.'
    )
    return downgraded


def _complete_options(options: RoleOptions, version: str) -> None:
    options.CertificateFormat = options.CertificateFormat or "standard"
    if options.MaxSessionTTL <= 0:
        options.MaxSessionTTL = _MAX_SESSION_TTL
    if not options.BPF:
        options.BPF.extend(["command", "network"])
    if not options.HasField("RecordSession"):
        options.RecordSession.Desktop.Value = True
        options.RecordSession.Default = "best_effort"
    for name, default in (
        ("DesktopClipboard", True),
        ("DesktopDirectorySharing", True),
        ("CreateDesktopUser", False),
        ("CreateDatabaseUser", False),
        ("SSHFileCopy", True),
    ):
        if not options.HasField(name):  # type: ignore[arg-type] # one of the names above
            getattr(options, name).Value = default
    if version != "v8" and not options.HasField("IDP"):
        options.IDP.SAML.Enabled.Value = True


def _complete_v3_labels(allow: RoleConditions) -> None:
    for labels, granted in (
        (allow.NodeLabels, bool(allow.Logins)),
        (allow.AppLabels, True),
        (allow.KubernetesLabels, True),
        (allow.DatabaseLabels, True),
    ):
        if granted and not labels.Values:
            labels.Values["*"].Values.append("*")


def _complete_kubernetes(allow: RoleConditions, version: str) -> None:
    """Grant every Kubernetes resource to a role that selects clusters and no resources."""
    selects = bool(allow.KubernetesLabels.Values) or bool(allow.KubernetesLabelsExpression)
    if not allow.KubernetesResources and selects and version != "v6":
        kind = "*" if version in {"v7", "v8"} else "pod"
        allow.KubernetesResources.add(
            Kind=kind, Namespace="*", Name="*", Verbs=["*"], APIGroup="*" if version == "v8" else ""
        )
    elif version not in {"v7", "v8"}:
        for resource in allow.KubernetesResources:
            if not resource.Verbs:
                resource.Verbs.append("*")


def _show_empty_fields(role: RoleV6) -> None:
    """Set the fields that the server always sends, empty or not."""
    role.Spec.Options.MFAVerificationInterval.SetInParent()
    for conditions in (role.Spec.Allow, role.Spec.Deny):
        conditions.NodeLabels.SetInParent()
        conditions.AppLabels.SetInParent()
        conditions.ClusterLabels.SetInParent()
        conditions.KubernetesLabels.SetInParent()
        conditions.DatabaseLabels.SetInParent()
        conditions.WindowsDesktopLabels.SetInParent()
        conditions.DatabaseServiceLabels.SetInParent()
        conditions.GroupLabels.SetInParent()
        conditions.WorkloadIdentityLabels.SetInParent()
        if conditions.HasField("Request"):
            conditions.Request.Annotations.SetInParent()


def _check_options(options: RoleOptions) -> None:
    if options.CreateHostUserMode not in CreateHostUserMode.values():
        mode = quoted(str(options.CreateHostUserMode))
        raise bad_parameter(f"invalid host user mode {mode}, expected one of off, drop or keep")
    for recorded in options.BPF:
        if recorded not in {"command", "disk", "network"}:
            raise bad_parameter(f"invalid value for role option enhanced_recording: {recorded}")
    if options.Lock not in {"", "best_effort", "strict"}:
        raise bad_parameter(f"invalid value for role option lock: {options.Lock}")


def _check_wildcards(allow: RoleConditions) -> None:
    named: tuple[tuple[Iterable[str], str], ...] = (
        (allow.Logins, "wildcard matcher is not allowed in logins"),
        (allow.AWSRoleARNs, "wildcard matcher is not allowed in aws_role_arns"),
        (allow.AzureIdentities, "wildcard matcher is not allowed in allow.azure_identities"),
        (allow.GCPServiceAccounts, "wildcard matcher is not allowed in allow.gcp_service_accounts"),
        (allow.DatabaseRoles, "wildcard is not allowed in allow.database_roles"),
    )
    for values, text in named:
        if "*" in values:
            raise bad_parameter(text)
    for labels in (
        allow.NodeLabels,
        allow.AppLabels,
        allow.KubernetesLabels,
        allow.DatabaseLabels,
        allow.WindowsDesktopLabels,
        allow.GroupLabels,
        allow.WorkloadIdentityLabels,
    ):
        wildcard = labels.Values.get("*")
        if wildcard is not None and list(wildcard.Values) != ["*"]:
            raise bad_parameter("selector *:<val> is not supported")


def _check_community(role: RoleV6) -> None:
    options, allow = role.Spec.Options, role.Spec.Allow
    if options.PinSourceIP:
        raise access_denied(f"role option pin_source_ip {_ENTERPRISE_ONLY}")
    if options.RequireMFAType not in {RequireMFAType.OFF, RequireMFAType.SESSION}:
        raise access_denied("Hardware Key support is only available with an enterprise license")
    if options.MaxSessions > 0:
        raise access_denied(f"role option max_sessions {_ENTERPRISE_ONLY}")
    if options.RequestAccess in {"reason", "always"}:
        raise access_denied(f"role option request_access: {options.RequestAccess} {_ENTERPRISE_ONLY}")
    if allow.Request.Thresholds:
        raise access_denied(f"role field allow.request.thresholds {_ENTERPRISE_ONLY}")
    review = allow.ReviewRequests
    if review.Roles or review.ClaimsToRoles or review.PreviewAsRoles or review.Where:
        raise access_denied(f"role field allow.review_requests {_ENTERPRISE_ONLY}")
    if allow.Request.SearchAsRoles:
        raise access_denied(f"role field allow.search_as_roles {_ENTERPRISE_ONLY}")
