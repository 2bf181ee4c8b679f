"""What an event of the System Log hints at: the one table of event types (`docs/reference/okta.md` 5.4, 12.2).

Targets are matched by type and taken by id: never by position, name or actor. What an event says has happened is a
claim, and only a read decides; an event that did not succeed claims nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.model import log_event as log
from teleport_okta.model.hint import Claim, Hint, HintKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from teleport_okta.model.log_event import LogEvent

_SOON: Final = 15.0
"""Seconds until the looks that are for many changes of one job: more of them are about to come."""

_LATER: Final = 60.0
"""Seconds until the people of an app are listed after a job gave it to a group, or took it away."""

_LAZILY: Final = 900.0
"""Seconds until a full pass because of something that no single read shows, such as a changed mapping."""

_DID_NOT_HAPPEN: Final = frozenset(
    {"FAILURE", "SKIPPED", "DENY", "CHALLENGE", "RATE_LIMIT", "DEFERRED", "SCHEDULED", "ABANDONED", "UNANSWERED"}
)


_TOLD_AS_FAILURES: Final = frozenset({"user.account.lock", "user.account.lock.limit"})
"""Types that tell what happened to somebody by what the person failed to do."""


@dataclass(frozen=True, slots=True)
class Source:
    """What the events are read for: the app that people come from (empty: the whole organisation), and our client."""

    app_id: str = ""
    client_id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What an event tells. `alarm` is about our own rights and limits, or what makes Okta's data stale.

    `is_known` says whether the type is in the table, and `names_nobody` that it is handled but says of whom in no way.
    """

    hints: tuple[Hint, ...] = ()
    alarm: str = ""
    is_known: bool = True
    names_nobody: bool = False


_UNKNOWN: Final = Told(is_known=False)
_NOTHING: Final = Told()
_Rule: TypeAlias = "Callable[[LogEvent, Source], Iterable[Hint]]"


def told_by(event: LogEvent, source: Source) -> Told:
    """Return what an event tells; its hints carry its type and uuid as their cause, and the time it was published."""
    kind = _LEGACY.get(event.type or event.legacy_type, event.type or event.legacy_type)
    happened = event.outcome not in _DID_NOT_HAPPEN or kind in _TOLD_AS_FAILURES
    alarm = _alarm(kind, event, source, happened=happened)
    if kind in _NOISE:
        return _NOTHING
    rule = _RULES.get(kind)
    if rule is None:
        return Told(alarm=alarm) if alarm or kind in _ALARMS else _UNKNOWN
    if not happened:
        return Told(alarm=alarm)
    hints = tuple(_stamped(hint, kind, event) for hint in rule(event, source))
    return Told(hints=hints, alarm=alarm, names_nobody=not hints)


def _stamped(hint: Hint, kind: str, event: LogEvent) -> Hint:
    claim = hint.claim if event.outcome in {"SUCCESS", ""} else Claim.NOTHING
    return replace(hint, claim=claim, published=event.published, cause=f"{kind} {event.uuid}".rstrip())


def _people(kind: HintKind, claim: Claim = Claim.NOTHING, delay: float = 0.0) -> _Rule:
    def rule(event: LogEvent, _: Source) -> Iterator[Hint]:
        return (Hint(kind, okta_id, claim=claim, delay=delay) for okta_id in event.ids(log.USER))

    return rule


def _groups(kind: HintKind, claim: Claim = Claim.NOTHING, delay: float = 0.0) -> _Rule:
    def rule(event: LogEvent, _: Source) -> Iterator[Hint]:
        return (Hint(kind, group_id, claim=claim, delay=delay) for group_id in event.ids(log.GROUP))

    return rule


def _members(claim: Claim) -> _Rule:
    def rule(event: LogEvent, _: Source) -> Iterator[Hint]:
        people = list(event.ids(log.USER))
        for group_id in event.ids(log.GROUP):
            if not people:
                yield Hint(HintKind.MEMBERS, group_id)
            yield from (Hint(HintKind.MEMBER, okta_id, group_id, claim) for okta_id in people)

    return rule


