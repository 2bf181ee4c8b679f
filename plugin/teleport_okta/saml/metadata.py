"""Read the metadata of an identity provider from a document that may be hostile (`docs/reference/okta.md` 4.3).

Teleport trusts the keys in it, so a document with any fault is refused as a whole. The text is decoded and its tags are
counted before lxml parses it: lxml never gets a DTD, nor more than it parses at once. A signature of the document is
not checked, because the document comes from Okta through TLS.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from yarl import URL

from teleport_okta.errors import TeleportOktaError
from teleport_okta.model.idp import METADATA, SAML_2_0, SIGNATURE, Binding, IdpMetadata, SigningCertificate, SsoUrl
from teleport_okta.observe.text import printable
from teleport_okta.okta.address import is_loopback

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

MAX_BYTES: Final = 1024 * 1024
"""The size of a document. Okta's have 3 kB."""

MAX_TAGS: Final = 2_000
"""How many `<`, and how many `=`, a document may have: bounds its elements and attributes. Okta's have some 30."""

MAX_DEPTH: Final = 16
"""How deep elements may nest. Okta's certificates are at depth 6."""

MAX_ENTITY_ID: Final = 1024
"""The characters of an entity id (SAML core 8.3.6)."""

MAX_URL: Final = 2048
"""The characters of an address."""

_LONGEST_QUOTE: Final = 80
_LONGEST_SUBJECT: Final = 200
_BINDINGS: Final = frozenset(Binding)

_CODECS: Final = {"utf-8": "utf-8", "us-ascii": "ascii", "iso-8859-1": "latin-1"}
_ENCODING: Final = re.compile(rb"""<\?xml(?=\s)[^>]*?\sencoding\s*=\s*["']([^"'>]*)""")
_NO_XML_CHARACTER: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HTML: Final = re.compile(r"\s*(?:<!doctype\s+html\b|<html\b)", re.IGNORECASE)
_URL_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_USER_INFO: Final = re.compile(r"(?<=//)[^/?#]*@")

_FETCH_AGAIN: Final = (
    "fetch it again; if it stays so, open the app's metadata URL (Sign On, in Okta's admin console) in a browser, "
    "and check proxies between us and Okta"
)
_OTHER_APP: Final = "check okta.app_id (or app_id of the plugin): the app has to be one for SAML 2.0"
_OTHER_ORGANISATION: Final = "check okta.org_url: it has to be the organisation of the app, or its custom domain"
_NEW_CERTIFICATE: Final = "in Okta's admin console, generate a signing certificate for the app and activate it"


class MetadataError(TeleportOktaError):
    """The metadata of an identity provider cannot be used. Fetch it again, or change in Okta what the message names.

    `source` names the document. The message quotes a few words of the document at most, control characters escaped.
    """

    def __init__(self, source: str, problem: str, *, remedy: str) -> None:
        super().__init__(f"{source}: {problem}", remedy=remedy)
        self.source = source


def read_metadata(
    document: bytes, *, org_hosts: Collection[str], source: str = "the metadata of the identity provider"
) -> IdpMetadata:
    """Read a document. Its own declaration says the encoding, because Okta's HTTP header names a wrong one.

    `org_hosts` are the hosts of the organisation, without ports; no sign-in address may be at another host. Plain http
    is accepted for a loopback host among them. Raises MetadataError, whose message begins with `source`.
    """
    try:
        text = _decoded(document)
        entity = _entity(_parsed(text))
        provider = _provider(entity)
        return IdpMetadata(
            entity_id=_entity_id(entity),
            sso_urls=_sso_urls(provider, frozenset(host.lower() for host in org_hosts)),
            certificates=_certificates(provider),
            document=text,
        )
    except _UnusableError as error:
        # No cause: those of lxml and cryptography hold words of the document, of any length.
        raise MetadataError(source, error.problem, remedy=error.remedy) from None


class _UnusableError(Exception):
    """A fault of a document. `read_metadata` turns it into a MetadataError with the source."""

    def __init__(self, problem: str, remedy: str = _FETCH_AGAIN) -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def _decoded(document: bytes) -> str:
    """Return the text of a document that is small enough, and is no HTML, JSON or XML with a DTD."""
    if len(document) > MAX_BYTES:
        raise _UnusableError(f"has {len(document)} bytes; at most {MAX_BYTES} are read")
    text = _text(document)
    if not text.strip():
        raise _UnusableError("is empty")
    if text.lstrip().startswith(("{", "[")):
        raise _UnusableError("is JSON, not XML: an error of Okta's API, or an answer to another call")
    if _HTML.match(text):
        raise _UnusableError("is a page for a browser, not metadata: a sign-in page, or an error of a proxy")
    if (found := _NO_XML_CHARACTER.search(text)) is not None:
        raise _UnusableError(
            f"has the character U+{ord(found[0]):04X} at offset {found.start()}, which XML does not allow"
        )
    # A comment may not have it either: telling comments apart would take a second parser, which could be fooled.
    if "<!DOCTYPE" in text:
        raise _UnusableError("has a DTD, which could make it read files or grow without end")
    for what, mark in (("tags", "<"), ("attributes", "=")):
        # Before parsing: lxml needs 30 s to list 100,000 attributes of one element.
        if text.count(mark) > MAX_TAGS:
            raise _UnusableError(f"has more than {MAX_TAGS} {what}")
    return text


