"""What is said of the certificate of a listener of ours: whom it is for, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from teleport_okta.doctor.findings import Finding, Section

EXPIRES_SOON: Final = 14
"""Days; with less left, a certificate that is renewed by itself should have been."""


def of_life(
    section: Section, check: str, subject: str, leaf: x509.Certificate, *, now: datetime, remedy: str
) -> Finding:
    """Say until when a certificate is valid; `subject` names it, `remedy` says how it is renewed."""
    end = leaf.not_valid_after_utc
    until = f"{subject}, valid until {end:%Y-%m-%dT%H:%MZ}"
    if end <= now:
        return section.error(check, f"{until}: that is over", remedy)
    if leaf.not_valid_before_utc > now:
        what = f"{subject}, valid from {leaf.not_valid_before_utc:%Y-%m-%dT%H:%MZ}: that is to come"
        return section.error(check, what, "set this machine's clock right, or wait")
    if (end - now).days < EXPIRES_SOON:
        return section.warning(check, f"{until}: that is soon", remedy)
    return section.ok(check, until)