def _assigned(claim: Claim) -> _Rule:
    """A person's assignment to an app: to the one that people come from, or to another that may have a list."""

    def rule(event: LogEvent, source: Source) -> Iterator[Hint]:
        people = list(event.ids(log.USER))
        for app_id in event.ids(log.APP):
            if not people:
                yield _people_of(app_id, source, _SOON)
            for okta_id in people:
                if app_id == source.app_id:
                    yield Hint(HintKind.PERSON, okta_id, claim=claim)
                else:
                    yield Hint(HintKind.APP_PERSON, okta_id, app_id, claim)

    return rule


def _granted(event: LogEvent, source: Source) -> Iterator[Hint]:
    """A group that grants an app: the people follow in a job, each with an event, and are listed once afterwards."""
    groups = list(event.ids(log.GROUP))
    for app_id in event.ids(log.APP):
        yield from (Hint(HintKind.GRANT, group_id, app_id) for group_id in groups)
        yield _people_of(app_id, source, _LATER)


def _people_of(app_id: str, source: Source, delay: float) -> Hint:
    if app_id == source.app_id:
        return Hint(HintKind.PEOPLE, delay=delay)
    return Hint(HintKind.APP_PEOPLE, app_id, delay=delay)


def _app(claim: Claim = Claim.NOTHING, *, with_people: bool = False) -> _Rule:
    def rule(event: LogEvent, source: Source) -> Iterator[Hint]:
        for app_id in event.ids(log.APP):
            yield Hint(HintKind.APP, app_id, claim=claim)
            if with_people and app_id == source.app_id:
                # Whether its assignments mean anything has changed, for everybody.
                yield Hint(HintKind.ALL)
            elif with_people:
                yield Hint(HintKind.APP_PEOPLE, app_id, delay=_SOON)

    return rule


def _always(*kinds: HintKind, delay: float = _SOON) -> _Rule:
    """What does not depend on the targets, because they do not tell, or nobody knows what they are."""

    def rule(_event: LogEvent, _source: Source) -> Iterator[Hint]:
        return (Hint(kind, delay=delay) for kind in kinds)

    return rule


def _or_changed(rule: _Rule, fallback: HintKind) -> _Rule:
    """What an event names, and what has changed lately where it names nothing that we know how to read."""

    def both(event: LogEvent, source: Source) -> Iterator[Hint]:
        found = list(rule(event, source))
        yield from found or [Hint(fallback, delay=_SOON)]

    return both


def _rule_of_groups(event: LogEvent, source: Source) -> Iterator[Hint]:
    """A rule puts people into groups in a job; how many events that brings is not known."""
    yield from _groups(HintKind.MEMBERS, delay=_SOON)(event, source)
    yield Hint(HintKind.CHANGED_GROUPS, delay=_SOON)


_PERSON: Final = _people(HintKind.PERSON)
_OF_PASSWORDS: Final = _people(HintKind.PERSON, delay=_SOON)
_GONE: Final = _people(HintKind.STATUS, Claim.GONE)
_LEFT: Final = _people(HintKind.STATUS, Claim.LEFT)
_BACK: Final = _people(HintKind.STATUS, Claim.BACK)
_GROUP: Final = _groups(HintKind.GROUP)
_CHANGED: Final = _always(HintKind.CHANGED_PEOPLE, HintKind.CHANGED_GROUPS)

