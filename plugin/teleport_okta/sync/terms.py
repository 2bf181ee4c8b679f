"""The terms of a unit of work: the organisation, and what is imported, by the settings and the cluster's features."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from teleport_okta import __version__

if TYPE_CHECKING:
    from teleport_okta.desired.policy import Imports, Policy
    from teleport_okta.model.okta import OktaOrganization
    from teleport_okta.settings import Settings

_LENGTH: Final = 16
"""Hexadecimal digits of the digest."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The organisation, the policy for users, and what is imported; `imports` is None if no groups and apps are."""

    organization: OktaOrganization
    policy: Policy
    imports: Imports | None

    def digest(self, settings: Settings) -> str:
        """Return a digest of the terms, and of the settings that decide the result of a pass.

        It contains our version, because another release may plan otherwise from the same facts.
        """
        sections = (settings.sync, settings.apps, settings.access_lists, settings.brake)
        policy, imports = self.policy, self.imports
        said: list[object] = [__version__, settings.okta.org_url, settings.okta.app_id]
        said += [section.model_dump(mode="json") for section in sections]
        said.append(settings.is_provisioned)
        said += [policy.owner, policy.connector, policy.default_roles, policy.no_adoption, policy.no_arrivals]
        if imports is not None:
            off = [imports.groups_off, imports.apps_off, imports.rules_off, imports.lists_off, imports.roles_off]
            # bool: None (asked once) and False (asked often) both mean a cluster without reviews.
            said += [imports.host_id, off, bool(imports.reviews), imports.list_limit, sorted(imports.unread)]
            said += [imports.pushed_alone, imports.gives_roles]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_LENGTH]
