"""The client that the configuration describes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.config import read_secret
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken
from teleport_okta.okta.errors import CredentialError
from teleport_okta.okta.private_key import read_private_key
from teleport_okta.okta.service_app import ServiceApp

if TYPE_CHECKING:
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.config import OktaSettings
    from teleport_okta.okta.credentials import Credential


def client_of(settings: OktaSettings, *, clock: Clock, rng: Random) -> OktaClient:
    """Build the client; nothing is sent yet. `rng` makes the ids of assertions, so give it a random seed.

    Raises ConfigError where the URL, the token or the key cannot be used.
    """
    address = OrganizationAddress(settings.org_url)
    credential = credential_of(settings, clock=clock, rng=rng)
    return OktaClient(address, credential, clock=clock, rng=rng, share=settings.rate_limit_share)


def credential_of(settings: OktaSettings, *, clock: Clock, rng: Random) -> Credential:
    """Read the token or the key that the settings name. Raises ConfigError."""
    if settings.api_token is not None:
        return ApiToken(read_secret(settings.api_token, key="okta.api_token"))
    if settings.client_id is None or settings.private_key is None:
        what = "okta: there is no credential"
        raise CredentialError(what, remedy="set okta.api_token, or okta.client_id and okta.private_key")
    key = read_private_key(settings.private_key, settings.private_key_id)
    return ServiceApp(settings.client_id, key, clock=clock, rng=rng)
