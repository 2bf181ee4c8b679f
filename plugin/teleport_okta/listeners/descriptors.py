"""Raises the limit of open files, so that it allows all connections of the listeners."""

from __future__ import annotations

import logging
import resource
from typing import Final

NEEDED: Final = 1024
"""All listeners at their limits need about 800, and everything else together less than 100."""

_log = logging.getLogger(__name__)


def ensure_descriptors(needed: int = NEEDED) -> None:
    """Raise this process's limit of open files as far as allowed, and log a warning if that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError) as error:  # a seccomp filter, or a kernel that allows less than the hard limit
        _log.warning("the limit of open files cannot be raised: %s", error)
        allowed = soft
    if allowed < needed:
        _log.warning(
            "this process may open %d files, but needs %d when many clients connect; raise the limit "
            "(LimitNOFILE= of systemd, --ulimit nofile= of a container engine)",
            allowed,
            needed,
        )