def _text(document: bytes) -> str:
    if document.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _UnusableError("is encoded in UTF-16; UTF-8, US-ASCII and ISO-8859-1 are read")
    content = document.removeprefix(codecs.BOM_UTF8)
    declared = _ENCODING.match(content)
    name = "UTF-8" if declared is None else declared[1].decode("latin-1")
    codec = _CODECS.get(name.lower())
    if codec is None:
        raise _UnusableError(f"declares the encoding {_quoted(name)}; UTF-8, US-ASCII and ISO-8859-1 are read")
    if codec != "utf-8" and content is not document:
        raise _UnusableError(f"declares the encoding {name}, but begins with the byte order mark of UTF-8")
    try:
        return content.decode(codec)
    except UnicodeDecodeError as error:
        byte = content[error.start]
        raise _UnusableError(
            f"is not encoded in {name}: it has the byte 0x{byte:02x} at offset {error.start}"
        ) from None


class _LxmlElement(Protocol):
    """The part of lxml's elements that we use; lxml has no types."""

    tag: str
    text: str | None
    attrib: Mapping[str, str]

    def __iter__(self) -> Iterator[_LxmlElement]: ...


@dataclass(frozen=True, slots=True)
class _Element:
    """An element. `name` and the names of attributes have their namespace before them: `{urn:…}EntityDescriptor`."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[_Element, ...]

    def all(self, name: str) -> Iterator[_Element]:
        """Yield the children of a name."""
        return (child for child in self.children if child.name == name)


def _parser() -> etree.XMLParser:
    """Return a parser that opens no file and no connection, and expands no entity, whatever the document says.

    `collect_ids` stays as it is: `collect_ids=False` makes lxml 6.1.3 load external DTDs, in spite of `load_dtd`.
    """
    return etree.XMLParser(
        encoding="utf-8",  # the document was decoded already; what it declares no longer counts
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        # Else lxml would end a text at the first comment or instruction in it: `a<!-- -->b` would be `a`, not `ab`.
        remove_comments=True,
        remove_pis=True,
    )


def _parsed(text: str) -> _Element:
    try:
        root = etree.fromstring(text.encode(), _parser())
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise _too_deep() from None
        raise _UnusableError(f"is not well-formed XML: {_quoted(' '.join(str(error.msg).split()))}") from None
    return _element(root, depth=1)


def _element(element: _LxmlElement, *, depth: int) -> _Element:
    if depth > MAX_DEPTH:
        raise _too_deep()
    children = tuple(_element(child, depth=depth + 1) for child in element)
    return _Element(element.tag, dict(element.attrib), element.text or "", children)


def _too_deep() -> _UnusableError:
    return _UnusableError(f"has elements nested deeper than {MAX_DEPTH}")


def _entity(root: _Element) -> _Element:
    if root.name == f"{{{METADATA}}}EntitiesDescriptor":
        raise _UnusableError("describes several entities (EntitiesDescriptor), and not one app", _OTHER_APP)
    if root.name != f"{{{METADATA}}}EntityDescriptor":
        raise _UnusableError(
            f"is no SAML metadata: its root is {_quoted(root.name)}, not EntityDescriptor of {METADATA}", _OTHER_APP
        )
    return root


def _entity_id(entity: _Element) -> str:
    entity_id = entity.attributes.get("entityID", "")
    if not entity_id:
        raise _UnusableError("has no entityID")
    if len(entity_id) > MAX_ENTITY_ID:
        raise _UnusableError(f"has an entityID of {len(entity_id)} characters; SAML allows {MAX_ENTITY_ID}")
    if not entity_id.isprintable() or " " in entity_id:
        raise _UnusableError(f"has an entityID with white space or control characters in it: {_quoted(entity_id)}")
    return entity_id


def _provider(entity: _Element) -> _Element:
    """Return the one description of an identity provider. Descriptions of other roles and protocols do not matter."""
    described = list(entity.all(f"{{{METADATA}}}IDPSSODescriptor"))
    if not described:
        raise _UnusableError("describes no identity provider (IDPSSODescriptor)", _OTHER_APP)
    providers = [one for one in described if SAML_2_0 in one.attributes.get("protocolSupportEnumeration", "").split()]
    if not providers:
        raise _UnusableError("describes an identity provider that does not support SAML 2.0", _OTHER_APP)
    if len(providers) > 1:
        raise _UnusableError(f"describes {len(providers)} identity providers for SAML 2.0, and not one", _OTHER_APP)
    return providers[0]


def _sso_urls(provider: _Element, hosts: frozenset[str]) -> tuple[SsoUrl, ...]:
    """Return the sign-in addresses. A wrong one is refused even beside right ones: the document is not Okta's then."""
    urls, others = [], []
    for service in provider.all(f"{{{METADATA}}}SingleSignOnService"):
        binding, url = (service.attributes.get(name, "") for name in ("Binding", "Location"))
        if binding in _BINDINGS:
            _check_url(url, hosts)
            urls.append(SsoUrl(Binding(binding), url))
        else:
            others.append(binding)
    if not urls:
        instead = f", but for {_quoted(', '.join(others))}" if others else ""
        raise _UnusableError(f"has no sign-in address for HTTP-POST or HTTP-Redirect{instead}", _OTHER_APP)
    return tuple(dict.fromkeys(urls))


