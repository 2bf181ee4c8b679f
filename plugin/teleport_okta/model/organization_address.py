"""Compares addresses of Okta organisations."""

from __future__ import annotations

from urllib.parse import urlsplit


def host_of(address: str) -> str:
    """Return host and port in lower case, without the port 443; empty for an address without a host."""
    try:
        return urlsplit(address if "://" in address else f"https://{address}").netloc.lower().removesuffix(":443")
    except ValueError:
        return ""


def same_organization(one: str, other: str) -> bool:
    """Whether two addresses have the same host and port; scheme, case and final slash are ignored."""
    return host_of(one) == host_of(other) != ""
