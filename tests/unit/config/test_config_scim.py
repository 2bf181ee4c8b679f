"""The section `scim`: tokens are never sent in clear text by mistake."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.errors import ConfigError

OKTA = {"org_url": "https://example.okta.com", "api_token": "00secret", "app_id": "0oaAPP"}
URL = "https://scim.example.com/scim/v2"
FILES = {"certificate": "/c.pem", "key": "/k.pem"}


def scim(**keys):
    return parse({"okta": OKTA, "scim": {"public_url": URL, **keys}}).scim


def test_there_is_no_endpoint_by_default():
    assert parse({"okta": OKTA}).scim.listen is None


@pytest.mark.parametrize(
    "keys",
    [
        {"listen": "127.0.0.1:0"},
        {"listen": "[::1]:8080"},
        {"listen": "localhost:8080"},
        {"listen": "0.0.0.0:8443", **FILES},
        {"listen": "0.0.0.0:8080", "behind_proxy": True, "trusted_proxies": ["10.0.0.0/8", "::1"]},
        {"listen": "127.0.0.1:1", "public_url": "http://localhost:1/scim/v2"},
    ],
)
def test_an_address_is_accepted_if_tokens_are_protected(keys):
    assert scim(**keys).listen == keys["listen"]


def test_a_slash_at_the_end_of_the_url_is_removed():
    assert scim(public_url=f"{URL}/").public_url == URL


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"listen": "0.0.0.0:8080"}, r"listen: tokens would be sent to 0\.0\.0\.0:8080 in clear text"),
        ({"listen": "scim.example.com:8080"}, r"in clear text"),
        ({"listen": "127.0.0.1:70000"}, r"no port up to"),
        ({"listen": "8080"}, r"scim\.listen"),
        ({"listen": "127.0.0.1:1", "public_url": None}, r"public_url is not"),
        ({"certificate": "/c.pem"}, r"certificate is set but key is not"),
        ({"key": "/k.pem"}, r"key is set but certificate is not"),
        ({"public_url": "http://scim.example.com/"}, r"scim\.public_url: tokens must not be sent in clear text"),
        ({"public_url": "https://scim_1.example.com/"}, r"Okta refuses a base URL with an underscore"),
        ({"public_url": "scim.example.com"}, r"not a URL like"),
        ({"public_url": "https://[x"}, r"not a URL like"),
        ({"public_url": f"{URL}?a=b"}, r"no query"),
        ({"public_url": "https://ada@scim.example.com/"}, r"no user name"),
        ({"trusted_proxies": ["10.0.0.1", "proxy"]}, r"scim\.trusted_proxies: number 2 is not an IP address"),
        ({"plugin_name": "a_b"}, r"scim\.plugin_name"),
        ({"deadline": "60s"}, r"scim\.deadline"),
        ({"max_body": 1}, r"scim\.max_body"),
    ],
)
def test_a_wrong_key_is_named(keys, words):
    with pytest.raises(ConfigError, match=words):
        scim(**keys)
