"""Parsing a ClientHello from the network: whole, in pieces, over several records, or not at all."""

import ssl
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from teleport_okta.sandbox.teleport.client_hello import LARGEST_HELLO, ClientHello, NotTlsError, parse_client_hello


def hello(*protocols: str, name: str | None = "teleport.cluster.local") -> bytes:
    """What OpenSSL sends first."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = name is not None
    if protocols:
        context.set_alpn_protocols(list(protocols))
    outgoing = ssl.MemoryBIO()
    session = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        session.do_handshake()
    return outgoing.read()


HELLO = hello("teleport-auth@6578.teleport.cluster.local", "h2")


def test_name_and_protocols_are_read_in_the_clients_order():
    assert parse_client_hello(HELLO) == ClientHello(
        "teleport.cluster.local", ("teleport-auth@6578.teleport.cluster.local", "h2")
    )


def test_a_hello_may_name_no_server_and_no_protocol():
    assert parse_client_hello(hello(name=None)) == ClientHello()


def test_bytes_after_the_hello_are_ignored():
    assert parse_client_hello(HELLO + b"\x17\x03\x03\x00\x01x") == parse_client_hello(HELLO)


@given(st.integers(0, len(HELLO) - 1))
def test_a_part_of_a_hello_is_waited_on(size):
    assert parse_client_hello(HELLO[:size]) is None


@given(st.integers(1, len(HELLO) - 6))
def test_a_hello_may_span_two_records(size):
    head, body = HELLO[:3], HELLO[5:]
    parts = body[:size], body[size:]
    records = b"".join(head + len(part).to_bytes(2, "big") + part for part in parts)
    assert parse_client_hello(records) == parse_client_hello(HELLO)


@pytest.mark.parametrize(
    "received",
    [
        b"GET / HTTP/1.1\r\n",
        b"G",
        b"SSH-2.0-x",
        b"\x16\x02\x00\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\x00\x00",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",
    ],
    ids=["http", "first byte", "ssh", "version", "empty record", "another message"],
)
def test_anything_else_is_no_hello(received):
    with pytest.raises(NotTlsError):
        parse_client_hello(received)


def test_a_hello_that_never_ends_is_given_up():
    record = b"\x16\x03\x01\x40\x00"
    endless = record + b"\x01\xff\xff\xff" + bytes(0x4000 - 4) + (record + bytes(0x4000)) * 4
    assert len(endless) > LARGEST_HELLO
    with pytest.raises(NotTlsError, match="too long"):
        parse_client_hello(endless)


@given(st.integers(9, len(HELLO) - 1), st.integers(0, 255))
def test_a_damaged_hello_is_read_or_refused_but_never_more(position, value):
    damaged = HELLO[:position] + bytes([value]) + HELLO[position + 1 :]
    with suppress(NotTlsError):
        parse_client_hello(damaged)
