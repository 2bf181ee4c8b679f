"""The steps in Okta's admin console that make Okta provision people through SCIM.

Okta has no API for them (`docs/reference/okta.md` 4.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def scim_guide(label: str, base_url: str, token: str, *, groups: bool) -> Iterator[str]:
    """Yield the steps, with the names that the admin console uses. The token is shown only here."""
    pushes = "Push New Users, Push Profile Updates" + (", Push Groups" if groups else "")
    yield f"In Okta's admin console: Applications > {label}"
    yield "  1. General > App Settings > Edit: Provisioning: SCIM. Save."
    yield "  2. Provisioning > Integration > Edit:"
    yield f"       SCIM connector base URL            {base_url}"
    yield "       Unique identifier field for users  userName"
    yield f"       Supported provisioning actions     {pushes}"
    yield "       Authentication Mode                HTTP Header"
    yield f"       Authorization: Bearer              {token}"
    yield "     Test Connector Configuration, then Save."
    yield "  3. Provisioning > To App > Edit: Create Users, Update User Attributes, Deactivate Users. Save."
    yield "  4. Assignments: people who were assigned before need Provision User once."
