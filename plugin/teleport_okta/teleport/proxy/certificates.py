"""The names in a server's certificate (RFC 6125 §6.4), in the form that `service_identity` compares."""

from __future__ import annotations

import ipaddress
from contextlib import suppress

from cryptography import x509
from service_identity import CertificateError
from service_identity.hazmat import DNS_ID, DNSPattern, IPAddress_ID, IPAddressPattern


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names and IP addresses of a certificate. The common name does not count."""
    return (*_dns_names(certificate), *_addresses(certificate))


def is_good_for(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate is for a host.

    A leading `*.` stands for exactly one label: `*.teleport.cluster.local` covers the encoded name of a cluster, and
    not `teleport.cluster.local` itself. An IP address must be named as such, never by a wildcard.
    """
    wanted = name.rstrip(".")
    try:
        service = IPAddress_ID(wanted) if is_ip_address(wanted) else DNS_ID(wanted)
    except ValueError:
        return False
    return any(service.verify(pattern) for pattern in _patterns(certificate))


def _patterns(certificate: x509.Certificate) -> list[DNSPattern | IPAddressPattern]:
    """Return the names as `service_identity` compares them.

    Its own extraction refuses a certificate if one name is invalid. An auth server's certificate also has the host
    names of its machine; the name of a container may be all digits, which is taken for an address there.
    """
    patterns: list[DNSPattern | IPAddressPattern] = []
    for name in _dns_names(certificate):
        with suppress(CertificateError, UnicodeEncodeError):
            patterns.append(DNSPattern.from_bytes(name.rstrip(".").encode("ascii")))
    patterns += [IPAddressPattern(ipaddress.ip_address(address)) for address in _addresses(certificate)]
    return patterns


def is_ip_address(host: str) -> bool:
    """Whether a host is an IP address, which server name indication does not allow (RFC 6066 §3)."""
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
