"""PEM blocks as Teleport's own reader takes them: found by their armour, wherever they stand (RFC 7468)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")
_LINE_LENGTH: Final = 64


class PemError(ValueError):
    """A block is cut off or is not base64."""


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label, such as `CERTIFICATE`, and the whole block with LF line ends."""

    label: str
    pem: bytes


def pem_blocks(text: str) -> tuple[list[PemBlock], list[str]]:
    """Return the blocks of a text and the lines outside of them.

    Raises PemError when a block has no end, or its content is no base64: half a file is no file.
    """
    blocks: list[PemBlock] = []
    others: list[str] = []
    label: str | None = None
    body: list[str] = []
    for line in map(str.strip, text.splitlines()):
        begin = _BEGIN.fullmatch(line)
        if label is None:
            if begin is not None:
                label, body = begin[1], []
            elif line.startswith("-----BEGIN"):
                raise PemError("holds an invalid PEM block (its first line is cut off)")
            elif line:
                others.append(line)
        elif line == f"-----END {label}-----":
            blocks.append(PemBlock(label, _armour(label, body)))
            label = None
        elif line.startswith("-----"):
            break
        else:
            body.append(line)
    if label is not None:
        raise PemError(f"holds an invalid PEM block (a {label} that is cut off)")
    return blocks, others


def _armour(label: str, body: list[str]) -> bytes:
    try:
        content = base64.b64decode("".join(body), validate=True)
    except binascii.Error as error:
        raise PemError(f"holds an invalid PEM block (a {label} that is not base64)") from error
    encoded = base64.b64encode(content).decode()
    lines = [encoded[start : start + _LINE_LENGTH] for start in range(0, len(encoded), _LINE_LENGTH)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()
