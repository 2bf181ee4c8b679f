"""Checks and defaults of a list, a member and a review before they are stored.

The order of the checks and their texts are the server's (`docs/reference/teleport.md` 4.9).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from teleport.accesslist.v1.accesslist_pb2 import (
    REVIEW_DAY_OF_MONTH_FIFTEENTH,
    REVIEW_DAY_OF_MONTH_FIRST,
    REVIEW_DAY_OF_MONTH_LAST,
    REVIEW_FREQUENCY_ONE_MONTH,
    REVIEW_FREQUENCY_ONE_YEAR,
    REVIEW_FREQUENCY_SIX_MONTHS,
    REVIEW_FREQUENCY_THREE_MONTHS,
    AccessListGrants,
)

from ..crash import ServerCrash
from ..metadata import check_key_part, check_modern_metadata, seconds_of
from ..refusal import bad_parameter
from .review_dates import next_review_date

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.accesslist.v1.accesslist_pb2 import AccessList, AccessListSpec, Member, Review
    from teleport.header.v1.resourceheader_pb2 import ResourceHeader

_FREQUENCIES: Final = frozenset(
    {
        REVIEW_FREQUENCY_ONE_MONTH,
        REVIEW_FREQUENCY_THREE_MONTHS,
        REVIEW_FREQUENCY_SIX_MONTHS,
        REVIEW_FREQUENCY_ONE_YEAR,
    }
)
_DAYS: Final = frozenset({REVIEW_DAY_OF_MONTH_FIRST, REVIEW_DAY_OF_MONTH_FIFTEENTH, REVIEW_DAY_OF_MONTH_LAST})
_TWO_WEEKS: Final = timedelta(days=14)

_DEMANDED: Final = {
    "audit": "audit",
    "membership_requires": "membershipRequires",
    "ownership_requires": "ownershipRequires",
    "grants": "grants",
}
"""The parts of a list that must be there, empty or not, by their names in the refusal."""


def check_list_name(name: str) -> None:
    """Refuse a list whose name cannot be part of a key. The first key is that of its lock, which reads take too."""
    if name:
        check_key_part(name, f".locks/access_list/{name}")


def complete_list(access_list: AccessList, now: float) -> None:
    """Check a list as a client sent it, and fill the audit's defaults.

    Raises ServerCrash for one without header or metadata, which the server does not expect.
    """
    _require_spec(access_list)
    spec = access_list.spec
    for part, name in _DEMANDED.items():
        if not spec.HasField(part):  # type: ignore[arg-type]  # every key is a field of the spec
            raise bad_parameter(f"{name} is missing")
    _complete_header(access_list.header, "access_list")
    if not spec.title:
        raise bad_parameter("access list title required")
    if not spec.owners:
        raise bad_parameter("owners are missing")
    _complete_audit(spec, now)
    _complete_owners(spec)
    if spec.owner_grants == AccessListGrants():
        spec.ClearField("owner_grants")
    access_list.ClearField("status")


def complete_member(member: Member) -> None:
    """Check a member as a client sent it. One without an expiry expired in 1970.

    Raises ServerCrash for one without header or metadata.
    """
    _require_spec(member)
    _complete_header(member.header, "access_list_member")
    spec = member.spec
    if not spec.access_list:
        raise bad_parameter("access list is missing")
    if not spec.name:
        raise bad_parameter("member name is missing")
    if not spec.joined.seconds or seconds_of(spec.joined) is None:
        raise bad_parameter(f"member {spec.name}: joined field empty or missing")
    if not spec.added_by:
        raise bad_parameter(f"member {spec.name}: added_by field is empty")
    spec.expires.SetInParent()
    spec.ClearField("ineligible_status")


def complete_review(review: Review) -> None:
    """Check a review as a client sent it. Raises ServerCrash for one without header or metadata."""
    _require_spec(review)
    _complete_header(review.header, "access_list_review")
    spec = review.spec
    if not spec.access_list:
        raise bad_parameter("access list is missing")
    if not spec.reviewers:
        raise bad_parameter("reviewers are missing")
    if not spec.HasField("review_date") or seconds_of(spec.review_date) is None:
        raise bad_parameter("review date is missing")


def never_expires(moment: Timestamp) -> bool:
    """Return whether a member's expiry is the year 1, which means none."""
    return seconds_of(moment) is None


def _require_spec(message: AccessList | Member | Review) -> None:
    if not message.HasField("spec"):
        raise bad_parameter("spec is missing")


def _complete_header(header: ResourceHeader, kind: str) -> None:
    if not header.HasField("metadata"):
        raise ServerCrash(f"nil pointer dereference: the {kind} has no metadata")
    check_modern_metadata(header.metadata)
    header.kind, header.version = kind, "v1"


def _complete_audit(spec: AccessListSpec, now: float) -> None:
    audit = spec.audit
    recurrence = audit.recurrence
    recurrence.frequency = recurrence.frequency or REVIEW_FREQUENCY_SIX_MONTHS
    if recurrence.frequency not in _FREQUENCIES:
        raise bad_parameter("recurrence frequency is an invalid value")
    recurrence.day_of_month = recurrence.day_of_month or REVIEW_DAY_OF_MONTH_FIRST
    if recurrence.day_of_month not in _DAYS:
        raise bad_parameter("recurrence day of month is an invalid value")
    if not audit.HasField("next_audit_date") or seconds_of(audit.next_audit_date) is None:
        audit.next_audit_date.FromDatetime(next_review_date(datetime.fromtimestamp(now, UTC), recurrence))
    start = audit.notifications.start
    if not (start.seconds or start.nanos):
        start.FromTimedelta(_TWO_WEEKS)


def _complete_owners(spec: AccessListSpec) -> None:
    """Keep the first owner of each name. The client's eligibility of owners is ignored."""
    names: set[str] = set()
    repeated: list[int] = []
    for index, owner in enumerate(spec.owners):
        if not owner.name:
            raise bad_parameter("owner name is missing")
        owner.ClearField("ineligible_status")
        if owner.name in names:
            repeated.append(index)
        names.add(owner.name)
    for index in reversed(repeated):
        del spec.owners[index]
