"""Errors of wrong values name the expected type and the environment variable; lenient forms are accepted."""

from __future__ import annotations

import re

import pytest
from teleport_okta.config import load, parse
from teleport_okta.errors import ConfigError

OKTA = {"org_url": "https://example.okta.com", "api_token": "00secret", "app_id": "0oaAPP"}
PYDANTIC = re.compile(r"input should|valid tuple|string should|pydantic", re.IGNORECASE)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("teleport.example.com", "teleport.example.com:443"),
        ("https://teleport.example.com", "teleport.example.com:443"),
        ("https://teleport.example.com:3080/", "teleport.example.com:3080"),
        ("auth.example.com:3025", "auth.example.com:3025"),
        ("[2001:db8::1]", "[2001:db8::1]:443"),
        ("[2001:db8::1]:3025", "[2001:db8::1]:3025"),
    ],
)
def test_an_address_may_be_a_url_or_have_no_port(given, address):
    assert parse({"okta": OKTA, "teleport": {"addr": given}}).teleport.addr == address


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"teleport": {"addr": "http://t.example.com"}}, r"teleport\.addr: this begins with http://"),
        ({"teleport": {"addr": "https://t.example.com/web"}}, r"teleport\.addr: .* without a path"),
        ({"teleport": {"addr": "me@t.example.com:443"}}, r"teleport\.addr: .* user name"),
        ({"teleport": {"addr": "2001:db8::1"}}, r"teleport\.addr: .* in brackets"),
        ({"teleport": {"addr": ""}}, r"teleport\.addr: this must be an address"),
        ({"teleport": {"addr": "t.example.com:99999"}}, r"teleport\.addr: .* no port from 1 to 65535"),
        ({"scim": {"listen": "0.0.0.0:99999"}}, r"scim\.listen: .* no port up to 65535"),
        ({"teleport": {"ca_pins": ["sha256:1"]}}, r"teleport\.ca_pins: number 1 is not sha256"),
        ({"teleport": "t.example.com"}, r"teleport: this must be a section"),
        (
            {"addr": "t.example.com"},
            r"addr: there is no such key outside of the sections \(it belongs below \[teleport\]",
        ),
        ({"metrics": {"listen": "127.0.0.1:99999"}}, r"metrics\.listen: .* no port up to 65535"),
        ({"metrics": {"listen": "9184"}}, r"metrics\.listen: this must be an address"),
        ({"scim": {"plugin_name": "a b"}}, r"scim\.plugin_name: only letters, digits"),
        ({"sync": {"default_roles": "access"}}, r"sync\.default_roles: this must be a list"),
        ({"sync": {"default_roles": ["access", 1]}}, r"sync\.default_roles\.1: this must be a text"),
        ({"access_lists": {"default_owners": "ada"}}, r"default_owners: this must be a list"),
        ({"sync": {"local_users": "maybe"}}, r"sync\.local_users: this must be true or false"),
        ({"brake": {"floor": "many"}}, r"brake\.floor: this must be a whole number"),
        ({"brake": {"absent_ratio": "half"}}, r"brake\.absent_ratio: this must be a number"),
        ({"sync": {"interval": ["5m"]}}, r"sync\.interval: this must be a duration"),
        ({"teleport": {"identity": 7}}, r"teleport\.identity: this must be the path of a file"),
        ({"teleport": {"identity": "identity"}}, r"teleport\.identity: give an absolute path"),
        ({"storage": {"data_dir": "./data"}}, r"storage\.data_dir: give an absolute path"),
        ({"teleport": {"join_token": "secrets/token"}}, r"join_token: this looks like the path of a file"),
        ({"okta": {**OKTA, "api_token": "./token"}}, r"api_token: this looks like the path of a file"),
        ({"okta": {**OKTA, "api_token": "~/token"}}, r"api_token: this looks like the path of a file"),
        ({"okta": {**OKTA, "api_token": 7}}, r"okta\.api_token: this must be a text"),
    ],
)
def test_an_error_names_what_the_value_must_be(data, words):
    with pytest.raises(ConfigError, match=words) as caught:
        parse({"okta": OKTA, **data})
    assert not PYDANTIC.search(str(caught.value))


def test_a_bcrypt_hash_is_no_path():
    hashed = "$2b$12$abcdefghijklmnopqrstu./bcdefghijklmnopqrstuvwxyzabcdefg"
    assert parse({"okta": OKTA, "scim": {"token_hash": hashed}}).scim.token_hash.get_secret_value() == hashed


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "config.toml"
    file.write_text('[okta]\norg_url = "https://a.okta.com"\napp_id = "0oa"\napi_token = "00x"\n')
    return file


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("TELEPORT_OKTA__SYNK__INTERVAL", "5m", r"SYNK__INTERVAL in the environment.*did you mean sync"),
        ("TELEPORT_OKTA__SYNC__INTERVALL", "5m", r"SYNC__INTERVALL in the environment.*did you mean interval"),
        ("TELEPORT_OKTA__SYNC__INTERVAL", "soon", r"sync\.interval \(by TELEPORT_OKTA__SYNC__INTERVAL"),
        ("TELEPORT_OKTA__SYNC__DEFAULT_ROLES", "a", r"by TELEPORT_OKTA__SYNC__DEFAULT_ROLES .* a list"),
        ("TELEPORT_OKTA__SYNC", "x", r"TELEPORT_OKTA__SYNC names no key"),
        ("TELEPORT_OKTA_SYNC_INTERVAL", "5m", r"TELEPORT_OKTA_SYNC_INTERVAL sets nothing"),
        ("TELEPORT_OKTA_SYNC__INTERVAL", "5m", r"write TELEPORT_OKTA__SYNC__INTERVAL"),
        (
            "teleport_okta__sync__interval",
            "5m",
            r"teleport_okta__sync__interval sets nothing.*TELEPORT_OKTA__SYNC__INT",
        ),
        ("TELEPORT_OKTA_CONF", "/x", r"TELEPORT_OKTA_CONF sets nothing.*write TELEPORT_OKTA_CONFIG,"),
        ("TELEPORT_OKTA_CONFIG_FILE", "/x", r"write TELEPORT_OKTA_CONFIG,"),
    ],
)
def test_a_mistyped_environment_variable_is_named(path, variable, value, words):
    with pytest.raises(ConfigError) as caught:
        load(path, {variable: value})
    assert re.search(words, str(caught.value))


def test_an_error_of_the_file_names_no_variable(path):
    path.write_text(path.read_text() + "[sync]\ninterval = 'soon'\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {"TELEPORT_OKTA__SYNC__CONNECTOR": "okta"})
    assert "environment" not in str(caught.value)


def test_variables_that_kubernetes_sets_for_a_service_are_accepted(path):
    names = ("SERVICE_HOST", "SERVICE_PORT", "PORT", "PORT_8443_TCP", "SCIM_SERVICE_PORT_LISTEN", "METRICS_PORT")
    load(path, {f"TELEPORT_OKTA_{name}": "1" for name in names} | {"TELEPORT_OKTA_CONFIG": "/x"})
