"""Reading a document opens nothing, and costs no more than its size allows."""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import struct
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from teleport_okta.saml import metadata
from teleport_okta.saml.metadata import MAX_BYTES, MAX_TAGS, MetadataError, read_metadata
from unit.saml import documents
from unit.saml.documents import HOSTS, certificate, entity, key, provider, service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OPENED = 0x20  # IN_OPEN of inotify(7)


class Watched:
    """Counts how often a file is opened, by whomever: libxml2 opens files behind Python's back."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK)
        assert self._events >= 0
        assert libc.inotify_add_watch(self._events, os.fsencode(path), OPENED) >= 0

    def opened(self) -> int:
        try:
            events = os.read(self._events, 4096)
        except BlockingIOError:
            return 0
        return len(events) // struct.calcsize("iIII")

    def close(self) -> None:
        os.close(self._events)


class Trap:
    """A file and a server, and whether anybody has been there."""

    def __init__(self, path: Path, server: socket.socket) -> None:
        path.write_text("<!ENTITY canary 'sang'>")
        self.watched = Watched(path)
        self.file = path.as_uri()
        self.path = path
        self._server = server
        self.http = f"http://127.0.0.1:{server.getsockname()[1]}/x"

    def sprung(self) -> bool:
        try:
            self._server.accept()[0].close()
        except BlockingIOError:
            return self.watched.opened() > 0
        return True


@pytest.fixture
def trap(tmp_path) -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        made = Trap(tmp_path / "canary", server)
        yield made
        made.watched.close()


ATTACKS = {
    "entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "{url}">]><a>&e;</a>',
    "entity in an attribute": '<!DOCTYPE a [<!ENTITY e SYSTEM "{url}">]><a b="&e;"/>',
    "parameter entity": '<!DOCTYPE a [<!ENTITY % e SYSTEM "{url}"> %e;]><a>&canary;</a>',
    "external DTD": '<!DOCTYPE a SYSTEM "{url}"><a>&canary;</a>',
    "public DTD": '<!DOCTYPE a PUBLIC "x" "{url}"><a/>',
    "inclusion": '<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="{url}" parse="text"/></a>',
    "schema": '<a xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:noNamespaceSchemaLocation="{url}"/>',
    "style sheet": '<?xml-stylesheet href="{url}"?><a/>',
}


@pytest.mark.parametrize("where", ["file", "http", "path"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_document_opens_no_file_and_no_connection(trap, attack, where):
    document = ATTACKS[attack].format(url=getattr(trap, where))
    with pytest.raises(MetadataError) as caught:
        read_metadata(document.encode(), org_hosts=HOSTS)
    assert not trap.sprung()
    assert "sang" not in str(caught.value)


@pytest.mark.parametrize("where", ["file", "http", "path"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_parser_alone_would_not_either(trap, attack, where):
    document = ATTACKS[attack].format(url=getattr(trap, where))
    try:
        seen = etree.tostring(etree.fromstring(document.encode(), metadata._parser()))
    except etree.XMLSyntaxError:
        seen = b""
    assert not trap.sprung()
    assert b"sang" not in seen


def test_the_parser_alone_would_not_expand_entities():
    document = b'<!DOCTYPE a [<!ENTITY e "boom">]><a>&e;</a>'
    assert b"boom</a>" not in etree.tostring(etree.fromstring(document, metadata._parser()))


def test_the_trap_is_sprung_by_a_parser_that_may_do_everything(trap):
    document = ATTACKS["entity"].format(url=trap.file).encode()
    with suppress(etree.XMLSyntaxError):
        etree.fromstring(document, etree.XMLParser(resolve_entities=True, load_dtd=True, no_network=False))
    assert trap.sprung()
    assert not trap.sprung()
    with socket.create_connection(trap._server.getsockname()):
        assert trap.sprung()


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"<a>" + b" " * MAX_BYTES + b"</a>", id="too large"),
        pytest.param(b"<!DOCTYPE a><a/>", id="DTD"),
        pytest.param(b"<a>" + b"<b/>" * MAX_TAGS + b"</a>", id="too many elements"),
        pytest.param(b"<a " + b" ".join(b"b%d=''" % number for number in range(100_000)) + b"/>", id="attributes"),
        pytest.param(b"<a>" + b"<!---->" * MAX_TAGS + b"</a>", id="comments"),
    ],
)
def test_no_parser_sees_what_could_keep_it_busy(monkeypatch, document):
    monkeypatch.setattr(etree, "fromstring", lambda *_: pytest.fail("it was parsed"))
    with pytest.raises(MetadataError):
        read_metadata(document, org_hosts=HOSTS)


@contextmanager
def counted_calls() -> Iterator[Counter[str]]:
    """Count the calls that Python makes, those into C included, but not what a garbage collection calls."""
    calls: Counter[str] = Counter()
    before = sys.getprofile()
    gc.disable()
    sys.setprofile(lambda _frame, event, _argument: calls.update([event]))
    try:
        yield calls
    finally:
        sys.setprofile(before)
        gc.enable()


def many(size: int, piece: str) -> str:
    """A piece again and again, with another number for each N in it."""
    return "".join(piece.replace("N", str(number)) for number in range(size))


GROWING = {
    "elements": lambda size: entity(provider() + "<md:a/>" * size),
    "attributes": lambda size: entity(provider() + "<md:a" + many(size, " bN=''") + "/>"),
    "namespaces": lambda size: entity(provider() + "<md:a" + many(size, " xmlns:bN='urn:N'") + "/>"),
    "addresses": lambda size: entity(provider(services=many(size, service(f"https://{HOSTS[0]}/N")))),
    "certificates": lambda size: entity(provider(key(certificate()) * size)),
    "text": lambda size: entity(f"{provider()}<md:a>{'&#65;' * 100 * size}</md:a>"),
    "comments": lambda size: entity(provider(key("<!-- -->" * size + documents.wrapped(certificate())))),
    "white space": lambda size: entity(provider(key(" \n" * 500 * size + documents.wrapped(certificate())))),
}


@pytest.mark.parametrize("growing", GROWING)
def test_twice_the_document_is_at_most_twice_the_work(growing):
    def work(size: int) -> int:
        document = GROWING[growing](size).encode()
        with counted_calls() as calls:
            read_metadata(document, org_hosts=HOSTS)
        return calls.total()

    first, second = work(100), work(200)
    assert second <= 2 * first
