"""Enrolment: makes the Okta app, its assignment, the SAML connector and the plugin resource, if they do not exist.

Every step first checks what exists, so that a second enrolment completes an interrupted one. Checking writes nothing
and raises the obstacles. The first write is the app: a credential that may not create apps then writes nothing at all.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.labels import OWNER
from teleport_okta.okta.okta_errors import (
    AppLabelTakenError,
    OktaForbiddenError,
    OktaNotFoundError,
    OktaOutcomeUnknownError,
    OktaScopeError,
)
from teleport_okta.saml.app_body import app_body
from teleport_okta.saml.connectors import app_id_of, is_current, is_whole, new_connector, with_metadata, with_role
from teleport_okta.saml.enrolment_errors import ChangedMeanwhileError
from teleport_okta.saml.proven_rights import proven, unproven
from teleport_okta.saml.request import EVERYONE
from teleport_okta.saml.steps import Found, State, Step, Steps, left_of_settings, unassigned
from teleport_okta.saml.survey import Looker
from teleport_okta.teleport.teleport_errors import AlreadyExistsError, NotFoundError, RevisionConflictError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from teleport_okta.clock import Clock
    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.idp import IdpMetadata
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.saml.request import EnrolmentRequest
    from teleport_okta.teleport.cluster import Teleport

__all__ = ["Enrolment", "Found", "State", "Step"]

SHOWN_AFTER: Final = 5.0
"""Seconds after which Okta's listing of apps should show a new app."""

_LOOKS: Final = 3
_ATTEMPTS: Final = 3
"""How often a change of the connector is tried, if other clients change it at the same moment."""

_log = logging.getLogger(__name__)


