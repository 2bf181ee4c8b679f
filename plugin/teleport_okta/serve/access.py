"""Access over TCP: a table of all methods with the right that each needs, and the lists in `[serve]` that grant rights.

The default is to refuse: methods that are not in the table, and callers that are in no list.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from teleport_okta.errors import TeleportOktaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from teleport_okta.settings_serve import ServeSettings


class Need(StrEnum):
    """The right that a method needs."""

    READ = "read"
    WRITE = "write"
    SCIM = "scim"
    ENROL = "enrol"


class AccessDeniedError(TeleportOktaError):
    """The caller is in no list that allows the method. Add the user, or one of the user's roles, to the named list."""


class UnknownMethodError(TeleportOktaError):
    """The method is not offered by this release. Compare the releases of both sides."""


_ADMIN: Final = {
    "GetStatus": Need.READ,
    "GetPlan": Need.READ,
    "Apply": Need.WRITE,
    "ListHistory": Need.READ,
    "Approve": Need.WRITE,
    "Release": Need.WRITE,
    "PreviewFilters": Need.READ,
    "Explain": Need.READ,
    "NewScimToken": Need.WRITE,
    "ListScimTokens": Need.READ,
    "RevokeScimToken": Need.WRITE,
    "CompareSettings": Need.READ,
    "ReloadSettings": Need.WRITE,
}

_SCIM: Final = (
    "ListSCIMResources",
    "GetSCIMResource",
    "CreateSCIMResource",
    "UpdateSCIMResource",
    "DeleteSCIMResource",
)

_OKTA: Final = (
    "ListOktaImportRules",
    "GetOktaImportRule",
    "CreateOktaImportRule",
    "UpdateOktaImportRule",
    "DeleteOktaImportRule",
    "ListOktaAssignments",
    "GetOktaAssignment",
    "CreateOktaAssignment",
    "UpdateOktaAssignment",
    "UpdateOktaAssignmentStatus",
    "DeleteOktaAssignment",
    "ValidateClientCredentials",
    "CreateIntegration",
    "UpdateIntegration",
    "GetApps",
    "GetGroups",
)
"""GetApps and GetGroups call Okta with a credential of the request, as enrolment does: READ is not enough for them."""

METHODS: Final[Mapping[str, Need]] = {
    **{f"/teleport_okta_api.Admin/{name}": need for name, need in _ADMIN.items()},
    **{f"/teleport.scim.v1.SCIMService/{name}": Need.SCIM for name in _SCIM},
    **{f"/teleport.okta.v1.OktaService/{name}": Need.ENROL for name in _OKTA},
    "/grpc.health.v1.Health/Check": Need.READ,
    "/grpc.health.v1.Health/List": Need.READ,
    "/grpc.health.v1.Health/Watch": Need.READ,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": Need.READ,
}
"""The right that each method needs, by the path of the method in gRPC."""

LISTS: Final[Mapping[Need, tuple[str, ...]]] = {
    Need.READ: ("readers", "writers"),
    Need.WRITE: ("writers",),
    Need.SCIM: ("scim_callers",),
    Need.ENROL: ("writers",),
}
"""The lists in `[serve]` that grant each right."""


class AccessPolicy:
    """Decides by the lists of a configuration."""

    def __init__(self, settings: ServeSettings) -> None:
        self._allowed = {
            need: frozenset(entry for name in names for entry in getattr(settings, name))
            for need, names in LISTS.items()
        }

    def demand(self, method: str, entries: frozenset[str]) -> Need:
        """Return the right by which a caller may call a method (`/package.Service/Method`).

        `entries` are those that name the caller (`RemoteCaller.entries`). Raises AccessDeniedError; UnknownMethodError
        for an unknown method, if the caller may call any other.
        """
        need = METHODS.get(method)
        if need is None:
            # Do not repeat the name: the client chose it, and errors go into the log.
            if any(entries & allowed for allowed in self._allowed.values()):
                what = "this method is not offered here"
                raise UnknownMethodError(what, remedy="compare the releases of both sides")
            raise _denied("this method", "a list in [serve]")
        if not entries & self._allowed[need]:
            raise _denied(method, " or ".join(f"serve.{name}" for name in LISTS[need]))
        return need


def _denied(method: str, lists: str) -> AccessDeniedError:
    what = f"{method} is not allowed: it needs an entry in {lists}"
    return AccessDeniedError(
        what, remedy="add the user, or one of the user's roles, to the list, and restart the service"
    )
