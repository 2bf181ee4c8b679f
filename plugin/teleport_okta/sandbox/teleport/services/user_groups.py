"""User groups (`docs/reference/teleport.md` 4.7, `docs/reference/teleport-observed.md` 1.2 and 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import ListUserGroupsResponse

from ..crash import ServerCrash
from ..label_access import USER_GROUP
from ..refusal import Refusal, already_exists, bad_parameter, not_found, quoted
from ..resource_rules import complete_user_group
from ..rpc import Call, rpc
from ..versions import Defect

if TYPE_CHECKING:
    from teleport.legacy.client.proto.authservice_pb2 import (
        DeleteUserGroupRequest,
        GetUserGroupRequest,
        ListUserGroupsRequest,
    )
    from teleport.legacy.types.types_pb2 import UserGroupV1

    from ..cluster import Cluster

DEFAULT_PAGE: Final = 200


class UserGroups:
    """The user-group calls of AuthService. Single reads use only the cache, and every write reads first."""

    def __init__(self, cluster: Cluster) -> None:
        self._groups = cluster.user_groups
        self._crashes = cluster.suffers(Defect.USER_GROUP_CRASH)

    @rpc("proto.AuthService/ListUserGroups")
    def list_user_groups(self, call: Call, request: ListUserGroupsRequest) -> ListUserGroupsResponse:
        """Return a page of the groups that the caller may access.

        The key of the next page is the last group of this one, with which the next page begins. So pages of one group
        never end. A limit above the default is accepted.
        """
        call.access.require("user_group", "list")
        limit = request.Limit or DEFAULT_PAGE
        if limit < 0:
            raise ServerCrash(f"ListUserGroups: slice bounds out of range [:{limit}]")
        groups = [
            group
            for group in self._groups.listed(request.NextKey)
            if call.access.reaches(USER_GROUP, group.Header.Metadata.Labels)
        ]
        if len(groups) <= limit:
            return ListUserGroupsResponse(UserGroups=groups)
        return ListUserGroupsResponse(UserGroups=groups[:limit], NextKey=groups[limit - 1].Header.Metadata.Name)

    @rpc("proto.AuthService/GetUserGroup")
    def get_user_group(self, call: Call, request: GetUserGroupRequest) -> UserGroupV1:
        """Return one group from the cache."""
        call.access.require("user_group", "read")
        return self._within_reach(call, request.Name)

    @rpc("proto.AuthService/CreateUserGroup")
    def create_user_group(self, call: Call, request: UserGroupV1) -> Empty:
        """Store a new group."""
        call.access.require("user_group", "create")
        if request.Header.Kind != "user_group":
            raise bad_parameter(f"can't get label matchers for resource kind {quoted(request.Header.Kind)}")
        call.access.require_access(USER_GROUP, request.Header.Metadata.Labels)
        complete_user_group(request)
        name = request.Header.Metadata.Name
        if self._groups.stored(name) is not None:
            raise already_exists(f"user_group {quoted(name)} already exists")
        self._groups.create(request)
        return Empty()

    @rpc("proto.AuthService/UpdateUserGroup")
    def update_user_group(self, call: Call, request: UserGroupV1) -> Empty:
        """Replace a group without a check of its revision. The caller must have access to the old one only."""
        call.access.require("user_group", "update")
        name = request.Header.Metadata.Name
        self._within_reach(call, name)
        complete_user_group(request)
        if self._groups.stored(name) is None:
            raise _missing(name)
        self._groups.upsert(request)
        return Empty()

    @rpc("proto.AuthService/DeleteUserGroup")
    def delete_user_group(self, call: Call, request: DeleteUserGroupRequest) -> Empty:
        """Remove a group."""
        call.access.require("user_group", "delete")
        self._within_reach(call, request.Name)
        if self._groups.delete(request.Name) is None:
            raise _missing(request.Name)
        return Empty()

    def _within_reach(self, call: Call, name: str) -> UserGroupV1:
        """Return the cached group. Without it, NOT_FOUND or a crash, depending on the version."""
        group = self._groups.cached(name)
        if group is None and self._crashes:
            raise ServerCrash(f"user_group {quoted(name)} is not in the cache")
        if group is None:
            raise _missing(name)
        call.access.require_access(USER_GROUP, group.Header.Metadata.Labels)
        return group


def _missing(name: str) -> Refusal:
    return not_found(f"user_group {quoted(name)} doesn't exist")
