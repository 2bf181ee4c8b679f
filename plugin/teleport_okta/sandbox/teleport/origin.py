"""The rules around origin `okta`, in the order in which the server applies them (`docs/reference/teleport.md` 2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model.labels import ORIGIN_OKTA

from .metadata import origin_of
from .refusal import access_denied, bad_parameter

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import Metadata

    from .caller import Caller


def check_origin(caller: Caller, metadata: Metadata) -> None:
    """Refuse a record whose origin does not fit its writer: only the Okta service may write origin okta."""
    of_okta = origin_of(metadata) == ORIGIN_OKTA
    if caller.is_okta_service and not of_okta:
        raise bad_parameter('Okta service must supply "okta" origin')
    if of_okta and not caller.is_okta_service:
        raise bad_parameter('Must be Okta service to set "okta" origin')


def check_stored_origin(caller: Caller, stored: Metadata | None, verb: str) -> None:
    """Refuse a write to a stored record of the other side. Every caller may delete a record of the Okta service."""
    if stored is None:
        return
    of_okta = origin_of(stored) == ORIGIN_OKTA
    if caller.is_okta_service:
        if not of_okta:
            raise access_denied(f"Okta service may only {verb} Okta resources")
    elif of_okta and verb != "delete":
        raise bad_parameter("Okta origin may not be changed")
