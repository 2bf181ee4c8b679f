"""The configured client for `doctor`, which also shows whether Okta requires proofs of possession."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.okta.dpop import Possession
from teleport_okta.okta.needs import read_scopes
from teleport_okta.okta.private_key import read_private_key
from teleport_okta.okta.service_app import ServiceApp

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from teleport_okta.clock import Clock
    from teleport_okta.okta.client import OktaClient
    from teleport_okta.settings import OktaSettings


@dataclass(frozen=True, slots=True)
class ExaminedClient:
    """A client as the service uses it; open it before use."""

    client: OktaClient
    possession: Possession | None

    @property
    def proves_possession(self) -> bool:
        """Whether Okta has asked the service app for proofs of possession (DPoP) so far."""
        return self.possession is not None and self.possession.required


def examined_client_of(
    settings: OktaSettings,
    *,
    clock: Clock,
    rng: Random,
    environment: Mapping[str, str],
    apps_and_groups: bool = True,
) -> ExaminedClient:
    """Build the client as `client_of` does; raises ConfigError."""
    client = client_of(settings, clock=clock, rng=rng, environment=environment, apps_and_groups=apps_and_groups)
    if settings.client_id is None or settings.private_key is None:
        return ExaminedClient(client, None)
    possession = Possession(rng)
    key = read_private_key(settings.private_key, settings.private_key_id)
    scopes = read_scopes(apps_and_groups=apps_and_groups)
    client.credential = ServiceApp(settings.client_id, key, rng=rng, scopes=scopes, possession=possession)
    return ExaminedClient(client, possession)
