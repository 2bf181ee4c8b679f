"""The section `[serve]`: entries that could allow more callers than they seem to are refused."""

from __future__ import annotations

import pytest
from teleport_okta.config import parse
from teleport_okta.errors import ConfigError

OKTA = {"org_url": "https://example.okta.com", "api_token": "00secret", "app_id": "0oaAPP"}
FILES = {"certificate": "/tls/cert.pem", "key": "/tls/key.pem"}
LISTENING = {"listen": "0.0.0.0:9443", **FILES}


def serve(**section):
    return parse({"okta": OKTA, "serve": section}).serve


def test_by_default_nothing_listens_and_nobody_is_listed():
    section = parse({"okta": OKTA}).serve
    assert section.listen is None
    assert section.readers == section.writers == section.scim_callers == ()
    assert serve(**LISTENING).writers == ()


def test_users_roles_and_system_roles_may_be_named():
    entries = ["user:ada@example.com", "user:bot-ci", "role:editor", "host-role:Proxy"]
    assert serve(**LISTENING, readers=entries, writers=entries, scim_callers=entries).readers == tuple(entries)


@pytest.mark.parametrize("key", ["readers", "writers", "scim_callers"])
@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("*", "begins with user:, role: or host-role:"),
        ("ada@example.com", "begins with user:, role: or host-role:"),
        ("", "begins with user:, role: or host-role:"),
        ("User:ada", "begins with user:, role: or host-role:"),
        ("user:*", "there are no wildcards"),
        ("role:okta-*", "there are no wildcards"),
        ("host-role:*", "there are no wildcards"),
        ("user:", "the name is empty"),
        ("role:", "the name is empty"),
        ("role:^.+$", "Teleport accepts letters"),
        ("role:two words", "Teleport accepts letters"),
        ("host-role:proxy", "capital letter"),
        ("host-role:", "capital letter"),
        ("host-role:Proxy,Node", "capital letter"),
    ],
)
def test_an_empty_or_wildcard_entry_is_refused(key, entry, words):
    with pytest.raises(ConfigError, match=rf"serve\.{key}: number 2 matches no caller: .*{words}"):
        serve(**LISTENING, **{key: ["user:ada", entry]})


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"listen": "0.0.0.0:9443"}, "listen is set but certificate and key are not: gRPC needs TLS"),
        ({"listen": "0.0.0.0:9443", "key": "/tls/key.pem"}, "key is set but certificate is not"),
        ({"certificate": "/tls/cert.pem"}, "certificate is set but key is not"),
        ({"listen": "0.0.0.0:99999", **FILES}, "has no port up to 65535"),
        ({"listen": "9443", **FILES}, "listen"),
        ({**LISTENING, "key": "-----BEGIN PRIVATE KEY-----"}, "path of a file"),
    ],
)
def test_a_listener_needs_an_address_and_a_certificate(section, words):
    with pytest.raises(ConfigError, match=rf"serve.*{words}"):
        serve(**section)
