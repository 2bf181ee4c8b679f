"""Undoing an enrolment: the plugin resource, the SAML connector, the Okta app, in this order.

In this order the sync stops before people lose the sign-in. Users, groups and lists stay: `cleanup` removes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.model.labels import APP_ID, OWNER
from teleport_okta.okta.okta_errors import OktaForbiddenError
from teleport_okta.saml.enrolment import State, Step
from teleport_okta.saml.enrolment_errors import ChangedMeanwhileError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from teleport_okta.model.connector import SamlConnector
    from teleport_okta.model.plugin import Plugin
    from teleport_okta.model.saml_app import SamlApp
    from teleport_okta.okta.saml_apps import SamlApps
    from teleport_okta.teleport.cluster import Teleport


@dataclass(frozen=True, slots=True)
class Removable:
    """The objects of an enrolment that still exist."""

    plugin: Plugin | None = None
    connector: SamlConnector | None = None
    app: SamlApp | None = None
    kept: tuple[Step, ...] = ()
    """Objects that we must not remove, and why."""


class Removal:
    """One removal. `created_app_id` is the app that an enrolment of this service created; no other app is deleted."""

    def __init__(
        self, okta: SamlApps, teleport: Teleport, *, org_id: str, connector: str, plugin: str, created_app_id: str
    ) -> None:
        self._okta = okta
        self._teleport = teleport
        self._org_id = org_id
        self._connector = connector
        self._plugin = plugin
        self._created_app_id = created_app_id

    async def look(self) -> Removable:
        """Check what exists, without writing. Raises OktaError or TeleportError."""
        kept = []
        plugin = None
        if (await self._teleport.cluster()).has("plugin"):
            plugin = await self._teleport.plugins.get(self._plugin)
        if plugin is not None and plugin.labels.get(OWNER) != self._org_id:
            kept.append(_kept("settings", f"the plugin resource {plugin.name!r} was not made by an enrolment of ours"))
            plugin = None
        connector = await self._teleport.connectors.get(self._connector)
        named = "" if connector is None else connector.labels.get(APP_ID, "")
        is_kept = connector is not None and connector.labels.get(OWNER) != self._org_id
        if is_kept:
            what = f"the SAML connector {self._connector!r} was not made by an enrolment of ours"
            kept.append(_kept("connector", what))
            connector = None
        app_id = named or self._created_app_id
        app = await self._okta.get(app_id) if app_id else None
        if app is not None:
            why = self._why_kept(app, is_in_use=is_kept and bool(named))
            if why:
                kept.append(_kept("app", f"the app {app.label!r} ({app.id}) {why}"))
                app = None
        return Removable(plugin, connector, app, tuple(kept))

    def _why_kept(self, app: SamlApp, *, is_in_use: bool) -> str:
        if app.id != self._created_app_id:
            return "was not created by this service"
        return "is in use: that connector names it" if is_in_use else ""

    def steps(self, found: Removable) -> list[Step]:
        """Return the steps that `run` would do, and what stays."""
        steps = []
        if found.plugin is not None:
            steps.append(Step("settings", State.TO_DO, f"delete the plugin resource {found.plugin.name!r}"))
        if found.connector is not None:
            steps.append(
                Step(
                    "connector",
                    State.TO_DO,
                    f"delete the SAML connector {found.connector.name!r}: nobody can sign in through Okta any more",
                )
            )
        if found.app is not None:
            what = f"deactivate and delete the app {found.app.label!r} ({found.app.id}) in Okta, with its assignments"
            steps.append(Step("app", State.TO_DO, what))
        return [*steps, *found.kept]

    async def run(self, found: Removable) -> AsyncIterator[Step]:
        """Remove the objects, and yield each step when it is done.

        Raises the errors of `look`, and ChangedMeanwhileError if something has changed since.
        """
        if await self.look() != found:
            what = "the objects have changed since they were shown"
            raise ChangedMeanwhileError(what, remedy="run it again to see the present ones")
        if found.plugin is not None:
            await self._teleport.plugins.delete(found.plugin.name)
            yield Step("settings", State.MADE, f"deleted the plugin resource {found.plugin.name!r}")
        if found.connector is not None:
            await self._teleport.connectors.delete(found.connector.name)
            yield Step("connector", State.MADE, f"deleted the SAML connector {found.connector.name!r}")
        if found.app is not None:
            yield await self._without_app(found.app)
        for step in found.kept:
            yield step

    async def _without_app(self, app: SamlApp) -> Step:
        try:
            await self._okta.deactivate(app.id)
            await self._okta.delete(app.id)
        except OktaForbiddenError as error:
            remedy = "delete it in Okta: Applications > the app > Active > Deactivate, then Delete"
            return Step("app", State.LEFT, f"the app {app.label!r} ({app.id}) could not be deleted: {error}", remedy)
        return Step("app", State.MADE, f"deleted the app {app.label!r} ({app.id}) in Okta")


def _kept(name: str, why: str) -> Step:
    return Step(name, State.DONE, f"stays: {why}")
