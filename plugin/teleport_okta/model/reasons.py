"""Why a change is planned: one small type for each reason. Those about groups and apps are in `directory_reasons.py`.

Planners choose a reason and compare reasons; `model/reason_text.py` has the English for each type. The text is made
where a reason leaves the program: in a plan that is shown, the journal, the log, a message.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason of any type. The fields of a type are the names and numbers that its text mentions."""


@dataclass(frozen=True, slots=True)
class Verbatim(Reason):
    """A reason of which only the text is known, because it was stored or received, or is the text of an error."""

    text: str


# Why a user is made or changed.


@dataclass(frozen=True, slots=True)
class AssignedInOkta(Reason):
    """Okta shows that the person is assigned to our app."""


@dataclass(frozen=True, slots=True)
class ProvisionedByScim(Reason):
    """A SCIM client sent the person, whom Okta's API does not show."""


@dataclass(frozen=True, slots=True)
class Returned(Reason):
    """The person left, is locked for that, and is back."""


@dataclass(frozen=True, slots=True)
class TakenOver(Reason):
    """A user who was there before gets our owner label."""


@dataclass(frozen=True, slots=True)
class TakenOverFromLogin(Reason):
    """A user whom a login through our SAML connector made gets our owner label."""


@dataclass(frozen=True, slots=True)
class UserDiffers(Reason):
    """An owned field of the user differs from Okta."""


@dataclass(frozen=True, slots=True)
class AttributesLost(Reason):
    """The person has fewer attributes in Okta than the user has traits."""

    names: tuple[str, ...]


# Why a person leaves.


@dataclass(frozen=True, slots=True)
class DeactivatedInOkta(Reason):
    """The person's own status ends everything."""


@dataclass(frozen=True, slots=True)
class PersonDeleted(Reason):
    """An event says that the person was deleted."""


@dataclass(frozen=True, slots=True)
class AssignmentEnded(Reason):
    """A row of Okta's shows the assignment to our app with a status that ends it."""

    status: str


@dataclass(frozen=True, slots=True)
class NoLongerAssigned(Reason):
    """Okta shows no assignment of the person to our app."""


@dataclass(frozen=True, slots=True)
class DeprovisionedByScim(Reason):
    """A SCIM client took the person away."""


@dataclass(frozen=True, slots=True)
class RenamedInOkta(Reason):
    """The person has another login; the user of the old one leaves."""

    name: str


# Why a lock is set or taken off.


@dataclass(frozen=True, slots=True)
class SuspendedInOkta(Reason):
    """The person is suspended, and is locked meanwhile."""


@dataclass(frozen=True, slots=True)
class ActiveInOkta(Reason):
    """The person is active, and was locked by us."""


@dataclass(frozen=True, slots=True)
class ProvisionedAgain(Reason):
    """A SCIM client brought back a person whom it had taken away."""


@dataclass(frozen=True, slots=True)
class CertificatesExpired(Reason):
    """The lock has nothing more to stop."""


@dataclass(frozen=True, slots=True)
class ReleasedByOperator(Reason):
    """An operator released the name (`teleport-okta release`)."""


# The message of a lock, which Teleport shows to the locked person.


@dataclass(frozen=True, slots=True)
class LockedWhileSuspended(Reason):
    """The lock has no end; it is removed when the suspension ends."""

    cause: Reason


@dataclass(frozen=True, slots=True)
class LockedUntilExpiry(Reason):
    """The lock lasts longer than every certificate of the leaver."""

    cause: Reason


@dataclass(frozen=True, slots=True)
class LockedUntilProvisioned(Reason):
    """The lock lasts until the SCIM client brings the person back."""

    cause: Reason


# The memberships that the next person of a name would have.


@dataclass(frozen=True, slots=True)
class LeftIn(Reason):
    """The name is a member of a list, and no pass removes that."""

    title: str
    list_name: str


@dataclass(frozen=True, slots=True)
class ImportLeftIn(Reason):
    """The name is a member of a list, and the next pass removes that."""

    list_name: str


# Why `teleport-okta cleanup` removes an object.


@dataclass(frozen=True, slots=True)
class RemovedByCleanup(Reason):
    """The object is ours, and the integration is removed."""


@dataclass(frozen=True, slots=True)
class LeftoverRemoved(Reason):
    """The object is a leftover of another Okta integration."""
