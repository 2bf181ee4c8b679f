"""The paths of both sandboxes' control interfaces."""

from __future__ import annotations


def with_and_without_slash(path: str) -> tuple[str, ...]:
    """Return the forms of a path that are answered: `/users` and `/users/`; the root has one."""
    return (path,) if path.endswith("/") else (path, path + "/")
