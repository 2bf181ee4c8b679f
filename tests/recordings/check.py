"""Parse whatever genuine material lies below a folder: `make recordings DIR=…`.

Recorded Okta answers (IdP metadata too), System Log events and Teleport identity files are told apart by content;
other files are passed over. One line a file, and one an event; exit status 1 where one does not parse or loses
something, or where there is none of these kinds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import okta_log_events
import okta_recordings
import saml_metadata
import teleport_identities
from teleport_okta.teleport.identity_errors import IdentityError


def is_recording(path: Path) -> bool:
    """Whether a file holds a list of exchanges."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, list) and all(isinstance(entry, dict) and "method" in entry for entry in content)


def main(arguments: list[str]) -> int:
    """Check everything below the folder that is given."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        sys.stderr.write("usage: check.py DIR, an existing folder\n")
        return 2
    folder = Path(arguments[0])
    recordings = [path for path in sorted(folder.rglob("*.json")) if is_recording(path)]
    events = [path for path in sorted(folder.rglob("*.json")) if okta_log_events.events_of(path)]
    identities = teleport_identities.check_identity_files(folder)
    if not recordings and not events and not identities:
        sys.stderr.write(f"{folder}: there are no recorded answers, no log events and no identity files here\n")
        return 1
    checked = [okta_recordings.check(path) for path in recordings]
    sys.stdout.writelines(f"{line}\n" for line, _ in checked)
    of_saml = [saml_metadata.check(path) for path in recordings if saml_metadata.documents_of(path)]
    sys.stdout.writelines(f"{line}\n" for line, _ in of_saml)
    of_log = [okta_log_events.check(path) for path in events]
    sys.stdout.writelines(f"{line}\n" for result in of_log for line in result.lines)
    sys.stdout.writelines(f"{teleport_identities.describe(path, result)}\n" for path, result in identities)
    refused = any(isinstance(result, IdentityError) for _, result in identities)
    fine = all(fine for _, fine in (*checked, *of_saml)) and all(result.fine for result in of_log)
    return 0 if fine and not refused else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
