"""The older names of event types, which some senders still use (`docs/reference/okta.md` 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from teleport_okta.model.log_event import LogEvent


def type_of(event: LogEvent) -> str:
    """Return the type of an event by its present name."""
    name = event.type or event.legacy_type
    return _LEGACY.get(name, name)


_LEGACY: Final = {
    "core.user.config.user_creation.success": "user.lifecycle.create",
    "core.user.config.user_activated": "user.lifecycle.activate",
    "core.user.config.user_reactivation.success": "user.lifecycle.reactivate",
    "core.user.config.user_deactivated": "user.lifecycle.deactivate",
    "core.user.config.user_status.suspended": "user.lifecycle.suspend",
    "core.user.config.user_status.unsuspended": "user.lifecycle.unsuspend",
    "core.user.config.user_status.delete.initiated": "user.lifecycle.delete.initiated",
    "core.user.config.user_status.delete.completed": "user.lifecycle.delete.completed",
    "core.user.config.user_status.password_mass_expiry": "user.lifecycle.password_mass_expiry",
    "core.user.config.profile_update.success": "user.account.update_profile",
    "core.user.config.update_primary_email": "user.account.update_primary_email",
    "core.user_auth.account_locked": "user.account.lock",
    "core.user_auth.account_auto_unlocked": "user.account.unlock",
    "core.user_auth.account_unlocked_by_admin": "user.account.unlock_by_admin",
    "core.user.config.user_status.password_reset": "user.account.reset_password",
    "core.user.config.password_update.success": "user.account.update_password",
    "core.user_auth.session_clear": "user.session.clear",
    "core.user.admin_privilege.granted": "user.account.privilege.grant",
    "core.user.admin_privilege.revoked": "user.account.privilege.revoke",
    "core.user_group_member.user_add": "group.user_membership.add",
    "core.user_group_member.user_remove": "group.user_membership.remove",
    "core.user.added_to_rule_exclusion": "group.user_membership.rule.add_exclusion",
    "cvd.group_rule_triggered": "group.user_membership.rule.trigger",
    "cvd.group_rule_deactivated": "group.user_membership.rule.deactivated",
    "cvd.group_rule_invalidated": "group.user_membership.rule.invalidate",
    "app.generic.provision.assign_user_to_app": "application.user_membership.add",
    "app.generic.provision.deactivate_user_from_app": "application.user_membership.remove",
    "app.generic.config.app_user_property_update": "application.user_membership.update",
    "app.generic.config.app_username_update": "application.user_membership.change_username",
    "app.generic.provision.approve_user_for_app": "application.user_membership.approve",
    "app.generic.provision.provision_user_for_app": "application.user_membership.provision",
    "app.generic.provision.revoke_user_from_app": "application.user_membership.revoke",
    "app.generic.provision.deprovision_user_from_app": "application.user_membership.deprovision",
    "app.generic.config.app_password_update": "application.user_membership.change_password",
    "app.generic.reversibility.individual.app.recovery": "application.user_membership.restore",
    "app.generic.reversibility.personal.app.recovery": "application.user_membership.restore",
    "app.generic.reversibility.credentials.recovery": "application.user_membership.restore_password",
    "app.generic.show.password": "application.user_membership.show_password",
    "app.generic.config.fed_broker_mode_enabled": "application.configuration.enable_fed_broker_mode",
    "app.generic.config.fed_broker_mode_disabled": "application.configuration.disable_fed_broker_mode",
    "app.user_management.app_group_member_import.insert_failure": "app.user_management",
    "app.user_management.app_group_member_import.delete_failure": "app.user_management",
    "app.user_management.update_user_lifecycle_from_master_failed": (
        "system.import.user.update_user_lifecycle_from_master"
    ),
    "app.generic.config.app_updated": "application.lifecycle.update",
    "app.generic.config.app_activated": "application.lifecycle.activate",
    "app.generic.config.app_deactivated": "application.lifecycle.deactivate",
    "app.generic.config.app_deleted": "application.lifecycle.delete",
    "app.user_management.app_group_member_import.insert_success": "app.user_management",
    "app.user_management.app_group_member_import.delete_success": "app.user_management",
    "app.generic.import.details.add_group": "system.import.group.create",
    "app.generic.import.details.add_user": "system.import.user.create",
    "app.generic.import.summary.group_membership": "system.import.group_membership.complete",
    "app.generic.import.summary.group": "system.import.group.complete",
    "app.generic.import.summary.user": "system.import.user.complete",
    "app.generic.import.complete": "system.import.complete",
    "app.generic.import.fail.roadblock": "system.import.roadblock",
    "cvd.mappings_updated": "directory.mapping.update",
    "cvd.user_profile_updated": "directory.user_profile.update",
    "cvd.appuser_profile_updated": "directory.app_user_profile.update",
    "core.framework.ratelimit.warning": "system.org.rate_limit.warning",
    "core.framework.ratelimit.exceeded": "system.org.rate_limit.violation",
}
"""Some senders put the older name into the field of the type, or leave that field out."""
