"""The cluster's state: one store for each kind, the join tokens, and permissions. No network, no threads."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from teleport.accesslist.v1.accesslist_pb2 import AccessList, Review
from teleport.legacy.types.types_pb2 import (
    AppServerV3,
    LockV2,
    MFADevice,
    OktaImportRuleV1,
    PluginStaticCredentialsV1,
    PluginV1,
    RoleV6,
    SAMLConnectorV2,
    SemaphoreV3,
    UserGroupV1,
    UserV2,
)

from .access import OKTA_SERVICE, Access, RuleSet, rules_of
from .audit_log import AuditLog
from .caller import Caller, CallerKind
from .edition import Edition, Entitlement
from .kubernetes import PretendKubernetes
from .lists.member_stores import MEMBER_KIND, MemberStores
from .lock_storage import LockStorage
from .metadata import seconds_of
from .refusal import access_denied, not_found, quoted
from .saml.download import http_fetch
from .store import Kind, KindWithin, Lag, M, Store
from .versions import Defect, Feature, has, major_of, suffers
from .watch_hub import WatchHub

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .kubernetes_join import KubernetesRules
    from .saml.download import Fetch

DEFAULT_VERSION: Final = "18.1.3"
DEFAULT_CLUSTER: Final = "sandbox.teleport.test"


class _UserKind(Kind[UserV2]):
    """Users expire at `metadata.expires`, or else at `spec.expires`."""

    def expires_at(self, message: UserV2) -> float | None:
        """Return the first of the two that is set."""
        expiry = super().expires_at(message)
        if expiry is None and message.Spec.HasField("Expires"):
            expiry = seconds_of(message.Spec.Expires)
        return expiry


class _AppServerKind(KindWithin[AppServerV3]):
    """App servers are kept by host and name; their events carry no revision (`docs/reference/teleport.md` 4.12)."""

    def as_event(self, message: AppServerV3) -> AppServerV3:
        """Return the server without its revision: listings show one only after a start of the auth server."""
        seen = AppServerV3()
        seen.CopyFrom(message)
        seen.Metadata.ClearField("Revision")
        return seen


USER: Final = _UserKind("user", "/web/users/", lambda user: user.Metadata, suffix="/params")
ROLE: Final = Kind[RoleV6]("role", "/roles/", lambda role: role.Metadata, suffix="/params")
LOCK: Final = Kind[LockV2]("lock", "/locks/", lambda lock: lock.Metadata)
ACCESS_LIST: Final = Kind[AccessList]("access_list", "/access_list/", lambda access_list: access_list.header.metadata)
LIST_REVIEW: Final = KindWithin[Review](
    "access_list_review",
    "/access_list_review/",
    lambda review: review.header.metadata,
    above=lambda review: review.spec.access_list,
)
PLUGIN: Final = Kind[PluginV1]("plugin", "/plugins/", lambda plugin: plugin.metadata)
PLUGIN_CREDENTIALS: Final = Kind[PluginStaticCredentialsV1](
    "plugin_static_credentials", "/plugin_static_credentials/", lambda credentials: credentials.Header.Metadata
)
IMPORT_RULE: Final = Kind[OktaImportRuleV1]("okta_import_rule", "/okta_import_rule/", lambda rule: rule.Header.Metadata)
USER_GROUP: Final = Kind[UserGroupV1]("user_group", "/user_group/", lambda group: group.Header.Metadata)
APP_SERVER: Final = _AppServerKind(
    "app_server", "/appServers/default/", lambda server: server.Metadata, above=lambda server: server.Spec.HostID
)
SAML_CONNECTOR: Final = Kind[SAMLConnectorV2]("saml", "/web/connectors/saml/connectors/", lambda saml: saml.Metadata)


@dataclass(frozen=True, slots=True)
class ListingLag:
    """The delay of listings after writes, for each kind. All zero by default.

    See `docs/reference/teleport-observed.md` 1.4 and 2.
    """

    default: Lag = field(default_factory=Lag)
    locks: Lag = field(default_factory=Lag)

    @classmethod
    def observed(cls) -> ListingLag:
        """Return the delays that were measured on SQLite. Locks are enforced a little before listings show users."""
        return cls(default=Lag(put=0.5, delete=1.0), locks=Lag(put=0.4, delete=1.0))


@dataclass(slots=True)
class JoinToken:
    """A join token: the system roles that may join, and its end (Unix seconds; None: no end).

    Its join method is `kubernetes` if it has rules for that, else `token`: then its name is the secret.
    """

    name: str
    roles: tuple[str, ...]
    expires: float | None = None
    kubernetes: KubernetesRules | None = None


@dataclass(slots=True)
class Cluster:
    """The state of the auth server, a Kubernetes cluster that it can ask, and the download of SAML metadata.

    `now` returns Unix seconds, for expiry, locks, the lag of listings, and stored times. With a `public_member_cache`
    members are listed as the public 18.0.0 lists them (`docs/reference/teleport-observed.md` 5.2). With
    `omits_broken_connectors` a listing of SAML connectors leaves out those whose metadata cannot be read, as the public
    source does; otherwise it fails. Raises ValueError for an invalid version.
    """

    name: str = DEFAULT_CLUSTER
    edition: Edition = Edition.ENTERPRISE
    version: str = DEFAULT_VERSION
    now: Callable[[], float] = time.time
    lag: ListingLag = ListingLag()
    public_member_cache: bool = False
    fetch_metadata: Fetch = field(default_factory=http_fetch)
    omits_broken_connectors: bool = False
    proxy_address: str = ""
    """The address of the proxy for clients, host:port; empty while there is none."""

    audit_log: AuditLog = field(default_factory=AuditLog)
    tokens: dict[str, JoinToken] = field(default_factory=dict)
    mfa_devices: dict[str, list[MFADevice]] = field(default_factory=dict)
    semaphores: dict[tuple[str, str], SemaphoreV3] = field(default_factory=dict)
    kubernetes: PretendKubernetes = field(init=False)
    watches: WatchHub = field(init=False)
    users: Store[UserV2] = field(init=False)
    roles: Store[RoleV6] = field(init=False)
    locks: Store[LockV2] = field(init=False)
    entitlements: dict[str, Entitlement] = field(init=False)
    access_lists: Store[AccessList] = field(init=False)
    list_members: MemberStores = field(init=False)
    list_reviews: Store[Review] = field(init=False)
    user_groups: Store[UserGroupV1] = field(init=False)
    app_servers: Store[AppServerV3] = field(init=False)
    import_rules: Store[OktaImportRuleV1] = field(init=False)
    saml_connectors: Store[SAMLConnectorV2] = field(init=False)
    plugins: Store[PluginV1] = field(init=False)
    plugin_credentials: Store[PluginStaticCredentialsV1] = field(init=False)
    stores: dict[str, Store[Any]] = field(init=False, default_factory=dict)
    _lock_storage: LockStorage = field(init=False)
    _rules: dict[str, tuple[str, RuleSet]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        major_of(self.version)
        self.kubernetes = PretendKubernetes(self.now)
        self.watches = WatchHub(self.now)
        self.users = self.store(USER)
        self.roles = self.store(ROLE)
        self.locks = self.store(LOCK, self.lag.locks)
        self.entitlements = self.edition.entitlements()
        self.access_lists = self.store(ACCESS_LIST)
        self.list_members = MemberStores(self.now, self.lag.default, self.watches)
        self.list_reviews = self.store(LIST_REVIEW)
        self.user_groups = self.store(USER_GROUP)
        self.app_servers = self.store(APP_SERVER)
        self.import_rules = self.store(IMPORT_RULE)
        # The server does not cache these kinds: they are read from the backend, without a lag.
        self.saml_connectors = self.store(SAML_CONNECTOR, Lag())
        self.plugins = self.store(PLUGIN, Lag())
        self.plugin_credentials = self.store(PLUGIN_CREDENTIALS, Lag())
        self._lock_storage = LockStorage(self.locks)

    def has(self, feature: Feature) -> bool:
        """Return whether a server of this version has the feature."""
        return has(self.version, feature)

    def suffers(self, defect: Defect) -> bool:
        """Return whether a server of this version has the defect."""
        return suffers(self.version, defect)

    def store(self, kind: Kind[M], lag: Lag | None = None) -> Store[M]:
        """Return the store of a kind, made on first use."""
        if kind.name not in self.stores:
            store = Store(kind, self.now, self.lag.default if lag is None else lag, self.watches)
            self.stores[kind.name] = store
        return self.stores[kind.name]

    def reload_caches(self) -> None:
        """Read every kind from the backend again, as a server does at its start. Watches must have ended."""
        for store in self.stores.values():
            store.reload_cache()
        self.list_members.reload_cache()
        self.watches.reset()

    def license(self, entitlements: Mapping[str, Entitlement]) -> None:
        """Change the entitlements of the licence. ValueError for a name that Teleport does not have."""
        unknown = sorted(set(entitlements) - set(self.entitlements))
        if unknown:
            raise ValueError(f"there is no entitlement {', '.join(unknown)}")
        self.entitlements.update(entitlements)

    def caches(self, kind: str) -> Store[Any] | MemberStores:
        """Return the store of a kind. KeyError if there is no such kind."""
        return self.list_members if kind == MEMBER_KIND else self.stores[kind]

    def authorize(self, caller: Caller) -> Access:
        """Return the permissions of the caller. Raises Refusal if the caller has no user record, or is locked.

        The texts are those of `docs/reference/teleport.md` 1.7.
        """
        sets: list[RuleSet] = []
        if caller.kind is CallerKind.USER:
            if self.users.get(caller.name) is None:
                raise not_found(f'access denied\n\t"user" {quoted(caller.name)} does not exist')
            sets = [self._rules_of_role(name) for name in caller.roles]
        elif caller.is_okta_service:
            sets = [OKTA_SERVICE]
        if self._lock_storage.in_force_against(caller, self.now()):
            raise access_denied()
        return Access(sets)

    def _rules_of_role(self, name: str) -> RuleSet:
        role = self.roles.get(name)
        if role is None:
            raise not_found(f"access denied\n\trole {name} is not found")
        known = self._rules.get(name)
        if known is None or known[0] != role.Metadata.Revision:
            known = self._rules[name] = (role.Metadata.Revision, rules_of(role))
        return known[1]
