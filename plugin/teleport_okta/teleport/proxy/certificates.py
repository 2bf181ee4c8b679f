"""The names that a server's certificate is good for (RFC 6125 §6.4)."""

from __future__ import annotations

import ipaddress

from cryptography import x509


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names and IP addresses of a certificate, as they stand in it. The common name does not count."""
    return (*_dns_names(certificate), *_addresses(certificate))


def is_good_for(certificate: x509.Certificate, name: str) -> bool:
    """Say whether a certificate names a host.

    A leading `*.` stands for exactly one label: `*.teleport.cluster.local` covers the encoded name of a cluster, and
    not `teleport.cluster.local` itself. An IP address must be named as such, never by a wildcard.
    """
    wanted = name.rstrip(".").lower()
    if is_ip_address(wanted):
        return str(ipaddress.ip_address(wanted)) in _addresses(certificate)
    _, _, parent = wanted.partition(".")
    accepted = {wanted, f"*.{parent}"} if "." in parent else {wanted}
    return any(found.rstrip(".").lower() in accepted for found in _dns_names(certificate))


def is_ip_address(host: str) -> bool:
    """Say whether a host is given by its address; server name indication has no place for one (RFC 6066 §3)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _dns_names(certificate: x509.Certificate) -> list[str]:
    names = _alternative_names(certificate)
    return names.get_values_for_type(x509.DNSName) if names is not None else []


def _addresses(certificate: x509.Certificate) -> list[str]:
    names = _alternative_names(certificate)
    return [str(address) for address in names.get_values_for_type(x509.IPAddress)] if names is not None else []


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName | None:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return None
