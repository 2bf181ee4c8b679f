"""The converters write each field that is declared to be content (`model/content.py`), and read it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from teleport_okta.model.access import ListOwner, TeleportAccessList, TeleportAppServer, TeleportUserGroup
from teleport_okta.model.content import FIELDS, kept_content
from teleport_okta.model.teleport import ConnectorRef, RoleAllow, TeleportLock, TeleportRole, TeleportUser
from teleport_okta.plan.digest import content_digest
from teleport_okta.teleport import convert, convert_directory, convert_lists

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
OWNED = {"teleport-okta/owner": "00o1"}


def user_again(user):
    return convert.user_from_message(convert.user_to_message(user, NOW))


def lock_again(lock):
    return convert.lock_from_message(convert.lock_to_message(lock))


def role_again(role):
    return convert.role_from_message(convert.role_to_message(role))


def server_again(server):
    return convert_directory.app_server_from_message(convert_directory.app_server_to_message(server, NOW))


def list_again(access_list):
    if access_list.raw is None:
        return convert_lists.access_list_from_message(convert_lists.new_access_list(access_list))
    message = convert_lists.pb.AccessList.FromString(access_list.raw)
    convert_lists.amend_access_list(message, access_list)
    return convert_lists.access_list_from_message(message)


CONTENTS = [
    (
        TeleportUser("ada"),
        user_again,
        {
            "roles": ("access",),
            "traits": {"okta/email": ("ada@x.io",)},
            "expires": NOW,
            "connector": ConnectorRef("saml", "okta", "ada"),
        },
    ),
    (TeleportLock("l", "ada"), lock_again, {"user": "bob", "message": "left", "expires": NOW}),
    (
        TeleportRole("r", OWNED, RoleAllow()),
        role_again,
        {"allow": RoleAllow({"okta/app": ("0oa1",)}, {"okta/group": ("00g1",)}, ("other",))},
    ),
    (TeleportUserGroup("00g1"), convert_directory.user_group_as_sent, {"applications": ("okta-0oa1",)}),
    (
        TeleportAppServer("okta-0oa1", "host"),
        server_again,
        {"uri": "https://x.io", "description": "Wiki", "user_groups": ("00g1",)},
    ),
    (
        TeleportAccessList("00g1", "Engines"),
        list_again,
        {
            "title": "Motors",
            "description": "who build",
            "owners": (ListOwner("olga"), ListOwner("00g2", is_list=True)),
            "grants": ("m",),
            "owner_grants": ("r",),
        },
    ),
]
"""An object of each kind: how it is written and read, and another value of each field."""

EACH = [
    pytest.param(content, again, field, value, id=f"{type(content).__name__} {field}")
    for content, again, values in CONTENTS
    for field, value in values.items()
]


def kept(content, field):
    return next(one for one in FIELDS[type(content)] if one.name == field).is_kept


def test_each_declared_field_of_these_kinds_is_tried_here():
    for content, _, values in CONTENTS:
        assert values.keys() == {field.name for field in FIELDS[type(content)]}


@pytest.mark.parametrize(("content", "again", "field", "value"), EACH)
def test_a_new_object_has_the_field(content, again, field, value):
    assert getattr(again(replace(content, **{field: value})), field) == value


@pytest.mark.parametrize(("content", "again", "field", "value"), EACH)
def test_an_update_sets_the_field_if_it_is_kept(content, again, field, value):
    stored = again(content)
    changed = replace(stored, **{field: value})
    assert (getattr(again(changed), field) == value) is kept(content, field)


@pytest.mark.parametrize(("content", "again", "field", "value"), EACH)
def test_an_update_of_a_kept_field_makes_another_content(content, again, field, value):
    changed = replace(content, **{field: value})
    assert (kept_content(changed) != kept_content(content)) is kept(content, field)
    assert content_digest(changed) != content_digest(content)
