"""Roles (`docs/reference/teleport.md` 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.client.proto.authservice_pb2 import ListRolesResponse

from ..caller import CallerKind
from ..metadata import matches_search
from ..refusal import Refusal, access_denied, bad_parameter, not_found, quoted, unknown
from ..role_rules import as_seen_by, check_port_forwarding, check_role_admissible, check_role_name, complete_role
from ..rpc import Call, rpc
from ..versions import Feature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from teleport.legacy.client.proto.authservice_pb2 import (
        CreateRoleRequest,
        DeleteRoleRequest,
        GetRoleRequest,
        ListRolesRequest,
        UpdateRoleRequest,
        UpsertRoleRequest,
    )
    from teleport.legacy.types.types_pb2 import RoleFilter, RoleV6

    from ..cluster import Cluster

DEFAULT_PAGE: Final = 100
PAGE_CAP: Final = 16_000


class Roles:
    """The role calls of AuthService."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @rpc("proto.AuthService/GetRole")
    def get_role(self, call: Call, request: GetRoleRequest) -> RoleV6:
        """Return one role. Every caller may read its own roles."""
        own = call.caller.kind is CallerKind.USER and request.Name in self._roles_held_by(call.caller.name)
        denied = None if own else call.access.refusal("role", ["read"])
        role = self._cluster.roles.get(request.Name)
        if denied is not None and (role is None or not call.access.may("role", "read", role.Metadata.Labels)):
            raise denied
        if role is None:
            raise not_found(f"role {request.Name} is not found")
        return as_seen_by(role, call.client_version)

    @rpc("proto.AuthService/GetCurrentUserRoles")
    def get_current_user_roles(self, call: Call, _request: Empty) -> Iterator[RoleV6]:
        """Return the roles of the caller's user record, one by one."""
        for name in self._roles_held_by(call.caller.name):
            role = self._cluster.roles.get(name)
            if role is None:
                raise not_found(f"role {name} is not found")
            yield as_seen_by(role, call.client_version)

    @rpc("proto.AuthService/ListRoles")
    def list_roles(self, call: Call, request: ListRolesRequest) -> ListRolesResponse:
        """Return a page of the roles that the caller may see, in the order of their names."""
        denied = call.access.refusal("role", ["list", "read"])
        if request.Limit > PAGE_CAP:
            raise bad_parameter(f"page size of {request.Limit} is too large")
        keep = _matcher(request.Filter) if request.HasField("Filter") else lambda _: True

        def visible(role: RoleV6) -> bool:
            return keep(role) and (
                denied is None or call.access.refusal("role", ["list", "read"], role.Metadata.Labels) is None
            )

        roles, following = self._cluster.roles.page(
            request.StartKey, request.Limit if request.Limit > 0 else DEFAULT_PAGE, visible
        )
        if denied is not None and not roles and not request.StartKey:
            raise denied
        return ListRolesResponse(
            Roles=[as_seen_by(role, call.client_version) for role in roles],
            NextKey=following.Metadata.Name if following is not None else "",
        )

    @rpc("proto.AuthService/CreateRole")
    def create_role(self, call: Call, request: CreateRoleRequest) -> RoleV6:
        """Store a new role."""
        role = self._prepared(request.Role)
        call.access.require("role", "create", labels=role.Metadata.Labels)
        self._check(role)
        return self._cluster.roles.create(role)

    @rpc("proto.AuthService/UpdateRole")
    def update_role(self, call: Call, request: UpdateRoleRequest) -> RoleV6:
        """Replace a role if its revision is still the one that was read. The caller must be allowed both versions."""
        role = self._prepared(request.Role)
        previous = self._cluster.roles.get(role.Metadata.Name)
        if previous is not None:
            call.access.require("role", "update", labels=previous.Metadata.Labels)
        call.access.require("role", "update", labels=role.Metadata.Labels)
        self._check(role)
        return self._cluster.roles.update(role)

    @rpc("proto.AuthService/UpsertRoleV2")
    def upsert_role_v2(self, call: Call, request: UpsertRoleRequest) -> RoleV6:
        """Create or replace a role."""
        return self._upsert(call, request.Role)

    @rpc("proto.AuthService/UpsertRole")
    def upsert_role(self, call: Call, request: RoleV6) -> Empty:
        """Create or replace a role, by the deprecated call without a reply."""
        self._upsert(call, request)
        return Empty()

    @rpc("proto.AuthService/DeleteRole")
    def delete_role(self, call: Call, request: DeleteRoleRequest) -> Empty:
        """Remove a role that no user has."""
        stored = self._cluster.roles.get(request.Name)
        call.access.require("role", "delete", labels=stored.Metadata.Labels if stored is not None else None)
        if not self._cluster.edition.enterprise and request.Name == "admin":
            raise access_denied(f"can not delete system role {quoted(request.Name)}")
        holder = self._holder_of(request.Name)
        if holder is not None:
            raise holder
        if not request.Name:
            raise bad_parameter("missing role name")
        if self._cluster.roles.delete(request.Name) is None:
            raise not_found(f"role {quoted(request.Name)} is not found")
        return Empty()

    def _upsert(self, call: Call, role: RoleV6) -> RoleV6:
        role = self._prepared(role)
        previous = self._cluster.roles.get(role.Metadata.Name)
        if previous is not None:
            call.access.require("role", "update", labels=previous.Metadata.Labels)
            call.access.require("role", "update", labels=role.Metadata.Labels)
        else:
            call.access.require("role", "create", labels=role.Metadata.Labels)
        self._check(role)
        return self._cluster.roles.upsert(role)

    def _prepared(self, role: RoleV6) -> RoleV6:
        check_port_forwarding(role)
        complete_role(role, "v8" if self._cluster.has(Feature.ROLE_V8) else "v7")
        return role

    def _check(self, role: RoleV6) -> None:
        check_role_admissible(role, self._cluster.edition)
        check_role_name(role)

    def _roles_held_by(self, user: str) -> list[str]:
        record = self._cluster.users.get(user)
        return list(record.Spec.Roles) if record is not None else []

    def _holder_of(self, name: str) -> Refusal | None:
        if any(name in user.Spec.Roles for user in self._cluster.users.all_stored()):
            return _in_use("a user")
        for access_list in self._cluster.access_lists.all_stored():
            spec = access_list.spec
            if any(name in part.roles for part in (spec.grants, spec.membership_requires, spec.ownership_requires)):
                return _in_use("an access list")
        return None


def _in_use(by: str) -> Refusal:
    return unknown(
        f"failed to delete a role that is still in use by {by}, check the system server logs for more details"
    )


def _matcher(filter_: RoleFilter) -> Callable[[RoleV6], bool]:
    wanted = [keyword.lower() for keyword in filter_.SearchKeywords]

    def matches(role: RoleV6) -> bool:
        if filter_.SkipSystemRoles and role.Metadata.Labels.get("teleport.internal/resource-type", "") == "system":
            return False
        return matches_search(role.Metadata, wanted)

    return matches
