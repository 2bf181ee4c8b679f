"""The hints of an event of the System Log: the one table of event types (`docs/reference/okta.md` 5.4, 12.2).

Targets are found by type and id, never by position, name or actor. The statement of an event is a claim, and a read
decides; an event that did not succeed makes no claim.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from teleport_okta.model import log_event as log
from teleport_okta.model.hint import Claim, Hint, HintKind
from teleport_okta.sync.event_alarms import ALARMING, alarm_of
from teleport_okta.sync.event_names import type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from teleport_okta.model.log_event import LogEvent
    from teleport_okta.sync.event_alarms import Source

_SOON: Final = 15.0
"""Seconds until a look after one of many changes by a job in Okta: the other changes arrive meanwhile."""

_LATER: Final = 60.0
"""Seconds until the people of an app are listed after a group got or lost it: Okta's job needs a while."""

_LAZILY: Final = 900.0
"""Seconds until a full pass after a change that no single read shows, such as a changed mapping."""

_DID_NOT_HAPPEN: Final = frozenset(
    {"FAILURE", "SKIPPED", "DENY", "CHALLENGE", "RATE_LIMIT", "DEFERRED", "SCHEDULED", "ABANDONED", "UNANSWERED"}
)

_TOLD_AS_FAILURES: Final = frozenset({"user.account.lock", "user.account.lock.limit"})
"""Their outcome is that of the failed sign-in; the lockout happened all the same."""


@dataclass(frozen=True, slots=True)
class EventContent:
    """The content of an event. `alarm` is about our own rights and limits, or about stale data in Okta.

    `is_known`: the type is in the table. `names_no_object`: it is, but no target says which objects the event is about.
    """

    hints: tuple[Hint, ...] = ()
    alarm: str = ""
    is_known: bool = True
    names_no_object: bool = False


_UNKNOWN: Final = EventContent(is_known=False)
_NOTHING: Final = EventContent()
_Rule: TypeAlias = "Callable[[LogEvent, Source], Iterable[Hint]]"


def content_of(event: LogEvent, source: Source) -> EventContent:
    """Return the content of an event. Its hints have its type and uuid as their cause, and the time of publication."""
    kind = type_of(event)
    happened = event.outcome not in _DID_NOT_HAPPEN or kind in _TOLD_AS_FAILURES
    alarm = alarm_of(kind, event, source, happened=happened)
    if kind in _NOISE:
        return _NOTHING
    rule = _RULES.get(kind)
    if rule is None:
        return EventContent(alarm=alarm) if alarm or kind in ALARMING else _UNKNOWN
    if not happened:
        return EventContent(alarm=alarm)
    hints = tuple(_stamped(hint, kind, event) for hint in rule(event, source))
    return EventContent(hints=hints, alarm=alarm, names_no_object=not hints)


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
    """Return the rule of a person's assignment to an app, which may be the app that people come from."""

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
    """Yield hints of a group that grants an app. A job in Okta assigns its people later; one listing finds them all."""
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
                # An inactive app assigns nobody, so every person may have come or left.
                yield Hint(HintKind.ALL)
            elif with_people:
                yield Hint(HintKind.APP_PEOPLE, app_id, delay=_SOON)

    return rule


def _always(*kinds: HintKind, delay: float = _SOON) -> _Rule:
    """Return a rule that ignores the targets, because they say nothing, or their meaning is unknown."""

    def rule(_event: LogEvent, _source: Source) -> Iterator[Hint]:
        return (Hint(kind, delay=delay) for kind in kinds)

    return rule


def _or_changed(rule: _Rule, fallback: HintKind) -> _Rule:
    """Return a rule that asks for recent changes if another rule finds no target that can be read."""

    def both(event: LogEvent, source: Source) -> Iterator[Hint]:
        found = list(rule(event, source))
        yield from found or [Hint(fallback, delay=_SOON)]

    return both


def _rule_of_groups(event: LogEvent, source: Source) -> Iterator[Hint]:
    """Yield hints for a group rule: a job in Okta changes memberships, and not each of them may have an event."""
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
"""Types that change nothing that we read."""
