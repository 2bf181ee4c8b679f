"""Both doors for one group: a group that a SCIM client pushed may be an Okta group whose list is kept by list sync.

Then it is bound to that group, and the people of its list come from Okta's API. When list sync keeps no list of the
group any more, the binding ends for good, and the pushed group has a list of its own. This list grants nothing until an
administrator adds a role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.desired.groups_and_apps import ACCESS_LIST, lists_wanted

if TYPE_CHECKING:
    from collections.abc import Container

    from teleport_okta.desired.policy import Imports
    from teleport_okta.model.directory import Directory


def keeps_no_list(
    group_id: str, directory: Directory, imports: Imports, lists: Container[str], *, is_absence_believed: bool
) -> bool:
    """Whether list sync keeps no list of a group any more.

    `lists` are the names of the lists that exist: while the end of a list is held or refused, the group keeps it. A
    binding never ends because of something unknown: an unreadable row, a listing whose absences are not believed, lists
    that are off or unread.
    """
    if imports.pushed_alone:
        return True
    if imports.lists_off or imports.roles_off or ACCESS_LIST in imports.unread or group_id in lists:
        return False
    row = next((row for row in directory.groups.rows if row.id == group_id), None)
    if row is not None:
        return not lists_wanted([row], (), imports)[0]
    is_unreadable = any(row.okta_id == group_id for row in directory.groups.malformed)
    return group_id in directory.deleted or (is_absence_believed and not is_unreadable)
