"""Secrets in the configuration: their sources, and that an error never shows a secret at a wrong key."""

from __future__ import annotations

import random
import traceback

import click
import pytest
from canaries import Canaries
from pydantic import SecretStr
from teleport_okta.cli.root import cli
from teleport_okta.clock import VirtualClock
from teleport_okta.config import load, parse, read_secret
from teleport_okta.errors import ConfigError, TeleportOktaError
from teleport_okta.okta.client_from_settings import client_of
from teleport_okta.settings import Settings
from teleport_okta.teleport.identity import load_identity
from teleport_okta.teleport.proxy.web import web_context

TOKEN = "00canaryTokenAtTheWrongKey-Qx7Lp2Vn9Zk4"
PEM = "-----BEGIN PRIVATE KEY-----\ncanaryLineOfAKeyAtTheWrongKeyQx7Lp2Vn9Zk4==\n-----END PRIVATE KEY-----\n"
JWK = '{"kty": "EC", "crv": "P-256", "d": "canaryNumberAtTheWrongKey-Qx7Lp2Vn9Zk4"}'
PROXY = "https://ada:canaryPasswordAtTheWrongKey-Qx7Lp2@example.okta.com/"

WORDS_FOR_SECRETS = ("token", "secret", "password", "key", "credential", "assertion")


def keys():
    """Every key of the configuration, with its type."""
    for section, field in Settings.model_fields.items():
        model = field.annotation
        for key, details in model.model_fields.items():
            yield section, key, details.annotation


ALL_KEYS = [(section, key) for section, key, _ in keys()]
PATHS = [(section, key) for section, key, kind in keys() if "Path" in str(kind)]
SECRET_KEYS = [(section, key) for section, key, kind in keys() if "SecretStr" in str(kind)]


@pytest.fixture
def canaries():
    canaries = Canaries()
    for secret in (TOKEN, "canaryNumberAtTheWrongKey-Qx7Lp2Vn9Zk4", "canaryPasswordAtTheWrongKey-Qx7Lp2"):
        canaries.add("the secret", secret)
    canaries.add_key("the secret", PEM)
    return canaries


def configuration(section="", key="", value=None):
    """The smallest configuration, and one key beside."""
    sections = {"okta": {"org_url": "https://example.okta.com", "app_id": "0oaAPP", "api_token": "00other"}}
    if key == "private_key":
        sections["okta"] = {**sections["okta"], "client_id": "0oaCLIENT"}
        del sections["okta"]["api_token"]
    if key:
        sections[section] = {**sections.get(section, {}), key: value}
    return sections


def use(settings):
    """Use what a configuration names, as far as nothing is sent."""
    client_of(settings.okta, clock=VirtualClock(), rng=random.Random(1), environment={})
    if settings.teleport.identity is not None:
        load_identity(settings.teleport.identity)
    if settings.teleport.proxy_ca is not None:
        web_context(settings.teleport.addr, settings.teleport.proxy_ca)


def refusal_of(where, secret):
    """What is raised for a configuration with this value at this key; None when nothing is."""
    try:
        use(parse(configuration(*where.split("."), secret)))
    except TeleportOktaError as error:
        return error
    return None


MISPLACED = [
    (f"{section}.{key}", secret)
    for section, key in ALL_KEYS
    for secret in (TOKEN, PEM, JWK, PROXY, [TOKEN])
    if not (secret == TOKEN and (section, key) in PATHS)
]
"""Of the keys of files a bare word is left out: it is a path, which an error about the file must name."""


@pytest.mark.parametrize(("where", "secret"), MISPLACED)
def test_a_secret_at_the_wrong_key_is_not_shown(canaries, where, secret):
    error = refusal_of(where, secret)
    if error is not None:
        assert where.partition(".")[2] in str(error)
        assert not canaries.found_in("".join(traceback.format_exception(error)) + repr(error) + error.remedy)


@pytest.mark.parametrize("where", PATHS, ids=".".join)
@pytest.mark.parametrize("secret", [PEM, JWK])
def test_the_content_of_a_file_is_refused_instead_of_its_path(where, secret):
    assert "this must be the path of a file" in str(refusal_of(".".join(where), secret))


@pytest.mark.parametrize(
    "text", [f"[okta]\napi_token = {TOKEN}", f"[okta]\napi_token = '{TOKEN}", f"[okta\n'{TOKEN}'", f'x = "{TOKEN}\\q"']
)
def test_broken_toml_is_not_shown(canaries, tmp_path, text):
    path = tmp_path / "teleport-okta.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert not canaries.found_in("".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("where", SECRET_KEYS, ids=".".join)
def test_every_secret_may_come_from_the_environment_or_from_a_file(tmp_path, where):
    section, key = where
    path = tmp_path / "teleport-okta.toml"
    path.write_text('[okta]\norg_url = "https://example.okta.com"\napp_id = "0oaAPP"\napi_token = "00other"\n')
    file = tmp_path / "secret"
    file.write_text(f"{TOKEN}\n")
    for value in (TOKEN, str(file)):
        settings = load(path, {f"TELEPORT_OKTA__{section}__{key}".upper(): value})
        secret = getattr(getattr(settings, section), key)
        assert isinstance(secret, SecretStr)
        assert read_secret(secret, key=f"{section}.{key}") == TOKEN


def test_a_key_named_like_a_secret_has_a_secret_type_or_the_path_of_a_file():
    named = {
        (section, key): str(kind) for section, key, kind in keys() if any(word in key for word in WORDS_FOR_SECRETS)
    }
    bare = {where for where, kind in named.items() if "SecretStr" not in kind and "Path" not in kind}
    assert set(SECRET_KEYS) == {("okta", "api_token"), ("teleport", "join_token"), ("scim", "token_hash")}
    assert bare == {("okta", "private_key_id")}


def commands(group, *path):
    """Every command, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield (*path, name), command


def test_no_command_takes_a_secret():
    taken = {
        (*words, parameter.name)
        for words, command in commands(cli)
        for parameter in command.params
        if any(word in (parameter.name or "") for word in WORDS_FOR_SECRETS)
        and not isinstance(parameter.type, click.Path)
    }
    assert len(list(commands(cli))) >= 20
    assert taken == set()


WRAPPED = [
    "00abc-DEF_9",
    " 00abc-DEF_9 \r\n",
    "\ufeff00abc-DEF_9\n",
    "SSWS 00abc-DEF_9",
    "ssws  00abc-DEF_9\n",
    '"00abc-DEF_9"\n',
    "'00abc-DEF_9'",
    '"SSWS 00abc-DEF_9"',
    "00abc-DEF_9\\n",
    '"00abc-DEF_9\\r\\n"',
    '\ufeff"SSWS 00abc-DEF_9\\n"\n',
]


@pytest.mark.parametrize("wrapped", WRAPPED)
def test_a_secret_is_read_without_the_characters_around_it(tmp_path, wrapped):
    file = tmp_path / "token"
    file.write_text(wrapped)
    assert read_secret(SecretStr(wrapped), key="okta.api_token") == "00abc-DEF_9"
    assert read_secret(SecretStr(str(file)), key="okta.api_token") == "00abc-DEF_9"


def test_a_secret_in_utf_16_is_refused_with_the_reason(tmp_path):
    (tmp_path / "token").write_text("00abc", encoding="utf-16")
    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8 text"):
        read_secret(SecretStr(str(tmp_path / "token")), key="okta.api_token")
