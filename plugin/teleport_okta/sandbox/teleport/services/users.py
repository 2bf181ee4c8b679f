"""Users (`docs/reference/teleport.md` 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.types.types_pb2 import PASSWORD_STATE_UNSET, UserV2
from teleport.users.v1.users_service_pb2 import (
    CreateUserResponse,
    GetUserResponse,
    ListUsersResponse,
    UpdateUserResponse,
    UpsertUserResponse,
)

from ..caller import CallerKind
from ..metadata import matches_search, seconds_of, timestamp_at
from ..origin import check_origin, check_stored_origin
from ..refusal import access_denied, already_exists, bad_parameter, not_found, quoted
from ..rpc import Call, rpc
from ..user_rules import check_user, complete_user
from ..versions import Defect

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.users.v1.users_service_pb2 import (
        CreateUserRequest,
        DeleteUserRequest,
        GetUserRequest,
        ListUsersRequest,
        UpdateUserRequest,
        UpsertUserRequest,
    )

    from ..cluster import Cluster

PAGE_CAP: Final = 1000
_ADMIN_ONLY: Final = "this request can be only executed by an admin"


class Users:
    """UsersService. Users are in the cluster's `user` store, and their MFA devices beside it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @rpc("teleport.users.v1.UsersService/GetUser")
    def get_user(self, call: Call, request: GetUserRequest) -> GetUserResponse:
        """Return one user. Every caller may read its own."""
        name = request.name
        if not name and request.current_user:
            name = self._own_name(call)
        if request.with_secrets:
            raise access_denied(_ADMIN_ONLY)
        own = call.caller.kind is CallerKind.USER and name == call.caller.name
        if not own and not call.access.may("user", "create"):
            call.access.require("user", "read")
        user = self._cluster.users.get(name)
        if user is None:
            raise not_found(f"user {quoted(name)} not found")
        return GetUserResponse(user=user)

    @rpc("teleport.users.v1.UsersService/ListUsers")
    def list_users(self, call: Call, request: ListUsersRequest) -> ListUsersResponse:
        """Return a page of users in the order of their names; the token is the first name of the next page."""
        if request.with_secrets:
            raise access_denied(_ADMIN_ONLY)
        call.access.require("user", "read", "list")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        keep = _matcher(list(request.filter.SearchKeywords)) if request.HasField("filter") else None
        users, following = self._cluster.users.page(request.page_token, limit, keep)
        return ListUsersResponse(users=users, next_page_token=self._page_token(following))

    @rpc("teleport.users.v1.UsersService/CreateUser")
    def create_user(self, call: Call, request: CreateUserRequest) -> CreateUserResponse:
        """Store a new user."""
        user = request.user
        call.access.require("user", "create")
        check_origin(call.caller, user.Metadata)
        check_user(user, self._cluster.roles)
        if not user.Spec.CreatedBy.User.Name:
            self._credit(user, call, at=timestamp_at(self._cluster.now()))
        if self._cluster.users.stored(user.Metadata.Name) is not None:
            raise already_exists(f"user {quoted(user.Metadata.Name)} already registered")
        if not user.Spec.HasField("LocalAuth"):
            user.Status.password_state = PASSWORD_STATE_UNSET
        complete_user(user, self._cluster.mfa_devices)
        return CreateUserResponse(user=_stored_with(self._cluster.users.create, user))

    @rpc("teleport.users.v1.UsersService/UpdateUser")
    def update_user(self, call: Call, request: UpdateUserRequest) -> UpdateUserResponse:
        """Replace a user if its revision is still the one that was read. `created_by` stays as in a single read."""
        user = request.user
        call.access.require("user", "update")
        check_origin(call.caller, user.Metadata)
        check_user(user, self._cluster.roles)
        previous = self._cluster.users.get(user.Metadata.Name)
        if previous is not None:
            # The real server takes `created_by` from its cache, which for about a second may show a predecessor.
            user.Spec.CreatedBy.CopyFrom(previous.Spec.CreatedBy)
            check_stored_origin(call.caller, previous.Metadata, "update")
        complete_user(user, self._cluster.mfa_devices)
        return UpdateUserResponse(user=_stored_with(self._cluster.users.update, user))

    @rpc("teleport.users.v1.UsersService/UpsertUser")
    def upsert_user(self, call: Call, request: UpsertUserRequest) -> UpsertUserResponse:
        """Create or replace a user. `created_by` is that of the request, or else the caller."""
        user = request.user
        call.access.require("user", "update", "create")
        check_user(user, self._cluster.roles)
        if not user.Spec.CreatedBy.User.Name:
            self._credit(user, call, at=None)
        check_origin(call.caller, user.Metadata)
        previous = self._cluster.users.get(user.Metadata.Name)
        if previous is not None:
            check_stored_origin(call.caller, previous.Metadata, "update")
        complete_user(user, self._cluster.mfa_devices)
        return UpsertUserResponse(user=_stored_with(self._cluster.users.upsert, user))

    @rpc("teleport.users.v1.UsersService/DeleteUser")
    def delete_user(self, call: Call, request: DeleteUserRequest) -> Empty:
        """Remove a user with the MFA devices, and the role `user:<name>` that only legacy users have."""
        call.access.require("user", "delete")
        previous = self._cluster.users.get(request.name)
        if previous is not None:
            check_stored_origin(call.caller, previous.Metadata, "delete")
        if not request.name:
            raise bad_parameter("missing user name")
        self._cluster.roles.delete(f"user:{request.name}")
        if self._cluster.users.delete(request.name) is None:
            raise not_found(f"user {quoted(request.name)} not found")
        self._cluster.mfa_devices.pop(request.name, None)
        return Empty()

    def _own_name(self, call: Call) -> str:
        """Return the caller's name. Hosts and callers without a certificate are refused with a text about a role."""
        for role in call.caller.roles or (call.caller.name,):
            if self._cluster.roles.get(role) is None:
                raise not_found(f"role {role} is not found")
        return call.caller.name

    def _page_token(self, following: UserV2 | None) -> str:
        if following is None:
            return ""
        skip = "0" if self._cluster.suffers(Defect.USERS_SKIPPED) else ""
        return following.Metadata.Name + skip

    def _credit(self, user: UserV2, call: Call, *, at: Timestamp | None) -> None:
        """Set `created_by` to the caller, without a connector."""
        user.Spec.CreatedBy.Clear()
        user.Spec.CreatedBy.User.Name = call.caller.name
        if at is not None:
            user.Spec.CreatedBy.Time.CopyFrom(at)


def _stored_with(write: Callable[[UserV2], UserV2], user: UserV2) -> UserV2:
    """Store a user and return the reply. The stored metadata has the expiry, the reply does not."""
    moment = seconds_of(user.Spec.Expires)
    if moment is None or user.Metadata.HasField("Expires"):
        return write(user)
    record = UserV2()
    record.CopyFrom(user)
    record.Metadata.Expires.CopyFrom(user.Spec.Expires)
    user.Metadata.Revision = write(record).Metadata.Revision
    return user


def _matcher(keywords: list[str]) -> Callable[[UserV2], bool]:
    wanted = [keyword.lower() for keyword in keywords]
    return lambda user: matches_search(user.Metadata, wanted)
