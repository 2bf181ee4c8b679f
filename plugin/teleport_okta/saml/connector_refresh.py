"""Keeps the metadata in the SAML connector up to date: after Okta rotates the signing key, no sign-in would work.

Only the connector whose label names the app of the people is changed, and in it only the metadata.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.labels import APP_ID
from teleport_okta.model.reason_text import without_call_ids
from teleport_okta.saml.connectors import check_app, is_current, with_metadata
from teleport_okta.saml.enrolment_errors import DeadAppError, EnrolmentError
from teleport_okta.saml.metadata import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from teleport_okta.clock import Clock
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.teleport.cluster import Teleport

EVERY: Final = timedelta(hours=1)
"""How often the metadata is read, which costs two calls."""

AGAIN_AFTER: Final = (5.0, 30.0)
"""Seconds after a look that an event caused. The first read may still show the app as it was before the event
(`docs/reference/okta.md` 5.5).
"""

FIRST_RETRY: Final = 30.0
LONGEST_RETRY: Final = 600.0
"""Seconds after a failed look, doubled each time. Not longer: with an old key in the connector nobody can sign in."""

_GLANCED_AT_EVERY: Final = 5.0
"""Seconds between two checks of events about the app, and of the lease; both are in memory."""

_log = logging.getLogger(__name__)


class ConnectorRefresher:
    """Keeps one connector up to date. `told` returns events about our app; a new one causes a look at once."""

    def __init__(
        self,
        okta: SamlApps,
        teleport: Teleport,
        clock: Clock,
        *,
        connector: str,
        app_id: str,
        org_hosts: Callable[[], Collection[str]],
        told: Callable[[], tuple[str, ...]],
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._clock = clock
        self._name = connector
        self._app_id = app_id
        self._org_hosts = org_hosts
        self._told = told
        self._was_there = False
        self.warnings: tuple[str, ...] = ()
        """What needs a person: certificates that expire, and why the connector could not be updated."""

        self.app_names: dict[str, str] = {}
        """Okta's name of the app by its id, once it was read."""

    async def keep(self) -> None:
        """Look once an hour, at once after an event, and soon after a failure, until cancelled."""
        handled: frozenset[str] = frozenset()
        due, failures, again = self._clock.monotonic(), 0, list[float]()
        while True:
            events = frozenset(self._told())
            if not self._may_look:
                self.warnings, due = (), self._clock.monotonic()  # a process that takes over looks at once
            elif self._clock.monotonic() >= due or not events <= handled:
                again = again[1:] if events <= handled else list(AGAIN_AFTER)
                handled = events
                failures = 0 if await self.look() else failures + 1
                if failures:
                    pause = min(FIRST_RETRY * 2.0 ** (failures - 1), LONGEST_RETRY)
                else:
                    pause = again[0] if again else EVERY.total_seconds()
                due = self._clock.monotonic() + pause
            await self._clock.sleep(_GLANCED_AT_EVERY)

    @property
    def _may_look(self) -> bool:
        """Whether this process holds the lease and has a bot. A standby makes no calls, to save Okta's rate limits."""
        return self._teleport.bot is not None and self._teleport.is_writer

    async def look(self) -> bool:
        """Bring the connector up to date. Returns False after a failure, which becomes a warning."""
        if not self._may_look:
            self.warnings = ()
            return True
        failed = False
        try:
            warnings = await self._settled()
        except TeleportOktaError as error:
            failed = True
            warnings = (f"the SAML connector {self._name!r} could not be compared with its app: {error}",)
        logged = {without_call_ids(warning) for warning in self.warnings}
        for warning in warnings:
            if without_call_ids(warning) not in logged:
                _log.warning("%s", warning)
        self.warnings = warnings
        return not failed

    async def _settled(self) -> tuple[str, ...]:
        connector = await self._teleport.connectors.get(self._name)
        if connector is None and self._was_there:
            raise EnrolmentError("it was deleted, so nobody can sign in through it", remedy="enrol again")
        if connector is None or connector.labels.get(APP_ID) != self._app_id:
            self._was_there = False
            return ()
        self._was_there = True
        app = await self._okta.get(self._app_id)
        if app is None:
            what = f"it belongs to the app {self._app_id}, which no longer exists"
            raise DeadAppError(what, remedy=f"if it was deleted, delete the connector (tctl rm saml/{self._name})")
        self.app_names[app.id] = app.name
        if not app.is_saml:
            raise EnrolmentError(f"its app {app.label!r} ({app.id}) is not a SAML 2.0 app", remedy="enrol again")
        document = await self._okta.metadata(app)
        metadata = read_metadata(document, org_hosts=self._org_hosts(), source=f"the metadata of app {app.id}")
        if not is_current(connector, metadata, self._org_hosts()):
            await self._teleport.connectors.update(with_metadata(connector, metadata))
            _log.info("updated the metadata in the SAML connector %r", self._name)
        return (*_of_app(connector, app), *self._of_certificates(connector, metadata))

    def _of_certificates(self, connector: SamlConnector, metadata: IdpMetadata) -> Iterator[str]:
        """Warn of certificates that expire: Teleport accepts an expired one silently, but refuses its signatures."""
        now = self._clock.now()
        renew = "make a new one in Okta (the app > Sign On > SAML Signing Certificates); it is taken over by itself"
        for when in (
            *(f"expired on {one.not_after:%Y-%m-%d}" for one in metadata.expired(now)),
            *(f"expires on {one.not_after:%Y-%m-%d}" for one in metadata.expiring(now)),
        ):
            yield f"the signing certificate of the app behind SAML connector {connector.name!r} {when}: {renew}"


def _of_app(connector: SamlConnector, app: SamlApp) -> Iterator[str]:
    """Warn if nobody can sign in through the app: it is deactivated, or sends people to another address."""
    try:
        check_app(app, connector.acs_url, connector=connector.name)
    except EnrolmentError as error:
        yield f"nobody can sign in through SAML connector {connector.name!r}: {error}"
