"""A host that no name server knows, and a port that nobody listens at, in words that name them."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from teleport_okta.okta.network_errors import undelivered
from teleport_okta.okta.okta_errors import OktaUnreachableError
from yarl import URL

ADDRESS = URL("https://exmaple.okta.com/api/v1/users")
KEY = ConnectionKey(
    "exmaple.okta.com", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
)


def test_an_unknown_host_is_a_matter_of_spelling():
    failure = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    error = undelivered("GET", ADDRESS, aiohttp.ClientConnectorDNSError(KEY, failure), None)
    assert isinstance(error, OktaUnreachableError)
    assert "did not reach exmaple.okta.com: no address was found for this name" in error.what
    assert "spelling of okta.org_url" in error.remedy


def test_a_refused_connection_shows_no_object_of_python():
    failure = ConnectionRefusedError(111, "Connection refused")
    error = undelivered("GET", ADDRESS, aiohttp.ClientConnectorError(KEY, failure), None)
    assert "Connection refused" in error.what
    assert "object at" not in error.what
    assert "status.okta.com" in error.remedy
