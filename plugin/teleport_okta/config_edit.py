"""Changes keys of the configuration file; comments, order and all other keys stay as they are."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from teleport_okta.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomlkit import TOMLDocument

_ONLY_OWNER: Final = 0o600


class UnwritableFileError(ConfigError):
    """The configuration file cannot be written. Give this user access to it, or change it by hand as `lines` say."""

    def __init__(self, what: str, *, lines: tuple[str, ...]) -> None:
        super().__init__(what, remedy="let this user write the file and its directory, or change it by hand:")
        self.lines = lines


def edited(text: str, changes: Mapping[str, Mapping[str, object]], *, source: str) -> str:
    """Return the text with these keys set, by section; a value of None removes the key.

    Raises ConfigError, which names `source`, if the text is not TOML, or a section is not a table.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        what = f"{source}: not valid TOML: {error}"
        raise ConfigError(what, remedy="correct that line") from error
    for section, values in changes.items():
        _edit_section(document, section, values, source)
    return tomlkit.dumps(document)


def _edit_section(document: TOMLDocument, section: str, values: Mapping[str, object], source: str) -> None:
    table = document.get(section)
    if table is None:
        if all(value is None for value in values.values()):
            return
        table = tomlkit.table()
        document[section] = table
    if not isinstance(table, Table):
        what = f"{source}: {section} is not a section"
        raise ConfigError(what, remedy=f"write [{section}] on a line of its own, and its keys below")
    for key, value in values.items():
        if value is None:
            table.pop(key, None)
        elif table.get(key) != value:
            table[key] = value


def write_config(path: Path, changes: Mapping[str, Mapping[str, object]]) -> bool:
    """Set these keys in a file, and return whether it changed. A new file is readable by its owner only.

    The file is replaced as a whole: if the disk is full, the old one stays. Raises ConfigError, and UnwritableFileError
    with the lines to write by hand.
    """
    return _write(path, changes, Path.replace)


def check_writable(path: Path, changes: Mapping[str, Mapping[str, object]]) -> bool:
    """Do all of `write_config` but the last step, so that the file stays. Returns and raises the same."""
    return _write(path, changes, lambda new, _path: new.unlink())


def _write(path: Path, changes: Mapping[str, Mapping[str, object]], finish: Callable[[Path, Path], object]) -> bool:
    before = read_config(path)
    after = edited(before or "", changes, source=str(path))
    if after == before:
        return False
    try:
        _replace(path, after, finish)
    except OSError as error:
        what = f"{path}: the configuration file cannot be written: {error.strerror}"
        raise UnwritableFileError(what, lines=lines_of(changes, before or "")) from error
    return True


def lines_of(changes: Mapping[str, Mapping[str, object]], before: str = "") -> tuple[str, ...]:
    """Return the changes of a text as lines of TOML, to be copied by a person; keys to remove are in comments."""
    present = tomlkit.parse(before)
    lines: list[str] = []
    for section, values in changes.items():
        wanted = {key: value for key, value in values.items() if value is not None}
        if wanted:
            lines += tomlkit.dumps({section: wanted}).splitlines()
        lines += [f"# remove {section}.{key}" for key in values.keys() - wanted if key in present.get(section, {})]
    return tuple(lines)


def read_config(path: Path) -> str | None:
    """Return the text of a configuration file; None if there is none. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        what = f"{path}: the configuration file cannot be read: {reason}"
        raise ConfigError(what, remedy="check its path and permissions") from error


def _replace(path: Path, text: str, finish: Callable[[Path, Path], object]) -> None:
    """Write a new file with the owner and mode of a file, and `finish` with both. Raises OSError."""
    target = path.resolve()
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # Before the rename: the file must never have its name without its owner and mode.
        _copy_owner_and_mode(Path(name), target)
        finish(Path(name), target)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _copy_owner_and_mode(new: Path, old: Path) -> None:
    """Give a file the mode and the owner of the file that it replaces."""
    try:
        found = old.stat()
    except FileNotFoundError:
        new.chmod(_ONLY_OWNER)
        return
    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(new, found.st_uid, found.st_gid)
    new.chmod(found.st_mode & 0o777)
