"""Apps and their lifecycle (`docs/reference/okta.md` 3.3 and 4.1)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import NOTIFICATIONS, Json, as_object
from teleport_okta.sandbox.okta.app_kinds import (
    FIRST_APPS,
    LATER_APPS,
    SAML,
    Definition,
    InternalApp,
    definition_of,
    own_credentials,
    own_settings,
)
from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.error_bodies import blank, not_found, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.settings import Settings
    from teleport_okta.sandbox.okta.timeline import Timeline

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"

Link = tuple[str, str]
"""Name and id of a link that users can launch."""


@dataclass(frozen=True, slots=True)
class App:
    """One app. Nested settings are kept as the caller's JSON, with defaults."""

    id: str
    name: str
    label: str
    status: str
    created: int
    last_updated: int
    sign_on_mode: str | None
    external_key: str
    visibility: Json
    credentials: Json
    settings: Json
    links: tuple[Link, ...]
    features: tuple[str, ...] = ()
    universal_logout: Json | None = None

    @property
    def user_name_template(self) -> str:
        """The template from which an assignment's user name is made."""
        return str(as_object(self.credentials.get("userNameTemplate")).get("template", "${source.login}"))

    @property
    def kid(self) -> str | None:
        """The id of the signing key, if the app has one."""
        kid = as_object(self.credentials.get("signing")).get("kid")
        return kid if isinstance(kid, str) else None

    @property
    def is_saml(self) -> bool:
        """Whether people sign in to it by SAML 2.0."""
        return self.sign_on_mode == SAML

    @property
    def shown_links(self) -> tuple[Link, ...]:
        """The links that are not switched off in ``visibility.appLinks``."""
        shown = as_object(self.visibility.get("appLinks"))
        return tuple(link for link in self.links if shown.get(link[0], True))