class Enrolment:
    """One enrolment.

    `org_url` is the organisation's address, `org_hosts` are the hosts that its metadata may name. `remember` gets the
    app that was created; `known_app_id` is the one that it got in an earlier enrolment.
    """

    def __init__(
        self,
        okta: SamlApps,
        teleport: Teleport,
        wishes: EnrolmentRequest,
        *,
        org_id: str,
        org_url: str,
        org_hosts: Collection[str],
        clock: Clock,
        known_app_id: str = "",
        remember: Callable[[SamlApp], Awaitable[None]],
    ) -> None:
        hosts = self._org_hosts = frozenset(org_hosts)
        self._okta = okta
        self._teleport = teleport
        self._wishes = wishes
        self._org_id = org_id
        self._org_url = org_url
        self._clock = clock
        self._remember = remember
        self._looker = Looker(
            okta, teleport, wishes, org_id=org_id, org_url=org_url, org_hosts=hosts, known_app_id=known_app_id
        )
        self._steps = Steps(wishes, org_url=org_url, org_hosts=hosts)
        self._looked_at: float | None = None
        self.app: SamlApp | None = None
        """The app, once `run` has come so far."""

    async def look(self) -> Found:
        """Check what exists. Raises EnrolmentError, MetadataError, OktaError or TeleportError."""
        found = await self._looker.look()
        if self._looked_at is None:
            self._looked_at = self._clock.monotonic()
        return found

    def steps(self, found: Found) -> list[Step]:
        """Return the steps that `run` would do."""
        return self._steps.of(found)

    def proven(self, found: Found) -> list[str]:
        """Return in words what the look has proven."""
        return proven(found)

    def unproven(self, found: Found) -> list[str]:
        """Return in words what only the first use can prove."""
        return unproven(found, assigns=self._wishes.assign_everyone)

    async def run(self, found: Found) -> AsyncIterator[Step]:
        """Do the missing steps, and yield each when it is done; `app` is set with the first.

        It looks again first, and raises ChangedMeanwhileError if the steps differ from those of `found`, or
        NotTheWriterError if another process writes for the organisation. It also raises the errors of `look`; steps
        that were yielded before stay.
        """
        if self._teleport.lease is not None:
            # Okta has no lock: without the lease, two enrolments at once could create two apps.
            await self._teleport.lease.obtain(self._org_id)
        now = await self.look()
        if _plan(self.steps(now)) != _plan(self.steps(found)):
            raise _changed()
        app = now.app
        if app is None:
            app = self.app = await self._create_app(now)
            await self._note(app)
            yield Step("app", State.MADE, f"created the SAML app {app.label!r} ({app.id})")
        else:
            self.app = app
            yield self._steps.app(now)
        yield await self._assign_everyone(now, app)
        metadata = now.metadata or await self._looker.metadata(app)
        yield await self._write_connector(now, app, metadata)
        for step in await self._write_settings(now, app):
            yield step

    async def _create_app(self, found: Found) -> SamlApp:
        """Create the app. If the outcome is unknown, look for it."""
        await self._check_is_still_missing(found)
        label = self._wishes.label_for(found.cluster.name)
        body = app_body(label, found.acs, group_filter=self._wishes.group_attribute_filter)
        try:
            return await self._okta.create(body)
        except (OktaOutcomeUnknownError, AppLabelTakenError) as error:
            _log.info("looking for the app: %s", error)
            for _ in range(_LOOKS):
                await self._clock.sleep(SHOWN_AFTER)
                app = await self._looker.app_made_before(found.cluster, found.acs)
                if app is not None:
                    return app
            raise

    async def _check_is_still_missing(self, found: Found) -> None:
        """Raise ChangedMeanwhileError if the app shows some seconds after it was first looked for.

        An enrolment that died just after its creation may have been started again at once.
        """
        first = self._clock.monotonic() if self._looked_at is None else self._looked_at
        missing = first + SHOWN_AFTER - self._clock.monotonic()
        if missing > 0:
            await self._clock.sleep(missing)
            if await self._looker.app_made_before(found.cluster, found.acs) is not None:
                raise _changed()

    async def _note(self, app: SamlApp) -> None:
        """Remember the app. Without that it is found again by its label, so a failure ends nothing."""
        try:
            await self._remember(app)
        except TeleportOktaError as error:
            _log.warning("that the app %s was created could not be noted: %s", app.id, error)

    async def _assign_everyone(self, found: Found, app: SamlApp) -> Step:
        step = self._steps.assignment(found)
        if step.state is not State.TO_DO or found.everyone is None:
            return step
        try:
            await self._okta.assign_group(app.id, found.everyone)
        except (OktaForbiddenError, OktaScopeError, OktaNotFoundError) as error:
            return unassigned(str(error))
        return Step("assignment", State.MADE, f"assigned the group {EVERYONE} to the app")

    async def _write_connector(self, found: Found, app: SamlApp, metadata: IdpMetadata) -> Step:
        name, connectors = self._wishes.connector, self._teleport.connectors
        if found.connector is not None:
            return await self._mend_connector(found.connector, app, metadata, found.role)
        wanted = new_connector(
            name, app.acs_url or found.acs, app, metadata, role=found.role, org_id=self._org_id, org_url=self._org_url
        )
        try:
            await connectors.create(wanted)
        except AlreadyExistsError as error:
            raise _changed(f"SAML connector {name!r} was made meanwhile") from error
        return Step("connector", State.MADE, f"created the SAML connector {name!r}")

    async def _mend_connector(self, connector: SamlConnector, app: SamlApp, metadata: IdpMetadata, role: str) -> Step:
        """Write the missing parts into a connector. Changes that others make meanwhile stay."""
        name = connector.name
        for _ in range(_ATTEMPTS):
            if is_whole(connector, metadata, role, self._org_hosts):
                return Step("connector", State.DONE, f"the SAML connector {name!r} exists, with the app's metadata")
            is_held = is_current(connector, metadata, self._org_hosts)
            wanted = connector if is_held else with_metadata(connector, metadata)
            try:
                await self._teleport.connectors.update(with_role(wanted, role) if role else wanted)
            except RevisionConflictError:
                present = await self._teleport.connectors.get(name)
                if present is None or app_id_of(present) != app.id:
                    break
                connector = present
            else:
                return Step("connector", State.MADE, f"changed the SAML connector {name!r}")
        raise _changed(f"SAML connector {name!r} was changed or deleted meanwhile")

    async def _write_settings(self, found: Found, app: SamlApp) -> list[Step]:
        """Create or change the plugin resource; without a plugin service the caller writes its configuration."""
        if not found.has_plugins:
            return self._steps.settings(found)
        name, plugins = self._wishes.plugin, self._teleport.plugins
        plugin = await self._looker.plugin()
        if plugin != found.plugin:
            raise _changed(f"plugin {name!r} was made, changed or deleted meanwhile")
        held = None if plugin is None else plugin.okta
        wanted = self._steps.wanted(held, app)
        if held == wanted:
            done = Step("settings", State.DONE, f"the plugin resource {name!r} has these settings")
            return [done, *left_of_settings(name, wanted)]
        owner = {OWNER: self._org_id}
        try:
            if held is None:
                await plugins.create(name, wanted, labels=owner, credential_labels=owner)
            else:
                await plugins.change(name, wanted)
        except (AlreadyExistsError, NotFoundError, RevisionConflictError) as error:
            raise _changed(f"plugin {name!r} was made, changed or deleted meanwhile") from error
        verb = "created the plugin resource" if held is None else "changed the settings of the plugin resource"
        return [Step("settings", State.MADE, f"{verb} {name!r}"), *left_of_settings(name, wanted)]


def _plan(steps: list[Step]) -> list[tuple[str, State, str]]:
    """Return the steps for a comparison. The text of other steps is left out: it may have a request id."""
    return [(step.name, step.state, step.what if step.state is State.TO_DO else "") for step in steps]


def _changed(what: str = "the steps have changed since they were shown") -> ChangedMeanwhileError:
    return ChangedMeanwhileError(what, remedy="enrol again to see the present steps")