_RULES: Final[Mapping[str, _Rule]] = {
    "user.lifecycle.create": _PERSON,
    "user.lifecycle.activate": _BACK,
    "user.lifecycle.reactivate": _BACK,
    "user.lifecycle.unsuspend": _BACK,
    "user.lifecycle.suspend": _GONE,
    "user.lifecycle.deactivate": _LEFT,
    "user.lifecycle.delete.initiated": _LEFT,
    "user.lifecycle.delete.completed": _people(HintKind.STATUS, Claim.DELETED),
    "user.lifecycle.password_mass_expiry": _always(HintKind.CHANGED_PEOPLE),
    "user.account.update_profile": _PERSON,
    "user.account.update_primary_email": _PERSON,
    "user.account.update_user_type": _PERSON,
    "user.account.lock": _PERSON,
    "user.account.lock.limit": _PERSON,
    "user.account.unlock": _PERSON,
    "user.account.unlock_by_admin": _PERSON,
    "user.account.reset_password": _OF_PASSWORDS,
    "user.account.expire_password": _OF_PASSWORDS,
    "user.account.update_password": _OF_PASSWORDS,
    "user.realm.update": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "group.lifecycle.create": _GROUP,
    "group.profile.update": _GROUP,
    "group.lifecycle.delete": _groups(HintKind.GROUP, Claim.DELETED),
    "group.user_membership.add": _members(Claim.THERE),
    "group.user_membership.remove": _members(Claim.GONE),
    "group.user_membership.rule.add_exclusion": _rule_of_groups,
    "group.user_membership.rule.trigger": _rule_of_groups,
    "group.user_membership.rule.evaluation": _rule_of_groups,
    "group.user_membership.rule.deactivated": _rule_of_groups,
    "group.user_membership.rule.invalidate": _rule_of_groups,
    "group.user_membership.rule.error": _rule_of_groups,
    "group.application_assignment.add": _granted,
    "group.application_assignment.remove": _granted,
    "group.application_assignment.update": _granted,
    "group.application_assignment.skip_assignment_reconcile": _granted,
    "group.privilege.grant": _groups(HintKind.MEMBERS),
    "group.privilege.revoke": _groups(HintKind.MEMBERS),
    "application.user_membership.add": _assigned(Claim.THERE),
    "application.user_membership.remove": _assigned(Claim.GONE),
    "application.user_membership.update": _assigned(Claim.NOTHING),
    "application.user_membership.change_username": _assigned(Claim.NOTHING),
    "application.user_membership.approve": _assigned(Claim.NOTHING),
    "application.user_membership.provision": _assigned(Claim.NOTHING),
    "application.user_membership.deprovision": _assigned(Claim.NOTHING),
    "application.user_membership.revoke": _assigned(Claim.NOTHING),
    "application.user_membership.restore": _assigned(Claim.NOTHING),
    "master_application.user_membership.add": _assigned(Claim.THERE),
    "application.account.detect": _assigned(Claim.NOTHING),
    "application.account.remove": _assigned(Claim.NOTHING),
    "application.account.decision.revoke": _assigned(Claim.NOTHING),
    "application.account.decision.confirm": _assigned(Claim.NOTHING),
    "application.provision.user.delete": _assigned(Claim.NOTHING),
    "application.lifecycle.create": _app(),
    "application.lifecycle.update": _app(),
    "application.lifecycle.activate": _app(with_people=True),
    "application.lifecycle.deactivate": _app(with_people=True),
    "application.lifecycle.delete": _app(Claim.DELETED),
    "application.configuration.update_logo": _app(),
    "application.configuration.reset_logo": _app(),
    "app.user_management": _always(HintKind.CHANGED_GROUPS),
    "app.user_management.user_group_import.upsert_success": _or_changed(_GROUP, HintKind.CHANGED_GROUPS),
    "app.user_management.user_group_import.delete_success": _or_changed(_GROUP, HintKind.CHANGED_GROUPS),
    "system.import.group.create": _or_changed(_GROUP, HintKind.CHANGED_GROUPS),
    "system.import.group.update": _or_changed(_GROUP, HintKind.CHANGED_GROUPS),
    "system.import.group.delete": _or_changed(_GROUP, HintKind.CHANGED_GROUPS),
    "system.import.user.create": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "system.import.user.update": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "system.import.user.delete": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "system.import.user.suspend": _or_changed(_people(HintKind.STATUS), HintKind.CHANGED_PEOPLE),
    "system.import.user.unsuspend": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "system.import.user.match": _or_changed(_PERSON, HintKind.CHANGED_PEOPLE),
    "system.import.user.update_user_lifecycle_from_master": _or_changed(
        _people(HintKind.STATUS), HintKind.CHANGED_PEOPLE
    ),
    "system.import.complete": _CHANGED,
    "system.import.user.complete": _always(HintKind.CHANGED_PEOPLE),
    "system.import.group.complete": _always(HintKind.CHANGED_GROUPS),
    "system.import.group_membership.complete": _always(HintKind.CHANGED_GROUPS),
    "system.import.membership_processing.complete": _always(HintKind.CHANGED_GROUPS),
    "system.import.implicit_deletion.complete": _always(HintKind.ALL, delay=_LATER),
    "directory.user_profile.update": _always(HintKind.ALL, delay=_LAZILY),
    "directory.app_user_profile.update": _always(HintKind.ALL, delay=_LAZILY),
    "directory.mapping.update": _always(HintKind.ALL, delay=_LAZILY),
}

