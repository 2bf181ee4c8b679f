"""The configuration: every wrong key is named, with the remedy."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from teleport_okta.config import load, parse, read_secret
from teleport_okta.config_example import example
from teleport_okta.errors import ConfigError

OKTA = {"org_url": "https://example.okta.com", "api_token": "00secret", "app_id": "0oaAPP"}


def test_the_smallest_configuration_is_enough():
    settings = parse({"okta": OKTA})
    assert settings.sync.interval == timedelta(minutes=10)
    assert settings.teleport.addr == "localhost:3025"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"okta": {**OKTA, "apptoken": 1}}, r"okta\.apptoken: there is no such key"),
        ({"okta": OKTA, "sync": {"intervall": "5m"}}, r"sync\.intervall.*did you mean interval\?"),
        ({"okta": OKTA, "snyc": {}}, r"snyc: there is no such key \(did you mean sync\?\)"),
        ({"okta": OKTA, "sync": {"interval": "soon"}}, r"sync\.interval: this is not a duration"),
        ({"okta": OKTA, "sync": {"interval": "0s"}}, r"sync\.interval"),
        ({"okta": OKTA, "teleport": {"addr": "now here"}}, r"teleport\.addr"),
        ({"okta": OKTA, "teleport": {"ca_pins": ["x"]}}, r"ca_pins: number 1 is not sha256:"),
        ({"okta": {**OKTA, "client_id": "0oa"}}, r"either api_token, or client_id"),
        ({"okta": {"org_url": OKTA["org_url"], "app_id": "0oa"}}, r"okta: no credential"),
        ({"okta": {"org_url": OKTA["org_url"], "app_id": "0oa", "client_id": "0oa"}}, r"private_key is not"),
        ({"okta": {key: OKTA[key] for key in ("org_url", "api_token")}}, r"okta\.app_id is not set"),
        ({"okta": {"api_token": "x", "app_id": "0oa"}}, r"okta\.org_url: this key is required"),
        ({"okta": {**OKTA, "rate_limit_share": 0}}, r"okta\.rate_limit_share"),
        ({}, r"okta: this key is required"),
    ],
)
def test_a_wrong_key_is_named(data, words):
    with pytest.raises(ConfigError, match=words):
        parse(data)


def test_errors_and_representations_contain_no_secret():
    with pytest.raises(ConfigError) as caught:
        parse({"okta": {**OKTA, "api_token": ["00secret"]}})
    assert "00secret" not in str(caught.value)
    assert "00secret" not in repr(parse({"okta": OKTA}))


def test_the_error_of_a_missing_file_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(ConfigError, match="configure >"):
        load(tmp_path / "none.toml")


def test_broken_toml_names_the_line(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("[okta\n")
    with pytest.raises(ConfigError, match="line 1"):
        load(path)


def test_the_environment_overrides_the_file(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('[okta]\norg_url = "https://a.okta.com"\napp_id = "0oa"\n')
    environment = {
        "TELEPORT_OKTA__OKTA__API_TOKEN": "00secret",
        "TELEPORT_OKTA__SYNC__INTERVAL": "90s",
        "TELEPORT_OKTA__SYNC__DEFAULT_ROLES": '["a", "b"]',
        "TELEPORT_OKTA__SYNC__LOCAL_USERS": "true",
    }
    settings = load(path, environment)
    assert settings.okta.api_token.get_secret_value() == "00secret"
    assert settings.sync.interval == timedelta(seconds=90)
    assert settings.sync.default_roles == ("a", "b")
    assert settings.sync.local_users is True


def test_a_secret_may_be_a_file(tmp_path):
    path = tmp_path / "token"
    path.write_text("00secret\n")
    assert read_secret(SecretStr(str(path)), key="okta.api_token") == "00secret"
    assert read_secret(SecretStr("00literal"), key="okta.api_token") == "00literal"


@pytest.mark.parametrize("content", [None, "", b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=r"okta\.api_token: the file .*token"):
        read_secret(SecretStr(str(path)), key="okta.api_token")


def test_the_example_is_valid_once_filled_in():
    settings = parse(tomllib.loads(example()))
    assert settings.okta.client_id == "0oaEXAMPLE"


def test_every_commented_key_of_the_example_is_valid_too():
    text = re.sub(r"^# (\w+ = )", r"\1", example(), flags=re.MULTILINE)
    data = tomllib.loads("\n".join(line for line in text.splitlines() if " = null" not in line))
    del data["okta"]["api_token"]
    del data["plugin"]["name"]
    parse(data)
    assert " = null" not in example()


def test_the_documentation_shows_the_example_as_it_is():
    page = Path(__file__).parents[3] / "docs" / "configuration.md"
    assert f"```toml\n{example().rstrip()}\n```" in page.read_text()
