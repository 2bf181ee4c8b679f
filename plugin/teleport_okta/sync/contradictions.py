"""Whether a read contradicts the event that caused it: then the read may be older than the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.model.hint import Claim, HintKind
from teleport_okta.model.okta import APP_USER_ENDED, STATUS_NOT_GIVEN, UserStatus

if TYPE_CHECKING:
    from teleport_okta.model.directory import Directory
    from teleport_okta.model.hint import Hint
    from teleport_okta.model.okta import MalformedRow, PersonFacts, Snapshot
    from teleport_okta.sync.reading import Reading

_LOCKED_OUT_OF_OKTA: Final = frozenset({UserStatus.SUSPENDED, UserStatus.DEPROVISIONED})


def contradicts(hint: Hint, reading: Reading) -> bool:
    """Return whether a reading contradicts the claim of a hint.

    It also does if a person who left by the event could not be read at all.
    """
    if hint.claim is Claim.NOTHING:
        return False
    if hint.kind in {HintKind.PERSON, HintKind.STATUS}:
        return _person(hint, reading.facts.people)
    return reading.directory is not None and _of_directory(hint, reading.directory.okta)


def _of_directory(hint: Hint, okta: Directory) -> bool:
    match hint.kind:
        case HintKind.GROUP:
            return hint.claim is Claim.DELETED and any(row.id == hint.of for row in okta.groups.rows)
        case HintKind.APP:
            return hint.claim is Claim.DELETED and any(row.id == hint.of for row in okta.apps.rows)
        case HintKind.MEMBER:
            roster = okta.members.get(hint.with_)
            is_read = roster is not None and not roster.problem
            return is_read and roster is not None and (hint.of in roster.ids) is (hint.claim is not Claim.THERE)
        case HintKind.APP_PERSON:
            # A person may have the app by a group too, so only the claim that it is gone can be contradicted.
            direct = okta.direct.get(hint.with_)
            return hint.claim is Claim.GONE and direct is not None and hint.of in direct.ids
    return False


def _person(hint: Hint, people: Snapshot) -> bool:
    row = _row(hint.of, people)
    is_locked_out = hint.of in people.suspended or (row is not None and row.status in _LOCKED_OUT_OF_OKTA)
    is_let_in = row is not None and row.status != STATUS_NOT_GIVEN and not is_locked_out
    # A row without any status stands for an assignment that no read shows yet.
    is_unknown = row is not None and row.status == STATUS_NOT_GIVEN and row.assignment_status is None
    is_there = row is not None and not is_unknown and row.assignment_status not in APP_USER_ENDED
    match hint.claim:
        case Claim.THERE:
            return not is_there and not is_locked_out
        case Claim.BACK:
            return is_locked_out
        case Claim.LEFT | Claim.GONE if row is None and hint.of in people.leaving:
            return True
        case Claim.LEFT:
            # A read that is older than the event may show the status before it: suspended.
            is_suspended = hint.of in people.suspended or (row is not None and row.status == UserStatus.SUSPENDED)
            return is_let_in or is_suspended
        case _ if hint.kind is HintKind.STATUS:
            return is_let_in
        case _:
            return is_there and is_let_in


def _row(okta_id: str, people: Snapshot) -> PersonFacts | MalformedRow | None:
    rows: list[PersonFacts | MalformedRow] = [*people.people, *people.malformed]
    return next((row for row in rows if row.okta_id == okta_id), None)
