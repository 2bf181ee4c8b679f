"""The routes of the control interface about objects that people make, edit and delete by hand.

Lists of a kind, and objects without anything beside them, are shown by the routes of `control` for every kind.
"""

from typing import Any, TypeVar

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from ..control_api import Route, Unchecked
from .sandbox import TeleportSandbox

T = TypeVar("T")


def message_json(message: Message) -> dict[str, Any]:
    """Return a message with its fields as the API spells them."""
    return MessageToDict(message, preserving_proto_field_name=True)


def found(stored: T | None, name: str) -> T:
    """Return an object that must be there. KeyError if it is not."""
    if stored is None:
        raise KeyError(name)
    return stored


def connector_routes(sandbox: TeleportSandbox) -> list[Route]:
    """Return the routes about SAML connectors. A connector is shown as it is stored: nothing is downloaded for it."""
    connectors, administrator = sandbox.cluster.saml_connectors, sandbox.administrator.connectors
    return [
        Route("GET /saml_connectors", lambda: list(connectors.listed())),
        Route("POST /saml_connectors", administrator.create, 201, exact=True),
        Route("GET /saml_connectors/{name}", lambda name: found(connectors.stored(name), name)),
        Route("PATCH /saml_connectors/{name}", administrator.edit, exact=True),
        Route("DELETE /saml_connectors/{name}", administrator.delete),
    ]


def list_routes(sandbox: TeleportSandbox) -> list[Route]:
    """Return the routes about access lists and their members."""
    administrator = sandbox.administrator.lists

    def show(name: str) -> object:
        return {**message_json(administrator.stored(name)), "members": administrator.members(name)}

    def edit(
        name: str,
        review: dict[str, Any] | None = None,
        membership_requires: dict[str, Any] | None = None,
        ownership_requires: dict[str, Any] | None = None,
        **others: Unchecked,
    ) -> object:
        administrator.edit(name, **others)
        if review is not None:
            administrator.schedule_review(name, **review)
        if membership_requires is not None:
            administrator.require_of_members(name, **membership_requires)
        if ownership_requires is not None:
            administrator.require_of_owners(name, **ownership_requires)
        return show(name)

    return [
        Route("POST /access_lists", administrator.create, 201, exact=True),
        Route("GET /access_lists/{name}", show),
        Route("PATCH /access_lists/{name}", edit),
        Route("DELETE /access_lists/{name}", administrator.delete),
        Route("POST /access_lists/{list_name}/members", administrator.add_member, 201, exact=True),
        Route("DELETE /access_lists/{list_name}/members/{name}", administrator.remove_member),
    ]


def plugin_routes(sandbox: TeleportSandbox) -> list[Route]:
    """Return the routes about plugins."""
    plugins, administrator = sandbox.cluster.plugins, sandbox.administrator.plugins

    def install(**settings: Unchecked) -> object:
        installed = administrator.install_okta(**settings)
        return message_json(installed.plugin) | ({"scim_token": installed.scim_token} if installed.scim_token else {})

    def show(name: str) -> object:
        plugin = found(plugins.stored(name), name)
        return {**message_json(plugin), "static_credentials": administrator.credentials(name)}

    return [
        Route("POST /plugins", install, 201),
        Route("GET /plugins/{name}", show),
        Route("PATCH /plugins/{name}", administrator.edit, exact=True),
        Route("DELETE /plugins/{name}", administrator.delete),
    ]


def resource_routes(sandbox: TeleportSandbox) -> list[Route]:
    """Return the routes about user groups, app servers and import rules."""
    app_servers, administrator = sandbox.cluster.app_servers, sandbox.administrator.resources

    def show_app_server(host_id: str, name: str) -> object:
        return found(app_servers.stored(f"{host_id}/{name}"), f"{host_id}/{name}")

    return [
        Route("POST /user_groups", administrator.create_user_group, 201, exact=True),
        Route("PATCH /user_groups/{name}", administrator.edit_user_group, exact=True),
        Route("DELETE /user_groups/{name}", administrator.delete_user_group),
        Route("POST /app_servers", administrator.create_app_server, 201, exact=True),
        Route("GET /app_servers/{host_id}/{name}", show_app_server),
        Route("PATCH /app_servers/{host_id}/{name}", administrator.edit_app_server, exact=True),
        Route("DELETE /app_servers/{host_id}/{name}", administrator.delete_app_server),
        Route("POST /okta_import_rules", administrator.create_import_rule, 201, exact=True),
        Route("DELETE /okta_import_rules/{name}", administrator.delete_import_rule),
    ]
