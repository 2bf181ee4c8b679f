"""Conversion between Teleport's messages and the values of `model.teleport`.

Reading keeps the message as bytes beside the fields that we use. Writing changes a copy of those bytes, and only the
fields that differ, so that fields of newer servers survive. A time that is absent and the year-1 time that a Go server
sends instead both mean unset (`docs/reference/teleport.md` 4.0.1).
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from teleport.legacy.types import types_pb2

from teleport_okta.model.labels import owner_of
from teleport_okta.model.names import SYSTEM_USER
from teleport_okta.model.teleport import ConnectorRef, RoleAllow, TeleportLock, TeleportRole, TeleportUser

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from google.protobuf.timestamp_pb2 import Timestamp
    from teleport.legacy.types.wrappers import wrappers_pb2

SAML: Final = "saml"
"""The type of connector that stores its identities in `SAMLIdentities`."""

RECORD_OUTLIVES_LOCK: Final = timedelta(minutes=1)
"""How long the record of a temporary lock stays after the lock's end, so that the backend's clock never removes a
lock that is still in force (`docs/reference/teleport.md` 4.4)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_ONE: Final = -62_135_596_800
"""The time that a Go server sends for an unset time, in seconds."""

_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)
_LAST_SECOND: Final = int((_END_OF_TIME - _EPOCH).total_seconds())


def user_from_message(message: types_pb2.UserV2) -> TeleportUser:
    """Return a user as read. Keys of labels and traits are shared between users, because there are many."""
    intern = sys.intern
    traits = {intern(key): tuple(strings.Values) for key, strings in message.Spec.Traits.Values.items()}
    return _user(message, traits)


def user_from_reply(reply: types_pb2.UserV2, sent: types_pb2.UserV2, user: TeleportUser) -> TeleportUser:
    """Return what `user_from_message` returns, and share the traits of `user` if they were stored as `sent`."""
    return _user(reply, user.traits) if reply.Spec.Traits == sent.Spec.Traits else user_from_message(reply)


def _user(message: types_pb2.UserV2, traits: Mapping[str, tuple[str, ...]]) -> TeleportUser:
    metadata, spec = message.Metadata, message.Spec
    intern = sys.intern
    return TeleportUser(
        name=metadata.Name,
        labels=labels_of(metadata.Labels),
        roles=tuple(map(intern, spec.Roles)),
        traits=traits,
        expires=_user_expires(message),
        connector=_connector(spec),
        revision=metadata.Revision,
        raw=message.SerializeToString(),
    )


def user_from_bytes(raw: bytes) -> TeleportUser:
    """Return a user from the bytes of its message."""
    return user_from_message(types_pb2.UserV2.FromString(raw))


def user_to_message(user: TeleportUser, now: datetime) -> types_pb2.UserV2:
    """Return the message to send for a user; `now` becomes the time of creation where there is none.

    The creator is always complete: without a user name the server would drop the connector with it
    (`docs/reference/teleport.md` 4.2).
    """
    message = types_pb2.UserV2(Kind="user", Version="v2") if user.raw is None else types_pb2.UserV2.FromString(user.raw)
    metadata, spec = message.Metadata, message.Spec
    metadata.Name = user.name
    metadata.Revision = user.revision
    replace_labels(metadata.Labels, user.labels)
    if user.roles != tuple(spec.Roles):
        del spec.Roles[:]
        spec.Roles.extend(user.roles)
    _replace_strings(spec.Traits.Values, user.traits)
    if user.expires != _user_expires(message):
        write_time(spec, "Expires", user.expires)
        write_time(metadata, "Expires", user.expires)
    connector = _connector(spec)
    if user.connector != connector:
        _replace_connector(spec, connector, user.connector)
    created_by = spec.CreatedBy
    if not created_by.User.Name:
        created_by.User.Name = SYSTEM_USER
    if read_time(created_by, "Time") is None:
        write_time(created_by, "Time", now)
    return message


