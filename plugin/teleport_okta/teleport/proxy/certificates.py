"""The names that a server's certificate is good for (RFC 6125 §6.4)."""

from __future__ import annotations

import ipaddress

from cryptography import x509


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names and IP addresses of a certificate, as they stand in it. The common name does not count."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = (str(address) for address in names.get_values_for_type(x509.IPAddress))
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def is_good_for(certificate: x509.Certificate, name: str) -> bool:
    """Say whether a certificate names a host.

    A leading `*.` stands for exactly one label: `*.teleport.cluster.local` covers the encoded name of a cluster, and
    not `teleport.cluster.local` itself. An IP address must be named as such, never by a wildcard.
    """
    wanted = name.rstrip(".").lower()
    try:
        address = str(ipaddress.ip_address(wanted.strip("[]")))
    except ValueError:
        _, _, parent = wanted.partition(".")
        accepted = {wanted, f"*.{parent}"} if "." in parent else {wanted}
        return any(found.rstrip(".").lower() in accepted for found in certificate_names(certificate))
    return address in certificate_names(certificate)
