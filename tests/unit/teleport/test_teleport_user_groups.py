from __future__ import annotations

from typing import TYPE_CHECKING

from teleport.legacy.client.proto import authservice_pb2
from teleport.legacy.types import types_pb2
from unit.teleport.scripted_auth import AUTH, ScriptedAuth

if TYPE_CHECKING:
    from teleport_okta.teleport.cluster import Teleport


def page(*names: str, following: str = "") -> authservice_pb2.ListUserGroupsResponse:
    headers = [types_pb2.ResourceHeader(Metadata=types_pb2.Metadata(Name=name)) for name in names]
    groups = [types_pb2.UserGroupV1(Header=header) for header in headers]
    return authservice_pb2.ListUserGroupsResponse(UserGroups=groups, NextKey=following)


async def test_a_listing_whose_last_page_comes_for_ever_ends(teleport: Teleport, auth: ScriptedAuth) -> None:
    auth.answer(
        AUTH + "ListUserGroups", page("a", "b", following="b"), page("b", "c", following="c"), page("c", following="c")
    )

    assert [group.name for group in await teleport.user_groups.list()] == ["a", "b", "c"]
    assert [request.NextKey for request in auth.requests[AUTH + "ListUserGroups"]] == ["", "b", "c"]
