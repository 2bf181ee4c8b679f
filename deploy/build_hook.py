"""Writes the revision of the source into the wheel and the source archive, for `teleport-okta --version`.

The build runs it (`pyproject.toml`). The revision is that of the checkout, or of `TELEPORT_OKTA_REVISION` where the
source has no `.git`, as in an image. A source archive contains it for the wheel that is built from that.
"""

from __future__ import annotations

import os
import runpy
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class RevisionHook(BuildHookInterface[BuilderConfig]):
    """Adds the file that `teleport_okta.revision` reads."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file; an editable installation has none, because its checkout changes."""
        package = Path(self.root) / "plugin" / "teleport_okta"
        if version == "editable" or (package / "_revision").exists():
            return
        # The module alone: a build has none of the dependencies of the package.
        source_revision = runpy.run_path(str(package / "revision.py"))["source_revision"]
        revision = os.environ.get("TELEPORT_OKTA_REVISION") or source_revision(package)
        self._directory = tempfile.TemporaryDirectory()
        written = Path(self._directory.name) / "_revision"
        written.write_text(f"{revision}\n", encoding="utf-8")
        inside = "teleport_okta/_revision" if self.target_name == "wheel" else "plugin/teleport_okta/_revision"
        build_data["force_include"][str(written)] = inside

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Delete the file, which is in the artifact now."""
        if hasattr(self, "_directory"):
            self._directory.cleanup()
