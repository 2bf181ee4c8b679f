"""Who is calling: SSWS tokens and access tokens of OAuth clients (reference/okta.md 1.1 and 1.2)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, RSAKey

from teleport_okta.sandbox.okta.errors import OktaError, refusal
from teleport_okta.sandbox.okta.users import DEPROVISIONED, Users

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.roles import AdminRole
    from teleport_okta.sandbox.okta.timeline import Timeline

SCOPES = frozenset(
    f"okta.{kind}.{right}"
    for kind in ("users", "groups", "apps", "eventHooks", "roles")
    for right in ("read", "manage")
) | {"okta.logs.read", "okta.orgs.read", "okta.principalRateLimits.read"}
"""Every scope that the organisation knows (reference/okta.md 1.3)."""

UNUSED_LIFETIME = 30 * 24 * 3600
"""Seconds after which an SSWS token that nobody used is dead."""

ACCESS_TOKEN_LIFETIME = 3600
"""Seconds an access token is good for."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a call is made for. `scopes` is ``None`` for an SSWS token, which needs none."""

    id: str
    role: AdminRole
    user_id: str | None = None
    scopes: frozenset[str] | None = None


@dataclass(slots=True)
class ApiToken:
    """An SSWS token; it acts as the user who made it."""

    id: str
    owner_id: str
    role: AdminRole
    last_used: float


@dataclass(slots=True)
class OAuthClient:
    """A service app: keys by ``kid``, and the scopes granted to it."""

    id: str
    role: AdminRole
    keys: dict[str, RSAKey | ECKey] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))

    def add_key(self, kid: str, key: PublicKey) -> None:
        """Register a public key, RSA or EC."""
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.keys[kid] = RSAKey.import_key(pem) if isinstance(key, RSAPublicKey) else ECKey.import_key(pem)


@dataclass(frozen=True, slots=True)
class _AccessToken:
    client_id: str
    scopes: frozenset[str]
    expires: float


class Tokens:
    """All credentials that the organisation accepts."""

    def __init__(self, timeline: Timeline, ids: IdFactory, rng: random.Random, users: Users) -> None:
        self.clients: dict[str, OAuthClient] = {}
        self._timeline = timeline
        self._ids = ids
        self._rng = rng
        self._users = users
        self._ssws: dict[str, ApiToken] = {}
        self._access: dict[str, _AccessToken] = {}

    def create_ssws(self, owner_id: str, role: AdminRole) -> str:
        """Make an SSWS token for an admin user and return its secret."""
        secret = "00" + self._ids.secret(40)
        self._ssws[secret] = ApiToken(self._ids.object("00T"), owner_id, role, self._timeline.now())
        return secret

    def issue(self, client: OAuthClient, scopes: frozenset[str], base: str) -> str:
        """Make an access token for a client.

        It has the form of a JWT, but is Okta's own business: nobody outside can check its signature, which is noise.
        """
        now = self._timeline.stamp()
        claims = {
            "ver": 1,
            "jti": "AT." + self._ids.secret(43),
            "iss": base,
            "aud": base,
            "sub": client.id,
            "iat": now,
            "exp": now + ACCESS_TOKEN_LIFETIME,
            "cid": client.id,
            "scp": sorted(scopes),
        }
        header = {"kid": self._ids.secret(43), "typ": "application/okta-internal-at+jwt", "alg": "RS256"}
        token = f"{_part(header)}.{_part(claims)}.{_encode(self._rng.randbytes(256))}"
        self._access[token] = _AccessToken(client.id, scopes, now + ACCESS_TOKEN_LIFETIME)
        return token

    def revoke(self, secret: str) -> bool:
        """Revoke a token of either kind; returns whether there was one."""
        return self._ssws.pop(secret, None) is not None or self._access.pop(secret, None) is not None

    def revoke_all(self) -> None:
        """Revoke every token. A client can ask for a new one; an SSWS token is gone."""
        self._ssws.clear()
        self._access.clear()

    def principal(self, headers: Mapping[str, str]) -> Principal:
        """Return who is calling, or raise what :func:`unauthorised` says."""
        kind, _, secret = headers.get("Authorization", "").partition(" ")
        if kind.lower() == "ssws":
            return self._ssws_principal(secret.strip())
        if kind.lower() == "bearer":
            return self._client_principal(secret.strip())
        raise unauthorised(headers)

    def _ssws_principal(self, secret: str) -> Principal:
        token = self._ssws.get(secret)
        now = self._timeline.now()
        owner = self._users.all.get(token.owner_id) if token else None
        if token is None or owner is None or owner.status == DEPROVISIONED or now - token.last_used > UNUSED_LIFETIME:
            raise refusal("E0000011")
        token.last_used = now
        return Principal(token.id, token.role, user_id=owner.id)

    def _client_principal(self, secret: str) -> Principal:
        token = self._access.get(secret)
        client = self.clients.get(token.client_id) if token else None
        if token is None or client is None or token.expires <= self._timeline.now():
            raise refusal("E0000011")
        return Principal(client.id, client.role, scopes=token.scopes)


def unauthorised(headers: Mapping[str, str]) -> OktaError:
    """Return the refusal of a call that its headers let nobody in for: a bad token, or none at all."""
    kind = headers.get("Authorization", "").partition(" ")[0].lower()
    return refusal("E0000011" if kind in {"ssws", "bearer"} else "E0000005")


def _part(value: object) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
