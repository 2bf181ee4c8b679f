"""Builds the client from the configuration and the environment."""

from __future__ import annotations

import logging
import os
from functools import partial
from typing import TYPE_CHECKING

from teleport_okta.config import read_secret
from teleport_okta.okta.address import OrganizationAddress
from teleport_okta.okta.client import OktaClient
from teleport_okta.okta.credentials import ApiToken, NoCredential
from teleport_okta.okta.http_proxy import HttpProxies
from teleport_okta.okta.needs import read_scopes, wished_scopes
from teleport_okta.okta.private_key import read_private_key
from teleport_okta.okta.service_app import ServiceApp
from teleport_okta.okta.trust import tls_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.observe.work_metrics import CallObserver
    from teleport_okta.okta.credentials import Credential
    from teleport_okta.settings import OktaSettings

_log = logging.getLogger(__name__)


def client_of(
    settings: OktaSettings,
    *,
    clock: Clock,
    rng: Random,
    environment: Mapping[str, str] = os.environ,
    apps_and_groups: bool = True,
    observer: CallObserver | None = None,
) -> OktaClient:
    """Build the client; nothing is sent yet. `rng` makes the ids of assertions, so it must be unpredictable.

    `environment` may name an HTTP proxy; `apps_and_groups` is as for `credential_of`. Raises ConfigError if the URL,
    the token, the key, `okta.ca` or the proxy cannot be used.
    """
    address = OrganizationAddress(settings.org_url)
    proxies = HttpProxies.of(environment)
    proxy = proxies.for_url(address.at("/"))
    if proxy is not None:
        _log.info("connecting to %s through the HTTP proxy %s", address, proxy)
    return OktaClient(
        address,
        credential_of(settings, rng=rng, apps_and_groups=apps_and_groups),
        clock=clock,
        rng=rng,
        share=settings.rate_limit_share,
        proxies=proxies,
        tls=tls_context(settings.ca) if settings.ca is not None else None,
        observer=observer,
    )


def credential_of(settings: OktaSettings, *, rng: Random, apps_and_groups: bool = True) -> Credential:
    """Read the token or the key that the settings name. Raises ConfigError.

    A service app requests the scopes that it needs; `apps_and_groups` says whether it imports these.
    """
    if settings.api_token is not None:
        read = partial(read_secret, settings.api_token, key="okta.api_token")
        return ApiToken(read(), read_again=read)
    if settings.client_id is None or settings.private_key is None:
        return NoCredential()
    key = read_private_key(settings.private_key, settings.private_key_id)
    return ServiceApp(
        settings.client_id,
        key,
        rng=rng,
        scopes=read_scopes(apps_and_groups=False),
        wished=wished_scopes(apps_and_groups=apps_and_groups),
    )
