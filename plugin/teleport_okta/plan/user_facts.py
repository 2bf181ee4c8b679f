"""The facts from which the plan of users decides, and which user stands for which person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from teleport_okta.desired.trust import PEOPLE, UNCONFIRMED
from teleport_okta.model import labels
from teleport_okta.model.provisioned import UNKNOWN_TO_OKTA, is_person_id
from teleport_okta.plan.locks import LocksOfUsers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from teleport_okta.desired.people import DesiredUsers, WantedUser
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.inheritance import Inheritance
    from teleport_okta.model.scope import Scope
    from teleport_okta.model.teleport import TeleportUser
    from teleport_okta.plan.actual import ActualUsers


@dataclass(frozen=True)
class UserFacts:
    """The desired and the actual users, and what is known besides; the fields are as in `plan_users`."""

    desired: DesiredUsers
    actual: ActualUsers
    policy: Policy
    now: datetime
    aside_since: Mapping[tuple[str, str, str], datetime]
    inheritance: Inheritance
    replaced: Mapping[str, str]
    scope: Scope

    @cached_property
    def locks(self) -> LocksOfUsers:
        """Our locks that are in force."""
        return LocksOfUsers(self.actual.locks.values(), owner=self.policy.owner, now=self.now)

    @cached_property
    def name_of(self) -> Mapping[str, str]:
        """The name of the wanted user of each person, by Okta id."""
        return {user.okta_id: user.name for user in self.desired.wanted.values()}

    def holder_now(self, name: str) -> str | None:
        """Return the Okta id that a user of ours stands for now; None if there is no such user."""
        user = self.actual.users.get(name)
        if user is None or labels.owner_of(user.labels) != self.policy.owner:
            return None
        return holder_of(user)

    def may_change(self, user: TeleportUser) -> bool:
        """Whether one of our identities may change a user: the host identity changes only users of origin okta."""
        return labels.is_of_okta(user.labels) or self.policy.no_adoption is None


def owned_names(users: Iterable[TeleportUser], owner: str) -> dict[str, str]:
    """Map the names of the users of an owner to the Okta ids that they stand for (empty if not labelled)."""
    return {user.name: holder_of(user) or "" for user in users if labels.owner_of(user.labels) == owner}


def holder_of(user: TeleportUser) -> str | None:
    """Return the Okta id of the person that a user stands for; None if its label is missing or is no id of a person."""
    okta_id = labels.okta_id_of(user.labels)
    return okta_id if okta_id and is_person_id(okta_id) else None


def is_bound(user: TeleportUser, wanted: WantedUser) -> bool:
    """Whether a user was provisioned by SCIM without an Okta id, and Okta's API shows the person by now."""
    is_unknown = (labels.okta_id_of(user.labels) or "").startswith(UNKNOWN_TO_OKTA)
    return is_unknown and bool(wanted.person.scim_id) and user.labels.get(labels.SCIM_ID) == wanted.person.scim_id


def is_of_connector(user: TeleportUser, policy: Policy) -> bool:
    """Whether a user came through our SAML connector."""
    connector = user.connector
    return connector is not None and connector.type == "saml" and connector.id == policy.connector


def listing_behind(desired: DesiredUsers, okta_id: str) -> str:
    """Return the listing whose absences are the evidence for a person's end; empty if a row of it states the end."""
    if okta_id in desired.unconfirmed:
        return UNCONFIRMED
    return PEOPLE if okta_id in desired.unassigned or okta_id not in desired.gone else ""
