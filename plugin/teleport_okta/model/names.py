"""The names that Teleport accepts, and those that we make ourselves (`docs/reference/teleport.md` 4.0.2, 5.3)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

DEFAULT_ROLE: Final = "okta-requester"
"""The role that Enterprise clusters preset for synced users (`docs/reference/teleport.md` 5.2)."""

SYSTEM_USER: Final = "system"
"""The creator that Teleport shows for an object that no person created; never empty.

See `docs/reference/teleport.md` 4.2.
"""

TRAIT_PREFIX: Final = "okta/"
"""The prefix of traits from an Okta profile; on our users, all traits with it are ours."""

MEMBER_ROLE_PREFIX: Final = "access-okta-acl-role-"
REVIEWER_ROLE_PREFIX: Final = "reviewer-okta-acl-role-"
"""The prefixes of the roles of a list, by which Teleport's tools recognise them (`docs/reference/teleport.md` 5.2)."""

_ALLOWED: Final = re.compile(r"[A-Za-z0-9@_:.\-+]+")
_REFUSED_CHARACTER: Final = re.compile(r"[^A-Za-z0-9@_:.\-+]")


def name_problem(name: str) -> str | None:
    """Return why Teleport would refuse a resource with this name; None if it would not.

    Names become backend keys: letters, digits and ``@ _ : . - +`` only, not empty, not ``.`` or ``..``.
    Length and case are free.
    """
    if not name:
        return "the name is empty"
    if name in {".", ".."}:
        return f"{name!r} is not a name"
    if _ALLOWED.fullmatch(name):
        return None
    refused = sorted(set(_REFUSED_CHARACTER.findall(name)))
    return f"Teleport accepts letters, digits and @ _ : . - + only, not {' '.join(map(repr, refused))}"


def lock_name(user_name: str, okta_id: str, *, of_okta: bool = True) -> str:
    """Return the name of the lock on a user for a person; it is always the same, so that there is only one.

    The lock for an earlier person of the name has another name, and is never overwritten. The user's name is hashed
    because it may be too long to type. If the user's origin is not okta, the lock has another name too: neither
    identity may change a lock of one origin into one of the other (`docs/reference/teleport.md` 2.2).
    """
    digest = hashlib.sha256(f"{user_name} {okta_id}".encode()).hexdigest()[:24]
    return f"okta-{digest}" if of_okta else f"okta-{digest}-adopted"


def member_role(okta_id: str) -> str:
    """Return the name of the role that members of the list of an Okta group or app have."""
    return MEMBER_ROLE_PREFIX + okta_id


def reviewer_role(okta_id: str) -> str:
    """Return the name of the role that owners of that list have, to review requests for the member role."""
    return REVIEWER_ROLE_PREFIX + okta_id


def app_server_name(app_id: str) -> str:
    """Return the name of the app server of an Okta app: one DNS label, which does not change if the app is renamed.

    Names of apps become subdomains of the proxy, which are not case-sensitive, but ids are: a few digits of the id's
    hash distinguish ids that differ only in case.
    """
    digest = hashlib.sha256(app_id.encode()).hexdigest()[:4]
    return f"okta-{re.sub('[^a-z0-9]', '-', app_id.lower())}-{digest}"
