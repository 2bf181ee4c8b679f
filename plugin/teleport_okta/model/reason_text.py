"""The English of every reason: one line for each type in `model/reasons.py`.

In a line `{name}` is a field as it is, and `{name:q}` one in quotation marks (of several names, each). A field that is
a reason itself is put in as its text.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache
from string import Formatter
from typing import TYPE_CHECKING, Final

from teleport_okta.model import reasons
from teleport_okta.model.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

TEXTS: Final[Mapping[type[Reason], str]] = {
    reasons.Verbatim: "{text}",
    reasons.AssignedInOkta: "assigned in Okta",
    reasons.ProvisionedByScim: "provisioned through SCIM",
    reasons.Returned: "returned",
    reasons.TakenOver: "taken over",
    reasons.TakenOverFromLogin: "taken over from an SSO login",
    reasons.UserDiffers: "differs from Okta",
    reasons.AttributesLost: "no longer has in Okta: {names:q}",
    reasons.DeactivatedInOkta: "deactivated in Okta",
    reasons.PersonDeleted: "deleted in Okta",
    reasons.AssignmentEnded: "the assignment to the app is {status}",
    reasons.NoLongerAssigned: "no longer assigned in Okta",
    reasons.DeprovisionedByScim: "deprovisioned through SCIM",
    reasons.RenamedInOkta: "renamed to {name:q} in Okta",
    reasons.SuspendedInOkta: "suspended in Okta",
    reasons.ActiveInOkta: "active in Okta",
    reasons.ProvisionedAgain: "provisioned again",
    reasons.CertificatesExpired: "every certificate issued before has expired",
    reasons.ReleasedByOperator: "released by an operator",
    reasons.InGroup: "in {name:q} in Okta",
    reasons.InPushedGroup: "in {name:q} by SCIM",
    reasons.RoleOnUser: "in {name:q} in Okta; without access lists, the user itself has the member role",
    reasons.NoLongerInGroup: "no longer in {name:q} in Okta",
    reasons.NoLongerInPushedGroup: "no longer in {name:q} by SCIM",
    reasons.RoleByList: "the access list grants the role now",
    reasons.MemberLeft: "the user of this name left",
    reasons.MemberNotOurs: "the user of this name is not ours",
    reasons.MemberWithoutUser: "there is no user of this name",
    reasons.NestedListGone: "the nested list does not exist any more, and would make other writes fail",
    reasons.RemovedByCleanup: "the integration is removed (teleport-okta cleanup)",
    reasons.LeftoverRemoved: "leftovers of another Okta integration are removed (teleport-okta cleanup)",
}


# A plan of a large organisation has tens of thousands of changes, and most of them share a few hundred reasons.
@lru_cache(maxsize=4096)
def text_of(reason: Reason) -> str:
    """Return the text of a reason."""
    return _WORDS.vformat(TEXTS[type(reason)], (), {one.name: getattr(reason, one.name) for one in fields(reason)})


def quoted(name: str) -> str:
    """Return a name in quotation marks, so that its end and its blanks are seen."""
    escaped = name.replace('"', '\\"')
    return f'"{escaped}"'


class _Words(Formatter):
    """Formats the fields of reasons."""

    def format_field(self, value: object, format_spec: str) -> str:
        if isinstance(value, Reason):
            return text_of(value)
        if isinstance(value, tuple):
            return ", ".join(self.format_field(one, format_spec) for one in value)
        return quoted(str(value)) if format_spec == "q" else str(value)


_WORDS: Final = _Words()
