"""The configuration file: whether it is valid, and whether other users can read secrets."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Final

from teleport_okta.config import load, read_secret
from teleport_okta.doctor.findings import Section
from teleport_okta.errors import ConfigError
from teleport_okta.okta.private_key import read_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import SecretStr

    from teleport_okta.doctor.findings import Finding
    from teleport_okta.settings import Settings

HERE: Final = Section.CONFIGURATION

_OTHERS: Final = stat.S_IRWXO
_GROUP_AND_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def check_configuration(path: Path, environment: Mapping[str, str]) -> tuple[list[Finding], Settings | None]:
    """Read the file; returns no settings if it cannot be used."""
    try:
        settings = load(path, environment)
    except ConfigError as error:
        return [HERE.failed("file", error)], None
    valid = HERE.ok("file", f"{path}: every key is valid")
    return [valid, *_address(settings), *_secrets(path, settings)], settings


def _address(settings: Settings) -> Iterator[Finding]:
    if "addr" not in settings.teleport.model_fields_set:
        what = f"it is not set, so {settings.teleport.addr} is used"
        yield HERE.note("teleport.addr", what, "set it if the auth server runs on another machine")


def _secrets(path: Path, settings: Settings) -> Iterator[Finding]:
    secrets = {"okta.api_token": settings.okta.api_token, "scim.token_hash": settings.scim.token_hash}
    if settings.teleport.join_method == "token":
        secrets["teleport.join_token"] = settings.teleport.join_token
    for key, value in secrets.items():
        if value is not None:
            yield from _secret(path, key, value)
    if settings.okta.private_key is not None:
        yield from _private_key(settings.okta.private_key, settings.okta.private_key_id)


def _secret(path: Path, key: str, value: SecretStr) -> Iterator[Finding]:
    """Check a secret in a file of its own, or in the configuration."""
    text = value.get_secret_value()
    if text.startswith("/"):
        if key == "teleport.join_token":  # needed once; `identities` checks it while it is needed
            return
        try:
            read_secret(value, key=key)
        except ConfigError as error:
            yield HERE.failed(key, error)
            return
        yield _kept(key, type(path)(text), _OTHERS)
    elif text in path.read_text(encoding="utf-8"):
        yield _kept(key, path, _GROUP_AND_OTHERS)
    else:
        yield HERE.ok(key, "it comes from the environment")


def _private_key(path: Path, key_id: str | None) -> Iterator[Finding]:
    try:
        read_private_key(path, key_id)
    except ConfigError as error:
        yield HERE.failed("okta.private_key", error)
        return
    yield _kept("okta.private_key", path, _OTHERS)


def _kept(key: str, path: Path, forbidden: int) -> Finding:
    """Check that other users cannot access a file with a secret."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & forbidden:
        who = "everybody on this machine" if mode & _OTHERS else "the file's group"
        what = f"{path} contains the secret, and {who} can access it (mode {mode:04o})"
        return HERE.warning(key, what, f"chmod 0600 {path}, for the service's user")
    return HERE.ok(key, f"{path} (mode {mode:04o})")
