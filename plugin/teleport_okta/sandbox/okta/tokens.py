"""Authentication: SSWS tokens and access tokens of OAuth clients (`docs/reference/okta.md` 1.1, 1.2 and 1.6)."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import ECKey, RSAKey

from teleport_okta.sandbox.okta.apps import ACTIVE, App
from teleport_okta.sandbox.okta.dpop import Proofs, invalid_proof
from teleport_okta.sandbox.okta.error_bodies import OktaError, refusal
from teleport_okta.sandbox.okta.users import DEPROVISIONED, Users

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping

    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.messages import Request
    from teleport_okta.sandbox.okta.roles import AdminRole
    from teleport_okta.sandbox.okta.timeline import Timeline

SCOPES = frozenset(
    f"okta.{kind}.{right}"
    for kind in ("users", "groups", "apps", "eventHooks", "roles")
    for right in ("read", "manage")
) | {
    "okta.apiTokens.read",
    "okta.devices.read",
    "okta.logs.read",
    "okta.orgs.read",
    "okta.principalRateLimits.read",
}
"""All scopes of the organisation (`docs/reference/okta.md` 1.3)."""

UNUSED_LIFETIME = 30 * 24 * 3600
"""Seconds without use after which an SSWS token expires."""

ACCESS_TOKEN_LIFETIME = 3600
"""The lifetime of an access token, in seconds."""

PublicKey = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Principal:
    """The principal of a call. `scopes` is ``None`` for an SSWS token, which needs none."""

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
    name: str = "teleport-okta"


@dataclass(slots=True)
class OAuthClient:
    """A service app: keys by ``kid``, and the scopes granted to it."""

    id: str
    role: AdminRole
    keys: dict[str, RSAKey | ECKey] = field(default_factory=dict)
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    require_dpop: bool = False
    """Whether its token requests need a DPoP proof; new apps may have this (`docs/reference/okta.md` 1.6)."""

    active: bool = True
    """Whether its app is active; otherwise it gets no tokens, and issued ones are refused."""

    def grant(self, scopes: Iterable[str]) -> None:
        """Grant these scopes, and no others. Raises ``ValueError`` for one that does not exist."""
        wanted = set(scopes)
        unknown = wanted - SCOPES
        if unknown:
            raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
        self.scopes = wanted

    def add_key(self, kid: str, key: PublicKey) -> None:
        """Register a public key, RSA or EC."""
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.keys[kid] = RSAKey.import_key(pem) if isinstance(key, RSAPublicKey) else ECKey.import_key(pem)


@dataclass(frozen=True, slots=True)
class _AccessToken:
    client_id: str
    scopes: frozenset[str]
    expires: float
    thumbprint: str | None
    """The thumbprint of the key to which the token is bound; ``None`` for a bearer token."""


class Tokens:
    """All credentials that the organisation accepts."""

    def __init__(self, timeline: Timeline, ids: IdFactory, rng: random.Random, *, users: Users, proofs: Proofs) -> None:
        self.clients: dict[str, OAuthClient] = {}
        self._timeline = timeline
        self._ids = ids
        self._rng = rng
        self._users = users
        self._proofs = proofs
        self._ssws: dict[str, ApiToken] = {}
        self._access: dict[str, _AccessToken] = {}
        self._watchers: list[Callable[[ApiToken], None]] = []

    def watch(self, watcher: Callable[[ApiToken], None]) -> None:
        """Call `watcher` for every SSWS token that is revoked."""
        self._watchers.append(watcher)

    @property
    def owners(self) -> list[str]:
        """The ids of the users who own SSWS tokens, each once."""
        return list(dict.fromkeys(token.owner_id for token in self._ssws.values()))

    @property
    def api_tokens(self) -> list[ApiToken]:
        """The SSWS tokens, without their secrets."""
        return list(self._ssws.values())

    def app_changed(self, before: App | None, after: App | None) -> None:
        """Update an OAuth client after a change of its app: without an active one it gets no tokens."""
        app = after or before
        client = self.clients.get(app.id) if app is not None else None
        if client is None:
            return
        client.active = after is not None and after.status == ACTIVE
        if after is None:
            del self.clients[client.id]

    def create_ssws(self, owner_id: str, role: AdminRole) -> str:
        """Make an SSWS token for an admin user and return its secret."""
        secret = "00" + self._ids.secret(40)
        self._ssws[secret] = ApiToken(self._ids.object("00T"), owner_id, role, self._timeline.now())
        return secret

    def issue(self, client: OAuthClient, scopes: frozenset[str], base: str, thumbprint: str | None = None) -> str:
        """Make an access token for a client, bound to the key of this thumbprint if there is one.

        It has the form of a JWT, but only Okta can verify it. Its signature is random.
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
        } | ({"cnf": {"jkt": thumbprint}} if thumbprint else {})
        header = {"kid": self._ids.secret(43), "typ": "application/okta-internal-at+jwt", "alg": "RS256"}
        token = f"{_part(header)}.{_part(claims)}.{_encode(self._rng.randbytes(256))}"
        self._access[token] = _AccessToken(client.id, scopes, now + ACCESS_TOKEN_LIFETIME, thumbprint)
        return token

    def revoke(self, secret: str) -> bool:
        """Revoke a token of either kind; returns whether there was one."""
        token = self._ssws.pop(secret, None)
        if token is None:
            return self._access.pop(secret, None) is not None
        for watcher in self._watchers:
            watcher(token)
        return True

    def revoke_all(self) -> None:
        """Revoke every token. A client can request a new one; SSWS tokens cannot be replaced."""
        for secret in (*self._ssws, *self._access):
            self.revoke(secret)

    def principal(self, request: Request) -> Principal:
        """Return the principal of a call.

        Raises the error of :func:`unauthorised`, and :class:`OAuthFailure` for an invalid DPoP proof.
        """
        kind, secret = credentials(request.headers)
        match kind:
            case "ssws":
                return self._ssws_principal(secret)
            case "bearer":
                return self._bearer(secret)
            case "dpop":
                return self._possessor(secret, request)
            case _:
                raise unauthorised(request.headers)

    def _ssws_principal(self, secret: str) -> Principal:
        token = self._ssws.get(secret)
        now = self._timeline.now()
        owner = self._users.all.get(token.owner_id) if token else None
        if token is None or owner is None or owner.status == DEPROVISIONED or now - token.last_used > UNUSED_LIFETIME:
            raise refusal("E0000011")
        token.last_used = now
        return Principal(token.id, token.role, user_id=owner.id)

    def _bearer(self, secret: str) -> Principal:
        """Return the client of a bearer token. A bound token is refused (RFC 9449 section 7.1)."""
        token, principal = self._issued(secret)
        if token.thumbprint is not None:
            raise refusal("E0000011")
        return principal

    def _possessor(self, secret: str, request: Request) -> Principal:
        """Return the client of a bound token, after a check of the proof."""
        token, principal = self._issued(secret)
        if token.thumbprint is None:
            raise refusal("E0000011")
        if self._proofs.for_access(request, secret) != token.thumbprint:
            raise invalid_proof("The DPoP proof JWT is not signed with the key that the access token is bound to.")
        return principal

    def _issued(self, secret: str) -> tuple[_AccessToken, Principal]:
        token = self._access.get(secret)
        client = self.clients.get(token.client_id) if token else None
        if token is None or client is None or not client.active or token.expires <= self._timeline.now():
            raise refusal("E0000011")
        return token, Principal(client.id, client.role, scopes=token.scopes)


def credentials(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return scheme (in lower case) and secret of the ``Authorization`` header; both empty if there is none.

    Okta needs no space after ``SSWS``: version 3 of its own Python SDK sends none.
    """
    value = headers.get("Authorization", "")
    if value[:4].lower() == "ssws":
        return "ssws", value[4:].strip()
    kind, _, secret = value.partition(" ")
    return kind.lower(), secret.strip()


def unauthorised(headers: Mapping[str, str]) -> OktaError:
    """Return the refusal of a call with an invalid token, or without one."""
    kind, _ = credentials(headers)
    return refusal("E0000011" if kind in {"ssws", "bearer", "dpop"} else "E0000005")


def _part(value: object) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
