"""What an administrator wants of an enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from teleport_okta.model.name_filter import NameFilters
from teleport_okta.model.names import name_problem
from teleport_okta.saml.enrolment_errors import EnrolmentError

CONNECTOR: Final = "okta-integration"
"""The name that the vendor's flow of Teleport 15 gives the SAML connector."""

EVERYONE: Final = "Everyone"
"""The group that holds everybody of an organisation; Okta names it so, and nobody can rename it."""

GROUPS: Final = "groups"
"""The SAML attribute with the names of a person's groups (`saml/app_body.py`)."""

_RESERVED: Final = frozenset({"local", "passwordless", "headless"})
"""Names that Teleport allows no connector to have (`docs/reference/teleport.md` 4.5)."""


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """The answers. `app_id` names an app to use instead of creating one; `role` is what Everyone gets at sign-in.

    `label` and `group_attribute_filter` are for an app that is created: one that exists is never changed. Without a
    `role`, the mappings of a connector that exists stay. `plugin` is the name of the plugin resource. `proxy` is the
    proxy's public address, host[:port], where the cluster's own word is not to be used. Without `assign_everyone` the
    assignments of the app are left to people.

    The settings of the plugin are None where nothing was answered: a new plugin then gets the default, and one that
    exists keeps what it has.
    """

    connector: str = CONNECTOR
    role: str = ""
    app_id: str = ""
    label: str = ""
    proxy: str = ""
    plugin: str = "okta"
    group_attribute_filter: str = ".*"
    assign_everyone: bool = True
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
        """Raise EnrolmentError if Teleport or this service would refuse an answer after the first write."""
        for kind, name in (("SAML connector", self.connector), ("plugin", self.plugin)):
            problem = name_problem(name)
            if problem is None and kind == "SAML connector" and name in _RESERVED:
                problem = "Teleport keeps this name for itself"
            if problem is not None:
                raise EnrolmentError(f"no {kind} can be called {name!r}: {problem}", remedy="choose another name")
        for owner in self.default_owners or ():
            problem = name_problem(owner)
            if problem is not None:
                what = f"the owner {owner!r} of access lists cannot be a Teleport user: {problem}"
                raise EnrolmentError(what, remedy="name users as `tctl get users` shows them")
        try:
            NameFilters.of((*(self.group_filters or ()), *(self.app_filters or ())))
        except ValueError as error:
            what = f"access lists cannot be filtered so: {error}"
            raise EnrolmentError(what, remedy="correct the filter; `teleport-okta filters` shows what passes") from None
