"""The people of the SCIM benchmark, as a client describes them, and the state of a service that was told of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from teleport_okta.model.provisioned import ProvisionedUser, scim_id
from teleport_okta.scim.identity import id_without_okta
from teleport_okta.scim.protocol.bodies import read_user
from teleport_okta.scim.protocol.schemas import ENTERPRISE_URN, USER_URN
from teleport_okta.scim.tokens import digest_of

from tests.bench.population import profile

if TYPE_CHECKING:
    from teleport_okta.state.store import Store

TOKEN = "bench" * 8
PATCH_URN = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"

GROUP = "Everybody"
"""The name of the group of a server that has one."""

PRESENT = "people"
"""The group of `population.profile` of those who are there from the beginning."""

_WRITTEN_TOGETHER = 500


def described(number: int, *, group: str = PRESENT) -> dict[str, Any]:
    """Return the body with which a client creates the person of a number."""
    one = profile(number, group=group)
    return {
        "schemas": [USER_URN, ENTERPRISE_URN],
        "userName": one["login"],
        "externalId": f"{group}-{number:06d}",
        "name": {"givenName": one["firstName"], "familyName": one["lastName"]},
        "displayName": one["displayName"],
        "nickName": one["nickName"],
        "title": one["title"],
        "userType": one["userType"],
        "preferredLanguage": one["preferredLanguage"],
        "timezone": one["timezone"],
        "active": True,
        "emails": [{"value": one["email"], "type": "work", "primary": True}],
        "phoneNumbers": [{"value": one["primaryPhone"], "type": "work"}],
        "addresses": [{"type": "work", "locality": one["city"], "country": one["countryCode"]}],
        ENTERPRISE_URN: {
            "employeeNumber": one["employeeNumber"],
            "costCenter": one["costCenter"],
            "organization": one["organization"],
            "division": one["division"],
            "department": one["department"],
        },
    }


def okta_id(number: int) -> str:
    """Return what stands in our state for the Okta id of the person of a number.

    The client names nobody by an Okta id, so that a full pass makes users of everybody of the state, and the cluster
    can be filled by its plan.
    """
    return id_without_okta(read_user(described(number), replaces=None))


def ids(organization: str, people: int) -> list[str]:
    """Return the SCIM ids that our server gives to so many people of an organisation."""
    return [scim_id(organization, okta_id(number), 0) for number in range(people)]


async def fill(store: Store, organization: str, people: int) -> None:
    """Take down so many people of an organisation, who have been answered, and the token."""
    now = datetime.now(UTC)
    await store.scim_tokens.add(digest_of(TOKEN.encode()), at=now)
    for start in range(0, people, _WRITTEN_TOGETHER):
        some = (
            _provisioned(organization, number, now) for number in range(start, min(start + _WRITTEN_TOGETHER, people))
        )
        await asyncio.gather(*(store.scim_users.put(one, at=now) for one in some))


def _provisioned(organization: str, number: int, now: datetime) -> ProvisionedUser:
    content = read_user(described(number), replaces=None)
    person = id_without_okta(content)
    return ProvisionedUser(
        id=scim_id(organization, person, 0),
        okta_id=person,
        user_name=content.user_name,
        external_id=content.external_id,
        attributes=content.attributes,
        created=now,
        modified=now,
    )
