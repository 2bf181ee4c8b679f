"""Canaries: the secrets that the product handles, and a detector that finds them wherever they turn up.

A canary is found as it is, and in the forms that it takes in other text: base64 at each of its three alignments, in
both alphabets, and percent-encoded. Of a long one any piece is found that has 24 characters in a row, since messages
shorten what they quote.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from teleport_okta.okta.dpop import Possession
from teleport_okta.okta.transport import HttpTransport
from teleport_okta.teleport.host_keys import HostKeys

if TYPE_CHECKING:
    from pathlib import Path

PIECE, STRIDE = 16, 8
"""Characters of a piece of a canary, and between the beginnings of two windows of a text: 24 in a row hold a window."""

_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s(.*?)-----END", re.DOTALL)


class Canaries:
    """Secrets by what they are, and the search for them."""

    def __init__(self):
        self._secrets = {}
        self._pieces = {}
        self._short = {}

    def add(self, what, secret):
        """Watch out for a secret; `what` names it in findings."""
        text = secret.decode() if isinstance(secret, bytes) else str(secret)
        if not text or self._secrets.get(text):
            return
        self._secrets[text] = what
        for form in _forms(text):
            if len(form) < PIECE + STRIDE:
                self._short.setdefault(form, what)
                continue
            for start in range(len(form) - PIECE + 1):
                self._pieces.setdefault(form[start : start + PIECE], what)

    def add_key(self, what, pem):
        """Watch out for the lines of the private keys in a PEM text, which may hold other blocks too."""
        text = pem.decode() if isinstance(pem, bytes) else pem
        for body in _KEY_BLOCK.findall(text):
            for line in body.split():
                self.add(what, line)

    def add_jwt(self, what, token):
        """Watch out for a JWT's claims and signature; its header is public, and the same in many."""
        for part in token.split(".")[1:] or [token]:
            self.add(what, part)

    @property
    def kinds(self):
        """What is watched out for."""
        return set(self._secrets.values())

    def found_in(self, text):
        """Return which of the secrets occur in a text, or in bytes of any kind."""
        content = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        windows = (content[start : start + PIECE] for start in range(0, len(content) - PIECE + 1, STRIDE))
        found = {self._pieces[window] for window in windows if window in self._pieces}
        return found | {what for short, what in self._short.items() if short in content}

    def follow(self, monkeypatch):
        """Watch out for every secret that the product makes or sends from now on, whichever call it is for."""
        send, generate, possess = HttpTransport.send, HostKeys.generate, Possession.__init__

        async def sent(transport, request):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            if token:
                self.add_jwt("API token" if scheme == "SSWS" else f"{scheme} token", token)
            if "DPoP" in request.headers:
                self.add_jwt("DPoP proof", request.headers["DPoP"])
            if request.form:
                self.add_jwt("assertion", request.form["client_assertion"])
            return await send(transport, request)

        def generated(*_):
            keys = generate()
            self.add_key("host key", keys.private_pem)
            return keys

        def possessed(possession, rng):
            possess(possession, rng)
            self.add("DPoP key", possession._key.as_dict(private=True)["d"])

        monkeypatch.setattr(HttpTransport, "send", sent)
        monkeypatch.setattr(HostKeys, "generate", generated)
        monkeypatch.setattr(Possession, "__init__", possessed)


def durable(data_dir: Path):
    """Return what a process has written to its data directory, but for the files whose purpose is to hold the key."""
    return {
        path.relative_to(data_dir): path.read_bytes()
        for path in sorted(data_dir.rglob("*"))
        if path.is_file() and "host" not in path.relative_to(data_dir).parts[:-1]
    }


def _forms(text):
    """The text itself, and what becomes of it in encodings that surround it with other text."""
    yield text
    yield quote(text, safe="")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + text.encode()).decode().rstrip("=")
        inner = encoded[4 if offset else 0 : len(encoded) - 2]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))
