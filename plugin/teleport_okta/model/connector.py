"""A SAML connector of Teleport, reduced to what enrolment decides about it (`docs/reference/teleport.md` 4.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RoleMapping:
    """People whose SAML attribute `name` has the value `value` (perhaps a pattern) get `roles`."""

    name: str
    value: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SamlConnector:
    """A connector. `acs_url` is where Okta sends people back to; `metadata` is the IdP's document, held in full.

    `metadata_url`: the server downloads the document from there, at every read of it.
    """

    name: str
    acs_url: str
    metadata: str = ""
    metadata_url: str = ""
    issuer: str = ""
    sso_url: str = ""
    display: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    role_mappings: tuple[RoleMapping, ...] = ()
    revision: str = ""
