"""The part of the admin console for access to the API: tokens, service apps, the role, the rate limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_kinds import OPENID_CONNECT
from teleport_okta.sandbox.okta.error_bodies import not_found
from teleport_okta.sandbox.okta.log_transactions import by_administrator
from teleport_okta.sandbox.okta.tokens import OAuthClient, PublicKey, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from teleport_okta.sandbox.okta.apps import Apps
    from teleport_okta.sandbox.okta.log_access import AccessEvents
    from teleport_okta.sandbox.okta.rate_limits import RateLimiter
    from teleport_okta.sandbox.okta.roles import AdminRole


class AccessConsole:
    """The administrator's actions on credentials and rights; a base class of the organisation, which has the state."""

    apps: Apps
    tokens: Tokens
    role: AdminRole
    limiter: RateLimiter
    access_events: AccessEvents

    @by_administrator
    def add_client(
        self, key: PublicKey, kid: str, *, label: str = "teleport-okta", require_dpop: bool = False
    ) -> OAuthClient:
        """Add a service app that signs its assertions with `key` (RSA or EC), with all scopes granted."""
        app = self.apps.create({"label": label, "signOnMode": OPENID_CONNECT})
        client = self.tokens.clients[app.id] = OAuthClient(app.id, self.role)
        client.add_key(kid, key)
        return self.configure_client(client.id, require_dpop=require_dpop)

    def client(self, client_id: str) -> OAuthClient:
        """Return a service app as an OAuth client."""
        client = self.tokens.clients.get(client_id)
        if client is None:
            raise not_found(client_id, "PublicClientApp")
        return client

    @by_administrator
    def configure_client(
        self, client_id: str, *, require_dpop: bool | None = None, scopes: Iterable[str] | None = None
    ) -> OAuthClient:
        """Change whether a service app needs DPoP, or its granted scopes; ``None`` leaves it as it is.

        Issued tokens stay as they are. Raises ``ValueError`` for a scope that does not exist.
        """
        client = self.client(client_id)
        if scopes is not None:
            before = frozenset(client.scopes)
            client.grant(scopes)
            self.access_events.scopes_changed(client, before)
        if require_dpop is not None:
            client.require_dpop = require_dpop
            self.apps.bind_tokens(self.apps.require(client_id), bound=require_dpop)
        return client

    @by_administrator
    def remove_client_key(self, client_id: str, kid: str) -> None:
        """Remove a key of a service app, which can then sign no assertion with it. Issued tokens stay valid."""
        client = self.client(client_id)
        if client.keys.pop(kid, None) is None:
            raise not_found(kid, "JsonWebKey")
        self.access_events.key_removed(client, kid)

    @by_administrator
    def revoke_token(self, token: str | None = None) -> None:
        """Revoke one token, or all of them: calls with it are refused from now on."""
        if token is None:
            self.tokens.revoke_all()
        else:
            self.tokens.revoke(token)

    @by_administrator
    def narrow_role(self, *, without: Iterable[str] = (), hide: Iterable[str] = (), only: Iterable[str] = ()) -> None:
        """Narrow the role of the integration, which its tokens and clients share.

        `without` names permissions; calls that need them get 403. Listings silently omit the ids in `hide`, and with
        `only` everything else of those kinds.
        """
        before = self.role.extent
        self.role.deny(without)
        self.role.hide(hide)
        kept = tuple(only)
        if kept:
            self.role.keep_only(kept)
        if self.role.extent != before:
            self.access_events.role_changed(widened=False, nothing_left=not self.role.permissions)

    @by_administrator
    def restore_role(self) -> None:
        """Give the integration's role all permissions over everything again."""
        before = self.role.extent
        self.role.restore()
        if self.role.extent != before:
            self.access_events.role_changed(widened=True, nothing_left=False)

    @by_administrator
    def set_share(self, percent: int) -> None:
        """Set the share of every rate limit for one token or client, in percent."""
        if percent != self.limiter.share:
            self.limiter.share = percent
            self.access_events.share_changed()
