"""A small Okta organisation. `docs/sandbox-okta.md` lists its features.

:class:`OktaOrganization` is the state and the admin console, without I/O; :class:`OktaSandbox` serves it over HTTP and
HTTPS; :class:`OktaControl` lets other processes play the administrator; :func:`seed_organization` fills it with people,
:func:`seed_large` with very many; :class:`HttpProxy` is a forward proxy like those of companies.
Requests run through ``gateway`` (limits, credentials, faults) to the ``routes_*`` modules, which read and change the
state (``users``, ``groups``, ``apps``, ``assignments``) and render it (``*_views``). The ``log_*`` modules listen
to all changes and write their events into the System Log (``log``); ``log_transactions`` has the actor. The
package ``provisioning`` is Okta's SCIM client.
"""

from teleport_okta.sandbox.okta.control import OktaControl
from teleport_okta.sandbox.okta.error_bodies import OktaError
from teleport_okta.sandbox.okta.faults import FaultKind
from teleport_okta.sandbox.okta.http_proxy import HttpProxy
from teleport_okta.sandbox.okta.organization import OktaOrganization
from teleport_okta.sandbox.okta.provisioning.settings import Feature, ProvisioningSettings, Style
from teleport_okta.sandbox.okta.seed import seed_organization
from teleport_okta.sandbox.okta.seed_large import seed_large
from teleport_okta.sandbox.okta.server import OktaSandbox
from teleport_okta.sandbox.okta.settings import Delays, Edition, Settings

__all__ = [
    "Delays",
    "Edition",
    "FaultKind",
    "Feature",
    "HttpProxy",
    "OktaControl",
    "OktaError",
    "OktaOrganization",
    "OktaSandbox",
    "ProvisioningSettings",
    "Settings",
    "Style",
    "seed_large",
    "seed_organization",
]
