"""An OAuth client of the small organisation: its assertions, its DPoP proofs, and its calls."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import count
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import ECKey, RSAKey
from rsa_key import RSA_KEY
from teleport_okta.sandbox.okta.messages import Request
from teleport_okta.sandbox.okta.oauth import ASSERTION_TYPE, PATH
from unit.sandbox_okta.sandbox_okta_world import BASE

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.gateway import Response
    from unit.sandbox_okta.sandbox_okta_world import World

EC_KEY = ec.generate_private_key(ec.SECP256R1())
# Not by way of PEM: reading an RSA key checks it, which takes 50 ms.
EC_JWK, RSA_JWK = ECKey.import_key(EC_KEY), RSAKey.import_key(RSA_KEY)
PROOF_KEY = ECKey.generate_key("P-256", private=True)
SCOPE = "okta.users.read"


class Client:
    """A service app with an RSA key `r` and an EC key `e`, which proves possession of PROOF_KEY."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = world.org.add_client(RSA_KEY.public_key(), "r")
        self.client.add_key("e", EC_KEY.public_key())
        self._numbers = count()

    @property
    def now(self) -> int:
        return int(self.world.now)

    def assertion(self, kid: str = "r", **claims: object) -> str:
        jwk, algorithm = (EC_JWK, "ES256") if kid == "e" else (RSA_JWK, "RS256")
        standard = {"iss": self.client.id, "sub": self.client.id, "aud": BASE + PATH, "exp": self.now + 900}
        return jws.serialize_compact({"alg": algorithm, "kid": kid}, json.dumps(standard | claims), jwk)

    def request(self, assertion: str | None = None, **fields: str) -> Response:
        """Ask for a token; `proof` is the DPoP header, every other field belongs to the form."""
        proof = fields.pop("proof", None)
        form = {
            "grant_type": "client_credentials",
            "scope": SCOPE,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion() if assertion is None else assertion,
        }
        request = self.world.request("POST", PATH, Content_Type="application/x-www-form-urlencoded")
        if proof is not None:
            request.headers["DPoP"] = proof
        body = urlencode(form | fields).encode()
        return self.world.gateway.answer(Request("POST", PATH, request.headers, body, BASE))

    def ask(self, assertion: str | None = None, **fields: str) -> tuple[int, dict[str, object]]:
        response = self.request(assertion, **fields)
        return response.status, response.json()

    def use(self, scope: str) -> None:
        """Call with a token of this scope from now on."""
        _, answer = self.ask(scope=scope)
        self.world.authorization = f"Bearer {answer['access_token']}"

    def proof(
        self, method: str = "POST", path: str = PATH, *, key: ECKey | RSAKey = PROOF_KEY, **claims: object
    ) -> str:
        """Make a proof that is right but for `claims`; a claim of ``None`` is left out."""
        standard = {"htm": method, "htu": BASE + path, "iat": self.now, "jti": f"proof-{next(self._numbers)}"}
        kept = {name: value for name, value in (standard | claims).items() if value is not None}
        algorithm = "ES256" if isinstance(key, ECKey) else "RS256"
        header = {"typ": "dpop+jwt", "alg": algorithm, "jwk": key.as_dict(private=False)}
        return jws.serialize_compact(header, json.dumps(kept), key)

    def nonce(self) -> str:
        """Learn the nonce of the day, as a client does it."""
        return self.request(proof=self.proof()).headers["dpop-nonce"]

    def bound_token(self) -> str:
        """Go through the nonce dance and return the token."""
        status, answer = self.ask(proof=self.proof(nonce=self.nonce()))
        assert (status, answer["token_type"]) == (200, "DPoP")
        return str(answer["access_token"])

    def get(self, path: str, token: str, proof: str | None = None, *, scheme: str = "DPoP") -> Response:
        """Read with a bound token, and a proof that is right unless given; ``""`` sends none."""
        if proof is None:
            proof = self.proof("GET", path.partition("?")[0], ath=ath(token))
        headers = {"DPoP": proof} if proof else {}
        return self.world.get(path, Authorization=f"{scheme} {token}", **headers)


def ath(token: str) -> str:
    """Return the hash of an access token, as a proof has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).decode().rstrip("=")


def claims_of(token: str) -> dict[str, object]:
    """Return the claims of a JWT, unchecked."""
    payload = token.split(".")[1]
    return dict(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
