"""The table of endpoints: method, template, permissions, and the handler."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.error_bodies import refusal
from teleport_okta.sandbox.okta.messages import Answer, Request

if TYPE_CHECKING:
    from teleport_okta.sandbox.okta.organization import OktaOrganization
    from teleport_okta.sandbox.okta.tokens import Principal

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Call:
    """One accepted call: the request, the organisation and the principal."""

    org: OktaOrganization
    request: Request
    path: dict[str, str]
    principal: Principal | None

    @property
    def base(self) -> str:
        """Scheme and host of the request; links in answers use them."""
        return self.request.base

    @property
    def query(self) -> dict[str, str]:
        """The query parameters."""
        return self.request.query

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean query parameter."""
        return self.query.get(name, str(default)).lower() == "true"

    def body(self) -> Json:
        """Return the JSON object in the body; ``{}`` if it is empty. Raises ``E0000003`` for anything else."""
        if not self.request.body.strip():
            return {}
        try:
            value = json.loads(self.request.body)
        except ValueError:
            raise refusal("E0000003") from None
        if not isinstance(value, dict):
            raise refusal("E0000003")
        return value

    def sees(self, object_id: str) -> bool:
        """Return whether an object is in the caller's resource set."""
        return self.principal is None or self.principal.role.sees(object_id)

    def check_sees(self, object_id: str) -> None:
        """Refuse a call that names an object outside the caller's resource set."""
        if not self.sees(object_id):
            raise refusal("E0000006")

    def check_sees_all(self, prefix: str) -> None:
        """Refuse a caller whose resource set has only some objects of a kind; `prefix` is that of the kind's ids."""
        if self.principal is not None and not self.principal.role.sees_all(prefix):
            raise refusal("E0000006")


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. An OAuth client needs the `scope`, and the role of every principal the `permissions`.

    ``….manage`` includes the scope ``….read``. An endpoint without a scope needs no credentials.
    """

    method: str
    template: str
    handler: Handler
    scope: str | None = None
    permissions: tuple[str, ...] = ()
    media_type: str = "application/json"
    """The content type of answers, which the caller must accept."""

    @property
    def name(self) -> str:
        """Method and template, by which calls are counted."""
        return f"{self.method} {self.template}"

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the parameters in a path, or ``None`` if the path is not of this endpoint."""
        parts = [part for part in self.template.split("/") if part]
        if len(parts) != len(segments):
            return None
        found: dict[str, str] = {}
        for part, segment in zip(parts, segments, strict=True):
            if part.startswith("{"):
                found[part[1:-1]] = segment
            elif part != segment:
                return None
        return found

    def admit(self, principal: Principal) -> None:
        """Refuse a principal without the scope or the permissions (``E0000006``)."""
        if self.scope is not None and principal.scopes is not None:
            enough = {self.scope, self.scope.removesuffix(".read") + ".manage"}
            if not enough & principal.scopes:
                raise refusal("E0000006")
        if not principal.role.permissions.issuperset(self.permissions):
            raise refusal("E0000006")
