"""Okta's organisation, app, users and assignments, reduced to the fields that we use.

Times are aware UTC. Statuses are the strings that Okta sent, because Okta adds new ones (`docs/reference/okta.md` 2.1);
`desired/` decides what each one means.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from teleport_okta.model.reasons import Reason

ProfileValue = str | int | float | bool | list[object] | dict[str, object]
"""A value of a profile attribute; null and empty ones are dropped when a profile is read."""


class UserStatus(StrEnum):
    """The documented statuses of a user (`docs/reference/okta.md` 3.1)."""

    STAGED = "STAGED"
    PROVISIONED = "PROVISIONED"
    ACTIVE = "ACTIVE"
    RECOVERY = "RECOVERY"
    PASSWORD_EXPIRED = "PASSWORD_EXPIRED"  # noqa: S105
    LOCKED_OUT = "LOCKED_OUT"
    SUSPENDED = "SUSPENDED"
    DEPROVISIONED = "DEPROVISIONED"


STATUS_NOT_GIVEN: Final = "NOT_GIVEN"
"""The status if Okta gave none; `desired/` treats it as an unknown status."""

APP_USER_ENDED: Final = frozenset({"DEPROVISIONED", "INACTIVE", "REVOKED", "UNASSIGNED"})
"""Statuses of an assignment that is listed but has ended (`docs/reference/okta.md` 3.4)."""

APP_USER_ASSIGNED: Final = frozenset(
    {"ACTIVE", "STAGED", "PROVISIONED", "IMPORTED", "MATCHED", "SUSPENDED", "PENDING", "APPROVED", "IMPLICIT"}
)
"""Statuses of an assignment in force; any other than these and APP_USER_ENDED is unknown."""


INTERNAL_APPS: Final = (
    "saasure",
    "okta_enduser",
    "okta_browser_plugin",
    "okta_flow_sso",
    "flow",
    "okta_account_settings",
    "okta_iga",
    "okta_iga_reviewer",
    "okta_iga_security_access_reviews",
    "okta_access_requests_admin",
    "okta_access_requests_resource_catalog",
    "okta_atspoke_sso",
    "okta_atspoke_iam_connector",
    "okta_entitlement_management",
    "okta_oin_submission_tester_app",
    "partner_portal",
    "ldap_interface",
)
"""Definition keys of Okta's own apps, which are in the listings of organisations.

See `docs/reference/okta.md` 3.3, 12.1.
"""


@dataclass(frozen=True, slots=True)
class OktaOrganization:
    """An organisation. `id` (`00o…`) survives renames and new custom domains; `url` is its canonical address."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class OktaApp:
    """An application; `name` is its definition key, `label` the name that people see. Some have no sign-on mode.

    `links` are the unchanged addresses that launch it; none while the app is hidden on the web.
    """

    id: str
    name: str
    label: str
    status: str
    sign_on_mode: str | None
    description: str = ""
    links: tuple[str, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether people can sign in to it at all."""
        return self.status == "ACTIVE"


@dataclass(frozen=True, slots=True)
class OktaUser:
    """A person in Okta. `login` is None if the profile has none; `profile` has only non-empty values."""

    id: str
    status: str
    login: str | None
    profile: Mapping[str, ProfileValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OktaAppUser:
    """The assignment of a person to an app, with the person.

    `user_name` is the login that SSO sends (`credentials.userName`); `scope` is USER (direct) or GROUP.
    """

    user: OktaUser
    status: str
    scope: str
    user_name: str | None
    profile: Mapping[str, ProfileValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row of a listing that could not be read; `okta_id` is its id, if there was one.

    A person's row still has the statuses, as in `PersonFacts`: an error in a profile or a name does not undo a
    suspension. STATUS_NOT_GIVEN is a status that could not be read.
    """

    okta_id: str | None
    reason: str
    status: str = STATUS_NOT_GIVEN
    assignment_status: str | None = None


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """One person from the configured source: the name to use in Teleport, statuses and profiles.

    With the source `saml_app`, `name` is the app user name and `assignment_status` is set; with `organization`, `name`
    is the login and there is no assignment.
    """

    okta_id: str
    name: str | None
    status: str
    assignment_status: str | None
    profile: Mapping[str, ProfileValue]
    app_profile: Mapping[str, ProfileValue]
    scope: str = ""
    """USER (direct) or GROUP, from the assignment; empty if there is none."""

    as_of: datetime | None = None
    """The later of the last change of the status and the time of the assignment; None if unknown."""

    assigned_at: datetime | None = None
    """The time of the assignment; None if there is none, or it is unknown."""

    scim_id: str = ""
    """The SCIM id of a provisioned person."""

    is_scim_only: bool = False
    """Whether only a SCIM client states that the person exists: then a suspension in Okta is unknown."""

    is_unasked: bool = False
    """Whether such a person was not read from Okta's API yet: a user is not created on the client's statement alone."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A listing of people, and whether its absences may be believed.

    `read_at` is when the first request was sent. `incomplete` is why pages are missing (None: every page arrived);
    `untrusted` is why the absences of a complete listing must not be believed (None: they may).

    People whom the listing lacks are read by id. The result is without an assignment (`unassigned`), with one, so that
    the listing lost the row (`lost`), suspended (`suspended`), or unknown (`unconfirmed`). `ended` has the statement of
    an event or a request for each person who left; `deprovisioned` are those of them whom a SCIM client removed.
    `leaving` are people who were read by id and whose end is stated by an event that is newer than the read, or who
    could not be read: they are locked until they are read again. All are Okta ids.
    """

    people: tuple[PersonFacts, ...] = field(repr=False)
    malformed: tuple[MalformedRow, ...]
    read_at: datetime
    incomplete: str | None = None
    untrusted: str | None = None
    unassigned: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    suspended: frozenset[str] = frozenset()
    ended: Mapping[str, Reason] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()
    deprovisioned: frozenset[str] = frozenset()
