"""The limit of open files, which must have room for every connection that the listeners take."""

from __future__ import annotations

import logging
import resource
from typing import Final

NEEDED: Final = 1024
"""All listeners at their limits take about 800, and everything else together less than a hundred."""

_log = logging.getLogger(__name__)


def ensure_descriptors(needed: int = NEEDED) -> None:
    """Raise this process's limit of open files as far as it is allowed, and warn where that is not enough."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError) as error:  # a seccomp filter, or a kernel that allows less than the hard limit says
        _log.warning("the limit of open files cannot be raised: %s", error)
        allowed = soft
    if allowed < needed:
        _log.warning(
            "this process may have %d files open, and %d are needed when many clients connect; raise the limit "
            "(LimitNOFILE= of systemd, --ulimit nofile= of a container engine)",
            allowed,
            needed,
        )
