"""What a look before an enrolment has proven, and what only the first use can prove, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.okta.needs import ASSIGN_GROUP, CREATE_APP
from teleport_okta.saml.bot_rights import rights_needed
from teleport_okta.saml.request import EVERYONE

if TYPE_CHECKING:
    from teleport_okta.saml.steps import Found


def proven(found: Found) -> list[str]:
    """Return the facts that the look has proven."""
    lines = ["Okta accepts the credential, and lets it read apps"]
    if found.everyone is not None:
        lines.append(f"the group {EVERYONE} can be seen in Okta")
    if found.metadata is not None and found.app is not None:
        lines.append(f"the metadata of the app {found.app.label!r} can be read and used")
    lines.append(f"the cluster {found.cluster.name} has SAML")
    lines += [
        f"the bot's roles allow it to {right}"
        for right in rights_needed(found.connector, found.plugin, has_plugins=found.has_plugins)
        if not _is_conditional(found, right.kind)
    ]
    if found.role:
        lines.append(f"the role {found.role!r} exists")
    return lines


def unproven(found: Found, *, assigns: bool = True) -> list[str]:
    """Return what cannot be checked without writing; the first use will show it.

    `assigns`: Everyone will be assigned to the app.
    """
    lines = []
    if found.app is None:
        lines.append(f"that Okta lets us create the app: {CREATE_APP.permission}, over {CREATE_APP.over}")
    if assigns and found.everyone is not None and not found.is_assigned:
        lines.append(f"that Okta lets us assign {EVERYONE}: {ASSIGN_GROUP.permission}, over {ASSIGN_GROUP.over}")
    if found.app is None:
        lines.append("that the metadata of the new app can be read, and names the organisation's address")
    if found.conditional:
        rules = ", ".join(found.conditional)
        lines.append(f"that the bot may {rules}: a rule of its roles allows or denies it under a condition")
    if found.connector is None:
        lines.append("that people reach the cluster's proxy at " + found.acs.split("/v1/", 1)[0])
    if found.has_plugins and found.plugin is None:
        lines.append("that the cluster's licence allows a plugin resource of type okta")
    return lines


def _is_conditional(found: Found, kind: str) -> bool:
    return any(right.endswith(f"`{kind}`") for right in found.conditional)
