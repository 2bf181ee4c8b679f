"""The model objects to each fault that is planted here, and to nothing in a cluster that is right.

The faults that only a stored object can have are in `tests/contract/sync/test_directory_oracle.py`.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest
from property.directory_history import FIRST_MOMENT, Reading, first_cluster
from property.directory_judge import wrong, wrongly_ended
from teleport_okta.model import labels
from teleport_okta.model.access import ListOwner, TeleportMember
from teleport_okta.model.names import app_server_name, member_role, reviewer_role
from teleport_okta.model.teleport import RoleAllow
from worlds import NOW
from worlds_directory import synced

IMPORTED = {labels.GRANT: labels.GRANT_IMPORTED}
GROUP, APP, GRANTED = "00gA", "0oaX", app_server_name("0oaX")


def built(moment):
    """A cluster after a pass over a moment, with a member that people added."""
    reading, cluster = Reading(moment), first_cluster()
    cluster.has_lists = moment.has_lists
    for _ in range(2):
        cluster = synced(reading.okta, cluster, people=reading.people, settings=reading.settings)
    if moment.has_lists:
        cluster.add(GROUP, TeleportMember("cy", reason="by hand"))
    return cluster


def edit(kind, name, **changes):
    """Return a fault: the object of a name has other content, or is gone if no content is given."""

    def fault(cluster):
        objects = getattr(cluster, kind)
        if changes:
            objects[name] = replace(objects[name], **changes)
        else:
            del objects[name]

    return fault


def members(name, **members):
    """Return a fault: members of a list are replaced, or are gone where they are None."""

    def fault(cluster):
        cluster.members[name] = {key: one for key, one in (cluster.members[name] | members).items() if one}

    return fault


def with_label(kind, name, key, value):
    """Return a fault: an object has another label."""

    def fault(cluster):
        found = getattr(cluster, kind)[name]
        edit(kind, name, labels={**found.labels, key: value})(cluster)

    return fault


FAULTS = {
    "a member is missing": (members(GROUP, ada=None), "has imported {'bob'}"),
    "a member too many": (members(GROUP, eve=TeleportMember("eve", labels=IMPORTED)), "has imported"),
    "whom people added is missing": (members(GROUP, cy=None), "of people's {} instead of {'cy'"),
    "a list is missing": (edit("lists", GROUP), "lists: "),
    "another title": (edit("lists", GROUP, title="Looms"), "is called 'Looms'"),
    "another owner": (edit("lists", GROUP, owners=(ListOwner("eve"),)), "owned by ['eve']"),
    "other grants": (edit("lists", GROUP, grants=()), "grants ()"),
    "new requirements": (edit("lists", GROUP, has_requirements=True), "what people decide of"),
    "a role is missing": (edit("roles", reviewer_role(GROUP)), "are missing"),
    "a role too many": (edit("lists", "0oaX"), "too many"),
    "a role grants less": (edit("roles", member_role(GROUP), allow=RoleAllow()), "grants the apps set()"),
    "a role lets nobody review": (edit("roles", reviewer_role(GROUP), allow=RoleAllow()), "lets owners review"),
    "a user group grants less": (edit("user_groups", GROUP, applications=()), "user groups: "),
    "a user group has another name": (with_label("user_groups", GROUP, labels.GROUP_NAME, "Looms"), "user groups: "),
    "a user group lost a label": (with_label("user_groups", GROUP, "env", "prod"), "user groups: "),
    "an app server is missing": (edit("app_servers", GRANTED), "app servers: "),
    "an app server leads elsewhere": (edit("app_servers", GRANTED, uri="https://two"), "leads to https://two"),
    "a user is missing": (edit("users", "ada"), "users: "),
}
WITHOUT_LISTS = {
    "a role is not on a user": (edit("users", "ada", roles=("okta-requester",)), "is on"),
    "a role is on another user": (edit("users", "cy", roles=(member_role(GROUP),)), "is on"),
    "our label is gone": (with_label("users", "ada", labels.DIRECT_ROLES, ""), "is labelled as ours on"),
    "another role is gone": (edit("users", "local", roles=()), "local has the roles []"),
    "a member role is missing": (edit("roles", member_role(GROUP)), "are missing"),
}
MISSING = replace(FIRST_MOMENT, doubts=({}, {}, {}, {}, frozenset({GROUP, APP})))
DOUBTS = {
    "a list": (edit("lists", GROUP), f"the list {GROUP} ended"),
    "a member": (members(GROUP, ada=None), "{'ada'} lost 00gA"),
    "a user group": (edit("user_groups", GROUP), "the user group 00gA changed"),
    "an app server": (edit("app_servers", GRANTED), "the app server of 0oaX ended"),
    "an app of a role": (edit("roles", member_role("00gB"), allow=RoleAllow()), "the role of 00gB lost 0oaX"),
}
CASES = [
    *(pytest.param(FIRST_MOMENT, *case, id=name) for name, case in FAULTS.items()),
    *(pytest.param(replace(FIRST_MOMENT, has_lists=False), *case, id=name) for name, case in WITHOUT_LISTS.items()),
]


@pytest.mark.parametrize(("moment", "plant", "complaint"), CASES)
def test_a_fault_after_a_pass_that_is_believed(moment, plant, complaint):
    before = built(moment)
    after = before.copy()
    assert not wrong(moment, before, after, NOW)
    plant(after)
    assert complaint in " ".join(wrong(moment, before, after, NOW))


@pytest.mark.parametrize(("plant", "complaint"), DOUBTS.values(), ids=DOUBTS)
def test_an_end_because_of_a_reading_that_is_not_believed(plant, complaint):
    before = built(FIRST_MOMENT)
    after = before.copy()
    assert not wrongly_ended(Reading(MISSING), before, after)
    plant(after)
    assert complaint in " ".join(wrongly_ended(Reading(MISSING), before, after))


def test_a_role_lost_because_of_a_reading_that_is_not_believed():
    before = built(replace(FIRST_MOMENT, has_lists=False))
    after = before.copy()
    edit("users", "ada", roles=())(after)
    reading = Reading(replace(MISSING, has_lists=False))
    assert "{'ada'} lost the role of 00gA" in wrongly_ended(reading, before, after)


def test_the_model_does_not_use_the_code_that_it_judges():
    modules = set()
    for path in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())) if not path.name.startswith("test_") else ():
            if isinstance(node, ast.ImportFrom):
                modules.add(node.module)
            elif isinstance(node, ast.Import):
                modules |= {name.name for name in node.names}
    ours = {module for module in modules if module.startswith("teleport_okta")}
    assert {module for module in ours if not f"{module}.".startswith("teleport_okta.model.")} == set()
