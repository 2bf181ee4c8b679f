"""Okta's catalogue of event types: message, legacy name and severity (release 2026.08.1)."""

from __future__ import annotations

from typing import NamedTuple


class EventName(NamedTuple):
    """The fixed texts of an event type."""

    message: str
    legacy: str | None = None
    severity: str = "INFO"


_USER = "core.user.config"
_PROVISION = "app.generic.provision"
_CONFIG = "app.generic.config"
_IMPORT = "app.generic.import"

EVENTS: dict[str, EventName] = {
    "user.lifecycle.create": EventName("Create Okta user", f"{_USER}.user_creation.success"),
    "user.lifecycle.activate": EventName("Activate Okta user", f"{_USER}.user_activated"),
    "user.lifecycle.reactivate": EventName("Reactivate Okta user", f"{_USER}.user_reactivation.success"),
    "user.lifecycle.deactivate": EventName("Deactivate Okta user", f"{_USER}.user_deactivated"),
    "user.lifecycle.suspend": EventName("Suspend Okta user", f"{_USER}.user_status.suspended"),
    "user.lifecycle.unsuspend": EventName("Unsuspend Okta user", f"{_USER}.user_status.unsuspended"),
    "user.lifecycle.delete.initiated": EventName("Delete Okta user initiated", f"{_USER}.user_status.delete.initiated"),
    "user.lifecycle.delete.completed": EventName("Delete Okta user completed", f"{_USER}.user_status.delete.completed"),
    "user.account.update_profile": EventName("Update user profile for Okta", f"{_USER}.profile_update.success"),
    "user.account.update_primary_email": EventName("User primary email updated", f"{_USER}.update_primary_email"),
    "user.account.lock": EventName("Max sign in attempts exceeded", "core.user_auth.account_locked", "DEBUG"),
    "user.account.unlock": EventName("Auto-unlock user account for Okta", "core.user_auth.account_auto_unlocked"),
    "user.account.unlock_by_admin": EventName(
        "User account unlock by admin", "core.user_auth.account_unlocked_by_admin"
    ),
    "user.account.reset_password": EventName(
        "Fired when the user's Okta password is reset", f"{_USER}.user_status.password_reset"
    ),
    "user.account.expire_password": EventName("Fired when the user's Okta password is expired"),
    "user.account.update_password": EventName("User update password for Okta", f"{_USER}.password_update.success"),
    "user.account.privilege.grant": EventName("Grant user privilege", "core.user.admin_privilege.granted"),
    "user.account.privilege.revoke": EventName("Revoke user privilege", "core.user.admin_privilege.revoked"),
    "user.session.clear": EventName("Clear user session", "core.user_auth.session_clear"),
    "group.lifecycle.create": EventName("Create Okta group"),
    "group.lifecycle.delete": EventName("Delete Okta group"),
    "group.profile.update": EventName("Okta group profile updated"),
    "group.privilege.grant": EventName("Group's admin privilege granted"),
    "group.privilege.revoke": EventName("Group's admin privilege revoked"),
    "group.user_membership.add": EventName("Add user to group membership", "core.user_group_member.user_add"),
    "group.user_membership.remove": EventName(
        "Remove user from group membership", "core.user_group_member.user_remove"
    ),
    "group.user_membership.rule.trigger": EventName("Trigger group membership rule", "cvd.group_rule_triggered"),
    "group.user_membership.rule.add_exclusion": EventName(
        "Add user to group membership exclusion rule", "core.user.added_to_rule_exclusion"
    ),
    "group.user_membership.rule.deactivated": EventName(
        "Deactivate group membership rule", "cvd.group_rule_deactivated"
    ),
    "group.application_assignment.add": EventName(
        "Add assigned application to group", "group.application_assignment.add"
    ),
    "group.application_assignment.remove": EventName(
        "Remove assigned application from group", "group.application_assignment.remove"
    ),
    "group.application_assignment.update": EventName(
        "Update assigned application in group", "group.application_assignment.update"
    ),
    "application.user_membership.add": EventName(
        "Add user to application membership", f"{_PROVISION}.assign_user_to_app"
    ),
    "application.user_membership.remove": EventName(
        "Remove user's application membership", f"{_PROVISION}.deactivate_user_from_app"
    ),
    "application.user_membership.update": EventName(
        "Updated user application property", f"{_CONFIG}.app_user_property_update"
    ),
    "application.user_membership.change_username": EventName(
        "Change user's application username", f"{_CONFIG}.app_username_update"
    ),
    "application.user_membership.approve": EventName(
        "User approved for application", f"{_PROVISION}.approve_user_for_app"
    ),
    "application.user_membership.provision": EventName(
        "User provisioned to application", f"{_PROVISION}.provision_user_for_app"
    ),
    "application.user_membership.deprovision": EventName(
        "User deprovisioned from application", f"{_PROVISION}.deprovision_user_from_app"
    ),
    "application.user_membership.revoke": EventName(
        "User revoked from application", f"{_PROVISION}.revoke_user_from_app"
    ),
    "application.lifecycle.create": EventName("Create application"),
    "application.lifecycle.update": EventName("Update application", f"{_CONFIG}.app_updated"),
    "application.lifecycle.activate": EventName("Activate application", f"{_CONFIG}.app_activated"),
    "application.lifecycle.deactivate": EventName("Deactivate application", f"{_CONFIG}.app_deactivated"),
    "application.lifecycle.delete": EventName("Delete application", f"{_CONFIG}.app_deleted"),
    "application.configuration.update_rate_limits": EventName("Update rate limits for an OAuth App"),
    "app.keys.generate": EventName("New signing key generated", "app.keys.generate_legacy"),
    "app.keys.rotate": EventName("Application signing key rotated", "app.keys.rotate_legacy"),
    "app.oauth2.client.lifecycle.create": EventName("Create OAuth client"),
    "app.oauth2.client.lifecycle.activate": EventName("Activate OAuth client"),
    "app.oauth2.client.lifecycle.deactivate": EventName("Deactivate OAuth client"),
    "app.oauth2.client.lifecycle.delete": EventName("Delete OAuth client"),
    "app.oauth2.client.privilege.grant": EventName("Grant OAuth 2.0 client app privilege"),
    "app.oauth2.client.privilege.revoke": EventName("Revoke OAuth 2.0 client app privilege"),
    "app.oauth2.credentials.lifecycle.create": EventName("Create OAuth client credentials"),
    "app.oauth2.credentials.lifecycle.deactivate": EventName("Deactivate OAuth client credentials"),
    "app.oauth2.credentials.lifecycle.delete": EventName("Delete OAuth client credentials"),
    "app.oauth2.admin.consent.grant": EventName("Administrator consent granted for scope"),
    "app.oauth2.admin.consent.revoke": EventName("Administrator consent revoked for scope"),
    "app.user_management": EventName("Imported new or deleted existing member of an application group"),
    "system.import.group.create": EventName("Create group triggered by import process", f"{_IMPORT}.details.add_group"),
    "system.import.group.update": EventName("Update group triggered from import process"),
    "system.import.group.delete": EventName("Remove group triggered by import process"),
    "system.import.user.update": EventName("Update user triggered by import process"),
    "system.import.complete": EventName("Import process complete", f"{_IMPORT}.complete"),
    "system.api_token.revoke": EventName("Revoke API token", "api.token.revoke"),
    "system.rate_limit.configuration.update": EventName("Rate limit configuration update"),
}
"""The types that the sandbox emits. Okta's catalogue has some 1,270; tests can append any other."""