def lock_from_message(message: types_pb2.LockV2) -> TeleportLock:
    """Return a lock as read. `user` is set only if the target is that user and nothing narrower."""
    metadata, spec = message.Metadata, message.Spec
    user = spec.Target.User
    return TeleportLock(
        name=metadata.Name,
        user=user if user and spec.Target == types_pb2.LockTarget(User=user) else None,
        labels=labels_of(metadata.Labels),
        message=spec.Message,
        expires=_earlier(read_time(spec, "Expires"), read_time(metadata, "Expires")),
        raw=message.SerializeToString(),
    )


def lock_from_bytes(raw: bytes) -> TeleportLock:
    """Return a lock from the bytes of its message."""
    return lock_from_message(types_pb2.LockV2.FromString(raw))


def lock_to_message(lock: TeleportLock) -> types_pb2.LockV2:
    """Return the message to send for a lock on a user, or for any lock that was read.

    A temporary lock ends by itself, and its record goes a little later, so that none is left behind.
    """
    if lock.raw is None:
        message = types_pb2.LockV2(Kind="lock", Version="v2")
        current = _NEW_LOCK
    else:
        message = types_pb2.LockV2.FromString(lock.raw)
        current = lock_from_message(message)
    metadata, spec = message.Metadata, message.Spec
    metadata.Name = lock.name
    replace_labels(metadata.Labels, lock.labels)
    if lock.user is not None and lock.user != current.user:
        spec.Target.CopyFrom(types_pb2.LockTarget(User=lock.user))
    spec.Message = lock.message
    if lock.expires != current.expires:
        write_time(spec, "Expires", lock.expires)
        write_time(metadata, "Expires", lock.expires and lock.expires + RECORD_OUTLIVES_LOCK)
    return message


def role_from_message(message: types_pb2.RoleV6) -> TeleportRole:
    """Return a role as read. What it allows is read only if it has an owner label."""
    metadata = message.Metadata
    labels = labels_of(metadata.Labels)
    return TeleportRole(
        name=metadata.Name,
        labels=labels,
        allow=None if owner_of(labels) is None else _allow(message.Spec.Allow),
        revision=metadata.Revision,
        raw=message.SerializeToString(),
    )


def role_from_bytes(raw: bytes) -> TeleportRole:
    """Return a role from the bytes of its message."""
    return role_from_message(types_pb2.RoleV6.FromString(raw))


def role_to_message(role: TeleportRole) -> types_pb2.RoleV6:
    """Return the message to send for a role. A new one is v7: an unnamed version becomes the server's newest.

    Nothing of what it allows changes where `allow` is None, and options are the server's to fill in.
    """
    if role.raw is None:
        message = types_pb2.RoleV6(Kind="role", Version="v7", Spec=types_pb2.RoleSpecV6())
    else:
        message = types_pb2.RoleV6.FromString(role.raw)
    message.Metadata.Name = role.name
    message.Metadata.Revision = role.revision
    replace_labels(message.Metadata.Labels, role.labels)
    if role.allow is not None:
        _replace_allow(message.Spec.Allow, role.allow)
    return message


def _allow(conditions: types_pb2.RoleConditions) -> RoleAllow:
    return RoleAllow(
        app_labels=_selector(conditions.AppLabels),
        group_labels=_selector(conditions.GroupLabels),
        review=tuple(conditions.ReviewRequests.Roles),
    )


def _selector(stored: wrappers_pb2.LabelValues) -> dict[str, tuple[str, ...]]:
    return {sys.intern(key): tuple(values.Values) for key, values in stored.Values.items()}


def _replace_allow(stored: types_pb2.RoleConditions, wanted: RoleAllow) -> None:
    """Change the conditions that differ. An empty one is left out: some editions refuse it even if it is empty."""
    if _selector(stored.AppLabels) != wanted.app_labels:
        _replace_strings(stored.AppLabels.Values, wanted.app_labels)
    if _selector(stored.GroupLabels) != wanted.group_labels:
        _replace_strings(stored.GroupLabels.Values, wanted.group_labels)
    if tuple(stored.ReviewRequests.Roles) != wanted.review:
        stored.ReviewRequests.Roles[:] = wanted.review
        if stored.ReviewRequests == types_pb2.AccessReviewConditions():
            stored.ClearField("ReviewRequests")


