"""Reads what the Teleport sandbox stores as values of `teleport_okta.model`, without the product's converters.

`raw` is of a list what people alone decide (audit, requirements), of any other object the whole message.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from types import MappingProxyType

from teleport.accesslist.v1.accesslist_pb2 import MEMBERSHIP_KIND_LIST
from teleport_okta.model import labels
from teleport_okta.model.access import (
    ListOwner,
    TeleportAccessList,
    TeleportAppServer,
    TeleportMember,
    TeleportUserGroup,
)
from teleport_okta.model.teleport import RoleAllow, TeleportRole, TeleportUser

from model.holdings import Holdings


@dataclass(frozen=True, slots=True)
class StoredMember(TeleportMember):
    """A member that equals another only if nothing at all was changed."""

    message: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredList(TeleportAccessList):
    """A list that equals another only if nothing of its content was changed."""

    spec: bytes = b""


@dataclass(frozen=True)
class Live:
    """What a cluster holds, read anew at each access; the same fields as `Holdings`."""

    cluster: object
    member_of = MappingProxyType({})

    users = property(lambda self: _named(user, self.cluster.users.all_stored()))
    roles = property(lambda self: _named(role, self.cluster.roles.all_stored()))
    user_groups = property(lambda self: _named(user_group, self.cluster.user_groups.all_stored()))
    app_servers = property(lambda self: _named(app_server, self.cluster.app_servers.all_stored()))
    lists = property(lambda self: _named(access_list, self.cluster.access_lists.all_stored()))
    members = property(lambda self: {name: members(self.cluster, name) for name in self.lists})

    def snapshot(self):
        """Read all objects, to compare with later."""
        return Holdings(**{one.name: getattr(self, one.name) for one in fields(Holdings)})


def members(cluster, list_name):
    """Read the members of a list, by name."""
    return _named(member, cluster.list_members.of(list_name).all_stored())


def user(message):
    """Read a user. The end is that of the record or of the login, whichever comes first."""
    metadata, spec = message.Metadata, message.Spec
    ends = [end for end in (_end(metadata.Expires), _end(spec.Expires)) if end is not None]
    return TeleportUser(
        name=metadata.Name,
        labels=dict(metadata.Labels),
        roles=tuple(spec.Roles),
        traits={trait: tuple(some.Values) for trait, some in spec.Traits.Values.items()},
        expires=min(ends, default=None),
        raw=_bytes(message),
    )


def lock_ends(locks):
    """Return the ends (None: no end) of stored locks by what they are about: (name of the user, Okta id or empty)."""
    found = {}
    for lock in locks:
        about = lock.Spec.Target.User, lock.Metadata.Labels.get(labels.OKTA_ID, "")
        found.setdefault(about, []).append(_end(lock.Spec.Expires) if lock.Spec.HasField("Expires") else None)
    return found


def role(message):
    """Read a role."""
    allow = message.Spec.Allow
    reads = _selector(allow.AppLabels), _selector(allow.GroupLabels), tuple(allow.ReviewRequests.Roles)
    return TeleportRole(message.Metadata.Name, dict(message.Metadata.Labels), RoleAllow(*reads), raw=_bytes(message))


def user_group(message):
    """Read a user group."""
    metadata = message.Header.Metadata
    applications = tuple(message.Spec.Applications)
    return TeleportUserGroup(metadata.Name, dict(metadata.Labels), applications, raw=_bytes(message))


def app_server(message):
    """Read an app server with the labels of its app."""
    app = message.Spec.App
    return TeleportAppServer(
        name=message.Metadata.Name,
        host_id=message.Spec.HostID,
        labels={**message.Metadata.Labels, **app.Metadata.Labels},
        uri=app.Spec.URI,
        user_groups=tuple(app.Spec.UserGroups),
        expires=_end(message.Metadata.Expires),
        raw=_bytes(message),
    )


def access_list(message):
    """Read an access list."""
    spec = message.spec
    needs = spec.membership_requires
    return StoredList(
        name=message.header.metadata.name,
        title=spec.title,
        labels=dict(message.header.metadata.labels),
        owners=tuple(ListOwner(one.name, one.membership_kind == MEMBERSHIP_KIND_LIST) for one in spec.owners),
        grants=tuple(spec.grants.roles),
        owner_grants=tuple(spec.owner_grants.roles),
        has_requirements=bool(needs.traits or needs.roles),
        raw=b"|".join(_bytes(part) for part in (spec.audit, needs, spec.ownership_requires)),
        spec=_bytes(spec),
    )


def member(message):
    """Read a member of a list."""
    return StoredMember(
        name=message.header.metadata.name,
        is_list=message.spec.membership_kind == MEMBERSHIP_KIND_LIST,
        labels=dict(message.header.metadata.labels),
        expires=_end(message.spec.expires),
        message=_bytes(message),
    )


def _named(read, messages):
    return {one.name: one for one in map(read, messages)}


def _end(stamp):
    """The end that a stamp means; the year 1, as any time before 1970, stands for none."""
    return datetime.fromtimestamp(stamp.seconds, UTC) if stamp.seconds > 0 else None


def _selector(values):
    return {key: tuple(some.Values) for key, some in values.Values.items()}


def _bytes(message):
    return message.SerializeToString(deterministic=True)
