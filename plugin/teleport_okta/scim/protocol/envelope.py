"""The check of every body: it is an object, and `schemas`, if present, is a list of URNs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from teleport_okta.scim.scim_errors import ScimType, bad_request


def read_envelope(body: object) -> Mapping[str, Any]:
    """Return a body as an object.

    Which URNs `schemas` has is not checked: clients send those of versions and vendors that we do not know, and some
    send none. Raises ScimError (invalidSyntax) for a body that is not an object, or a `schemas` that is not a list of
    strings.
    """
    if not isinstance(body, Mapping):
        raise bad_request(ScimType.INVALID_SYNTAX, "The body must be a JSON object.")
    for name, value in body.items():
        if (
            name.lower() == "schemas"
            and value is not None
            and not (isinstance(value, list) and all(isinstance(one, str) for one in value))
        ):
            raise bad_request(ScimType.INVALID_SYNTAX, "schemas must be a list of URNs.")
    return body
