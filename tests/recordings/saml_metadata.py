"""Read recorded IdP metadata, and see that nothing of it that we use is lost: `python saml_metadata.py DIR`.

DIR holds JSON files as `okta_recordings.py` takes them. One line for each file that has metadata in it; exit status 1
where a document cannot be read, or something is lost. What is expected is taken from the document by the few lines
below, not by the code under test: another XML parser, and OpenSSL's names of times.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from cryptography.x509.oid import NameOID
from OpenSSL import crypto
from teleport_okta.saml.metadata import MetadataError, read_metadata
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from teleport_okta.model.idp import IdpMetadata

PATH: Final = re.compile(r"/api/v1/apps/[^/]+/sso/saml/metadata(\?.*)?")

MD: Final = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
USED: Final = ("HTTP-POST", "HTTP-Redirect")


def documents_of(path: Path) -> list[str]:
    """Return the metadata that a file holds; none where it is of another kind."""
    try:
        exchanges = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    if not isinstance(exchanges, list):
        return []
    return [
        one["body"]
        for one in exchanges
        if isinstance(one, dict) and one.get("status") == 200 and PATH.fullmatch(one.get("path", ""))
    ]


def check(path: Path) -> tuple[str, bool]:
    """Check every document of a file; return its line, and whether all is well."""
    documents = documents_of(path)
    found = [f"document {number}: {loss}" for number, one in enumerate(documents, 1) for loss in losses(one)]
    return f"{path.name}: {len(documents)} IdP metadata: {'; '.join(found) or 'no loss'}", not found


def losses(document: str) -> Iterator[str]:
    """Yield what differs between a document and what was read of it."""
    root = ET.fromstring(document)
    services = [
        (binding, one.attrib["Location"])
        for one in root.iter(f"{MD}SingleSignOnService")
        if (binding := one.attrib["Binding"]).rpartition(":")[2] in USED
    ]
    hosts = {host for _, url in services if (host := URL(url).host)}
    try:
        metadata = read_metadata(document.encode(), org_hosts=hosts)
        again = read_metadata(metadata.descriptor.encode(), org_hosts=hosts)
    except MetadataError as error:
        yield str(error)
        return
    if metadata.entity_id != root.attrib["entityID"]:
        yield f"entityID is {root.attrib['entityID']!r}, read as {metadata.entity_id!r}"
    if [(one.binding.value, one.url) for one in metadata.sso_urls] != services:
        yield f"the addresses are {services}, read as {metadata.sso_urls}"
    if again.digest != metadata.digest:
        yield "what is written for Teleport says something else"
    yield from lost_certificates(root, metadata)


def lost_certificates(root: ET.Element, metadata: IdpMetadata) -> Iterator[str]:
    """Yield what differs between the signing certificates of a document and those that were read."""
    texts = [
        one.text or ""
        for key in root.iter(f"{MD}KeyDescriptor")
        if key.attrib.get("use") != "encryption"
        for one in key.iter(f"{DS}X509Certificate")
    ]
    ders = [base64.b64decode(text) for text in texts]
    if [one.fingerprint for one in metadata.certificates] != [hashlib.sha256(der).hexdigest() for der in ders]:
        yield f"{len(ders)} certificates, read as {metadata.certificates}"
        return
    for der, one in zip(ders, metadata.certificates, strict=True):
        raw = crypto.load_certificate(crypto.FILETYPE_ASN1, der)
        expected = (raw.get_notBefore(), raw.get_notAfter())
        found = tuple(f"{moment:%Y%m%d%H%M%SZ}".encode() for moment in (one.not_before, one.not_after))
        if expected != found:
            yield f"a certificate is valid within {expected}, read as {found}"
        (name,) = raw.to_cryptography().subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        if f"CN={name.value}" not in one.subject:
            yield f"a certificate is of {name.value!r}, read as {one.subject!r}"


def main(arguments: list[str]) -> int:
    """Check every file below the folder that is given."""
    if len(arguments) != 1:
        sys.stderr.write("usage: saml_metadata.py DIR\n")
        return 2
    results = [check(path) for path in sorted(Path(arguments[0]).rglob("*.json")) if documents_of(path)]
    if not results:
        sys.stderr.write(f"{arguments[0]}: there is no IdP metadata here\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line, _ in results)
    return 0 if all(fine for _, fine in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
