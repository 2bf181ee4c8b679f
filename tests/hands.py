"""What others do to users while the product looks away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teleport_okta.model import labels

if TYPE_CHECKING:
    from teleport.legacy.types.types_pb2 import UserV2
    from teleport_okta.sandbox.teleport.administrator import Administrator


def edit_user(administrator: Administrator, name: str, **what: object) -> UserV2:
    """Let a user be edited by whoever may: by hand or, where the origin is okta, by another Okta service."""
    of_okta = labels.is_of_okta(administrator.user(name).Metadata.Labels)
    return administrator.edit_user(name, as_okta_service=of_okta, **what)  # type: ignore[arg-type]
