"""Handing back a user that a login or people made and that we took over (`docs/ownership.md`).

We own some fields of such a user. They are removed, and the rest stays, MFA devices included.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from teleport_okta.desired.policy import LEAVER_LOCK
from teleport_okta.desired.traits import okta_traits
from teleport_okta.model import labels
from teleport_okta.model.direct_roles import without_direct_roles

if TYPE_CHECKING:
    from collections.abc import Container
    from datetime import datetime

    from teleport_okta.model.teleport import TeleportUser

OUR_LABELS: Final = "teleport-okta/"
"""The prefix of our labels."""


def handed_back(user: TeleportUser, *, default_roles: Container[str], now: datetime) -> TeleportUser:
    """Return a user without our labels, the `okta/*` traits, the default roles and the member roles that we gave.

    A login gives its record an expiry, and we removed it when we took the user over. Without one the record of a person
    who leaves would stay for ever, so it gets an expiry again; the next login sets its own. A user without a connector
    had none.
    """
    ours = okta_traits(user.traits)
    user = without_direct_roles(user)
    return replace(
        user,
        labels={
            key: value
            for key, value in user.labels.items()
            if not key.startswith(OUR_LABELS) and key != labels.OKTA_ORG
        },
        traits={name: values for name, values in user.traits.items() if name not in ours},
        roles=tuple(role for role in user.roles if role not in default_roles),
        expires=now + LEAVER_LOCK if user.expires is None and user.connector is not None else user.expires,
    )
