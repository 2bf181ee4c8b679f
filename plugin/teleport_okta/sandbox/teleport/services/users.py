"""Users (`reference/teleport.md` 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.empty_pb2 import Empty
from teleport.legacy.types.types_pb2 import MFA_DEVICE_KIND_TOTP, MFA_DEVICE_KIND_UNSET, PASSWORD_STATE_UNSET
from teleport.users.v1.users_service_pb2 import (
    CreateUserResponse,
    GetUserResponse,
    ListUsersResponse,
    UpdateUserResponse,
    UpsertUserResponse,
)

from ..caller import CallerKind
from ..metadata import YEAR_ONE, check_metadata, timestamp_at
from ..origin import check_origin, check_stored_origin
from ..refusal import access_denied, already_exists, bad_parameter, not_found, quoted
from ..rpc import Call, rpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.legacy.types.types_pb2 import UserV2
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
NAME_CAP: Final = 1000
_ADMIN_ONLY: Final = "this request can be only executed by an admin"


class Users:
    """UsersService. Users live in the cluster's `user` store, their MFA devices beside it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @rpc("teleport.users.v1.UsersService/GetUser")
    def get_user(self, call: Call, request: GetUserRequest) -> GetUserResponse:
        """Return one user; everybody may read their own."""
        name = request.name
        if not name and request.current_user:
            name = call.caller.name
        if request.with_secrets:
            raise access_denied(_ADMIN_ONLY)
        own = call.caller.kind is CallerKind.USER and name == call.caller.name
        if not own and not call.access.may("user", "create"):
            call.access.demand("user", "read")
        if not name:
            raise bad_parameter("missing user name")
        user = self._cluster.users.get(name)
        if user is None:
            raise not_found(f"user {quoted(name)} not found")
        return GetUserResponse(user=user)

    @rpc("teleport.users.v1.UsersService/ListUsers")
    def list_users(self, call: Call, request: ListUsersRequest) -> ListUsersResponse:
        """Return a page of users in the order of their names; the token is where the next page starts."""
        if request.with_secrets:
            raise access_denied(_ADMIN_ONLY)
        call.access.demand("user", "read", "list")
        limit = request.page_size if 0 < request.page_size <= PAGE_CAP else PAGE_CAP
        keep = _matcher(list(request.filter.SearchKeywords)) if request.HasField("filter") else None
        users, following = self._cluster.users.page(request.page_token, limit, keep)
        return ListUsersResponse(users=users, next_page_token=following.Metadata.Name if following is not None else "")

    @rpc("teleport.users.v1.UsersService/CreateUser")
    def create_user(self, call: Call, request: CreateUserRequest) -> CreateUserResponse:
        """Store a new user."""
        user = request.user
        if len(user.Metadata.Name.encode()) > NAME_CAP:
            raise bad_parameter(f"username exceeds maximum length of {NAME_CAP} characters")
        call.access.demand("user", "create")
        check_origin(call.caller, user.Metadata)
        self._validate(user)
        if not user.Spec.CreatedBy.User.Name:
            self._credit(user, call, at=timestamp_at(self._cluster.now()))
        if self._cluster.users.stored(user.Metadata.Name) is not None:
            raise already_exists(f"user {quoted(user.Metadata.Name)} already registered")
        if not user.Spec.HasField("LocalAuth"):
            user.Status.password_state = PASSWORD_STATE_UNSET
        self._complete(user)
        return CreateUserResponse(user=self._cluster.users.create(user))

    @rpc("teleport.users.v1.UsersService/UpdateUser")
    def update_user(self, call: Call, request: UpdateUserRequest) -> UpdateUserResponse:
        """Replace a user whose revision is still the one read; who created it stays as stored."""
        user = request.user
        call.access.demand("user", "update")
        check_origin(call.caller, user.Metadata)
        self._validate(user)
        previous = self._cluster.users.get(user.Metadata.Name)
        if previous is not None:
            user.Spec.CreatedBy.CopyFrom(previous.Spec.CreatedBy)
            check_stored_origin(call.caller, previous.Metadata, "update")
        self._complete(user)
        return UpdateUserResponse(user=self._cluster.users.update(user))

    @rpc("teleport.users.v1.UsersService/UpsertUser")
    def upsert_user(self, call: Call, request: UpsertUserRequest) -> UpsertUserResponse:
        """Store a user, whatever was there; who created it is what the request says, or else the caller."""
        user = request.user
        call.access.demand("user", "update", "create")
        self._validate(user)
        if not user.Spec.CreatedBy.User.Name:
            self._credit(user, call, at=None)
        check_origin(call.caller, user.Metadata)
        previous = self._cluster.users.get(user.Metadata.Name)
        if previous is not None:
            check_stored_origin(call.caller, previous.Metadata, "update")
        self._complete(user)
        return UpsertUserResponse(user=self._cluster.users.upsert(user))

    @rpc("teleport.users.v1.UsersService/DeleteUser")
    def delete_user(self, call: Call, request: DeleteUserRequest) -> Empty:
        """Remove a user with everything below: MFA devices, and the role `user:<name>` that only legacy users have."""
        call.access.demand("user", "delete")
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

    def _validate(self, user: UserV2) -> None:
        user.Kind, user.Version = "user", "v2"
        check_metadata(user.Metadata)
        for identity in user.Spec.OIDCIdentities:
            if not identity.ConnectorID:
                raise bad_parameter("ConnectorID: missing value")
            if not identity.Username:
                raise bad_parameter("Username: missing username")
        for role in user.Spec.Roles:
            if self._cluster.roles.get(role) is None:
                raise not_found(f"role {role} is not found")

    def _credit(self, user: UserV2, call: Call, *, at: Timestamp | None) -> None:
        """Replace the whole record of who made the user, connector included, by the caller."""
        user.Spec.CreatedBy.Clear()
        user.Spec.CreatedBy.User.Name = call.caller.name
        if at is not None:
            user.Spec.CreatedBy.Time.CopyFrom(at)

    def _complete(self, user: UserV2) -> None:
        """Set what only the server knows, and send the times that it cannot leave out as the year 1."""
        devices = self._cluster.mfa_devices.get(user.Metadata.Name)
        user.Status.mfa_weakest_device = MFA_DEVICE_KIND_TOTP if devices else MFA_DEVICE_KIND_UNSET
        user.Spec.ClearField("LocalAuth")
        spec = user.Spec
        if not spec.HasField("Expires"):
            spec.Expires.seconds = YEAR_ONE
        if not spec.CreatedBy.HasField("Time"):
            spec.CreatedBy.Time.seconds = YEAR_ONE
        if not spec.Status.HasField("LockedTime"):
            spec.Status.LockedTime.seconds = YEAR_ONE
        if not spec.Status.HasField("LockExpires"):
            spec.Status.LockExpires.seconds = YEAR_ONE


def _matcher(keywords: list[str]) -> Callable[[UserV2], bool]:
    wanted = [keyword.lower() for keyword in keywords]

    def matches(user: UserV2) -> bool:
        haystack = [user.Metadata.Name.lower(), *(role.lower() for role in user.Spec.Roles)]
        for values in user.Spec.Traits.Values.values():
            haystack += (value.lower() for value in values.Values)
        return all(any(keyword in text for text in haystack) for keyword in wanted)

    return matches
