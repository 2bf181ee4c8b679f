"""The settings from which a synced user follows, resolved against one organisation and one cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.name_filter import NameFilters

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAVER_LOCK: Final = timedelta(hours=30, minutes=15)
"""How long a leaver stays locked: the longest life of a certificate of Teleport, and a margin.

See `docs/reference/teleport.md` 6.1.
"""

DEPROVISIONED_LOCK: Final = timedelta(days=365 * 50)
"""How long a person stays locked whom a SCIM client took away: in effect, until the client brings the person back.

The lock has an end, because a lock without one means a suspension, whose user still exists.
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that the planner of users needs.

    `owner` is the id of the Okta organisation. `connector` is None for plain local users. `default_roles` exist in the
    cluster. With `lock_suspended`, people are locked while they are suspended; otherwise a suspension changes nothing.
    `no_adoption` is why users whose origin is not okta cannot be changed, and `no_arrivals` why no new user can be made
    (None: they can).
    """

    owner: str
    organization_url: str
    connector: str | None
    default_roles: tuple[str, ...] = ()
    create_unactivated: bool = False
    lock_suspended: bool = True
    no_adoption: str | None = None
    no_arrivals: str | None = None


@dataclass(frozen=True, slots=True)
class Imports:
    """What of an organisation's groups and apps is imported, under the `policy` of the people's users.

    `groups_off`, `apps_off`, `rules_off` and `lists_off` are the reasons why something is not imported (empty: it is).
    With `lists_off`, roles are kept nevertheless, unless `roles_off` has a reason. `reviews` is whether the cluster
    accepts roles that may review requests (None: not known). `unread` maps kinds that must not be read, because it is
    not known whether the cluster has them, to the reason. `off_at_first_sight` are kinds that are off, and that this
    process has not seen off often enough to be sure (`sync/policy.py`).
    `host_id` is the host of our app servers. The cluster may have `list_limit` lists in all (None: any number).
    `left_out` are the definition keys of apps that are not imported. With `pushed_alone`, only groups that a SCIM
    client pushed are imported. With `gives_roles`, the cluster has no access lists, and users get the member roles
    directly. `still_on_users`, where roles are off, are the ids of the groups and apps whose member role we gave to
    users before: it is removed from people who leave the group or the app, and given to no other user.
    """

    policy: Policy
    host_id: str
    groups_off: str = ""
    apps_off: str = ""
    rules_off: str = ""
    lists_off: str = ""
    roles_off: str = ""
    reviews: bool | None = True
    default_owners: tuple[str, ...] = ()
    group_filters: NameFilters = field(default_factory=NameFilters)
    app_filters: NameFilters = field(default_factory=NameFilters)
    left_out: frozenset[str] = frozenset()
    list_limit: int | None = None
    unread: Mapping[str, str] = field(default_factory=dict)
    off_at_first_sight: frozenset[str] = frozenset()
    pushed_alone: bool = False
    gives_roles: bool = False
    still_on_users: frozenset[str] = frozenset()