_Timed = types_pb2.Metadata | types_pb2.UserSpecV2 | types_pb2.LockSpecV2 | types_pb2.CreatedBy


def read_time(message: _Timed, field: str) -> datetime | None:
    """Return a time, or None for one that is absent or in year 1. Beyond year 9999 it is the end of that year."""
    if not message.HasField(field):  # type: ignore[arg-type]
        return None
    stamp: Timestamp = getattr(message, field)
    return time_of(stamp)


def time_of(stamp: Timestamp) -> datetime | None:
    """Return the moment of a stamp, or None for one in year 1. Beyond year 9999 it is the end of that year."""
    if stamp.seconds <= YEAR_ONE:
        return None
    if stamp.seconds > _LAST_SECOND:
        return _END_OF_TIME
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)


def write_time(message: _Timed, field: str, when: datetime | None) -> None:
    """Set a time; None removes the field, since an empty one would mean 1970."""
    if when is None:
        message.ClearField(field)  # type: ignore[arg-type]
        return
    stamp: Timestamp = getattr(message, field)
    set_stamp(stamp, when)


def set_stamp(stamp: Timestamp, when: datetime) -> None:
    """Set a stamp to a time."""
    since = when - _EPOCH
    stamp.seconds = since.days * 86_400 + since.seconds
    stamp.nanos = since.microseconds * 1000


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def labels_of(stored: Mapping[str, str]) -> dict[str, str]:
    """Return labels as read, their strings shared between objects, because there are many of each."""
    return {sys.intern(key): sys.intern(value) for key, value in stored.items()}


def replace_labels(stored: MutableMapping[str, str], wanted: Mapping[str, str]) -> None:
    """Replace the labels of a message by the wanted ones."""
    for key in [key for key in stored if key not in wanted]:
        del stored[key]
    for key, value in wanted.items():
        stored[key] = value


def _replace_strings(
    stored: MutableMapping[str, wrappers_pb2.StringValues], wanted: Mapping[str, tuple[str, ...]]
) -> None:
    for key in [key for key in stored if key not in wanted]:
        del stored[key]
    for key, values in wanted.items():
        if key in stored and tuple(stored[key].Values) == values:
            continue
        strings = stored[key].Values  # a map of protobuf creates the entry when it is read
        del strings[:]
        strings.extend(values)


def _user_expires(message: types_pb2.UserV2) -> datetime | None:
    return _earlier(read_time(message.Spec, "Expires"), read_time(message.Metadata, "Expires"))


def _connector(spec: types_pb2.UserSpecV2) -> ConnectorRef | None:
    connector = spec.CreatedBy.Connector
    return (
        ConnectorRef(sys.intern(connector.Type), sys.intern(connector.ID), connector.Identity) if connector.ID else None
    )


def _replace_connector(spec: types_pb2.UserSpecV2, current: ConnectorRef | None, wanted: ConnectorRef | None) -> None:
    """Change the connector of a user, in both places where a SAML login looks for it."""
    identities = spec.SAMLIdentities
    if current is not None and current.type == SAML and (wanted is None or wanted.id != current.id):
        for stale in [identity for identity in identities if identity.ConnectorID == current.id]:
            identities.remove(stale)
    if wanted is None:
        spec.CreatedBy.ClearField("Connector")
        return
    connector = spec.CreatedBy.Connector
    connector.Type, connector.ID, connector.Identity = wanted.type, wanted.id, wanted.identity
    if wanted.type == SAML:
        known = next((identity for identity in identities if identity.ConnectorID == wanted.id), None)
        (known or identities.add(ConnectorID=wanted.id)).Username = wanted.identity


_NEW_LOCK: Final = TeleportLock("", None)
