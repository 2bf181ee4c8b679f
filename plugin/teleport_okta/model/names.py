"""Names: which ones Teleport accepts, and those that we make ourselves (`docs/reference/teleport.md` 4.0.2, 5.3)."""

from __future__ import annotations

import hashlib
import re
from typing import Final

DEFAULT_ROLE: Final = "okta-requester"
"""The role that Enterprise clusters preset for synced users (`docs/reference/teleport.md` 5.2)."""

SYSTEM_USER: Final = "system"
"""Whom Teleport shows as the creator of what was not made by a person; never empty.

See `docs/reference/teleport.md` 4.2.
"""

TRAIT_PREFIX: Final = "okta/"
"""Prefix of the traits that come from an Okta profile; all traits below it on a user of ours are ours."""

MEMBER_ROLE_PREFIX: Final = "access-okta-acl-role-"
REVIEWER_ROLE_PREFIX: Final = "reviewer-okta-acl-role-"
"""How the roles of a list begin: Teleport's tools know them by these words (`docs/reference/teleport.md` 5.2)."""

_ALLOWED: Final = re.compile(r"[A-Za-z0-9@_:.\-+]+")
_REFUSED_CHARACTER: Final = re.compile(r"[^A-Za-z0-9@_:.\-+]")


def name_problem(name: str) -> str | None:
    """Say why Teleport would refuse a resource of this name, or None when it would not.

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
    """Return the name of the one lock on a user that is about a person, so that setting it twice sets one.

    A lock about somebody else who had the name before has a name of its own, and is never overwritten. The user's name
    is hashed because it may be longer than a name that a person would want to type. A user whose
    origin is not okta gets a lock of another name: neither identity may turn a lock of one origin into one of the
    other (`docs/reference/teleport.md` 2.2).
    """
    digest = hashlib.sha256(f"{user_name} {okta_id}".encode()).hexdigest()[:24]
    return f"okta-{digest}" if of_okta else f"okta-{digest}-adopted"


def member_role(okta_id: str) -> str:
    """Return the name of the role that members of the list of an Okta group or app have."""
    return MEMBER_ROLE_PREFIX + okta_id


def reviewer_role(okta_id: str) -> str:
    """Return the name of the role that owners of that list have, to review requests for the other."""
    return REVIEWER_ROLE_PREFIX + okta_id


def app_server_name(app_id: str) -> str:
    """Return the name of the app server of an Okta app: one DNS label, which no renaming of the app changes.

    Names of apps become subdomains of the proxy, where case is lost; ids are case-sensitive, so a few digits of the
    id's hash tell apart those that differ only in case.
    """
    digest = hashlib.sha256(app_id.encode()).hexdigest()[:4]
    return f"okta-{re.sub('[^a-z0-9]', '-', app_id.lower())}-{digest}"
