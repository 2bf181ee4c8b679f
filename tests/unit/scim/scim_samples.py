"""Bodies and users that the SCIM tests share."""

from __future__ import annotations

from datetime import UTC, datetime

from teleport_okta.scim.resources import ScimUser, UserContent

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

CREATED = datetime(2026, 11, 1, 8, 0, tzinfo=UTC)
MODIFIED = datetime(2026, 11, 2, 9, 30, 0, 123456, tzinfo=UTC)

# As Okta posts it.
OKTA_USER = {
    "schemas": [USER_URN],
    "userName": "ada@example.com",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"primary": True, "value": "Ada.L@EXAMPLE.Com", "type": "work"}],
    "displayName": "Ada Lovelace",
    "locale": "en-US",
    "externalId": "00uADA",
    "groups": [],
    "password": "1mz050nq",
    "active": True,
}

ADA = UserContent(
    "ada@example.com",
    "00uADA",
    True,
    {
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"primary": True, "value": "Ada.L@EXAMPLE.Com", "type": "work"}],
        "displayName": "Ada Lovelace",
        "locale": "en-US",
    },
)


def stored(content: UserContent, user_id: str = "u1") -> ScimUser:
    return ScimUser(user_id, content, CREATED, MODIFIED)


def patch(*operations: dict) -> dict:
    return {"schemas": [PATCH_URN], "Operations": list(operations)}
