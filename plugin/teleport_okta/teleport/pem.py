"""Splits a file into PEM blocks and the lines between them; `cryptography` reads the blocks (RFC 7468).

Its own readers of a whole file are not enough for an identity file. They ignore a last block without an end, so a file
that was cut off would lack a CA without an error. They also hide the order, which decides what each block is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_BEGIN: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----")


class PemError(ValueError):
    """A block is cut off."""


@dataclass(frozen=True, slots=True)
class PemBlock:
    """One block: its label, such as `CERTIFICATE`, and its text with LF line ends. The content is not checked."""

    label: str
    pem: bytes


def pem_blocks(text: str) -> tuple[list[PemBlock], list[str]]:
    """Return the blocks of a text and the lines outside of them. Raises PemError if a block has no beginning or end."""
    blocks: list[PemBlock] = []
    others: list[str] = []
    label: str | None = None
    block: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if label is None:
            begin = _BEGIN.fullmatch(line)
            if begin is not None:
                label, block = begin[1], [line]
            elif line.startswith("-----BEGIN"):
                raise PemError("holds an invalid PEM block (its first line is cut off)")
            elif line:
                others.append(line)
        elif line == f"-----END {label}-----":
            blocks.append(PemBlock(label, "\n".join([*block, line, ""]).encode()))
            label = None
        elif line.startswith("-----"):
            break
        else:
            block.append(line)
    if label is not None:
        raise PemError(f"holds an invalid PEM block (a {label} that is cut off)")
    return blocks, others
