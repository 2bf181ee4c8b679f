"""The kinds of apps: the part of an app that Okta's catalogue decides, not the caller (`docs/reference/okta.md` 3.3).

An app is made from a definition of the catalogue and has its name, or is a custom integration with a name of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from teleport_okta.sandbox.okta.app_defaults import (
    UNIVERSAL_LOGOUT,
    UNSUPPORTED_LOGOUT,
    Json,
    as_object,
    client_settings,
    saml_sign_on,
)
from teleport_okta.sandbox.okta.error_bodies import blank, invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

SAML, BOOKMARK, OPENID_CONNECT = "SAML_2_0", "BOOKMARK", "OPENID_CONNECT"
AUTO_LOGIN, BASIC_AUTH, BROWSER_PLUGIN = "AUTO_LOGIN", "BASIC_AUTH", "BROWSER_PLUGIN"
ACTIVE_DIRECTORY = "active_directory"

_IMPORTS = (
    "IMPORT_PROFILE_UPDATES",
    "PROFILE_MASTERING",
    "OUTBOUND_DEL_AUTH",
    "IMPORT_USER_SCHEMA",
    "IMPORT_NEW_USERS",
)
_PUSHES = ("PUSH_NEW_USERS", "PUSH_USER_DEACTIVATION", "GROUP_PUSH", "PUSH_PROFILE_UPDATES")


@dataclass(frozen=True, slots=True)
class Definition:
    """One entry of Okta's catalogue. Without a name it is a custom integration, whose only link is named after it."""

    name: str | None
    mode: str | None
    links: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    noted: bool = True
    """Whether administrators can leave notes, which adds one more object to its settings."""

    universal_logout: Json | None = None
    hidden: bool = False
    """Whether it is hidden from users by default."""


@dataclass(frozen=True, slots=True)
class InternalApp:
    """One of Okta's own apps."""

    definition: Definition
    label: str


def _internal(
    name: str, label: str, *links: str, features: tuple[str, ...] = (), noted: bool | None = None
) -> InternalApp:
    noted = bool(links) if noted is None else noted
    definition = Definition(name, OPENID_CONNECT, links, features, noted, UNSUPPORTED_LOGOUT)
    return InternalApp(definition, label)


FIRST_APPS = (
    _internal("saasure", "Okta Admin Console", "admin", noted=False),
    _internal("okta_enduser", "Okta Dashboard"),
    _internal("okta_browser_plugin", "Okta Browser Plugin"),
)
"""The apps that every organisation has from the start."""

LATER_APPS = (
    _internal("okta_iga_reviewer", "Okta Access Certification Reviews", "login"),
    _internal("okta_access_requests_resource_catalog", "Okta Identity Governance"),
    _internal("okta_atspoke_sso", "Okta Access Requests", "login", features=_PUSHES),
    _internal("okta_flow_sso", "Okta Workflows", "workflow_login", features=_PUSHES),
    _internal("okta_iga_security_access_reviews", "Okta Security Access Reviews", "login"),
    _internal("okta_account_settings", "Okta End User Settings"),
    _internal("partner_portal", "Partner Admin Portal", "login", noted=False),
)
"""The apps of further products, which most paying organisations have."""

_BY_MODE: dict[str, Definition] = {
    definition.mode or "": definition
    for definition in (
        Definition(None, SAML, universal_logout=UNIVERSAL_LOGOUT),
        Definition(None, AUTO_LOGIN, universal_logout=UNSUPPORTED_LOGOUT),
        Definition("bookmark", BOOKMARK, ("login",), universal_logout=UNSUPPORTED_LOGOUT),
        Definition("template_basic_auth", BASIC_AUTH, ("login",), universal_logout=UNSUPPORTED_LOGOUT),
        Definition("template_swa", BROWSER_PLUGIN, ("login",), universal_logout=UNSUPPORTED_LOGOUT),
        Definition(
            "oidc_client", OPENID_CONNECT, ("oidc_client_link",), universal_logout=UNIVERSAL_LOGOUT, hidden=True
        ),
    )
}
DIRECTORY = Definition(ACTIVE_DIRECTORY, None, (), _IMPORTS, noted=False, universal_logout=UNSUPPORTED_LOGOUT)
"""A directory from which users and groups are imported: an app without sign-in."""


def definition_of(body: Mapping[str, object]) -> Definition:
    """Return the definition for a requested app. Raises ``E0000001`` for an app that cannot be made here."""
    mode, name = body.get("signOnMode"), body.get("name")
    if mode is None and name == ACTIVE_DIRECTORY:
        return DIRECTORY
    definition = _BY_MODE.get(str(mode))
    if definition is None:
        raise invalid("signOnMode", f"signOnMode: Apps of mode {mode} cannot be created here")
    if name is not None and name != definition.name:
        raise invalid("name", f"name: There is no app {name} of mode {mode} here")
    return definition


def own_settings(definition: Definition, given: Json) -> Json:
    """Return the parts of ``settings`` that only this kind of app has, with their defaults.

    Raises ``E0000001`` if a required part is missing.
    """
    sign_on, app = as_object(given.get("signOn")), as_object(given.get("app"))
    match definition.mode:
        case "SAML_2_0":
            return {"signOn": saml_sign_on(sign_on)}
        case "AUTO_LOGIN":
            return {"signOn": {"redirectUrl": sign_on.get("redirectUrl"), "loginUrl": _needed(sign_on, "loginUrl")}}
        case "BOOKMARK":
            return {"app": {"requestIntegration": False, "url": _needed(app, "url")} | app}
        case "BASIC_AUTH" | "BROWSER_PLUGIN":
            return {"app": {"url": _needed(app, "url")} | app}
        case "OPENID_CONNECT":
            return {"oauthClient": client_settings(as_object(given.get("oauthClient")))}
        case _:
            return {}


def own_credentials(definition: Definition, given: Json, kid: str | None) -> Json:
    """Return ``credentials`` without the OAuth client's: a user name, and perhaps a password form or a signing key."""
    name: Json = {
        "userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"}
        | as_object(given.get("userNameTemplate"))
    }
    if definition.mode in {AUTO_LOGIN, BASIC_AUTH, BROWSER_PLUGIN}:
        scheme, reveal = given.get("scheme", "EDIT_USERNAME_AND_PASSWORD"), given.get("revealPassword", False)
        name = {"scheme": scheme} | name | {"revealPassword": reveal}
    return name | {"signing": {"kid": kid} if definition.mode in {SAML, OPENID_CONNECT} else {}}


def example_settings(mode: object, url: str) -> Json:
    """Return the minimal ``settings`` of an app of a mode, for a service at an invented address."""
    match mode:
        case "SAML_2_0":
            acs = f"{url}/saml/acs"
            return {"signOn": {"ssoAcsUrl": acs, "audience": acs, "recipient": acs, "destination": acs}}
        case "AUTO_LOGIN":
            return {"signOn": {"loginUrl": f"{url}/login"}}
        case "BOOKMARK" | "BASIC_AUTH" | "BROWSER_PLUGIN":
            return {"app": {"url": url}}
        case _:
            return {}


def _needed(settings: Json, field: str) -> object:
    value = settings.get(field)
    if not value:
        raise blank(field)
    return value
