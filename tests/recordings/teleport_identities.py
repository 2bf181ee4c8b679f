"""Parse every genuine identity file below a folder: `python tests/recordings/teleport_identities.py DIR`.

Prints one line a file and exits 1 if one does not parse, or if there is none. Expired certificates are fine: reading
and dialling are separate.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from teleport_okta.teleport.identity import Identity, parse_identity
from teleport_okta.teleport.identity_errors import IdentityError

_PRIVATE_KEY = re.compile(rb"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----")
_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_LARGEST = 1024 * 1024


def check_identity_files(folder: Path) -> list[tuple[Path, Identity | IdentityError]]:
    """Return what every identity file below the folder holds, or why it cannot be read.

    A file counts as one if it holds a private key and a certificate, or is named after one.
    """
    results: list[tuple[Path, Identity | IdentityError]] = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        content = path.read_bytes()
        named = "identity" in path.name and path.suffix not in {".json", ".md", ".yaml"}
        if not named and not (_PRIVATE_KEY.search(content) and _CERTIFICATE in content):
            continue
        try:
            results.append((path, parse_identity(content, source=str(path))))
        except IdentityError as error:
            results.append((path, error))
    return results


def describe(path: Path, result: Identity | IdentityError) -> str:
    """Return the one line about a file."""
    if isinstance(result, IdentityError):
        return f"FAIL {path}: {result.what}"
    return (
        f"ok   {path}: {result.subject} of {result.cluster}, roles {', '.join(result.roles)}, "
        f"until {result.not_after:%Y-%m-%dT%H:%M:%SZ}, {len(result.ca_pems)} CA"
    )


def main(arguments: list[str]) -> int:
    """Check the folder that is named on the command line, and return the exit status."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: teleport_identities.py DIR\n")
        return 2
    results = check_identity_files(Path(arguments[0]))
    sys.stdout.writelines(f"{describe(path, result)}\n" for path, result in results)
    if not results:
        sys.stdout.write(f"FAIL {arguments[0]}: no identity file found\n")
    return 0 if results and not any(isinstance(result, IdentityError) for _, result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
