"""The events of access to the API: tokens, service apps, the role, the rate limits (`docs/reference/okta.md` 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.log_groups import ALL_REVOKED
from teleport_okta.sandbox.okta.log_targets import (
    UNKNOWN,
    app_target,
    client_target,
    mark_target,
    token_target,
    user_target,
)
from teleport_okta.sandbox.okta.log_transactions import Target

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from teleport_okta.sandbox.okta.apps import Apps
    from teleport_okta.sandbox.okta.log_recorder import Recorder
    from teleport_okta.sandbox.okta.tokens import ApiToken, OAuthClient, Tokens
    from teleport_okta.sandbox.okta.users import Users

_ROLE = Target("ReadOnlyAdmin", "ROLE", UNKNOWN, "Read-only Administrator")


class AccessEvents:
    """Writes the events of credentials and permissions for the API."""

    def __init__(self, recorder: Recorder, *, users: Users, apps: Apps, tokens: Tokens) -> None:
        self._recorder = recorder
        self._users = users
        self._apps = apps
        self._tokens = tokens

    def token_revoked(self, token: ApiToken) -> None:
        """Write that an SSWS token was revoked. A revoked access token has no event."""
        self._recorder.write("system.api_token.revoke", token_target(token))

    def key_removed(self, client: OAuthClient, kid: str) -> None:
        """Write that a service app lost a key: a key is deactivated before it is deleted."""
        key = Target(kid, "JWK", UNKNOWN, kid)
        for verb in ("deactivate", "delete"):
            self._recorder.write(f"app.oauth2.credentials.lifecycle.{verb}", *self._client(client), key)

    def scopes_changed(self, client: OAuthClient, before: AbstractSet[str]) -> None:
        """Write the scopes that a service app was granted, and those that it lost."""
        for verb, scopes in (("grant", client.scopes - before), ("revoke", before - client.scopes)):
            for scope in sorted(scopes):
                target = Target(scope, "OAuth2Scope", UNKNOWN, scope)
                self._recorder.write(f"app.oauth2.admin.consent.{verb}", *self._client(client), target)

    def role_changed(self, *, widened: bool, nothing_left: bool) -> None:
        """Write that the role of the integration changed: for every owner of a token, and for every service app.

        Okta calls it a grant while a permission is left (`docs/reference/okta.md` 12.2).
        """
        if nothing_left:
            verb, change = "revoke", ALL_REVOKED
        elif widened:
            verb, change = "grant", mark_target("ROLE_ASSIGNED", "Role Assigned")
        else:
            verb, change = "grant", mark_target("ROLE_UNASSIGNED", "Role Unassigned")
        for owner_id in self._tokens.owners:
            owner = self._users.all.get(owner_id)
            if owner is not None:
                self._recorder.write(f"user.account.privilege.{verb}", user_target(owner), change, _ROLE)
        for client in self._tokens.clients.values():
            self._recorder.write(f"app.oauth2.client.privilege.{verb}", *self._client(client), change, _ROLE)

    def share_changed(self) -> None:
        """Write that the share of the rate limits changed: of every service app, and in general."""
        for client in self._tokens.clients.values():
            app = self._apps.all.get(client.id)
            if app is not None:
                self._recorder.write("application.configuration.update_rate_limits", app_target(app))
        self._recorder.write("system.rate_limit.configuration.update")

    def _client(self, client: OAuthClient) -> tuple[Target, ...]:
        app = self._apps.all.get(client.id)
        return () if app is None else (client_target(app),)
