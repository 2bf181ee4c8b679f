"""Fills a large organisation, for measuring costs: up to some 50,000 people in 500,000 memberships.

The sizes are uneven, as in real ones: of 5,000 groups with 500,000 memberships the largest has more than 20,000
members, half have fewer than 50, and some have none. All references to a person share one id, so that this organisation
with 1,000 apps takes some 300 MB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_kinds import AUTO_LOGIN, BOOKMARK, OPENID_CONNECT
from teleport_okta.sandbox.okta.groups import APP_GROUP, OKTA_GROUP
from teleport_okta.sandbox.okta.seed import TELEPORT, app_label, group_names, people_of

if TYPE_CHECKING:
    import random

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.users import User

_DAY = 24 * 3600
_STEEPNESS = 0.8
_KINDS: tuple[dict[str, object], ...] = (
    {},
    {"signOnMode": BOOKMARK},
    {"links": ("mail", "calendar", "files")},
    {},
    {"note": "Ask the service desk for a licence."},
    {"signOnMode": AUTO_LOGIN},
    {"hidden": True},
    {},
    {"signOnMode": OPENID_CONNECT},
    {},
)
"""The kinds of the apps, by the last digit of their number."""


def seed_large(
    org: OktaOrganization, *, users: int, groups: int, apps: int, memberships: int, rng: random.Random
) -> App:
    """Fill a new organisation and return its SAML app ``Teleport``, to which the group Everyone is assigned.

    The number of `memberships` is approximate. Every tenth group is empty, every fiftieth is imported from a
    directory, and every hundredth has an admin role. `apps` counts ``Teleport`` and the directory, but not Okta's
    own apps, which are all there; the others are of several kinds, and every twentieth is inactive. Every second app
    has direct assignments beside those of one to three groups. Everything is some time old, and the System Log has no
    events of it.
    """
    with org.log.paused():
        teleport = org.create_app(TELEPORT)
        org.add_internal_apps()
        people = people_of(org, users, rng)
        org.assignments.load_group(teleport, org.group(org.groups.everyone))
        directory = org.create_app("corp.example.com", signOnMode=None) if apps > 1 else None
        made = _groups(org, _sizes(groups, memberships, len(people), rng), people, directory, rng)
        for number in range(apps - 2):
            _app(org, number, people, made, rng)
    return teleport


def _groups(
    org: OktaOrganization, sizes: list[int], people: list[User], directory: App | None, rng: random.Random
) -> list[Group]:
    user_ids = [user.id for user in people]
    latest = org.timeline.stamp()
    made = []
    for number, size in enumerate(sizes):
        imported = directory is not None and number % 50 == 1
        name, description = group_names(number)
        group = org.create_group(
            name,
            description,
            kind=APP_GROUP if imported else OKTA_GROUP,
            source_app=directory.id if directory is not None and imported else None,
        )
        org.groups.enrol(group.id, rng.sample(user_ids, size))
        org.groups.backdate(group, latest - rng.randrange(_DAY, 365 * _DAY))
        if number % 100 == 2:
            org.make_administrative(group.id)
        made.append(group)
    return made


def _sizes(count: int, memberships: int, most: int, rng: random.Random) -> list[int]:
    """Return the sizes of the groups in random order, by a power law."""
    filled = count - count // 10
    weights = [rank**-_STEEPNESS for rank in range(1, filled + 1)]
    total = sum(weights)
    sizes = [min(most, max(1, round(memberships * weight / total))) for weight in weights]
    sizes += [0] * (count - filled)
    rng.shuffle(sizes)
    return sizes


def _app(org: OktaOrganization, number: int, people: list[User], groups: list[Group], rng: random.Random) -> None:
    app = org.create_app(app_label(number), **_KINDS[number % len(_KINDS)])  # type: ignore[arg-type]
    if number % 2:
        org.assignments.load(app, rng.sample(people, min(len(people), rng.randrange(1, 20))))
    for group in rng.sample(groups, min(len(groups), rng.randrange(1, 4))):
        org.assignments.load_group(app, group)
    if number % 20 == 3:
        org.deactivate_app(app.id)
