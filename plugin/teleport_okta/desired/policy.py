"""The settings that decide what a synced user looks like, resolved against one organisation and one cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.model.name_filter import NameFilters

if TYPE_CHECKING:
    from collections.abc import Mapping

LEAVER_LOCK: Final = timedelta(hours=30, minutes=15)
"""How long a leaver stays locked: Teleport's longest certificate life and a margin.

See `docs/reference/teleport.md` 6.1.
"""

DEPROVISIONED_LOCK: Final = timedelta(days=365 * 50)
"""How long somebody stays locked whom a SCIM client took away: until the client brings them back.

A lock without an end would be that of a suspension, whose user is still there.
"""


@dataclass(frozen=True, slots=True)
class Policy:
    """What the planner needs to know beside facts.

    `owner` is the Okta organisation id; `connector` is None for plain local users; `default_roles` exist in the
    cluster. `lock_suspended`: suspended people are locked while they are (otherwise suspension changes nothing).
    `no_adoption` says why users whose origin is not okta cannot be changed (None: they can), `no_arrivals` why nobody
    new can get a user (None: they can).
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

    `groups_off`, `apps_off`, `rules_off` and `lists_off` say why something is not (empty: it is); with `lists_off`
    roles are kept all the same, unless `roles_off` says why not. `reviews`: the cluster takes roles that may review
    requests (None: nobody knows). `unread` maps kinds that are not to be read, because nobody knows whether the cluster
    has them, to the reason; `off_at_first_sight` are kinds that are off, and that this process has not seen off often
    enough to be sure (`sync/policy.py`).
    `host_id` is ours among those of app servers. `list_limit`: how many lists the cluster may have in all (None: any
    number). `left_out` are the definition keys of apps that are not imported. `pushed_alone`: nothing is imported but
    groups that a SCIM client pushed. `gives_roles`: the cluster has no access lists, so that member roles are put on
    the users themselves. `still_on_users`: where roles are off, the ids of the groups and apps whose member role we
    gave users before; it is taken off people who leave the group or the app, and given to nobody.
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
