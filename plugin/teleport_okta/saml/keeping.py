"""The SAML connector keeps saying what the Okta app's metadata says: a rotated signing key would end every sign-in.

Only a connector that is labelled with the app that people come from is changed, and of it only the metadata.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.labels import APP_ID
from teleport_okta.saml.connectors import is_current, with_metadata
from teleport_okta.saml.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from teleport_okta.clock import Clock
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.teleport.cluster import Teleport

EVERY: Final = timedelta(hours=1)
"""How often the metadata is read, which costs two calls."""

_GLANCED_AT_EVERY: Final = 5.0
"""Seconds between two looks at what the System Log told of the app."""

_log = logging.getLogger(__name__)


class ConnectorKeeper:
    """Keeps one connector. `told` returns what the System Log told of our app; what is new there hastens a look."""

    def __init__(
        self,
        okta: SamlApps,
        teleport: Teleport,
        clock: Clock,
        *,
        connector: str,
        app_id: str,
        org_hosts: Collection[str],
        told: Callable[[], tuple[str, ...]],
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._clock = clock
        self._name = connector
        self._app_id = app_id
        self._org_hosts = org_hosts
        self._told = told
        self.warnings: tuple[str, ...] = ()
        """What a person has to see to: certificates that end, and why the connector could not be kept right."""

    async def keep(self) -> None:
        """Look now and then, and soon after the log told something, until cancelled."""
        while True:
            heard = self._told()
            await self.look()
            waited = 0.0
            while waited < EVERY.total_seconds() and set(self._told()) <= set(heard):
                await self._clock.sleep(_GLANCED_AT_EVERY)
                waited += _GLANCED_AT_EVERY

    async def look(self) -> None:
        """Bring the connector up to date; what fails is a warning, and tried again."""
        if self._teleport.bot is None or not self._teleport.is_writer:
            return
        try:
            warnings = await self._settled()
        except TeleportOktaError as error:
            warnings = (f"the SAML connector {self._name!r} could not be compared with its app: {error}",)
        for warning in warnings:
            if warning not in self.warnings:
                _log.warning("%s", warning)
        self.warnings = warnings

    async def _settled(self) -> tuple[str, ...]:
        connector = await self._teleport.connectors.get(self._name)
        if connector is None or connector.labels.get(APP_ID) != self._app_id:
            return ()
        app = await self._okta.get(self._app_id)
        if app is None or not app.is_saml:
            return (
                f"the SAML connector {self._name!r} belongs to the app {self._app_id}, which is not there any more",
            )
        document = await self._okta.metadata(app)
        metadata = read_metadata(document, org_hosts=self._org_hosts, source=f"the metadata of app {app.id}")
        if not is_current(connector, metadata, self._org_hosts):
            await self._teleport.connectors.update(with_metadata(connector, metadata))
            _log.info("the SAML connector %r has the app's present metadata now", self._name)
        return self._of_certificates(connector, metadata)

    def _of_certificates(self, connector: SamlConnector, metadata: IdpMetadata) -> tuple[str, ...]:
        """Warn of certificates that end: Teleport takes them without a word, and then refuses what they sign."""
        now = self._clock.now()
        renew = "make a new one in Okta (the app > Sign On > SAML Signing Certificates); it is taken over by itself"
        ended = [f"ended on {one.not_after:%Y-%m-%d}" for one in metadata.expired(now)]
        ending = [f"ends on {one.not_after:%Y-%m-%d}" for one in metadata.expiring(now)]
        return tuple(
            f"the signing certificate of the app behind SAML connector {connector.name!r} {when}: {renew}"
            for when in (*ended, *ending)
        )