_NOISE: Final = frozenset(
    {
        "user.session.clear",
        "application.user_membership.change_password",
        "application.user_membership.restore_password",
        "application.user_membership.show_password",
        "application.provision.user.delete.schedule",
        "app.access_request.grant",
        "app.oauth2.admin.consent.grant",
        "app.oauth2.admin.consent.revoke",
    }
)
"""Types that are known to change nothing of ours."""

_OF_OUR_CLIENT: Final = {
    "app.oauth2.client.lifecycle.deactivate": "our service app was deactivated",
    "app.oauth2.client.lifecycle.delete": "our service app was deleted",
    "app.oauth2.client.privilege.grant": "the admin roles of our service app were changed",
    "app.oauth2.client.privilege.revoke": "the admin roles of our service app were taken away",
    "app.oauth2.credentials.lifecycle.deactivate": "a key of our service app was deactivated",
    "app.oauth2.credentials.lifecycle.delete": "a key of our service app was deleted",
    "application.lifecycle.deactivate": "our service app was deactivated",
    "application.lifecycle.delete": "our service app was deleted",
    "application.configuration.update_rate_limits": "our share of the rate limits was changed",
}
"""Alarms of events that name our service app."""

_OF_OUR_APP: Final = {
    "app.keys.rotate": "the signing key of the app was rotated: Teleport's connector has to follow",
    "app.keys.generate": "the app has a new signing key: Teleport's connector has to follow once it is used",
    "application.lifecycle.deactivate": "the app of okta.app_id was deactivated: nobody comes or leaves by it",
    "application.lifecycle.delete": "the app of okta.app_id was deleted: nobody comes or leaves by it",
    "application.configuration.enable_fed_broker_mode": (
        "the app of okta.app_id lets everybody in without an assignment (federation broker mode)"
    ),
}
"""Alarms of events that name the app that people come from."""

_OF_THE_ORGANIZATION: Final = {
    "system.api_token.revoke": "an API token was revoked: if it is ours, the next call is refused",
    "system.api_token.update": "an API token was changed: perhaps its rate limits, or from where it may be used",
    "system.rate_limit.configuration.update": "the rate limits of the organisation were changed",
    "system.org.rate_limit.warning": "the organisation comes near a rate limit",
    "system.org.rate_limit.violation": "the organisation has passed a rate limit",
    "system.org.rate_limit.burst": "the organisation uses a burst rate limit",
    "core.concurrency.org.limit.violation": "the organisation has too many calls at the same time",
    "system.import.roadblock": "an import into Okta was stopped by its safeguard: Okta's data may be stale",
    "system.import.roadblock.resume": "an import into Okta that was stopped goes on",
}
"""Alarms of events that name nobody of ours."""

_OF_ADMINISTRATORS: Final = frozenset(
    {
        "user.account.privilege.grant",
        "user.account.privilege.revoke",
        "application.configuration.disable_fed_broker_mode",
    }
)
"""Known, and only of interest as far as they concern our own rights, which every call shows."""

_ALARMS: Final = frozenset({*_OF_OUR_CLIENT, *_OF_OUR_APP, *_OF_THE_ORGANIZATION, *_OF_ADMINISTRATORS})


def _alarm(kind: str, event: LogEvent, source: Source, *, happened: bool) -> str:
    named = {target.id for target in event.targets if target.id}
    if source.client_id in named and kind in _OF_OUR_CLIENT:
        return _OF_OUR_CLIENT[kind] if happened else ""
    if source.app_id in named and kind in _OF_OUR_APP:
        return _OF_OUR_APP[kind] if happened else ""
    return _OF_THE_ORGANIZATION.get(kind, "")


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
"""Older names, which some senders give where the type belongs, or alone."""
