"""The request of an administrator for an enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import name_problem
from teleport_okta.saml.enrolment_errors import EnrolmentError

CONNECTOR: Final = "okta-integration"
"""The name that the vendor's flow of Teleport 15 gives the SAML connector."""

EVERYONE: Final = "Everyone"
"""The group with everybody in an organisation; Okta gives it this name, and nobody can rename it."""

GROUPS: Final = "groups"
"""The SAML attribute with the names of a person's groups (`saml/app_body.py`)."""

_RESERVED: Final = frozenset({"local", "passwordless", "headless"})
"""Names that Teleport reserves for itself (`docs/reference/teleport.md` 4.5)."""


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """The answers. `app_id` is an app to use instead of creating one; `role` is the role of Everyone at sign-in.

    `label` and `group_attribute_filter` are for a new app: an existing one is never changed. Without a `role`, the
    mappings of an existing connector stay. `plugin` is the name of the plugin resource. `proxy` is the proxy's public
    address, host[:port], if the one that the cluster reports is wrong. Without `assign_everyone` people assign the app.

    Settings of the plugin without an answer are None: a new plugin then gets the default, and an existing one keeps
    its value.
    """

    connector: str = CONNECTOR
    role: str = ""
    app_id: str = ""
    label: str = ""
    proxy: str = ""
    plugin: str = "okta"
    group_attribute_filter: str = ".*"
    assign_everyone: bool = True
    sync_users: bool | None = None
    assign_default_roles: bool | None = None
    sync_apps_and_groups: bool | None = None
    sync_access_lists: bool | None = None
    default_owners: tuple[str, ...] | None = None
    group_filters: tuple[str, ...] | None = None
    app_filters: tuple[str, ...] | None = None

    def label_for(self, cluster: str) -> str:
        """Return the label of the app, by which people know it in Okta."""
        return self.label.strip() or f"Teleport {cluster}"

    def check(self) -> None:
        """Raise EnrolmentError for an answer that Teleport or this service would refuse only after the first write."""
        for kind, name in (("SAML connector", self.connector), ("plugin", self.plugin)):
            problem = name_problem(name)
            if problem is None and kind == "SAML connector" and name in _RESERVED:
                problem = "Teleport reserves this name"
            if problem is not None:
                raise EnrolmentError(f"a {kind} cannot have the name {name!r}: {problem}", remedy="choose another name")
        for owner in self.default_owners or ():
            problem = name_problem(owner)
            if problem is not None:
                what = f"the owner {owner!r} of access lists cannot be a Teleport user: {problem}"
                raise EnrolmentError(what, remedy="use names that `tctl get users` shows")
        try:
            NameFilters.of((*(self.group_filters or ()), *(self.app_filters or ())))
        except ValueError as error:
            what = f"a filter of access lists cannot be used: {error}"
            raise EnrolmentError(what, remedy="correct the filter; `teleport-okta filters` shows what passes") from None
