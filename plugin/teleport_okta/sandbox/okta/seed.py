"""Fills an organisation with people, groups and apps: the same for the same random source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.people import DEPARTMENTS, attributes, person
from teleport_okta.sandbox.okta.users import ACTIVE, User

if TYPE_CHECKING:
    import random

    from teleport_okta.sandbox.okta.apps import App
    from teleport_okta.sandbox.okta.groups import Group
    from teleport_okta.sandbox.okta.organization import OktaOrganization

TELEPORT = "Teleport"
"""Label of the SAML app for Teleport."""

_OLDEST = 3 * 365 * 24 * 3600
_GROUP_KINDS = ("Leads", "On-call", "Contractors", "Reviewers", "Everyday")
_APP_NAMES = ("Wiki", "Tickets", "Payroll", "Metrics", "Build", "Chat", "Travel", "Contracts")


def seed_organization(
    org: OktaOrganization,
    *,
    users: int,
    groups: int = 0,
    apps: int = 1,
    rng: random.Random,
    assign: bool = True,
) -> App:
    """Fill a new organisation and return its SAML app ``Teleport``.

    The administrator who owns the first token is one of `users`, and the last of every listing. All of
    them are assigned to ``Teleport``, unless `assign` is off. `apps` counts ``Teleport`` too, but not Okta's own apps.
    Group-derived assignments and the search index are up to date. The System Log has no events of it.
    """
    with org.log.paused():
        teleport = org.create_app(TELEPORT)
        people = people_of(org, users, rng)
        if assign:
            org.assignments.load(teleport, people)
        made = [_group(org, number, people, rng) for number in range(groups)]
        for number in range(apps - 1):
            _app(org, number, people, made, rng)
    return teleport


def people_of(org: OktaOrganization, count: int, rng: random.Random) -> list[User]:
    """Fill a new organisation with this number of people, its administrator last, and return them.

    They were created some time ago, and are in the search index.
    """
    latest = org.timeline.stamp()
    people = []
    for number in range(1, count):
        hired = latest - rng.randrange(3600, _OLDEST)
        people.append(
            User(
                id=org.ids.object("00u"),
                status=ACTIVE,
                created=hired,
                last_updated=hired,
                profile=person(rng, number, org.settings.domain),
                activated=hired,
                status_changed=hired,
                password_changed=hired,
                has_password=True,
            )
        )
    admin = org.user(org.admin)
    if count > 0:
        people.append(org.users.overwrite(admin, attributes(rng, "Okta", "Admin", 0) | dict(admin.profile)))
    org.users.all.remove(admin.id)
    org.search_index.users.remove(admin.id)
    for user in people or [admin]:
        org.users.add(user)
        org.search_index.load(user)
    return people


def group_names(number: int) -> tuple[str, str]:
    """Return name and description of a numbered group; the number makes the name unique."""
    department = DEPARTMENTS[number % len(DEPARTMENTS)]
    kind = _GROUP_KINDS[number // len(DEPARTMENTS) % len(_GROUP_KINDS)]
    return f"{department} {kind} {number + 1}", f"{kind} of {department}"


def app_label(number: int) -> str:
    """Return the label of a numbered app; the number makes it unique."""
    return f"{_APP_NAMES[number % len(_APP_NAMES)]} {number + 1}"


def _group(org: OktaOrganization, number: int, people: list[User], rng: random.Random) -> Group:
    group = org.create_group(*group_names(number))
    size = min(len(people), rng.randrange(3, 60))
    org.groups.enrol(group.id, (user.id for user in rng.sample(people, size)))
    return group


def _app(org: OktaOrganization, number: int, people: list[User], groups: list[Group], rng: random.Random) -> None:
    app = org.create_app(app_label(number))
    org.assignments.load(app, rng.sample(people, min(len(people), rng.randrange(1, 20))))
    for group in rng.sample(groups, min(len(groups), rng.randrange(0, 4))):
        org.assignments.load_group(app, group)
