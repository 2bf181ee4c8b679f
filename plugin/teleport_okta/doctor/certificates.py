"""The validity of the certificate of a listener of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from teleport_okta.doctor.findings import Finding, Section

EXPIRES_SOON: Final = 14
"""Days. Automatic renewals happen earlier, so less than this means that one failed."""


def of_life(
    section: Section, check: str, subject: str, leaf: x509.Certificate, *, now: datetime, remedy: str
) -> Finding:
    """Check how long a certificate is valid; `subject` names it, `remedy` says how to renew it."""
    end = leaf.not_valid_after_utc
    until = f"{subject}, valid until {end:%Y-%m-%dT%H:%MZ}"
    if end <= now:
        return section.error(check, f"{until}: it has expired", remedy)
    if leaf.not_valid_before_utc > now:
        what = f"{subject}, valid from {leaf.not_valid_before_utc:%Y-%m-%dT%H:%MZ}: not yet"
        return section.error(check, what, "correct this machine's clock, or wait")
    if (end - now).days < EXPIRES_SOON:
        return section.warning(check, f"{until}: it expires soon", remedy)
    return section.ok(check, until)