class Apps:
    """All apps of the organisation, including Okta's own."""

    def __init__(self, timeline: Timeline, ids: IdFactory, settings: Settings) -> None:
        self.all: Ordered[App] = Ordered()
        self._timeline = timeline
        self._ids = ids
        self._subdomain = settings.subdomain
        self._unique_labels = settings.unique_app_labels
        self.shuffles_links = settings.shuffles_links
        """Whether every answer has the links of an app in another order."""

        self._watchers: list[Callable[[App | None, App | None], None]] = []
        self._custom_apps = 0
        self._link_ids: dict[tuple[str, str], str] = {}
        self._answers: Counter[str] = Counter()
        self._oidc_kid = ids.kid()
        self.policies = tuple(ids.object("rst") for _ in range(2))
        """The ids of the profile enrolment and the access policy that all apps share."""

        for app in FIRST_APPS:
            self._add_internal(app)

    def watch(self, watcher: Callable[[App | None, App | None], None]) -> None:
        """Call `watcher` for every change from now on, with the app before and after it (``None``: does not exist)."""
        self._watchers.append(watcher)

    def require(self, app_id: str) -> App:
        """Return an app, or raise ``E0000007``."""
        app = self.all.get(app_id)
        if app is None:
            raise not_found(app_id, "AppInstance")
        return app

    def create(self, body: Mapping[str, object], *, activate: bool = True, links: Iterable[str] | None = None) -> App:
        """Add an app as the API does. `links` replace the one link of its kind."""
        label = self._checked_label(body.get("label"))
        definition = definition_of(body)
        settings = own_settings(definition, as_object(body.get("settings")))
        name = definition.name or self._custom_name(label)
        kid = self._ids.kid() if definition.mode == SAML else self._oidc_kid
        app = self._add(
            definition,
            name=name,
            label=label,
            status=ACTIVE if activate else INACTIVE,
            visibility=as_object(body.get("visibility")),
            credentials=own_credentials(definition, as_object(body.get("credentials")), kid),
            settings=_settings(definition, as_object(body.get("settings"))) | settings,
            links=_default_links(definition, name) if links is None else tuple(links),
        )
        if "oauthClient" in settings:
            app = self._with_client(app, as_object(body.get("credentials")))
        self._tell(None, app)
        return app

    def add_later_apps(self) -> list[App]:
        """Add the Okta apps of further products that are missing."""
        known = {app.name for app in self.all}
        added = [self._add_internal(app) for app in LATER_APPS if app.definition.name not in known]
        for app in added:
            self._tell(None, app)
        return added

    def update(
        self,
        app: App,
        *,
        label: str | None = None,
        hidden: bool | None = None,
        note: str | None = None,
        links: Iterable[str] | None = None,
    ) -> App:
        """Change the label, links, visibility or note; ``None`` leaves it as it is, an empty note removes the note."""
        after = app
        if label is not None and label != app.label:
            after = replace(after, label=self._checked_label(label))
        if hidden is not None:
            hide = as_object(app.visibility.get("hide")) | {"web": hidden}
            after = replace(after, visibility=after.visibility | {"hide": hide})
        if note is not None:
            notes = as_object(app.settings.get("notes")) | {"enduser": note or None}
            after = replace(after, settings=after.settings | {"notes": notes})
        if links is not None:
            names = tuple(links)
            visibility = after.visibility | {"appLinks": dict.fromkeys(names, True)}
            after = replace(after, visibility=visibility, links=self._linked(app.name, names))
        return self._put(app, after)

    def bind_tokens(self, app: App, *, bound: bool) -> App:
        """Set in a service app's settings whether its access tokens are bound to a key."""
        client = as_object(app.settings.get("oauthClient")) | {"dpop_bound_access_tokens": bound}
        return self._put(app, replace(app, settings=app.settings | {"oauthClient": client}))

    def set_sign_on(self, app: App, changes: Mapping[str, object]) -> App:
        """Change parts of ``settings.signOn``."""
        sign_on = as_object(app.settings.get("signOn")) | dict(changes)
        return self._put(app, replace(app, settings=app.settings | {"signOn": sign_on}))

    def sign_with(self, app: App, kid: str) -> App:
        """Change an app's signing key in use."""
        return self._put(app, replace(app, credentials=app.credentials | {"signing": {"kid": kid}}))

    def with_external_key(self, external_key: str) -> App:
        """Return the SAML app with this external key (``exk…``), or raise ``E0000007``."""
        found = next((app for app in self.all if app.is_saml and app.external_key == external_key), None)
        if found is None:
            raise not_found(external_key, "AppInstance")
        return found

    def set_features(self, app: App, features: tuple[str, ...]) -> App:
        """Set the provisioning features of an app."""
        return self._put(app, replace(app, features=features))

    def set_active(self, app: App, *, active: bool) -> App:
        """Activate or deactivate, unless the app has that status already."""
        return self._put(app, replace(app, status=ACTIVE if active else INACTIVE))

    def delete(self, app: App) -> None:
        """Remove an INACTIVE app; an active one is refused (``E0000056``)."""
        if app.status == ACTIVE:
            raise refusal("E0000056", "The application must be deactivated before deletion.")
        self.all.remove(app.id)
        self._tell(app, None)

    def links_of(self, app: App) -> tuple[Link, ...]:
        """Return the shown links of an app, rotated with each call if they are shuffled."""
        links = app.shown_links
        if not self.shuffles_links or len(links) < 2:
            return links
        first = self._answers[app.id] % len(links)
        self._answers[app.id] += 1
        return links[first:] + links[:first]

    def _put(self, before: App, after: App) -> App:
        if after == before:
            return before
        after = replace(after, last_updated=self._timeline.stamp())
        self.all.put(after.id, after)
        self._tell(before, after)
        return after

    def _tell(self, before: App | None, after: App | None) -> None:
        for watcher in self._watchers:
            watcher(before, after)

    def _add_internal(self, app: InternalApp) -> App:
        definition = app.definition
        return self._add(
            definition,
            name=definition.name or "",
            label=app.label,
            status=ACTIVE,
            visibility={},
            credentials=own_credentials(definition, {}, self._oidc_kid),
            settings=_settings(definition, {}),
            links=definition.links,
        )

    def _add(
        self,
        definition: Definition,
        *,
        name: str,
        label: str,
        status: str,
        visibility: Json,
        credentials: Json,
        settings: Json,
        links: tuple[str, ...],
    ) -> App:
        stamp = self._timeline.stamp()
        hide = {"iOS": definition.hidden, "web": definition.hidden} | as_object(visibility.get("hide"))
        shown = as_object(visibility.get("appLinks"))
        launched: Json = {"autoLaunch": bool(visibility.get("autoLaunch", False))} if definition.noted else {}
        app = App(
            id=self._ids.object("0oa"),
            name=name,
            label=label,
            status=status,
            created=stamp,
            last_updated=stamp,
            sign_on_mode=definition.mode,
            external_key=self._ids.object("exk"),
            visibility=launched
            | {
                "autoSubmitToolbar": bool(visibility.get("autoSubmitToolbar", False)),
                "hide": hide,
                "appLinks": dict.fromkeys(links, True) | {link: shown[link] for link in links if link in shown},
            },
            credentials=credentials,
            settings=settings,
            links=self._linked(name, links),
            features=definition.features,
            universal_logout=definition.universal_logout,
        )
        self.all.put(app.id, app)
        return app

    def _with_client(self, app: App, given: Json) -> App:
        """Return a new OAuth client with its client id, which is the app's id."""
        client: Json = {
            "autoKeyRotation": True,
            "client_id": app.id,
            "token_endpoint_auth_method": "private_key_jwt",
            "pkce_required": False,
        }
        client |= as_object(given.get("oauthClient")) | {"client_id": app.id}
        app = replace(app, credentials=app.credentials | {"oauthClient": client})
        self.all.put(app.id, app)
        return app

    def _linked(self, name: str, links: Iterable[str]) -> tuple[Link, ...]:
        """Return links with their ids, which are the same in all apps of a definition."""
        return tuple((link, self._link_ids.setdefault((name, link), self._ids.object("aln"))) for link in links)

    def _checked_label(self, label: object) -> str:
        if not isinstance(label, str) or not label.strip():
            raise blank("label")
        if self._unique_labels and any(app.label == label for app in self.all):
            raise refusal("E0000040")
        return label

    def _custom_name(self, label: str) -> str:
        self._custom_apps += 1
        return f"{self._subdomain}_{re.sub(r'[^a-z0-9]', '', label.lower())}_{self._custom_apps}"


def _default_links(definition: Definition, name: str) -> tuple[str, ...]:
    return definition.links if definition.name is not None else (f"{name}_link",)


def _settings(definition: Definition, given: Json) -> Json:
    notes: Json = {"notes": {"admin": None, "enduser": None} | as_object(given.get("notes"))}
    return {
        "app": as_object(given.get("app")),
        "notifications": NOTIFICATIONS,
        "manualProvisioning": False,
        "implicitAssignment": bool(given.get("implicitAssignment", False)),
        "emOptInStatus": "NONE",
    } | (notes if definition.noted else {})
