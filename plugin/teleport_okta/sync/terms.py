"""What a unit of work goes by: the organisation, what of it is imported, and what the cluster can do."""

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


@dataclass(frozen=True, slots=True)
class Terms:
    """The organisation, the policy of its people's users, and what is imported; `imports` is None where nothing is."""

    organization: OktaOrganization
    policy: Policy
    imports: Imports | None

    def digest(self, settings: Settings) -> str:
        """Return a digest of these and of the settings that decide what a pass makes.

        Another release has another one: it may make something else of the same facts.
        """
        sections = (settings.sync, settings.apps, settings.access_lists, settings.brake)
        policy, imports = self.policy, self.imports
        said: list[object] = [__version__, settings.okta.org_url, settings.okta.app_id]
        said += [section.model_dump(mode="json") for section in sections]
        said.append(settings.is_provisioned)
        said += [policy.owner, policy.connector, policy.default_roles, policy.no_adoption, policy.no_arrivals]
        if imports is not None:
            off = [imports.groups_off, imports.apps_off, imports.rules_off, imports.lists_off, imports.roles_off]
            # A cluster without reviews is the same, whether this process has asked it once or often.
            said += [imports.host_id, off, bool(imports.reviews), imports.list_limit, sorted(imports.unread)]
            said += [imports.pushed_alone, imports.gives_roles]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:_LENGTH]
