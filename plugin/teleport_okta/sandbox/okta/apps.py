"""Apps and their lifecycle (reference/okta.md 3.3 and 4.1)."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import NOTIFICATIONS, Json, as_object, saml_sign_on
from teleport_okta.sandbox.okta.collection import Ordered
from teleport_okta.sandbox.okta.errors import blank, invalid, not_found, refusal

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping

    from teleport_okta.sandbox.okta.ids import IdFactory
    from teleport_okta.sandbox.okta.timeline import Timeline

ACTIVE, INACTIVE = "ACTIVE", "INACTIVE"

INTERNAL_APPS = (
    ("saasure", "Okta Admin Console", "admin"),
    ("okta_enduser", "Okta Dashboard", None),
    ("okta_browser_plugin", "Okta Browser Plugin", None),
)
"""Okta's own apps, which every organisation lists: definition, label, name of the link if there is one."""

SERVICE_CLIENT: Json = {
    "application_type": "service",
    "grant_types": ["client_credentials"],
    "response_types": ["token"],
    "dpop_bound_access_tokens": False,
}
"""OAuth settings of a service app; its tokens are bound to a key only if somebody asks for it."""


@dataclass(frozen=True, slots=True)
class App:
    """One app. Nested settings are kept as the JSON that a caller sent, defaults filled in."""

    id: str
    name: str
    label: str
    status: str
    created: int
    last_updated: int
    sign_on_mode: str
    external_key: str
    visibility: Json
    credentials: Json
    settings: Json
    links: tuple[tuple[str, str], ...]
    """Names and ids (``aln…``) of what users can launch."""

    @property
    def user_name_template(self) -> str:
        """The template from which an assignment's user name is made."""
        return str(as_object(self.credentials.get("userNameTemplate")).get("template", "${source.login}"))

    @property
    def kid(self) -> str | None:
        """The id of the signing key, where the app has one."""
        kid = as_object(self.credentials.get("signing")).get("kid")
        return kid if isinstance(kid, str) else None


