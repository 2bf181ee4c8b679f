"""What a resource set hides: Okta's listings silently omit what our admin role does not cover.

Its counts of the members and the apps of a group do not depend on our role, as far as we know (not tried with a real
organisation). So the counts of one group each are compared with what is listed (`docs/reference/okta.md` 1.4, 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teleport_okta.doctor.findings import Section
from teleport_okta.okta import facts, needs
from teleport_okta.okta.fields import UnreadableFactError
from teleport_okta.okta.groups_and_apps import GRANTS_A_PAGE, GROUPS_A_PAGE, MEMBERS_A_PAGE, DirectoryReads
from teleport_okta.okta.saml_apps import SamlApps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.model.directory import OktaGroup, Roster
    from teleport_okta.okta.client import OktaClient

HERE: Final = Section.OKTA

_NOTHING_TO_COUNT: Final = "every visible group has none, or too many for one call"
_LIKE_GONE: Final = "hidden objects look as if they were deleted"


async def check_visibility(client: OktaClient) -> list[Finding]:
    """Compare Okta's counts with its listings, in four or five calls. Raises OktaError."""
    page = await client.first_page(needs.GROUPS.path, {"limit": str(GROUPS_A_PAGE), "expand": "stats"})
    groups = list(_readable(page.rows))
    has_everyone = any(group.is_everyone for group in groups)
    if not has_everyone and page.next is not None:
        has_everyone = await SamlApps(client).everyone() is not None
    reads = DirectoryReads(client)
    crowded = largest(groups, lambda group: group.users_count, MEMBERS_A_PAGE)
    granting = largest(groups, lambda group: group.apps_count, GRANTS_A_PAGE)
    findings = [of_everyone(is_shown=has_everyone)]
    if crowded is None:
        findings.append(HERE.unchecked("people shown", _NOTHING_TO_COUNT))
    else:
        findings.append(of_count("people", crowded.name, crowded.users_count or 0, await reads.members(crowded.id)))
    if granting is None:
        findings.append(HERE.unchecked("apps shown", _NOTHING_TO_COUNT))
    else:
        findings.append(of_count("apps", granting.name, granting.apps_count or 0, await reads.grants(granting.id)))
    return findings


def _readable(rows: Sequence[object]) -> Iterator[OktaGroup]:
    for row in rows:
        if isinstance(row, dict):
            try:
                yield facts.group(row)
            except UnreadableFactError:
                continue


def largest(groups: Sequence[OktaGroup], count: Callable[[OktaGroup], int | None], at_most: int) -> OktaGroup | None:
    """Return the group with the highest count that one call can read. We may not see groups with an admin role."""
    fitting = [group for group in groups if 0 < (count(group) or 0) <= at_most and not group.is_administrative]
    return max(fitting, key=lambda group: count(group) or 0, default=None)


def of_everyone(*, is_shown: bool) -> Finding:
    """Check that the group Everyone is shown; a resource set of chosen groups does not contain it."""
    check = "group Everyone"
    if is_shown:
        return HERE.ok(check, "it is shown: the resource set of our admin role holds all groups")
    what = f"it is not shown: the resource set of our admin role holds chosen groups only, and {_LIKE_GONE}"
    return HERE.note(check, what, "if that is not intended, add all groups to the resource set of our admin role")


def of_count(noun: str, group: str, count: int, shown: Roster) -> Finding:
    """Compare Okta's count of the people or apps (`noun`) of a group with its listing."""
    check = f"{noun} shown"
    if shown.problem:
        return HERE.unchecked(check, shown.problem)
    named = f"{noun} of the group {group!r} by Okta's count: {count}"
    if len(shown.ids) >= count:
        return HERE.ok(check, f"{named}, and as many are shown; a narrowed admin role would show fewer")
    what = f"{named}; shown: {len(shown.ids)}: the resource set of our admin role hides {noun}, and {_LIKE_GONE}"
    remedy = f"add to the resource set of our admin role all {'users' if noun == 'people' else 'applications'}"
    return HERE.warning(check, what, f"{remedy}; while they are hidden, they are not synced")
