"""How a list ends: why, on which evidence, by which steps, and what to do where a server refuses.

A list is deleted after it has been taken out of every list that it is nested in, and its roles after it. Where somebody
else's list holds on to it, it is emptied of whom we imported, and reported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.trust import APPS, GROUPS
from teleport_okta.model import labels
from teleport_okta.model.findings import Quarantined
from teleport_okta.model.harm import Evidence, Harmed
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.scope import OKTA_APP_ID
from teleport_okta.plan.changes import ACCESS_LIST, MEMBER, Action, Change, Harm
from teleport_okta.plan.list_roles import ending_roles
from teleport_okta.plan.needs import ended

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.desired.groups_and_apps import DesiredDirectory
    from teleport_okta.desired.policy import Policy
    from teleport_okta.model.access import TeleportAccessList
    from teleport_okta.plan.actual import ActualDirectory
    from teleport_okta.plan.changes import Need
    from teleport_okta.plan.nesting import Nesting


def why_ended(okta_id: str, desired: DesiredDirectory) -> str | None:
    """Say why a group or an app that is no candidate has no list; None when nobody knows."""
    stated = desired.no_list.get(okta_id)
    if stated:
        return stated
    return None if okta_id in desired.present or desired.is_unlisted(okta_id) else "it is no longer in Okta"


def harm_of_end(harmed: Harmed, desired: DesiredDirectory) -> Harm:
    """Return the harm of what ends because its group or app is no candidate, with the evidence for that."""
    if harmed.okta_id in desired.present or harmed.okta_id in desired.no_list:
        return Harm(harmed, Evidence.STATED)
    return Harm(harmed, Evidence.ABSENT, listing=listing_of(harmed.okta_id))


def listing_of(okta_id: str) -> str:
    """Return the listing that shows the group or the app of a list."""
    return APPS if okta_id.startswith(OKTA_APP_ID) else GROUPS


class ListEndings:
    """Ends lists of ours of one cluster."""

    def __init__(self, actual: ActualDirectory, nesting: Nesting, policy: Policy) -> None:
        self._actual = actual
        self._nesting = nesting
        self._policy = policy

    def holding_on(self, found: TeleportAccessList) -> list[str]:
        """Return the lists because of which a server refuses to delete one, and which are not ours to change.

        Those that it is an owner of are never ours to change: owners are for people to decide.
        """
        parents = self._nesting.parents(found.name)
        return sorted(
            parent
            for parent in {*parents, *found.parents} & self._actual.access_lists.keys()
            if parent not in parents or not self._is_ours(parent)
        )

    def steps(
        self,
        found: TeleportAccessList,
        reason: str,
        harm: Harm,
        *,
        needs: tuple[Need, ...] = (),
        role_needs: tuple[Need, ...] = (),
        only_if_empty: bool = False,
    ) -> list[Change]:
        """Return the steps by which a list ends that nobody holds on to; `role_needs` are those of its roles' end."""
        name = found.name
        out_of_parents = [
            Change(
                action=Action.DELETE,
                kind=MEMBER,
                name=name,
                subject=parent,
                okta_id=name,
                cause=Verbatim(f"the nested list goes: {reason}"),
                found=self._actual.members[parent].others[name],
                harm=harm,
                needs=needs,
                title=self._actual.access_lists[parent].title,
            )
            for parent in self._nesting.parents(name)
        ]
        deletion = Change(
            action=Action.DELETE,
            kind=ACCESS_LIST,
            name=name,
            subject=name,
            okta_id=name,
            cause=Verbatim(reason),
            found=found,
            only_if_empty=only_if_empty,
            needs=(*needs, *(ended(MEMBER, one.label) for one in out_of_parents)),
            harm=harm,
        )
        roles = ending_roles(
            name,
            found.title,
            self._actual.roles,
            self._policy,
            harm=harm,
            needs=(ended(ACCESS_LIST, name), *role_needs),
        )
        return [*out_of_parents, deletion, *roles]

    def report(self, found: TeleportAccessList, reason: str, holding_on: Iterable[str]) -> Quarantined:
        """Say that a list cannot be deleted because of others."""
        titles = (f"{self._actual.access_lists[name].title} ({name})" for name in holding_on)
        return Quarantined(
            ACCESS_LIST,
            found.name,
            found.name,
            f"{reason}; but it is a member or an owner of {', '.join(titles)}, and Teleport refuses to delete it "
            "while it is",
            "take it out of there; then it goes by itself",
        )

    def _is_ours(self, name: str) -> bool:
        return labels.owner_of(self._actual.access_lists[name].labels) == self._policy.owner
