"""Digests are the same in every release.

Approvals, the journal and fingerprints store digests. If one changes, an approval is void, and every object looks as if
another client had edited it. A new owned field changes the digests of its kind; nothing else may.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from teleport_okta.model.access import (
    ListOwner,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.direct_roles import DirectRole
from teleport_okta.model.reasons import Verbatim
from teleport_okta.model.teleport import ConnectorRef, RoleAllow, TeleportLock, TeleportRole, TeleportUser
from teleport_okta.plan.changes import ACCESS_LIST, USER, Action, Change
from teleport_okta.plan.digest import content_digest, plan_digest
from teleport_okta.plan.needs import stands_for, written
from teleport_okta.plan.view import change_view

LATER = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LABELS = {"teleport-okta/owner": "00o1", "teleport-okta/id": "00u1"}

USER_OF_AN_IMPORT = TeleportUser(
    "ada@example.com",
    LABELS,
    ("requester", "access"),
    {"okta/email": ("ada@example.com",), "groups": ("a", "ä")},
    LATER,
    ConnectorRef("saml", "okta", "ada"),
    revision="r1",
    raw=b"1",
)
SERVER = TeleportAppServer("okta-0oa1", "host", LABELS, "https://example.com", "Wiki", ("00g1",), LATER)
OWNERS = (ListOwner("olga"), ListOwner("00g2", is_list=True))
LIST = TeleportAccessList("00g1", "Engines", LABELS, "who build", OWNERS, ("m",), ("r",))
ALLOW = RoleAllow({"okta/app": ("0oa1", "0oa2")}, {"okta/group": ("00g1",)}, ("other",))

DIGESTS = [
    (TeleportUser("ada"), "cf6d4db895f459ef"),
    (USER_OF_AN_IMPORT, "e95479b01b57387d"),
    (TeleportLock("l1", "ada"), "38eaa2141ad4d948"),
    (TeleportLock("l2", "ada", LABELS, "left", LATER), "69dd327ef7f00dd4"),
    (TeleportRole("r"), "0264b98dca6ea8d3"),
    (TeleportRole("r", LABELS, ALLOW), "fb0201af62980fbe"),
    (TeleportUserGroup("00g1", LABELS, ("okta-0oa1", "okta-0oa2")), "0c20b1237dbedc76"),
    (SERVER, "e6615c529b0af9ee"),
    (LIST, "ebebaca336a62d82"),
    (TeleportMember("ada", labels=LABELS, expires=LATER, reason="on call", added_by="olga"), "95604b05625f4544"),
    (TeleportMember("00g2", is_list=True), "0af381cfa24fdfb1"),
    (DirectRole("ada", "00g1", LABELS), "93bde8e93db0f133"),
]

FIELDS = [
    (
        USER_OF_AN_IMPORT,
        {
            "connector": "saml/okta",
            "expires": "2026-03-04T05:06:07+00:00",
            "roles": "requester, access",
            "traits.groups": "a, ä",
            "traits.okta/email": "ada@example.com",
        },
    ),
    (TeleportLock("l2", "ada", LABELS, "left", LATER), {"message": "left", "target.user": "ada"}),
    (
        TeleportRole("r", LABELS, ALLOW),
        {
            "allow.app_labels.okta/app": "0oa1, 0oa2",
            "allow.group_labels.okta/group": "00g1",
            "allow.review_requests": "other",
        },
    ),
    (TeleportUserGroup("00g1", LABELS, ("okta-0oa1", "okta-0oa2")), {"applications": "okta-0oa1, okta-0oa2"}),
    (SERVER, {"description": "Wiki", "uri": "https://example.com", "user_groups": "00g1"}),
    (
        LIST,
        {
            "description": "who build",
            "grants": "m",
            "owner_grants": "r",
            "owners": "olga, list 00g2",
            "title": "Engines",
        },
    ),
    (TeleportMember("ada", labels=LABELS, expires=LATER), {"expires": "2026-03-04T05:06:07+00:00"}),
    (DirectRole("ada", "00g1", LABELS), {"role": "access-okta-acl-role-00g1"}),
]


def writing(content, kind=USER, **more):
    name = content.name
    return Change(
        action=Action.CREATE,
        kind=kind,
        name=name,
        subject=name,
        okta_id="",
        cause=Verbatim("x"),
        content=content,
        **more,
    )


def kind_and_name(content):
    return f"{type(content).__name__} {content.name}" if hasattr(content, "name") else content


@pytest.mark.parametrize(("content", "digest"), DIGESTS, ids=kind_and_name)
def test_the_digest_of_an_object_is_the_same_in_every_release(content, digest):
    assert content_digest(content) == digest


@pytest.mark.parametrize(("content", "fields"), FIELDS, ids=kind_and_name)
def test_a_change_shows_each_owned_field_under_its_name(content, fields):
    labels = {f"labels.{key}": value for key, value in LABELS.items()}
    assert {one.field: one.after for one in change_view(writing(content)).fields} == fields | labels


def test_the_digest_of_a_plan_is_the_same_in_every_release():
    needs = (written("role", "m"), stands_for("ada", "00u1", is_found=True))
    new_list = writing(LIST, ACCESS_LIST, needs=needs, members=(stands_for("ada", "00u1"),))
    assert plan_digest([]) == "e3b0c44298fc1c14"
    assert plan_digest([writing(USER_OF_AN_IMPORT), new_list]) == "55c772dc1c14f2be"
