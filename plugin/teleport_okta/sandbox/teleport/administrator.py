"""Acts as the people of a cluster: its administrator, and users who log in through a SAML connector."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Final

from joserfc.jwk import KeySet
from teleport.legacy.types.types_pb2 import PASSWORD_STATE_UNSET, LockV2, MFADevice, UserV2

from .caller import Caller, CallerKind
from .cluster import JoinToken
from .connector_administrator import ConnectorAdministrator
from .kubernetes import check_service_account
from .kubernetes_join import KubernetesRules
from .list_administrator import ListAdministrator
from .metadata import check_metadata, timestamp_at
from .origin import check_origin, check_stored_origin
from .plugin_administrator import PluginAdministrator
from .resource_administrator import ResourceAdministrator
from .user_rules import complete_user

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .cluster import Cluster
    from .rotation import HostAuthority


_BY_HAND: Final = Caller(CallerKind.USER, "administrator", ("editor",), "")
_OKTA_SERVICE: Final = Caller(CallerKind.HOST, "other-host", ("Okta",), "")


class Administrator:
    """Actions of a person with `tctl` or on the web page, and logins. Permissions are not checked.

    `lists` is the part about access lists, `resources` about user groups, app servers and import rules, `connectors`
    about SAML connectors, `plugins` about plugins.
    """

    def __init__(self, cluster: Cluster, host: HostAuthority) -> None:
        self._cluster = cluster
        self._host = host
        self.lists = ListAdministrator(cluster)
        self.resources = ResourceAdministrator(cluster)
        self.connectors = ConnectorAdministrator(cluster)
        self.plugins = PluginAdministrator(cluster)

    def create_user(
        self,
        name: str,
        *,
        roles: Iterable[str] = (),
        traits: Mapping[str, Iterable[str]] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> UserV2:
        """Create a local user, as `tctl users add` does."""
        user = UserV2(Kind="user", Version="v2")
        user.Metadata.Name = name
        user.Metadata.Labels.update(labels or {})
        check_metadata(user.Metadata)
        user.Spec.Roles.extend(roles)
        _set_traits(user, traits or {})
        user.Spec.CreatedBy.User.Name = "administrator"
        user.Spec.CreatedBy.Time.CopyFrom(timestamp_at(self._cluster.now()))
        user.Status.password_state = PASSWORD_STATE_UNSET
        complete_user(user, self._cluster.mfa_devices)
        return self._cluster.users.create(user)

    def edit_user(
        self,
        name: str,
        *,
        roles: Iterable[str] | None = None,
        traits: Mapping[str, Iterable[str]] | None = None,
        labels: Mapping[str, str] | None = None,
        as_okta_service: bool = False,
    ) -> UserV2:
        """Replace roles or labels, or set single traits, of a user. KeyError if there is none.

        Raises Refusal for a user of origin okta, which cannot be edited by hand (`docs/reference/teleport-observed.md`
        5.1). With `as_okta_service` another host of system role Okta writes, and Refusal is raised for every other
        user.
        """
        stored = self.user(name)
        user = UserV2()
        user.CopyFrom(stored)
        if roles is not None:
            user.Spec.Roles[:] = roles
        if labels is not None:
            user.Metadata.Labels.clear()
            user.Metadata.Labels.update(labels)
        _set_traits(user, traits or {})
        caller = _OKTA_SERVICE if as_okta_service else _BY_HAND
        check_origin(caller, user.Metadata)
        check_stored_origin(caller, stored.Metadata, "update")
        complete_user(user, self._cluster.mfa_devices)
        return self._cluster.users.upsert(user)

    def delete_user(self, name: str) -> None:
        """Delete a user by hand, MFA devices included. KeyError if there is none."""
        self.user(name)
        self._cluster.users.delete(name)
        self._cluster.mfa_devices.pop(name, None)

    def add_mfa_device(self, name: str, device: str = "phone") -> MFADevice:
        """Register a one-time-code device for a user, so that a test can see whether the user was deleted."""
        self.user(name)
        added = MFADevice(
            kind="mfa_device", version="v1", id=str(uuid.uuid4()), added_at=timestamp_at(self._cluster.now())
        )
        added.metadata.Name = device
        added.totp.key = "sandbox"
        self._cluster.mfa_devices.setdefault(name, []).append(added)
        return added

    def mfa_devices(self, name: str) -> list[str]:
        """Return the names of a user's MFA devices."""
        return [device.metadata.Name for device in self._cluster.mfa_devices.get(name, [])]

    def create_lock(self, name: str, user: str, *, message: str = "", expires: float | None = None) -> LockV2:
        """Lock a user by hand, until a Unix time or without end."""
        lock = LockV2(Kind="lock", Version="v2")
        lock.Metadata.Name = name
        check_metadata(lock.Metadata)
        lock.Spec.Target.User = user
        lock.Spec.Message = message
        lock.Spec.CreatedBy = "administrator"
        lock.Spec.CreatedAt.CopyFrom(timestamp_at(self._cluster.now()))
        if expires is not None:
            lock.Spec.Expires.CopyFrom(timestamp_at(expires))
        return self._cluster.locks.upsert(lock)

    def delete_lock(self, name: str) -> None:
        """Remove a lock by hand. KeyError if there is none."""
        if self._cluster.locks.delete(name) is None:
            raise KeyError(name)

    def create_token(self, name: str, roles: Iterable[str], *, expires: float | None = None) -> JoinToken:
        """Make a join token for system roles, until a Unix time or without end."""
        token = JoinToken(name, tuple(roles), expires)
        self._cluster.tokens[name] = token
        return token

    def create_kubernetes_token(
        self,
        name: str,
        roles: Iterable[str],
        service_accounts: Iterable[str],
        jwks: str | None = None,
        *,
        expires: float | None = None,
    ) -> JoinToken:
        """Make a token of join method kubernetes for service accounts `namespace:name`.

        With `jwks` it is of type static_jwks and verifies with those keys (such as `cluster.kubernetes.jwks`). Without,
        it is of type in_cluster and asks Kubernetes. ValueError for an account of another form, or invalid keys.
        """
        accounts = tuple(service_accounts)
        for account in accounts:
            check_service_account(account)
        if jwks is not None:
            KeySet.import_key_set(json.loads(jwks))
        token = JoinToken(name, tuple(roles), expires, KubernetesRules(accounts, jwks))
        self._cluster.tokens[name] = token
        return token

    def revoke_token(self, name: str) -> None:
        """Remove a join token. KeyError if there is none."""
        del self._cluster.tokens[name]

    def rotate(self, phase: str, *, refuse_new_for: float = 0.0) -> None:
        """Take the host CA to a phase of its rotation, as `tctl auth rotate --manual --type=host --phase=…` does.

        For `refuse_new_for` seconds the server refuses certificates of the new keys, as a real server does until it has
        read its CAs again (up to a minute). Raises Refusal if the phase does not follow the current one.
        """
        self._host.turn_to(phase, refuse_new_for)

    def sso_login(
        self,
        name: str,
        *,
        connector: str = "okta",
        roles: Iterable[str] = (),
        groups: Iterable[str] = (),
        merge: bool = True,
        session: float = 12 * 3600.0,
    ) -> UserV2:
        """Log a user in through a SAML connector, and return the user afterwards.

        With `merge` the login keeps labels and expiry, and adds the connector's roles and the traits `username` and
        `groups`. Otherwise, or for a new user, it writes a new record: no labels, only the connector's roles, an expiry
        after `session` seconds. Real servers were seen to do both (`docs/reference/teleport.md` 4.2,
        `docs/reference/teleport-observed.md` 3). MFA devices stay in both cases.

        Raises PermissionError, because the login fails, if the name belongs to a user of another connector.
        """
        stored = self._cluster.users.stored(name)
        if stored is not None:
            ref = stored.Spec.CreatedBy.Connector
            if (ref.Type, ref.ID) != ("saml", connector):
                raise PermissionError(
                    f"local user {name!r} already exists and is not a user of connector {connector!r}"
                )
        user = UserV2(Kind="user", Version="v2")
        if merge and stored is not None:
            user.CopyFrom(stored)
        else:
            expiry = timestamp_at(self._cluster.now() + session)
            user.Metadata.Name = name
            user.Metadata.Expires.CopyFrom(expiry)
            user.Spec.Expires.CopyFrom(expiry)
            if stored is not None:
                user.Status.CopyFrom(stored.Status)
        check_metadata(user.Metadata)
        held = set(user.Spec.Roles)
        user.Spec.Roles.extend(role for role in roles if role not in held)
        _set_traits(user, {"username": [name], "groups": groups})
        user.Spec.ClearField("SAMLIdentities")
        user.Spec.SAMLIdentities.add(ConnectorID=connector, Username=name)
        created = user.Spec.CreatedBy
        created.Connector.Type, created.Connector.ID, created.Connector.Identity = "saml", connector, name
        created.User.Name = created.User.Name or "system"
        if not created.HasField("Time"):
            created.Time.CopyFrom(timestamp_at(self._cluster.now()))
        complete_user(user, self._cluster.mfa_devices)
        return self._cluster.users.upsert(user)

    def user(self, name: str) -> UserV2:
        """Return a user as stored. KeyError if there is none."""
        user = self._cluster.users.stored(name)
        if user is None:
            raise KeyError(name)
        return user


def _set_traits(user: UserV2, traits: Mapping[str, Iterable[str]]) -> None:
    for trait, values in traits.items():
        user.Spec.Traits.Values[trait].Values[:] = list(values)
