"""The fewest calls that read people, groups and apps, out of what an organisation holds (`docs/reference/okta.md` 6.1).

It is counted from the sandbox's own state, without the product's fetch plan. The choices are the cheapest ones: nothing
is asked of a group that holds nobody or grants nothing, nor of an app that cannot be imported; the people of the app
that everybody comes from are read once, with the users; what groups grant is read from the side that is done sooner.
When nothing has changed, members are read of built-in groups alone; the rest proves that nothing is gone.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.groups import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.organization import OktaOrganization

APPS, ONE_APP, GROUPS, REST = "/api/v1/apps", "/api/v1/apps/{id}", "/api/v1/groups", "/api/v1"
"""The buckets that a reading needs, as the sandbox calls them."""

WINDOW = 61.0
"""Seconds after which a full bucket may be used again: the window, and one for clocks that tell whole seconds."""

_LISTED_A_PAGE = 200
_MEMBERS_A_PAGE = 1000
_APP_USERS_A_PAGE = 500


def floor(org: OktaOrganization, *, share: float, unchanged: bool) -> Mapping[str, int]:
    """Return the fewest calls, by bucket, with a `share` of the limits.

    The app whose people become users is one of those that are imported, so its people are counted among theirs.
    """
    groups, apps = org.groups, list(org.apps.all)
    members = [
        _pages(groups.size(group.id), _MEMBERS_A_PAGE)
        for group in groups.all
        if group.id != groups.everyone and groups.size(group.id) and not (unchanged and group.type != BUILT_IN)
    ]
    people = [_pages(len(org.assignments.users_of(app.id)), _APP_USERS_A_PAGE) for app in apps if _imported(app)]
    calls = Counter(
        {
            REST: 1,
            ONE_APP: 1,
            GROUPS: _pages(len(groups.all), _LISTED_A_PAGE) + sum(members),
            APPS: _pages(len(apps), _LISTED_A_PAGE) + sum(people),
        }
    )
    granted = [len(org.assignments.groups.of_group(group.id)) for group in groups.all]
    granting = [len(org.assignments.groups.of_app(app.id)) for app in apps]
    from_groups = calls + Counter({GROUPS: sum(_pages(number, _LISTED_A_PAGE) for number in granted if number)})
    from_apps = calls + Counter({APPS: sum(_pages(number, _LISTED_A_PAGE) for number in granting)})
    return min(from_groups, from_apps, key=lambda found: (windows(found, org, share=share), found.total()))


def windows(calls: Mapping[str, int], org: OktaOrganization, *, share: float) -> int:
    """Return how many rate-limit windows the slowest bucket takes for these calls; the first one is there at once."""
    return max(math.ceil(number / a_window(bucket, org, share)) for bucket, number in calls.items())


def a_window(bucket: str, org: OktaOrganization, share: float) -> int:
    """Return how many calls of a bucket may be made in a window: our share of the credential's part of the limit."""
    return max(1, math.floor(org.limiter.limit(bucket) * org.limiter.share // 100 * share))


def _imported(app: App) -> bool:
    """Whether an app can become an app server: it is in use, people can launch it, and it is not Okta's own."""
    hide = app.visibility["hide"]
    hidden = isinstance(hide, dict) and bool(hide["web"])
    return app.status == "ACTIVE" and bool(app.links) and not hidden and not app.name.startswith(("okta_", "saasure"))


def _pages(rows: int, a_page: int) -> int:
    return max(1, math.ceil(rows / a_page))
