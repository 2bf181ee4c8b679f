"""A plan warns if the SAML connector of its users does not exist."""

from __future__ import annotations

import grpc
import pytest
from cluster_world import built_world
from teleport_okta.sandbox.teleport.faults import Fault


async def warnings_of(world):
    return [one for one in (await world.parts.full_pass.plan()).warnings if "SAML connector" in one]


async def test_a_connector_that_does_not_exist_is_named_until_it_exists(world):
    (warning,) = await warnings_of(world)
    assert "no SAML connector 'okta' (sync.connector)" in warning
    assert "teleport-okta enroll" in warning
    await world.teleport.administrator.connectors.create(
        "okta",
        acs="https://proxy.example.com/v1/webapi/saml/acs/okta",
        attributes_to_roles=[{"name": "groups", "value": "Admins", "roles": ["editor"]}],
        issuer="http://www.okta.com/exk",
        sso="https://acme.okta.com/sso",
    )
    assert await warnings_of(world) == []


async def test_one_that_cannot_be_read_is_not_said_to_be_missing(world):
    world.teleport.faults.add(Fault("*/GetSAMLConnector", code=grpc.StatusCode.PERMISSION_DENIED))
    assert await warnings_of(world) == []


@pytest.mark.parametrize("edition", ["ent", "oss"])
async def test_local_users_need_none(tmp_path, edition):
    async with built_world(tmp_path, edition=edition, settings={"sync": {"local_users": True}}) as world:
        assert await warnings_of(world) == []
