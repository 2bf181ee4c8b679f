"""The trusted CAs: those of the system, and those of `okta.ca`."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final

from teleport_okta.okta.okta_errors import CaFileError

if TYPE_CHECKING:
    from pathlib import Path

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_BLOCK: Final = re.compile(rf"{_BEGIN}.*?-----END CERTIFICATE-----", re.DOTALL)


def tls_context(ca: Path) -> ssl.SSLContext:
    """Return a client's TLS settings that trust the CAs of a PEM file in addition to the system's.

    Raises CaFileError, which names the file and the problem, if any certificate in it is broken.
    """
    try:
        text = ca.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise _unusable(ca, "the file is not PEM text") from error
    except OSError as error:
        raise _unusable(ca, f"the file cannot be read: {error.strerror}") from error
    # Split here and not by `cryptography`, which ignores a block without an end, and does not say which one is damaged.
    blocks = _BLOCK.findall(text)
    if not text.strip():
        raise _unusable(ca, "the file is empty")
    if _BEGIN not in text:
        raise _unusable(ca, "the file contains no PEM certificate")
    if len(blocks) != text.count(_BEGIN):
        raise _unusable(ca, "the file is cut off: a certificate in it has no end")
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    for number, block in enumerate(blocks, start=1):
        try:
            context.load_verify_locations(cadata=block)
        except (ssl.SSLError, ValueError) as error:
            raise _unusable(ca, f"certificate {number} of {len(blocks)} in it is damaged") from error
    return context


def _unusable(ca: Path, problem: str) -> CaFileError:
    return CaFileError(f"okta.ca: {ca}: {problem}", remedy="give a PEM file with the certificates of the CAs to trust")