def _check_url(text: str, hosts: frozenset[str]) -> None:
    url = _url(text)
    remedy = _FETCH_AGAIN
    if url is None:
        problem = f"is not a URL of at most {MAX_URL} characters"
    elif url.scheme not in {"https", "http"} or not url.raw_host:
        problem = "does not start with https://"
    elif "@" in url.raw_authority:
        problem = "holds a user name or password"
    elif hosts.isdisjoint({url.host, url.raw_host}):
        problem = f"is not at a host of the organisation ({', '.join(sorted(hosts))})"
        remedy = _OTHER_ORGANISATION
    elif url.scheme == "http" and not is_loopback(url.raw_host):
        problem = "is not encrypted"
    else:
        return
    raise _UnusableError(f"has the sign-in address {_quoted(_USER_INFO.sub('…@', text))}, which {problem}", remedy)


def _url(text: str) -> URL | None:
    """Return a URL, if it has no character that browsers and programs understand differently, as the backslash."""
    if len(text) > MAX_URL or not _URL_CHARACTERS.fullmatch(text):
        return None
    try:
        url = URL(text, encoded=True)
        _ = url.host  # decoded on demand; raises for a name that IDNA does not allow
    except ValueError:
        return None
    return url


def _certificates(provider: _Element) -> tuple[SigningCertificate, ...]:
    """Return the certificates of all keys that sign. A key without a use also signs (SAML metadata 2.4.1.1).

    A certificate that cannot be read is refused even beside others: if Okta begins to sign with it, every login fails.
    """
    keys = (
        key for key in provider.all(f"{{{METADATA}}}KeyDescriptor") if key.attributes.get("use") in {None, "signing"}
    )
    found = [_certificate(one, number) for number, one in enumerate(_certificate_elements(keys), 1)]
    if not found:
        raise _UnusableError("has no signing certificate", _NEW_CERTIFICATE)
    return tuple({one.fingerprint: one for one in found}.values())


def _certificate_elements(keys: Iterable[_Element]) -> Iterator[_Element]:
    for key in keys:
        for info in key.all(f"{{{SIGNATURE}}}KeyInfo"):
            for data in info.all(f"{{{SIGNATURE}}}X509Data"):
                yield from data.all(f"{{{SIGNATURE}}}X509Certificate")


def _certificate(element: _Element, number: int) -> SigningCertificate:
    if element.children:
        raise _UnusableError(f"has elements within signing certificate {number}")
    try:
        der = base64.b64decode("".join(element.text.split()), validate=True)
    except ValueError:
        raise _UnusableError(f"has a signing certificate that is not base64: number {number}") from None
    try:
        certificate = x509.load_der_x509_certificate(der)
        certificate.public_key()  # raises for a key that Teleport could not use either
        return SigningCertificate(
            fingerprint=hashlib.sha256(der).hexdigest(),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            subject=_shortened(certificate.subject.rfc4514_string(), _LONGEST_SUBJECT),
            der=der,
        )
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        problem = f"has a signing certificate that is not X.509, or of an unknown kind: number {number}"
        raise _UnusableError(problem, _NEW_CERTIFICATE) from None


def _quoted(text: str) -> str:
    return f"'{_shortened(text, _LONGEST_QUOTE)}'"


def _shortened(text: str, length: int) -> str:
    return printable(text if len(text) <= length else f"{text[: length - 1]}…")
