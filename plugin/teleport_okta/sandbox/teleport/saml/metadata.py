"""Reads an identity provider's SAML metadata as the server does: the entity id and the first sign-on URL.

The parser is the standard library's expat, with two more rules: a document type is refused, so there are no entities to
expand or to fetch, and only UTF-8 is accepted, as by Teleport's parser. Certificates are not checked: a connector with
an expired one is accepted (`docs/reference/teleport-observed.md` 1.12).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from ..refusal import quoted, unknown, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMESPACE: Final = "urn:oasis:names:tc:SAML:2.0:metadata"
_ROOT: Final = f"{_NAMESPACE} EntityDescriptor"
_SIGN_ON: Final = [_ROOT, f"{_NAMESPACE} IDPSSODescriptor", f"{_NAMESPACE} SingleSignOnService"]


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """The values in a descriptor; empty for missing ones."""

    entity_id: str
    sso_url: str


def parse_metadata(text: str) -> IdpMetadata:
    """Read a descriptor. Raises Refusal (UNKNOWN) if it does not parse, or is no descriptor."""
    reader = _Reader()
    parser = ParserCreate("utf-8", " ")
    parser.XmlDeclHandler = reader.declare
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(text.encode(), True)
    except ExpatError as error:
        _refuse(f"XML syntax error on line {error.lineno}: {error}")
    except _NotUnderstoodError as error:
        _refuse(str(error))
    return IdpMetadata(reader.entity_id, reader.sso_url)


def _refuse(reason: str) -> NoReturn:
    raise wrapped(unknown(reason), "failed to parse entity_descriptor")


class _NotUnderstoodError(Exception):
    """The XML is well-formed, but the server does not accept it."""


class _Reader:
    """Collects the wanted values while expat parses the document."""

    def __init__(self) -> None:
        self.entity_id = ""
        self.sso_url = ""
        self._path: list[str] = []
        self._found = False

    def declare(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() != "utf-8":
            raise _NotUnderstoodError(f"xml: encoding {quoted(encoding)} declared but Decoder.CharsetReader is nil")

    def refuse_document_type(self, *_parts: object) -> NoReturn:
        raise _NotUnderstoodError("a document type is not allowed")

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if not self._path and name != _ROOT:
            raise _NotUnderstoodError(f"expected element type <EntityDescriptor> but have <{name.rpartition(' ')[2]}>")
        self._path.append(name)
        if self._path == [_ROOT]:
            self.entity_id = attributes.get("entityID", "")
        elif self._path == _SIGN_ON and not self._found:
            self.sso_url, self._found = attributes.get("Location", ""), True

    def end(self, _name: str) -> None:
        self._path.pop()