class Apps:
    """All apps of the organisation, Okta's own among them."""

    def __init__(
        self, timeline: Timeline, ids: IdFactory, rng: random.Random, subdomain: str, *, unique_labels: bool
    ) -> None:
        self.all: Ordered[App] = Ordered()
        self._timeline = timeline
        self._ids = ids
        self._rng = rng
        self._subdomain = subdomain
        self._unique_labels = unique_labels
        self._custom_apps = 0
        self._oidc_kid = self._kid()
        for name, label, link in INTERNAL_APPS:
            self.add_oidc(name, label, links=(link,) if link else ())

    def require(self, app_id: str) -> App:
        """Return an app, or raise ``E0000007``."""
        app = self.all.get(app_id)
        if app is None:
            raise not_found(app_id, "AppInstance")
        return app

    def create(self, body: Mapping[str, object], *, activate: bool = True) -> App:
        """Add an app as the API does: a custom SAML app or a bookmark; other kinds are refused (``E0000001``)."""
        label = body.get("label")
        if not isinstance(label, str) or not label.strip():
            raise blank("label")
        if self._unique_labels and any(app.label == label for app in self.all):
            raise refusal("E0000040")
        mode = body.get("signOnMode")
        settings = as_object(body.get("settings"))
        if mode == "SAML_2_0":
            self._custom_apps += 1
            name = f"{self._subdomain}_{re.sub(r'[^a-z0-9]', '', label.lower())}_{self._custom_apps}"
            sign_on: Json = saml_sign_on(as_object(settings.get("signOn")))
            signing: Json = {"kid": self._kid()}
        elif mode == "BOOKMARK":
            name, signing = "bookmark", {}
            sign_on = {}
        else:
            raise invalid("signOnMode", f"signOnMode: Apps of mode {mode} cannot be created here")
        return self._add(
            name=name,
            label=label,
            status=ACTIVE if activate else INACTIVE,
            mode=str(mode),
            visibility=as_object(body.get("visibility")),
            credentials={"userNameTemplate": _template(body), "signing": signing},
            settings=_settings(settings) | ({"signOn": sign_on} if sign_on else {}),
            links=("login",) if mode == "BOOKMARK" else (f"{name}_link",),
        )

    def add_oidc(self, name: str, label: str, *, links: tuple[str, ...], client: Json | None = None) -> App:
        """Add an OpenID Connect app: one of Okta's own, or the service app of an OAuth client."""
        app = self._add(
            name=name,
            label=label,
            status=ACTIVE,
            mode="OPENID_CONNECT",
            visibility={"hide": {"iOS": client is not None, "web": client is not None}},
            credentials={"userNameTemplate": _template({}), "signing": {"kid": self._oidc_kid}},
            settings=_settings({}),
            links=links,
        )
        if client is not None:
            credentials = app.credentials | {"oauthClient": {"client_id": app.id} | client}
            app = replace(app, credentials=credentials, settings=app.settings | {"oauthClient": SERVICE_CLIENT})
            self.all.put(app.id, app)
        return app

    def bind_tokens(self, app: App, *, bound: bool) -> App:
        """Write into a service app's settings whether its access tokens are bound to a key."""
        client = as_object(app.settings.get("oauthClient")) | {"dpop_bound_access_tokens": bound}
        settings = app.settings | {"oauthClient": client}
        if settings == app.settings:
            return app
        app = replace(app, settings=settings, last_updated=self._timeline.stamp())
        self.all.put(app.id, app)
        return app

    def set_active(self, app: App, *, active: bool) -> App:
        """Activate or deactivate; being so already is no change."""
        status = ACTIVE if active else INACTIVE
        if app.status == status:
            return app
        app = replace(app, status=status, last_updated=self._timeline.stamp())
        self.all.put(app.id, app)
        return app

    def delete(self, app: App) -> None:
        """Remove an INACTIVE app; an active one is refused (``E0000056``)."""
        if app.status == ACTIVE:
            raise refusal("E0000056", "The application must be deactivated before deletion.")
        self.all.remove(app.id)

    def _add(
        self,
        *,
        name: str,
        label: str,
        status: str,
        mode: str,
        visibility: Json,
        credentials: Json,
        settings: Json,
        links: tuple[str, ...],
    ) -> App:
        stamp = self._timeline.stamp()
        hide = {"iOS": False, "web": False} | as_object(visibility.get("hide"))
        shown = as_object(visibility.get("appLinks"))
        app = App(
            id=self._ids.object("0oa"),
            name=name,
            label=label,
            status=status,
            created=stamp,
            last_updated=stamp,
            sign_on_mode=mode,
            external_key=self._ids.object("exk"),
            visibility={
                "autoLaunch": bool(visibility.get("autoLaunch", False)),
                "autoSubmitToolbar": bool(visibility.get("autoSubmitToolbar", False)),
                "hide": hide,
                "appLinks": dict.fromkeys(links, True) | shown,
            },
            credentials=credentials,
            settings=settings,
            links=tuple((link, self._ids.object("aln")) for link in links),
        )
        self.all.put(app.id, app)
        return app

    def _kid(self) -> str:
        return base64.urlsafe_b64encode(self._rng.randbytes(32)).decode().rstrip("=")


def _template(body: Mapping[str, object]) -> Json:
    template = as_object(as_object(body.get("credentials")).get("userNameTemplate"))
    return {"template": "${source.login}", "type": "BUILT_IN"} | template


def _settings(given: Json) -> Json:
    return {
        "app": as_object(given.get("app")),
        "notifications": NOTIFICATIONS,
        "manualProvisioning": False,
        "implicitAssignment": bool(given.get("implicitAssignment", False)),
        "emOptInStatus": "NONE",
        "notes": {"admin": None, "enduser": None} | as_object(given.get("notes")),
    }
